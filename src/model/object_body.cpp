#include "model/object_body.h"

#include <algorithm>

#include "model/registry.h"
#include "model/text_rules.h"

namespace weir::model {
namespace {

void fail(Errors& errors, std::string field, std::string message) {
  errors.push_back({ErrorCode::kInvalidArgument, std::move(message), std::move(field)});
}

const Json* member(const Json& json, std::string_view name) {
  const Json* found = json.find(name);
  return found == nullptr || found->is_null() ? nullptr : found;
}

void read_name(const Json& body, Object& into, Errors& errors) {
  const Json* name = member(body, "name");
  if (name == nullptr) return;
  if (!name->is_string()) return fail(errors, "name", "must be a string");
  into.name = name->as_string();
}

void read_label(const std::string& key, const Json& value, Object& into, Errors& errors) {
  std::string problem =
      key.empty() ? "must have a key" : check_text(key, TextRule::kNone, kLabelKeyCharactersMax);
  if (problem.empty() && (key.starts_with("jrn:") || key.starts_with("jdc-"))) {
    problem = "may not begin with jrn: or jdc-";
  }
  const std::string path = problem.empty() ? "labels." + key : "labels";
  if (problem.empty() && !value.is_string()) problem = "must be a string";
  if (problem.empty()) {
    problem = check_text(value.as_string(), TextRule::kNone, kLabelValueCharactersMax);
  }
  if (!problem.empty()) return fail(errors, path, std::move(problem));
  into.labels[key] = value.as_string();
}

void read_labels(const Json& body, UpdateMode mode, Object& into, Errors& errors) {
  const Json* labels = member(body, "labels");
  if (mode == UpdateMode::kReplace) into.labels.clear();
  if (labels == nullptr) return;
  if (!labels->is_object()) return fail(errors, "labels", "must be an object of strings");
  for (const auto& [key, value] : labels->as_object()) {
    if (value.is_null()) {
      into.labels.erase(key);
    } else {
      read_label(key, value, into, errors);
    }
  }
  if (into.labels.size() > kLabelsMax) {
    fail(errors, "labels",
         "may have at most " + std::to_string(kLabelsMax) + " entries, found " +
             std::to_string(into.labels.size()));
  }
}

/// Lays the admin fields that users set over what is there.
void read_admin(const Json& body, Object& into, Errors& errors) {
  const Json* admin = member(body, "admin");
  if (admin == nullptr) return;
  if (!admin->is_object()) return fail(errors, "admin", "must be an object");
  const auto& fields = description_of(into.kind).admin;
  for (const auto& [name, value] : admin->as_object()) {
    const auto field = std::ranges::find(fields, name, &FieldDescription::name);
    if (field == fields.end()) {
      const bool is_plain = check_text(name, TextRule::kName, 64).empty();
      fail(errors, "admin." + (is_plain ? name : "?"), "is not a known field");
    } else if (field->options.is_settable && !value.is_null()) {
      into.admin[name] = value;
    }
  }
  into.admin = canonical_admin(into.kind, into.admin, errors);
}

/// The spec to read on kReplace: what the body leaves out and may not change stays.
Json replaced_spec(const Object& old, const Json& spec) {
  Json whole = spec;
  for (const FieldDescription& field : description_of(old.kind).spec) {
    const bool stays = field.options.is_immutable || field.options.is_kept;
    const Json* before = old.spec.find(field.name);
    if (stays && before != nullptr && member(spec, field.name) == nullptr) {
      whole[field.name] = *before;
    }
  }
  return whole;
}

bool holds_items(const Json* value) {
  return value != nullptr && value->is_array() && !value->as_array().empty();
}

bool is_body(const Json& body, Errors& errors) {
  if (!body.is_object()) fail(errors, "", "the body must be a JSON object");
  return body.is_object();
}

/// The spec of the body, empty when it has none; null when it is no object.
const Json* spec_of_body(const Json& body, Errors& errors) {
  static const Json kEmpty = Json::object();
  const Json* spec = member(body, "spec");
  if (spec == nullptr) return &kEmpty;
  if (spec->is_object()) return spec;
  fail(errors, "spec", "must be an object");
  return nullptr;
}

}  // namespace

void check_body_members(const Json& body, std::string_view word, Errors& errors) {
  static constexpr std::string_view kKnown[] = {"kind",   "id",       "owner",   "name",
                                                "labels", "revision", "created", "createdTime",
                                                "status", "spec",     "admin"};
  for (const auto& [name, value] : body.as_object()) {
    if (std::ranges::find(kKnown, name) != std::end(kKnown)) continue;
    const bool is_plain = check_text(name, TextRule::kName, 64).empty();
    fail(errors, is_plain ? name : "?", "is not a known field");
  }
  const Json* kind = member(body, "kind");
  if (kind != nullptr && *kind != Json(word)) {
    fail(errors, "kind", "must be '" + std::string(word) + "'");
  }
}

Json merged(Json base, const Json& patch) {
  if (!patch.is_object()) return patch;
  if (!base.is_object()) base = Json::object();
  for (const auto& [name, value] : patch.as_object()) {
    if (value.is_null()) {
      base.erase(name);
      continue;
    }
    Json& place = base[name];
    place = merged(std::move(place), value);
  }
  return base;
}

void empty_replaced_lists(Kind kind, const Json& given, Json& whole) {
  for (const FieldDescription& field : description_of(kind).spec) {
    const std::string_view other = field.options.instead_of;
    if (other.empty() || !holds_items(given.find(field.name))) continue;
    if (member(given, other) == nullptr && whole.find(other) != nullptr) {
      whole[other] = Json::array();
    }
  }
}

Errors read_create(Kind kind, const Json& body, Object& into) {
  Errors errors;
  into.kind = kind;
  into.admin = canonical_admin(kind, Json::object(), errors);
  if (!is_body(body, errors)) return errors;
  check_body_members(body, kind_name(kind), errors);
  read_name(body, into, errors);
  read_labels(body, UpdateMode::kReplace, into, errors);
  const Json* spec = spec_of_body(body, errors);
  if (spec != nullptr) into.spec = canonical_spec(kind, *spec, errors);
  read_admin(body, into, errors);
  return errors;
}

Errors read_update(const Object& old, const Json& body, UpdateMode mode, Object& into) {
  Errors errors;
  into = old;
  if (!is_body(body, errors)) return errors;
  check_body_members(body, kind_name(old.kind), errors);
  read_name(body, into, errors);
  read_labels(body, mode, into, errors);
  if (const Json* spec = spec_of_body(body, errors)) {
    const bool is_whole = mode == UpdateMode::kReplace;
    Json whole = is_whole ? replaced_spec(old, *spec) : merged(old.spec, *spec);
    empty_replaced_lists(old.kind, *spec, whole);
    into.spec = canonical_spec(old.kind, whole, errors);
  }
  read_admin(body, into, errors);
  return errors;
}

}  // namespace weir::model
