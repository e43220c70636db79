#include "api/declared_form.h"

#include <algorithm>

#include "model/parts.h"
#include "model/security_group_use.h"
#include "model/validate.h"

namespace weir::api {
namespace {

using model::FieldDescription;
using model::Id;
using model::Kind;
using model::KindDescription;
using model::Object;
using Fields = std::vector<FieldDescription>;

/// The VPC that a load balancer, or what is below one, stands in.
Id vpc_of(const Object& object, const model::ObjectIndex& index) {
  const Id own = object.spec.string_or("vpcId", object.admin.string_or("vpcId", ""));
  if (!own.empty()) return own;
  const Object* subnet = index.find(Kind::kSubnet, object.spec.string_or("subnetId", ""));
  return subnet == nullptr ? "" : subnet->spec.string_or("vpcId", "");
}

bool is_part_id(const std::string& name) {
  return std::ranges::find(model::part_kinds(), name, &model::PartKind::id_field) !=
         model::part_kinds().end();
}

bool is_part_list(const std::string& name) {
  return std::ranges::find(model::part_kinds(), name, &model::PartKind::list) !=
         model::part_kinds().end();
}

/// Without what control makes, but for the ids of parts if they shall stay.
Json settable(const Fields& fields, const Json& from, bool keeps_ids) {
  Json kept = Json::object();
  for (const FieldDescription& field : fields) {
    const Json* value = from.find(field.name);
    if (value == nullptr || value->is_null()) continue;
    if (field.options.is_output && !(keeps_ids && is_part_id(field.name))) continue;
    if (field.fields.empty()) {
      kept[field.name] = *value;
    } else if (!field.is_list) {
      kept[field.name] = settable(field.fields, *value, keeps_ids);
    } else {
      Json list = Json::array();
      for (const Json& item : value->as_array()) {
        list.push_back(settable(field.fields, item, keeps_ids));
      }
      kept[field.name] = std::move(list);
    }
  }
  return kept;
}

/// Of the admin part users set some fields only.
Json settable_admin(const KindDescription& kind, const Json& admin) {
  Fields fields;
  std::ranges::copy_if(kind.admin, std::back_inserter(fields),
                       [](const FieldDescription& field) { return field.options.is_settable; });
  return settable(fields, admin, false);
}

/// Takes away what would be the same if it were left out.
void drop_defaults(const Fields& fields, Json& json) {
  for (const FieldDescription& field : fields) {
    Json* value = json.find(field.name);
    if (value == nullptr) continue;
    if (field.type == "object" && field.is_list) {
      for (Json& item : value->as_array()) drop_defaults(field.fields, item);
      continue;
    }
    if (field.type == "object") drop_defaults(field.fields, *value);
    if (field.options.is_required) continue;
    const bool is_empty = value->is_object() && value->as_object().empty();
    if (is_empty || *value == field.default_value) json.erase(field.name);
  }
}

/// Defaults that depend on other objects: left out, control gives the same again.
void drop_filled_in(const Object& object, const model::ObjectIndex& index, Json& spec) {
  const KindDescription& kind = model::description_of(object.kind);
  for (const FieldDescription& field : kind.spec) {
    const Json* value = spec.find(field.name);
    const bool may_be_filled_in = value != nullptr && !field.options.is_required &&
                                  field.default_value.is_null() && !is_part_list(field.name);
    if (!may_be_filled_in) continue;
    Object without = object;
    without.spec.erase(field.name);
    model::fill_in_defaults(without, index.view());
    Errors ignored;
    without.spec = model::canonical_spec(object.kind, without.spec, ignored);
    if (without.spec == object.spec) spec.erase(field.name);
  }
}

void name_references(const Object& object, const model::ObjectIndex& index,
                     const ObjectNames& names, Json& spec) {
  const auto turn = [&](Kind kind, const std::string&, std::string& text) {
    if (!text.empty()) text = names.text_of(kind, text, scope_of(object, kind, index));
  };
  turn_references(model::description_of(object.kind).spec, "spec", spec, turn);
}

Json labels_of(const Object& object) {
  Json labels = Json::object();
  for (const auto& [key, value] : object.labels) labels[key] = Json(value);
  return labels;
}

}  // namespace

bool is_declarable(const KindDescription& kind) { return kind.kind && kind.is_user_made; }

bool is_declarable(const Object& object) {
  return is_declarable(model::description_of(object.kind)) && !model::is_default_group(object);
}

Id scope_of(const Object& object, Kind kind, const model::ObjectIndex& index) {
  const auto parent = model::description_of(kind).parent;
  if (parent == Kind::kLoadBalancer) return model::load_balancer_of(object);
  // A subnet says which VPC an object stands in; everything else is of that VPC.
  if (parent == Kind::kVpc && kind != Kind::kSubnet) return vpc_of(object, index);
  return "";
}

void turn_references(const Fields& fields, const std::string& path, Json& spec, const Turn& turn) {
  if (!spec.is_object()) return;
  for (const FieldDescription& field : fields) {
    Json* value = spec.find(field.name);
    if (value == nullptr) continue;
    const std::string here = path + "." + field.name;
    const auto one = [&](Json& json, const std::string& at) {
      if (field.type == "object") return turn_references(field.fields, at, json, turn);
      if (!field.options.reference || !json.is_string()) return;
      std::string text = json.as_string();
      turn(*field.options.reference, at, text);
      json = Json(std::move(text));
    };
    if (!value->is_array()) {
      one(*value, here);
      continue;
    }
    std::size_t index = 0;
    for (Json& item : value->as_array()) one(item, here + "[" + std::to_string(index++) + "]");
  }
}

Json named_form(const Object& object, const model::ObjectIndex& index, const ObjectNames& names) {
  const KindDescription& kind = model::description_of(object.kind);
  Json spec = settable(kind.spec, object.spec, true);
  name_references(object, index, names, spec);
  return Json::object({{"name", object.name},
                       {"labels", labels_of(object)},
                       {"spec", std::move(spec)},
                       {"admin", settable_admin(kind, object.admin)}});
}

Json declared_form(const Object& object, const model::ObjectIndex& index,
                   const ObjectNames& names) {
  const KindDescription& kind = model::description_of(object.kind);
  Json form = Json::object({{"kind", kind.word}, {"name", object.name}});
  if (!names.is_only_one(object)) form["id"] = Json(object.id);
  if (!object.labels.empty()) form["labels"] = labels_of(object);
  Json spec = settable(kind.spec, object.spec, false);
  drop_filled_in(object, index, spec);
  const Json whole = spec;
  drop_defaults(kind.spec, spec);
  // A list of parts that is left out would stay as it is.
  for (const FieldDescription& field : kind.spec) {
    const Json* list = is_part_list(field.name) ? whole.find(field.name) : nullptr;
    if (list != nullptr && spec.find(field.name) == nullptr) spec[field.name] = *list;
  }
  name_references(object, index, names, spec);
  form["spec"] = std::move(spec);
  Json admin = settable_admin(kind, object.admin);
  drop_defaults(kind.admin, admin);
  if (!admin.as_object().empty()) form["admin"] = std::move(admin);
  return form;
}

}  // namespace weir::api
