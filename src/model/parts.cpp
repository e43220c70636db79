#include "model/parts.h"

#include <algorithm>

#include "base/check.h"
#include "model/security_group.h"
#include "model/slots.h"
#include "model/target_group.h"

namespace weir::model {
namespace {

template <class View>
Json canonical_view(const Json& spec, Errors& errors) {
  Parsed<View> parsed = from_json<View>(spec, "spec");
  std::ranges::move(parsed.errors, std::back_inserter(errors));
  return to_json(parsed.value);
}

Json target_admin(const Object& group, std::string_view id) {
  const auto slot = slot_of(from_json<TargetGroupAdmin>(group.admin).value, id);
  return slot ? Json::object({{"slot", slot->value}}) : Json::object();
}

Json no_admin(const Object&, std::string_view) { return Json::object(); }

constexpr PartKind kPartKinds[] = {{.word = "target",
                                    .whole = Kind::kTargetGroup,
                                    .list = "targets",
                                    .id_field = "targetId",
                                    .canonical = canonical_view<TargetView>,
                                    .admin = target_admin},
                                   {.word = "securityGroupRule",
                                    .whole = Kind::kSecurityGroup,
                                    .list = "rules",
                                    .id_field = "ruleId",
                                    .canonical = canonical_view<SecurityGroupRuleView>,
                                    .admin = no_admin}};

const Json::Array* list_of(const PartKind& kind, const Object& whole) {
  const Json* list = whole.spec.find(kind.list);
  return list == nullptr || !list->is_array() ? nullptr : &list->as_array();
}

/// The part as its own body has it.
Json view_of(const PartKind& kind, const Part& part) {
  Json spec = Json::object({{std::string(kind.description().parent_field), part.whole}});
  for (const auto& [name, value] : part.item.as_object()) spec[name] = value;
  return spec;
}

/// What an update starts from.
Json base_of(const PartKind& kind, const Part& old, UpdateMode mode) {
  Json base = view_of(kind, old);
  if (mode == UpdateMode::kMerge) return base;
  for (const FieldDescription& field : kind.description().spec) {
    if (!field.options.is_immutable && !field.options.is_output) base.erase(field.name);
  }
  return base;
}

void check_unchanged(const PartKind& kind, const Json& before, const Json& after, Errors& errors) {
  const auto value_at = [](const Json& json, const std::string& name) {
    const Json* found = json.find(name);
    return found == nullptr ? Json() : *found;
  };
  for (const FieldDescription& field : kind.description().spec) {
    if (!field.options.is_immutable) continue;
    if (value_at(before, field.name) == value_at(after, field.name)) continue;
    const std::string path = "spec." + field.name;
    // What could not be read has been told; it is no change.
    if (std::ranges::find(errors, path, &Error::field) != errors.end()) continue;
    errors.push_back({ErrorCode::kInvalidArgument, "cannot be changed", path});
  }
}

/// What control makes is not a caller's to say.
void keep_outputs(const PartKind& kind, const Part* old, Json& item) {
  for (const FieldDescription& field : kind.description().spec) {
    if (!field.options.is_output) continue;
    const Json* before = old == nullptr ? nullptr : old->item.find(field.name);
    if (before == nullptr) {
      item.erase(field.name);
    } else {
      item[field.name] = *before;
    }
  }
}

}  // namespace

const KindDescription& PartKind::description() const {
  const auto all = kind_descriptions();
  const auto found = std::ranges::find(all, word, &KindDescription::word);
  WEIR_CHECK(found != all.end());
  return *found;
}

std::span<const PartKind> part_kinds() { return kPartKinds; }

const PartKind* part_kind_of(const KindDescription& description) {
  const auto* found = std::ranges::find(kPartKinds, description.word, &PartKind::word);
  return found == std::end(kPartKinds) ? nullptr : found;
}

std::vector<Json> part_bodies(const PartKind& kind, const Object& whole) {
  std::vector<Json> bodies;
  const Json::Array* items = list_of(kind, whole);
  if (items == nullptr) return bodies;
  for (const Json& item : *items) {
    const std::string id = item.string_or(kind.id_field, "");
    Errors ignored;
    bodies.push_back(
        Json::object({{"kind", kind.word},
                      {"id", id},
                      {"spec", kind.canonical(view_of(kind, {whole.id, item}), ignored)},
                      {"admin", kind.admin(whole, id)}}));
  }
  return bodies;
}

std::optional<std::size_t> part_index(const PartKind& kind, const Object& whole,
                                      std::string_view id) {
  const Json::Array* items = list_of(kind, whole);
  if (items == nullptr) return std::nullopt;
  const auto found = std::ranges::find_if(*items, [&](const Json& item) {
    const Json* own = item.find(kind.id_field);
    return own != nullptr && *own == Json(id);
  });
  if (found == items->end()) return std::nullopt;
  return static_cast<std::size_t>(found - items->begin());
}

Json::Array& parts_of(const PartKind& kind, Object& whole) {
  Json& list = whole.spec[kind.list];
  if (!list.is_array()) list = Json::array();
  return list.as_array();
}

Errors read_part(const PartKind& kind, const Json& body, const Part* old, UpdateMode mode,
                 Part& into) {
  if (!body.is_object()) {
    return {{ErrorCode::kInvalidArgument, "the body must be a JSON object", ""}};
  }
  Errors errors;
  check_body_members(body, kind.word, errors);
  const Json* found = body.find("spec");
  Json spec = found == nullptr || found->is_null() ? Json::object() : *found;
  if (spec.is_object() && old != nullptr) spec = merged(base_of(kind, *old, mode), spec);
  Json item = kind.canonical(spec, errors);
  const std::string parent(kind.description().parent_field);
  if (old != nullptr) {
    Errors ignored;
    check_unchanged(kind, kind.canonical(view_of(kind, *old), ignored), item, errors);
  }
  into.whole = item.string_or(parent, "");
  item.erase(parent);
  keep_outputs(kind, old, item);
  into.item = std::move(item);
  return errors;
}

std::string part_path(const PartKind& kind, std::size_t index) {
  return "spec." + std::string(kind.list) + "[" + std::to_string(index) + "]";
}

Errors as_part_errors(Errors errors, const PartKind& kind, std::size_t index) {
  const std::string whole = part_path(kind, index);
  for (Error& error : errors) {
    if (error.field == whole) {
      error.field = "spec";
    } else if (error.field.starts_with(whole + ".")) {
      error.field = "spec" + error.field.substr(whole.size());
    }
  }
  return errors;
}

Errors as_whole_errors(Errors errors, const PartKind& kind, std::size_t index) {
  for (Error& error : errors) {
    if (error.field == "spec" || error.field.starts_with("spec.")) {
      error.field = part_path(kind, index) + error.field.substr(4);
    }
  }
  return errors;
}

}  // namespace weir::model
