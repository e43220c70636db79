// Who comes to availability groups and who leaves them, as part of the write that registers or
// takes away instances: slots, racks, drain records and slot tables follow in its transaction.
// Thread: any (pure but for identifiers).
#pragma once

#include <set>
#include <string>
#include <vector>

#include "api/kind_hooks.h"

namespace weir::api {

/// New instances of one write enter the groups that they name. Errors: kQuotaExceeded (members of a
/// group, slots)
Errors join_groups(std::vector<model::Object>& instances, const HookContext& context,
                   SideEffects& effects);

/// Members that leave `old`, by the ids of their instances. `updated` is the group as it shall be.
/// Errors: kQuotaExceeded (slots)
Errors leave_group(const model::Object& old, const std::set<model::Id>& leaving,
                   const HookContext& context, SideEffects& effects, model::Object& updated);
/// The same from an instance that goes, or is made to leave its group: the group is a side effect.
Errors leave_its_group(const model::Object& instance, const HookContext& context,
                       SideEffects& effects);
/// Members that `updated`, the new form of group `old`, has no slot for any more: they leave, and
/// their instances name no group.
Errors release_members(const model::Object& old, model::Object& updated, const HookContext& context,
                       SideEffects& effects);

/// Root keys that a write may need when members leave the group that the object is, or names: drain
/// records stand below the load balancers that the group serves, its instances below their VPC.
std::vector<std::string> roots_of_leaving(const model::Object& object,
                                          const model::ObjectIndex& index);

}  // namespace weir::api
