#include "api/v1_targets.h"

#include <algorithm>

#include "api/v1_items.h"
#include "api/v1_projection.h"
#include "model/parts.h"
#include "model/target_group.h"

namespace weir::api {
namespace {

using model::Object;
using model::Target;

const model::PartKind& target_kind() {
  static const model::PartKind& kKind = *model::part_kind_of(*model::find_description("target"));
  return kKind;
}

Json::Array& targets_of(Object& group) { return model::parts_of(target_kind(), group); }

const std::vector<model::FieldDescription>& target_fields() {
  static const auto kFields = model::describe<Target>();
  return kFields;
}

/// As paths of the call, a second registration in the words of the public product. Source:
/// product.md B.2.
Errors as_call_errors(Errors errors, std::string_view list, const ItemPlaces& items) {
  for (Error& error : errors) {
    if (!error.message.ends_with(model::kAlreadyRegistered)) continue;
    error.message = "Target is already register to same TargetGroup.";
  }
  return as_item_errors(std::move(errors), "spec.targets", list, items);
}

/// The kind of server that an item says it is, against that of the group.
void check_type(const Json& item, const Object& group, const std::string& path, Errors& errors) {
  const bool is_ip_group = group.spec.string_or("type", "ip") == "ip";
  const std::string_view wanted = is_ip_group ? "ip" : "vm";
  const std::string type = item.string_or("type", wanted);
  if (type == wanted) return;
  const bool is_later = type == "container" && !is_ip_group;
  const std::string group_type = is_ip_group ? "ip" : "instance";
  errors.push_back(
      {ErrorCode::kInvalidArgument,
       is_later ? "not supported yet"
                : "must be '" + std::string(wanted) + "' in a target group of type " + group_type,
       path + ".type"});
}

Error unknown_target(const std::string& id, std::string field) {
  return {ErrorCode::kNotFound, "Target '" + id + "' not found", std::move(field)};
}

/// Reads one item of a call into a target.
void read_item(const Json& item, const std::string& path, Target& target, Errors& errors) {
  const bool is_object = item.is_object();
  if (!is_object) errors.push_back({ErrorCode::kInvalidArgument, "must be an object", path});
  Json whole = model::to_json(target);
  if (is_object) whole = model::merged(std::move(whole), known_fields(item, target_fields()));
  for (const std::string_view key : {"ipAddress", "instanceId"}) {
    if (whole.string_or(key, "").empty()) whole.erase(key);
  }
  auto parsed = model::from_json<Target>(whole, path, model::UnknownKeys::kIgnore);
  parsed.value.target_id = target.target_id;
  target = std::move(parsed.value);
  std::ranges::move(parsed.errors, std::back_inserter(errors));
}

}  // namespace

Outcome<Object> V1Targets::write(const Place& group, const std::string& operation,
                                 const ResourceWriter::Change& change, const Caller& caller) {
  return writer_.update({model::Kind::kTargetGroup, group.group, group.if_match, operation}, change,
                        caller);
}

Outcome<Object> V1Targets::add(const Place& group, const Json& body, const Caller& caller) {
  constexpr std::string_view kList = "targetSpecs";
  const auto specs = list_of(body, kList);
  ItemPlaces items;
  const auto change = [&](const Object& old, Object& updated) -> Errors {
    if (!specs) return {specs.error()};
    Errors errors;
    items.clear();
    for (std::size_t i = 0; i < specs->size(); ++i) {
      Json::Array& targets = targets_of(updated);
      const std::string path = item_path("spec.targets", targets.size());
      items[targets.size()] = i;
      check_type((*specs)[i], old, path, errors);
      Target target;
      read_item((*specs)[i], path, target, errors);
      target.target_id.clear();
      targets.push_back(model::to_json(target));
    }
    return errors;
  };
  auto written = write(group, "register targets", change, caller);
  if (written.ok()) return written;
  return as_call_errors(std::move(written.errors), kList, items);
}

Outcome<Object> V1Targets::remove(const Place& group, const Json& body, const Caller& caller) {
  const auto ids = list_of(body, "targetIds");
  const auto change = [&](const Object&, Object& updated) -> Errors {
    if (!ids) return {ids.error()};
    Errors errors;
    for (std::size_t i = 0; i < ids->size(); ++i) {
      const std::string path = item_path("targetIds", i);
      const Json& id = (*ids)[i];
      if (!id.is_string()) {
        errors.push_back({ErrorCode::kInvalidArgument, "must be a string", path});
        continue;
      }
      const auto place = model::part_index(target_kind(), updated, id.as_string());
      if (!place) {
        errors.push_back(unknown_target(id.as_string(), path));
        continue;
      }
      Json::Array& targets = targets_of(updated);
      targets.erase(targets.begin() + static_cast<std::ptrdiff_t>(*place));
    }
    return errors;
  };
  return write(group, "deregister targets", change, caller);
}

Outcome<Object> V1Targets::update(const Place& group, const Json& body, const Caller& caller) {
  constexpr std::string_view kList = "targetUpdateSpecs";
  const auto specs = list_of(body, kList);
  ItemPlaces items;
  const auto change = [&](const Object& old, Object& updated) -> Errors {
    if (!specs) return {specs.error()};
    Errors errors;
    items.clear();
    for (std::size_t i = 0; i < specs->size(); ++i) {
      const Json& item = (*specs)[i];
      const std::string id = item.string_or("targetId", "");
      const auto place = model::part_index(target_kind(), old, id);
      if (!place) {
        errors.push_back(unknown_target(id, item_path(kList, i) + ".targetId"));
        continue;
      }
      items[*place] = i;
      Json& stored = targets_of(updated).at(*place);
      Target target = model::from_json<Target>(stored).value;
      target.target_id = id;
      Json allowed = Json::object();
      for (const std::string_view key : {"port", "weight"}) {
        if (const Json* value = item.find(key)) allowed[key] = *value;
      }
      read_item(allowed, item_path("spec.targets", *place), target, errors);
      stored = model::to_json(target);
    }
    return errors;
  };
  auto written = write(group, "update targets", change, caller);
  if (written.ok()) return written;
  return as_call_errors(std::move(written.errors), kList, items);
}

}  // namespace weir::api
