#include "model/group_view.h"

#include <algorithm>

#include "model/availability_group.h"
#include "model/registry.h"

namespace weir::model {
namespace {

void add_ids(const Object& backend, std::string_view field, std::vector<Id>& into) {
  const Json* list = backend.spec.find(field);
  if (list == nullptr || !list->is_array()) return;
  for (const Json& id : list->as_array()) {
    if (id.is_string()) into.push_back(id.as_string());
  }
}

/// Read from the text: this is asked of every group on every change.
std::vector<Id> ids_in(const Json* list, std::string_view member) {
  std::vector<Id> ids;
  if (list == nullptr || !list->is_array()) return ids;
  for (const Json& item : list->as_array()) ids.push_back(item.string_or(member, ""));
  return ids;
}

}  // namespace

std::vector<Id> group_ids(const Object& backend) {
  std::vector<Id> ids;
  add_ids(backend, "targetGroupIds", ids);
  add_ids(backend, "agIds", ids);
  return ids;
}

std::vector<Id> availability_groups_of(const Object& backend) {
  std::vector<Id> ids;
  add_ids(backend, "agIds", ids);
  return ids;
}

bool names_group(const Object& backend, const Id& group) {
  const auto ids = group_ids(backend);
  return std::ranges::find(ids, group) != ids.end();
}

const Object* find_group(const ObjectIndex& index, const Id& id) {
  const Object* group = index.find(Kind::kTargetGroup, id);
  return group != nullptr ? group : index.find(Kind::kAvailabilityGroup, id);
}

std::vector<const Object*> services_of(const Object& group, const ObjectIndex& index) {
  if (group.kind == Kind::kAvailabilityGroup) return index.children(Kind::kBackend, group.id);
  auto services = index.children(Kind::kBackend, load_balancer_of(group));
  std::erase_if(services, [&](const Object* backend) { return !names_group(*backend, group.id); });
  return services;
}

std::vector<Target> targets_of(const Object& group) {
  if (group.kind == Kind::kTargetGroup) {
    return from_json<TargetGroup>(group.spec, "spec").value.targets;
  }
  std::vector<Target> members;
  for (const TargetSlot& slot : slots_of(group).slots) {
    members.push_back(
        {.target_id = slot.target_id, .instance_id = slot.target_id, .weight = kAgMemberWeight});
  }
  return members;
}

TargetGroupAdmin slots_of(const Object& group) {
  return from_json<TargetGroupAdmin>(group.admin, "admin").value;
}

std::vector<Id> instances_of(const Object& group) {
  if (group.kind == Kind::kAvailabilityGroup) return ids_in(group.admin.find("slots"), "targetId");
  if (group.spec.string_or("type", "") != word_of(TargetGroupType::kInstance)) return {};
  return ids_in(group.spec.find("targets"), "instanceId");
}

Id vpc_of_group(const Object& group, const WorldView& world) {
  const Id own = group.admin.string_or("vpcId", "");
  if (!own.empty()) return own;
  for (const Object* backend : world.children(Kind::kBackend, group.id)) {
    const Object* lb = world.find(Kind::kLoadBalancer, load_balancer_of(*backend));
    if (lb != nullptr) return lb->admin.string_or("vpcId", "");
  }
  return "";
}

bool is_availability_group_id(std::string_view id) { return id.starts_with("ag-"); }

std::string_view group_key(std::string_view id) {
  return is_availability_group_id(id) ? "agId" : "targetGroupId";
}

}  // namespace weir::model
