#include "api/v1_targets.h"

#include <algorithm>
#include <map>

#include "api/v1_projection.h"
#include "model/target_group.h"
#include "model/target_view.h"

namespace weir::api {
namespace {

using model::Object;
using model::Target;

Json::Array& targets_of(Object& group) {
  Json& targets = group.spec["targets"];
  if (!targets.is_array()) targets = Json::array();
  return targets.as_array();
}

std::string item_path(std::string_view list, std::size_t index) {
  return std::string(list) + "[" + std::to_string(index) + "]";
}

/// The list of a call, which must be there and not empty.
Result<Json::Array> list_of(const Json& body, std::string_view key) {
  const Json* list = body.find(key);
  if (list == nullptr || list->is_null()) {
    return Error{ErrorCode::kInvalidArgument, "is required", std::string(key)};
  }
  if (!list->is_array() || list->as_array().empty()) {
    return Error{ErrorCode::kInvalidArgument, "must be a list with at least one item",
                 std::string(key)};
  }
  return list->as_array();
}

const std::vector<model::FieldDescription>& target_fields() {
  static const auto kFields = model::describe<Target>();
  return kFields;
}

/// Errors of targets of the group as paths of the call, a second registration in the words of the
/// public product (Source: product.md B.2); `items` says which target which item is.
Errors as_item_errors(Errors errors, std::string_view list,
                      const std::map<std::size_t, std::size_t>& items) {
  for (Error& error : errors) {
    if (error.message.ends_with(model::kAlreadyRegistered)) {
      error.message = "Target is already register to same TargetGroup.";
    }
    for (const auto& [place, item] : items) {
      const std::string native = item_path("spec.targets", place);
      if (!error.field.starts_with(native)) continue;
      error.field = item_path(list, item) + error.field.substr(native.size());
      break;
    }
  }
  return errors;
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
  std::map<std::size_t, std::size_t> items;
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
  return as_item_errors(std::move(written.errors), kList, items);
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
      const auto place = model::target_index(updated, id.as_string());
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
  std::map<std::size_t, std::size_t> items;
  const auto change = [&](const Object& old, Object& updated) -> Errors {
    if (!specs) return {specs.error()};
    Errors errors;
    items.clear();
    for (std::size_t i = 0; i < specs->size(); ++i) {
      const Json& item = (*specs)[i];
      const std::string id = item.string_or("targetId", "");
      const auto place = model::target_index(old, id);
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
  return as_item_errors(std::move(written.errors), kList, items);
}

}  // namespace weir::api
