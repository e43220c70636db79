#include "api/v1_schema.h"

#include <algorithm>

#include "api/policy.h"
#include "api/v1_kinds.h"
#include "api/v1_operations.h"
#include "api/v1_parameters.h"
#include "api/v1_projection.h"
#include "model/registry.h"

namespace weir::api {
namespace {

using model::FieldDescription;
using model::Kind;

struct Effects {
  std::string_view create;
  std::string_view update;
};

Json parameter_json(std::string_view name, std::string_view sentence, const Effects& effects) {
  return Json::object({{"name", name},
                       {"sentence", sentence},
                       {"create", effects.create},
                       {"update", effects.update}});
}

/// What an absent one means in a create.
void add_default(const V1Kind& kind, const FieldDescription& field, Json& json) {
  const auto own = std::ranges::find(kind.defaults, field.name, &V1Default::field);
  if (own != kind.defaults.end()) {
    json["default"] = Json(own->value);
  } else if (field.options.is_required) {
    json["isRequired"] = Json(true);
  } else if (!field.options.omits_empty && !field.default_value.is_null() &&
             (field.is_list || field.type != "object")) {
    json["default"] = field.default_value;
  }
}

/// A field of the spec under the name it has here; the native name leads to the rest of it.
Json field_parameter(const V1Kind& kind, const FieldDescription& field) {
  const std::string& name = field.v1_name.empty() ? field.name : field.v1_name;
  const bool is_later = field.options.is_not_yet;
  const std::string_view taken = is_later ? kIsLater : kTakesEffect;
  Json json =
      parameter_json(name, field.sentence, {taken, is_updated(kind, field) ? taken : kIsIgnored});
  json["field"] = Json(field.name);
  add_default(kind, field, json);
  return json;
}

void add_others(const V1Kind& kind, Json& parameters) {
  for (const auto& [parameter, create, update] : v1_kind_parameters(kind)) {
    const auto later = std::ranges::find(kind.later, parameter.name, &V1Later::key);
    const bool has_word = later != kind.later.end() && !later->accepted.empty();
    const std::string sentence(has_word ? std::string(later->accepted) + " is accepted"
                                        : std::string(parameter.sentence));
    parameters.push_back(parameter_json(parameter.name, sentence, {create, update}));
  }
}

Json parameters_of(const V1Kind& kind) {
  Json parameters = Json::array();
  const bool is_renamed = !kind.renamed_by.empty();
  Json name = parameter_json(kind.name_key(), "its name",
                             {kTakesEffect, is_renamed ? kIsIgnored : kTakesEffect});
  name["isRequired"] = Json(true);
  parameters.push_back(std::move(name));
  if (is_renamed) {
    parameters.push_back(
        parameter_json(kind.renamed_by, "its new name", {kIsIgnored, kTakesEffect}));
  }
  for (const FieldDescription& field : model::description_of(kind.kind).spec) {
    if (is_taken(kind, field)) parameters.push_back(field_parameter(kind, field));
  }
  add_others(kind, parameters);
  return parameters;
}

Json filters_json(std::span<const V1Filter> filters) {
  Json list = Json::array();
  for (const V1Filter& known : filters) {
    Json filter = Json::object({{"name", known.filter.name}, {"path", known.path}});
    if (known.is_fuzzy || known.filter.takes_like) filter["isPartial"] = Json(true);
    list.push_back(std::move(filter));
  }
  return list;
}

/// What a parameter is, in words; those that must be given say so.
std::string sentence_of(const V1Parameter& parameter) {
  const std::string sentence(parameter.sentence);
  return parameter.is_required ? sentence + ", required" : sentence;
}

Json own_parameters_json(std::string_view action) {
  Json list = Json::array();
  for (const V1Parameter& parameter : v1_own_parameters(action)) {
    list.push_back(Json::object({{"name", parameter.name},
                                 {"sentence", sentence_of(parameter)},
                                 {"effect", parameter.effect}}));
  }
  return list;
}

Json operation_json(const V1Operation& operation) {
  Json json = Json::object({{"action", operation.action},
                            {"method", operation.method},
                            {"path", v1_path(operation)},
                            {"role", least_role(rule_of(operation.call).right)},
                            {"countedAs", operation.counted_as}});
  const bool is_later =
      operation.call == V1Call::kLater || operation.call == V1Call::kRebootInstance;
  if (is_later) json["effect"] = Json(kIsLater);
  Json own = own_parameters_json(operation.action);
  if (!own.as_array().empty()) json["parameters"] = std::move(own);
  return json;
}

}  // namespace

Json v1_schema_json() {
  Json operations = Json::array();
  Json collections = Json::array();
  for (const V1Operation& operation : v1_operations()) {
    operations.push_back(operation_json(operation));
    const V1Kind* kind = find_v1_kind(operation.collection);
    if (operation.call != V1Call::kList || kind == nullptr) continue;
    Json collection = Json::object({{"name", kind->collection},
                                    {"item", kind->item},
                                    {"kind", model::kind_name(kind->kind)},
                                    {"filters", filters_json(kind->filters)}});
    // Bodies of these have a form of their own, in their operations.
    const bool is_own = kind->kind == Kind::kInstance || kind->kind == Kind::kElasticIp;
    if (!is_own) collection["parameters"] = parameters_of(*kind);
    collections.push_back(std::move(collection));
  }
  return Json::object({{"collections", std::move(collections)},
                       {"targetFilters", filters_json(v1_target_filters())},
                       {"operations", std::move(operations)}});
}

}  // namespace weir::api
