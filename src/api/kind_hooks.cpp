#include "api/kind_hooks.h"

#include <algorithm>

#include "api/flow_tables.h"
#include "api/placement.h"
#include "base/random.h"
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
  return {};
}

Errors create_load_balancer(Object& lb, const HookContext& context, SideEffects& effects) {
  Errors errors = choose_vip(lb, context);
  if (!errors.empty()) return errors;
  const PlacementChange change = placement_change(lb, context.index, context.presence);
  for (const std::string& node : change.add) {
    effects.created.push_back(new_placement(lb, node, 1, lb.created));
  }
  return {};
}

Errors update_load_balancer(const Object& old, Object& updated, const HookContext& context) {
  const std::string wanted = updated.spec.string_or("privateIpAddress", "");
  if (wanted.empty() || wanted == old.admin.string_or("vip", "")) return {};
  return choose_vip(updated, context);
}

/// When connections to a target of `backend` that leaves at `now` are cut. Records know whole
/// seconds: rounded up, so that none is cut early; but without any time they are cut at once.
WallTime drain_deadline(const Object& backend, const Object* load_balancer, WallTime now) {
  const bool is_nlb =
      load_balancer != nullptr && load_balancer->spec.string_or("type", "") == "nlb";
  const std::chrono::seconds time =
      is_nlb ? std::chrono::seconds(backend.spec.integer_or("connectionDrainingSeconds", 300))
             : kAlbDrainTime;
  return time.count() == 0 ? now : std::chrono::ceil<std::chrono::seconds>(now + time);
}

/// The record that lets connections of `target`, of which the address is filled in, run on.
Object drain_record(const Object& backend, const Object& group, const model::Target& target,
                    Slot slot, WallTime deadline) {
  model::Drain drain;
  drain.load_balancer_id = model::load_balancer_of(backend);
  drain.service_id = backend.id;
  drain.group_id = group.id;
  drain.slot = slot.value;
  drain.address = target.ip_address;
  const auto own_port = static_cast<std::uint16_t>(backend.spec.integer_or("port", 0));
  drain.port = target.port != 0 ? target.port : own_port;
  drain.deadline = utc_text(deadline);
  Object record;
  record.kind = Kind::kDrain;
  record.owner = backend.owner;
  record.name = target.target_id;  // its group knows it no more
  record.spec = model::to_json(drain);
  Random random;
  record.id = model::new_id(Kind::kDrain, record.spec, random);
  return record;
}

bool uses_group(const Object& backend, const model::Id& group) {
  const Json* ids = backend.spec.find("targetGroupIds");
  if (ids == nullptr || !ids->is_array()) return false;
  return std::ranges::find(ids->as_array(), Json(group)) != ids->as_array().end();
}

/// Drain records of one target for every backend service that uses its group; returns the latest
/// deadline.
WallTime drain_target(const Object& group, model::Target target, Slot slot,
                      const HookContext& context, SideEffects& effects) {
  target.ip_address = model::address_of(target, context.index);
  WallTime latest = context.now;
  const model::Id lb_id = model::load_balancer_of(group);
  const Object* lb = context.index.find(Kind::kLoadBalancer, lb_id);
  for (const Object* backend : context.index.children(Kind::kBackend, lb_id)) {
    if (!uses_group(*backend, group.id)) continue;
    const WallTime deadline = drain_deadline(*backend, lb, context.now);
    latest = std::max(latest, deadline);
    Object record = drain_record(*backend, group, target, slot, deadline);
    record.created = utc_text(context.now);
    effects.created.push_back(std::move(record));
  }
  return latest;
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
  std::map<std::string, WallTime> deadlines;
  for (const model::Target& target : before.targets) {
    const auto slot = model::slot_of(slots, target.target_id);
    const bool stays = std::ranges::find(after.targets, target.target_id,
                                         &model::Target::target_id) != after.targets.end();
    if (stays || !slot) continue;
    deadlines[target.target_id] = drain_target(*old, target, *slot, context, effects);
  }
  const auto admin = model::assign_slots(slots, after.targets, context.now, deadlines);
  if (!admin) return {admin.error()};
  updated.spec = model::to_json(after);
  updated.admin = model::to_json(*admin);
  return follow_group(updated, context, effects);
}

std::vector<std::string> group_ids(const Object& backend) {
  std::vector<std::string> ids;
  const Json* list = backend.spec.find("targetGroupIds");
  if (list == nullptr || !list->is_array()) return ids;
  for (const Json& id : list->as_array()) ids.push_back(id.as_string());
  return ids;
}

/// Whether the record is about a target that `group` holds now.
bool names_member(const Object& drain, const Object& group) {
  const auto slots = model::from_json<model::TargetGroupAdmin>(group.admin, "admin").value;
  const std::int64_t slot = drain.spec.integer_or("slot", -1);
  return std::ranges::find(slots.slots, slot, &model::TargetSlot::slot) != slots.slots.end();
}

/// Records of targets that come back with their group: they drain no more.
void stop_draining(const Object& old, const Object& updated, const HookContext& context,
                   SideEffects& effects) {
  for (const Object* drain : context.index.children(Kind::kDrain, model::load_balancer_of(old))) {
    const std::string id = drain->spec.string_or("groupId", "");
    if (drain->spec.string_or("serviceId", "") != old.id) continue;
    if (!uses_group(updated, id) || uses_group(old, id)) continue;
    const Object* group = context.index.find(Kind::kTargetGroup, id);
    if (group != nullptr && names_member(*drain, *group)) effects.removed.push_back(*drain);
  }
}

/// A replaced group drains; one that is attached again stops draining.
void update_backend(const Object& old, const Object& updated, const HookContext& context,
                    SideEffects& effects) {
  const Object* lb = context.index.find(Kind::kLoadBalancer, model::load_balancer_of(old));
  for (const std::string& id : group_ids(old)) {
    const Object* group = context.index.find(Kind::kTargetGroup, id);
    if (group == nullptr || uses_group(updated, id)) continue;
    const auto spec = model::from_json<model::TargetGroup>(group->spec, "spec").value;
    const auto slots = model::from_json<model::TargetGroupAdmin>(group->admin, "admin").value;
    for (model::Target target : spec.targets) {
      const auto slot = model::slot_of(slots, target.target_id);
      if (!slot) continue;
      target.ip_address = model::address_of(target, context.index);
      const WallTime deadline = drain_deadline(old, lb, context.now);
      Object record = drain_record(old, *group, target, *slot, deadline);
      record.created = utc_text(context.now);
      effects.created.push_back(std::move(record));
    }
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
    case Kind::kInstance:
      return place_instance(object, context);
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
    case Kind::kLoadBalancer:
      return update_load_balancer(old, updated, context);
    case Kind::kTargetGroup:
      return complete_group(&old, updated, context, effects);
    case Kind::kBackend:
      update_backend(old, updated, context, effects);
      return follow_backend(updated, context, effects);
    default:
      return {};
  }
}

void complete_remove(const Object& object, const model::ObjectIndex& index, SideEffects& effects) {
  if (object.kind != Kind::kTargetGroup) return;
  const Object* table = table_of(object, index);
  if (table != nullptr) effects.removed.push_back(*table);
}

}  // namespace weir::api
