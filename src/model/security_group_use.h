// Who uses which security group. Thread: any (pure).
#pragma once

#include <vector>

#include "model/object.h"
#include "model/world_view.h"

namespace weir::model {

/// Whether the object is the default group of a VPC.
bool is_default_group(const Object& object);

/// The groups that a load balancer names.
std::vector<Id> named_groups(const Object& load_balancer);
/// The same, or else the default group of its VPC; none for other
/// types than alb.
std::vector<Id> groups_in_force(const Object& load_balancer);

/// What is said to who takes the last group from a load balancer of that VPC.
Error last_group_error(const Id& vpc);

/// The load balancers for which the group is in force, ascending by id.
std::vector<const Object*> load_balancers_using(const Object& group, const WorldView& world);

}  // namespace weir::model
