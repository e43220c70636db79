#include "api/kind_hooks.h"

#include <algorithm>

#include "api/drain_records.h"
#include "api/elastic_ips.h"
#include "api/flow_tables.h"
#include "api/membership.h"
#include "api/placement.h"
#include "api/security_groups.h"
#include "base/random.h"
#include "model/group_view.h"
#include "model/registry.h"
#include "model/resources.h"
#include "model/slots.h"
#include "model/subnet_addresses.h"
#include "model/target_view.h"

namespace weir::api {
namespace {

using model::Kind;
using model::Object;

constexpr std::string_view kVipField = "spec.privateIpAddress";

Error releasing(const std::string& address, std::string_view field) {
  return {ErrorCode::kConflict, address + " is still being released by the nodes that held it",
          std::string(field)};
}

/// The address of a load balancer: the one asked for, or the lowest free one at which no target is.
Errors choose_vip(Object& lb, const HookContext& context) {
  const std::string wanted = lb.spec.string_or("privateIpAddress", "");
  if (!wanted.empty()) {
    if (context.taken_addresses.contains(wanted)) return {releasing(wanted, kVipField)};
    lb.admin["vip"] = wanted;
    return {};
  }
  const Object* subnet = context.index.find(Kind::kSubnet, lb.spec.string_or("subnetId", ""));
  const auto prefix =
      net::Prefix::parse(subnet == nullptr ? "" : subnet->spec.string_or("addressPrefix", ""));
  const auto targets =
      model::target_addresses(context.index.view(), lb.admin.string_or("vpcId", ""));
  const auto free =
      !prefix ? std::nullopt : model::free_address(*prefix, [&](const net::IpAddress& address) {
        const std::string text = address.text();
        return context.taken_addresses.contains(text) || targets.contains(text);
      });
  if (!free) {
    return {{ErrorCode::kFailedPrecondition, "no address of the subnet is free", "spec.subnetId"}};
  }
  lb.admin["vip"] = free->text();
  return {};
}

/// An instance is a server that exists, so it has the address that it is given.
Errors place_instance(Object& instance, const HookContext& context) {
  const std::string address = instance.spec.string_or("ipAddress", "");
  if (context.taken_addresses.contains(address)) {
    return {releasing(address, "spec.ipAddress")};
  }
  instance.admin["ipAddress"] = address;
  const std::int64_t rack = instance.spec.integer_or("faultDomain", 0);
  if (rack != 0) instance.admin["faultDomain"] = Json(rack);
  return {};
}

Errors create_load_balancer(Object& lb, const HookContext& context, SideEffects& effects) {
  Errors errors = choose_vip(lb, context);
  if (!errors.empty()) return errors;
  const PlacementChange change = placement_change(lb, context.index, context.presence);
  for (const std::string& node : change.add) {
    effects.created.push_back(new_placement(lb, node, 1, lb.created));
  }
  return follow_elastic_ip(nullptr, lb, context, effects);
}

Errors update_load_balancer(const Object& old, Object& updated, const HookContext& context,
                            SideEffects& effects) {
  const std::string wanted = updated.spec.string_or("privateIpAddress", "");
  const bool moves = !wanted.empty() && wanted != old.admin.string_or("vip", "");
  Errors errors = moves ? choose_vip(updated, context) : Errors();
  std::ranges::move(follow_elastic_ip(&old, updated, context, effects), std::back_inserter(errors));
  return errors;
}

/// Ids and slots of the targets of `updated`; drain records of those that left.
Errors complete_group(const Object* old, Object& updated, const HookContext& context,
                      SideEffects& effects) {
  model::TargetGroup before;
  model::TargetGroupAdmin slots;
  slots.vpc_id = updated.admin.string_or("vpcId", "");
  if (old != nullptr) {
    before = model::from_json<model::TargetGroup>(old->spec, "spec").value;
    slots = model::from_json<model::TargetGroupAdmin>(old->admin, "admin").value;
  }
  auto after = model::from_json<model::TargetGroup>(updated.spec, "spec").value;
  Random random;
  model::assign_target_ids(old == nullptr ? nullptr : &before, after, random);
  std::vector<model::DrainedTarget> left;
  for (const model::Target& target : before.targets) {
    const auto slot = model::slot_of(slots, target.target_id);
    const bool stays = std::ranges::find(after.targets, target.target_id,
                                         &model::Target::target_id) != after.targets.end();
    if (!stays && slot) left.push_back(drained_target(target, *slot, context.index));
  }
  std::map<std::string, WallTime> deadlines;
  if (old != nullptr) {
    const WallTime latest =
        drain({*old, model::services_of(*old, context.index), left}, context, effects);
    for (const model::DrainedTarget& target : left) deadlines[target.target_id] = latest;
  }
  const auto admin = model::assign_slots(slots, after.targets, context.now, deadlines);
  if (!admin) return {admin.error()};
  updated.spec = model::to_json(after);
  updated.admin = model::to_json(*admin);
  return follow_group(updated, context, effects);
}

/// A replaced group drains; one that is attached again stops draining.
void update_backend(const Object& old, const Object& updated, const HookContext& context,
                    SideEffects& effects) {
  for (const model::Id& id : model::group_ids(old)) {
    const Object* group = model::find_group(context.index, id);
    if (group == nullptr || model::names_group(updated, id)) continue;
    const auto slots = model::slots_of(*group);
    Leaving leaving{*group, {&old}, {}};
    for (const model::Target& target : model::targets_of(*group)) {
      const auto slot = model::slot_of(slots, target.target_id);
      if (slot) leaving.targets.push_back(drained_target(target, *slot, context.index));
    }
    drain(leaving, context, effects);
  }
  stop_draining(old, updated, context, effects);
}

}  // namespace

void place_in_vpc(Object& object, const model::ObjectIndex& index) {
  if (object.kind == Kind::kLoadBalancer || object.kind == Kind::kInstance) {
    const Object* subnet = index.find(Kind::kSubnet, object.spec.string_or("subnetId", ""));
    object.admin["vpcId"] = subnet == nullptr ? "" : subnet->spec.string_or("vpcId", "");
  }
  if (object.kind != Kind::kTargetGroup || object.spec.string_or("type", "") != "instance") return;
  const Object* lb = index.find(Kind::kLoadBalancer, model::load_balancer_of(object));
  if (lb != nullptr) object.admin["vpcId"] = lb->admin.string_or("vpcId", "");
}

Errors complete_create(Object& object, const HookContext& context, SideEffects& effects) {
  switch (object.kind) {
    case Kind::kVpc:
      effects.created.push_back(default_group_of(object, context.now));
      return {};
    case Kind::kSecurityGroup:
      complete_rules(nullptr, object, context.now);
      return {};
    case Kind::kInstance:
      return place_instance(object, context);
    case Kind::kElasticIp:
      return place_elastic_ip(object, context);
    case Kind::kLoadBalancer:
      return create_load_balancer(object, context, effects);
    case Kind::kTargetGroup:
      return complete_group(nullptr, object, context, effects);
    case Kind::kBackend:
      return follow_backend(object, context, effects);
    default:
      return {};
  }
}

Errors complete_update(const Object& old, Object& updated, const HookContext& context,
                       SideEffects& effects) {
  switch (updated.kind) {
    case Kind::kSecurityGroup:
      complete_rules(&old, updated, context.now);
      return {};
    case Kind::kLoadBalancer:
      return update_load_balancer(old, updated, context, effects);
    case Kind::kTargetGroup:
      return complete_group(&old, updated, context, effects);
    case Kind::kBackend:
      update_backend(old, updated, context, effects);
      return follow_backend(updated, context, effects);
    case Kind::kAvailabilityGroup:
      return release_members(old, updated, context, effects);
    case Kind::kInstance:
      return updated.spec.string_or("agId", "") == old.spec.string_or("agId", "")
                 ? Errors()
                 : leave_its_group(old, context, effects);
    default:
      return {};
  }
}

Errors complete_remove(const Object& object, const HookContext& context, SideEffects& effects) {
  if (object.kind == Kind::kLoadBalancer) free_elastic_ip(object, context.index, effects);
  if (object.kind == Kind::kVpc) {
    const Object* group =
        context.index.find(Kind::kSecurityGroup, model::default_group_id(object.id));
    if (group != nullptr) effects.removed.push_back(*group);
  }
  if (object.kind == Kind::kInstance) return leave_its_group(object, context, effects);
  const bool is_group =
      object.kind == Kind::kTargetGroup || object.kind == Kind::kAvailabilityGroup;
  const Object* table = is_group ? table_of(object, context.index) : nullptr;
  if (table != nullptr) effects.removed.push_back(*table);
  return {};
}

}  // namespace weir::api
