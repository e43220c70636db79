// The field tables as JSON: what clients build forms and flags from.
#include "api/native_face.h"
#include "api/people_face.h"
#include "api/policy.h"
#include "api/status_fields.h"

namespace weir::api {
namespace {

Json words_json(const auto& words) {
  Json list = Json::array();
  for (const auto& word : words) list.push_back(Json(word));
  return list;
}

Json fields_json(const std::vector<model::FieldDescription>& fields);

/// The words whose bits are set; empty when all are.
Json set_words(std::span<const std::string_view> words, unsigned bits) {
  Json list = Json::array();
  for (std::size_t i = 0; i < words.size(); ++i) {
    if ((bits >> i & 1u) != 0) list.push_back(Json(words[i]));
  }
  return list.as_array().size() == words.size() ? Json::array() : list;
}

std::string_view rule_name(model::TextRule rule) {
  using enum model::TextRule;
  switch (rule) {
    case kName:
      return "name";
    case kAddress:
      return "address";
    case kPrefix:
      return "prefix";
    case kDomain:
      return "domain";
    case kHttpPath:
      return "httpPath";
    case kHttpCodes:
      return "httpCodes";
    case kServerName:
      return "serverName";
    case kTime:
      return "time";
    case kNone:
    case kDescription:
      return "";
  }
  return "";
}

void add_limits(const model::FieldDescription& field, Json& json) {
  const model::FieldOptions& options = field.options;
  if (options.min) json["min"] = Json(*options.min);
  if (options.max) json["max"] = Json(*options.max);
  if (field.is_list) {
    json["itemsMin"] = Json(options.items_min);
    json["itemsMax"] = Json(options.items_max);
  }
  if (field.type != "string" || !field.choices.empty()) return;
  json["charactersMax"] = Json(options.characters_max);
  const std::string_view rule = rule_name(options.text);
  if (!rule.empty()) json["text"] = Json(rule);
}

/// Only what says something: a member that is absent is false or unbounded.
Json field_json(const model::FieldDescription& field) {
  const model::FieldOptions& options = field.options;
  Json json = Json::object({{"name", field.name}, {"type", field.type}});
  json["sentence"] = Json(field.sentence);
  const auto flag = [&json](const char* name, bool value) {
    if (value) json[name] = Json(true);
  };
  flag("isList", field.is_list);
  flag("isRequired", options.is_required);
  flag("isImmutable", options.is_immutable);
  flag("isOutput", options.is_output);
  flag("isSettable", options.is_settable);
  flag("isNotSupportedYet", options.is_not_yet);
  flag("isUpdateOnly", options.is_update_only);
  flag("isKept", options.is_kept);
  flag("isNativeOnly", options.is_native_only);
  if (!field.default_value.is_null()) json["default"] = field.default_value;
  add_limits(field, json);
  const auto add_words = [&json](const char* name, Json list) {
    if (!list.as_array().empty()) json[name] = std::move(list);
  };
  add_words("onlyOn", set_words(model::kLoadBalancerTypeWords, options.types));
  add_words("onlyWith", set_words(model::kProtocolWords, options.protocols));
  if (!field.choices.empty()) json["choices"] = words_json(field.choices);
  if (!field.later.empty()) json["later"] = words_json(field.later);
  if (!options.v1_name.empty()) json["v1Name"] = Json(options.v1_name);
  if (options.reference) json["reference"] = Json(model::kind_name(*options.reference));
  if (!field.fields.empty()) json["fields"] = fields_json(field.fields);
  return json;
}

Json fields_json(const std::vector<model::FieldDescription>& fields) {
  Json list = Json::array();
  for (const model::FieldDescription& field : fields) list.push_back(field_json(field));
  return list;
}

Json status_json(std::string_view word) {
  Json list = Json::array();
  for (const StatusField& field : status_fields()) {
    if (!field.kind.empty() && field.kind != word) continue;
    list.push_back(
        Json::object({{"name", field.path}, {"type", field.type}, {"sentence", field.sentence}}));
  }
  return list;
}

Json columns_json(const model::KindDescription& kind) {
  Json columns = Json::array();
  for (const model::Column& column : kind.columns) {
    columns.push_back(Json::object({{"title", column.title}, {"path", column.path}}));
  }
  return columns;
}

Json people_json() {
  Json list = Json::array();
  for (const model::KindDescription& kind : model::people_descriptions()) {
    const PeopleKind which = people_kind(kind.word).value_or(PeopleKind::kUser);
    list.push_back(Json::object({{"name", kind.word},
                                 {"singular", kind.singular},
                                 {"sentence", kind.sentence},
                                 {"aliases", words_json(kind.aliases)},
                                 {"methods", allow_text(people_methods(which, false))},
                                 {"methodsOfOne", allow_text(people_methods(which, true))},
                                 {"columns", columns_json(kind)},
                                 {"spec", fields_json(kind.spec)},
                                 {"admin", fields_json(kind.admin)}}));
  }
  return list;
}

Json policy_json() {
  Json list = Json::array();
  for (const NativeCallName& name : native_call_names()) {
    const Rule rule = rule_of(name.call);
    list.push_back(Json::object({{"call", name.sentence},
                                 {"role", least_role(rule.right)},
                                 {"isOfService", rule.is_of_service}}));
  }
  return list;
}

}  // namespace

Json schema_json() {
  Json kinds = Json::array();
  for (const model::KindDescription& kind : model::kind_descriptions()) {
    Json json = Json::object({{"name", kind.word},
                              {"singular", kind.singular},
                              {"sentence", kind.sentence},
                              {"aliases", words_json(kind.aliases)},
                              {"isUserMade", kind.is_user_made},
                              {"methods", allow_text(native_methods(kind, false))},
                              {"methodsOfOne", allow_text(native_methods(kind, true))},
                              {"columns", columns_json(kind)},
                              {"spec", fields_json(kind.spec)},
                              {"admin", fields_json(kind.admin)},
                              {"status", status_json(kind.word)}});
    if (!kind.parent_field.empty()) json["parentField"] = Json(kind.parent_field);
    kinds.push_back(std::move(json));
  }
  return Json::object(
      {{"kinds", std::move(kinds)}, {"people", people_json()}, {"policy", policy_json()}});
}

}  // namespace weir::api
