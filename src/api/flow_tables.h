// Slot tables as part of a write: a group's table is built with the first backend service that
// hashes over it, and from then on from the one before it, in the transaction that changes members
// or weights. It goes with its group only, so that a group that comes back, or an algorithm that
// is chosen again, finds its clients where they were. Thread: any (pure but for identifiers).
#pragma once

#include "api/kind_hooks.h"

namespace weir::api {

/// The table of `group` as it is to be stored; `members` are its targets now.
/// Errors: kInvalidArgument when the group is larger than a table can be
Errors follow_group(const model::Object& group, const HookContext& context, SideEffects& effects);
/// Tables for the groups of a new or changed backend service.
Errors follow_backend(const model::Object& backend, const HookContext& context,
                      SideEffects& effects);
/// The table of a group that goes; null when it has none.
const model::Object* table_of(const model::Object& group, const model::ObjectIndex& index);

}  // namespace weir::api
