#include "api/v1_projection.h"

#include <algorithm>

#include "model/charge.h"
#include "model/object_body.h"

namespace weir::api {
namespace {

using model::FieldDescription;
using model::Kind;
using model::Object;

const Json* given(const Json& body, std::string_view key) {
  const Json* value = body.find(key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

std::string_view v1_name_of(const FieldDescription& field) {
  return field.v1_name.empty() ? field.name : field.v1_name;
}

/// Whether the value asks for nothing: null, false, 0, -1, "", [] or {} of such.
bool asks_nothing(const Json& value) {
  if (value.is_null()) return true;
  if (value.is_bool()) return !value.as_bool();
  if (value.is_integer()) return value.as_integer() == 0 || value.as_integer() == -1;
  if (value.is_string()) return value.as_string().empty();
  if (value.is_array()) return value.as_array().empty();
  return value.is_object() &&
         std::ranges::all_of(value.as_object(), [](const Json::Member& member) {
           return asks_nothing(member.second);
         });
}

Json known_value(const Json& value, const FieldDescription& field) {
  if (field.type != "object") return value;
  if (value.is_object()) return known_fields(value, field.fields);
  if (!value.is_array()) return value;
  Json items = Json::array();
  for (const Json& item : value.as_array()) {
    items.push_back(item.is_object() ? known_fields(item, field.fields) : item);
  }
  return items;
}

void take_tags(const Json& body, Json& native, Errors& errors) {
  const Json* tags = given(body, "userTags");
  if (tags == nullptr) return;
  Json labels = Json::object();
  bool is_good = tags->is_array();
  for (const Json& tag : is_good ? tags->as_array() : Json::Array()) {
    const Json* key = tag.find("key");
    is_good = is_good && key != nullptr && key->is_string();
    if (is_good) labels[key->as_string()] = tag.string_or("value", "");
  }
  if (!is_good) {
    errors.push_back({ErrorCode::kInvalidArgument, "must be a list of {key, value}", "userTags"});
  }
  native["labels"] = std::move(labels);
}

/// Stored and shown without any effect. Source: product.md F.3.
void take_charge(const Json& body, Json& admin) {
  const Json* charge = given(body, "chargeSpec");
  if (charge == nullptr) return;
  static const auto kFields = model::describe<model::Charge>();
  admin["charge"] = charge->is_object() ? known_fields(*charge, kFields) : *charge;
}

/// Switches that stand in the administrative part.
void take_admin(const V1Kind& kind, const Json& body, bool is_create, Json& native,
                Errors& errors) {
  Json admin = Json::object();
  const std::string_view key = kind.kind == Kind::kBackend                  ? "closeHealthCheck"
                               : kind.kind == Kind::kListener && !is_create ? "status"
                                                                            : "";
  const Json* value = key.empty() ? nullptr : given(body, key);
  if (value != nullptr) admin[key] = *value;
  const Json* action =
      kind.kind == Kind::kLoadBalancer && !is_create ? given(body, "action") : nullptr;
  if (action != nullptr) {
    const bool is_start = *action == Json("Start");
    admin["state"] = is_start ? "started" : "stopped";
    if (!is_start && *action != Json("Stop")) {
      errors.push_back({ErrorCode::kInvalidArgument, "expected one of [Start,Stop]", "action"});
    }
  }
  const bool is_charged = kind.kind == Kind::kLoadBalancer || kind.kind == Kind::kInstance ||
                          kind.kind == Kind::kElasticIp;
  if (is_charged && is_create) take_charge(body, admin);
  if (!admin.as_object().empty()) native["admin"] = std::move(admin);
}

}  // namespace

bool is_taken(const V1Kind& kind, const FieldDescription& field) {
  return !field.options.is_output && !field.options.is_native_only &&
         std::ranges::find(kind.not_taken, field.name) == kind.not_taken.end();
}

bool is_updated(const V1Kind& kind, const FieldDescription& field) {
  return is_taken(kind, field) && !field.options.is_immutable &&
         std::ranges::find(kind.not_updated, field.name) == kind.not_updated.end();
}

void check_later(const Json& body, std::span<const V1Later> later, Errors& errors) {
  for (const V1Later& key : later) {
    const Json* value = body.find(key.key);
    if (value == nullptr || asks_nothing(*value)) continue;
    const bool is_default =
        value->is_string() ? value->as_string() == key.accepted : value->dump() == key.accepted;
    if (is_default) continue;
    errors.push_back({ErrorCode::kInvalidArgument, "not supported yet", std::string(key.key)});
  }
}

Json known_fields(const Json& value, const std::vector<FieldDescription>& fields) {
  Json known = Json::object();
  for (const FieldDescription& field : fields) {
    const Json* member = given(value, v1_name_of(field));
    if (member != nullptr) known[field.name] = known_value(*member, field);
  }
  return known;
}

Json native_create_body(const V1Kind& kind, const Json& body, Errors& errors) {
  check_later(body, kind.later, errors);
  Json spec = Json::object();
  for (const FieldDescription& field : model::description_of(kind.kind).spec) {
    const Json* value = is_taken(kind, field) ? given(body, v1_name_of(field)) : nullptr;
    if (value != nullptr) spec[field.name] = known_value(*value, field);
  }
  for (const V1Default& own : kind.defaults) {
    if (spec.find(own.field) == nullptr) spec[own.field] = own.value;
  }
  Json native = Json::object({{"spec", std::move(spec)}});
  if (const Json* name = given(body, kind.name_key())) native["name"] = *name;
  take_tags(body, native, errors);
  take_admin(kind, body, true, native, errors);
  return native;
}

Json native_update_body(const V1Kind& kind, const Json& body, const Object& old, Errors& errors) {
  check_later(body, kind.later, errors);
  Json spec = Json::object();
  Json taken = Json::object();
  for (const FieldDescription& field : model::description_of(kind.kind).spec) {
    // What the native reader keeps by itself; the rest would fall back to its default.
    if (field.options.is_immutable) continue;
    const Json* before = field.options.is_kept ? nullptr : old.spec.find(field.name);
    const Json* value = is_updated(kind, field) ? given(body, v1_name_of(field)) : nullptr;
    if (value != nullptr) {
      taken[field.name] = spec[field.name] = known_value(*value, field);
    } else if (before != nullptr) {
      spec[field.name] = *before;
    }
  }
  model::empty_replaced_lists(kind.kind, taken, spec);
  Json native = Json::object({{"spec", std::move(spec)}});
  if (const Json* name = given(body, kind.new_name_key())) native["name"] = *name;
  Json labels = Json::object();
  for (const auto& [key, value] : old.labels) labels[key] = value;
  native["labels"] = std::move(labels);
  take_admin(kind, body, false, native, errors);
  return native;
}

std::size_t v1_count(const Json& body, std::size_t most, Errors& errors) {
  const Json* count = given(body, "maxCount");
  if (count == nullptr) return 1;
  const auto limit = static_cast<std::int64_t>(most);
  if (count->is_integer() && count->as_integer() >= 1 && count->as_integer() <= limit) {
    return static_cast<std::size_t>(count->as_integer());
  }
  errors.push_back({ErrorCode::kInvalidArgument,
                    "must be an integer between 1 and " + std::to_string(most), "maxCount"});
  return 1;
}

Errors as_v1_errors(Errors errors, const V1Kind& kind) {
  for (Error& error : errors) {
    if (error.field == "name") error.field = kind.name_key();
    if (error.field == "admin.state") error.field = "action";
    if (error.field.starts_with("labels")) error.field = "userTags";
    if (error.field.starts_with("admin.charge")) error.field.replace(0, 12, "chargeSpec");
    if (error.field.starts_with("admin.")) error.field.erase(0, 6);
    if (!error.field.starts_with("spec.")) continue;
    error.field.erase(0, 5);
    for (const FieldDescription& field : model::description_of(kind.kind).spec) {
      const std::string_view path = error.field;
      const bool is_it = path == field.name ||
                         (path.starts_with(field.name) &&
                          (path[field.name.size()] == '.' || path[field.name.size()] == '['));
      if (!is_it) continue;
      error.field = std::string(v1_name_of(field)) + error.field.substr(field.name.size());
      break;
    }
  }
  return errors;
}

}  // namespace weir::api
