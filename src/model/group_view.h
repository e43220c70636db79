// What serves a backend service, seen as one thing: a target group, whose targets stand in its
// spec, or an availability group, whose members are instances of equal weight. Thread: any (pure).
#pragma once

#include <string_view>
#include <vector>

#include "model/object.h"
#include "model/target_group.h"
#include "model/world_view.h"

namespace weir::model {

/// The groups that a backend service names; at most one by its field table.
std::vector<Id> group_ids(const Object& backend);
/// Those of them that are availability groups.
std::vector<Id> availability_groups_of(const Object& backend);
bool names_group(const Object& backend, const Id& group);

/// The group of either kind; null without one.
const Object* find_group(const ObjectIndex& index, const Id& id);
/// The backend services that name the group.
std::vector<const Object*> services_of(const Object& group, const ObjectIndex& index);

/// The targets of the group: of an availability group each member, with the id of its instance.
std::vector<Target> targets_of(const Object& group);
/// Its slots, by the ids of its targets.
TargetGroupAdmin slots_of(const Object& group);
/// The instances that the group names; none in a group of addresses.
std::vector<Id> instances_of(const Object& group);

/// The VPC that an availability group is bound to: that of its members, else that of a load
/// balancer it serves; empty when it has neither.
Id vpc_of_group(const Object& group, const WorldView& world);

bool is_availability_group_id(std::string_view id);
/// How answers name the group with this id: "agId" or "targetGroupId".
std::string_view group_key(std::string_view id);

}  // namespace weir::model
