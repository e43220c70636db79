#include "model/target_view.h"

#include <algorithm>

#include "model/slots.h"

namespace weir::model {
namespace {

void check_unchanged(const TargetView& old, const TargetView& updated, Errors& errors) {
  const auto refuse = [&](std::string field) {
    // What could not be read has been told; it is no change.
    if (std::ranges::find(errors, field, &Error::field) != errors.end()) return;
    errors.push_back({ErrorCode::kInvalidArgument, "cannot be changed", std::move(field)});
  };
  if (updated.target_group_id != old.target_group_id) refuse("spec.targetGroupId");
  if (updated.target.instance_id != old.target.instance_id) refuse("spec.instanceId");
  if (updated.target.ip_address != old.target.ip_address) refuse("spec.ipAddress");
}

}  // namespace

std::vector<Json> target_bodies(const Object& group) {
  const TargetGroup spec = from_json<TargetGroup>(group.spec).value;
  const TargetGroupAdmin admin = from_json<TargetGroupAdmin>(group.admin).value;
  std::vector<Json> bodies;
  for (const Target& target : spec.targets) {
    const auto slot = slot_of(admin, target.target_id);
    Json part = Json::object();
    if (slot) part["slot"] = slot->value;
    bodies.push_back(Json::object({{"kind", "target"},
                                   {"id", target.target_id},
                                   {"spec", to_json(TargetView{group.id, target})},
                                   {"admin", std::move(part)}}));
  }
  return bodies;
}

std::optional<std::size_t> target_index(const Object& group, std::string_view target_id) {
  const Json* targets = group.spec.find("targets");
  if (targets == nullptr || !targets->is_array()) return std::nullopt;
  const auto& items = targets->as_array();
  const auto found = std::ranges::find_if(items, [&](const Json& target) {
    const Json* id = target.find("targetId");
    return id != nullptr && *id == Json(target_id);
  });
  if (found == items.end()) return std::nullopt;
  return static_cast<std::size_t>(found - items.begin());
}

std::string address_of(const Target& target, const ObjectIndex& index) {
  if (target.instance_id.empty()) return target.ip_address;
  const Object* instance = index.find(Kind::kInstance, target.instance_id);
  return instance == nullptr ? "" : instance->admin.string_or("ipAddress", "");
}

std::set<std::string> target_addresses(const WorldView& world, const Id& vpc) {
  std::set<std::string> addresses;
  const auto take = [&](const Object& group) {
    const Json* targets = group.spec.find("targets");
    if (targets == nullptr || !targets->is_array()) return;
    for (const Json& target : targets->as_array()) {
      const Json* address = target.find("ipAddress");
      if (address != nullptr && address->is_string()) addresses.insert(address->as_string());
    }
  };
  for (const Object* subnet : world.children(Kind::kSubnet, vpc)) {
    for (const Object* lb : world.children(Kind::kLoadBalancer, subnet->id)) {
      for (const Object* group : world.children(Kind::kTargetGroup, lb->id)) take(*group);
    }
  }
  return addresses;
}

std::vector<Id> instances_of(const Object& group) {
  std::vector<Id> ids;
  const Json* targets = group.spec.find("targets");
  if (targets == nullptr || group.spec.string_or("type", "") != word_of(TargetGroupType::kInstance))
    return ids;
  for (const Json& target : targets->as_array()) ids.push_back(target.string_or("instanceId", ""));
  return ids;
}

Errors read_target(const Json& body, const TargetView* old, UpdateMode mode, TargetView& into) {
  if (!body.is_object()) {
    return {{ErrorCode::kInvalidArgument, "the body must be a JSON object", ""}};
  }
  Errors errors;
  check_body_members(body, "target", errors);
  const Json* found = body.find("spec");
  Json spec = found == nullptr || found->is_null() ? Json::object() : *found;
  if (spec.is_object() && old != nullptr) {
    Json base = to_json(*old);
    if (mode == UpdateMode::kReplace) {
      base.erase("port");
      base.erase("weight");
    }
    spec = merged(std::move(base), spec);
  }
  Parsed<TargetView> parsed = from_json<TargetView>(spec, "spec");
  std::ranges::move(parsed.errors, std::back_inserter(errors));
  into = std::move(parsed.value);
  if (old != nullptr) check_unchanged(*old, into, errors);
  into.target.target_id = old == nullptr ? "" : old->target.target_id;
  return errors;
}

}  // namespace weir::model
