// What a write of a security group means beyond its own document: ids and times of its rules, and
// the default group that each VPC has. Thread: any (pure but for identifiers and the store).
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "model/object.h"
#include "store/store.h"

namespace weir::api {

/// Gives each rule its id, its time and its type: those of the rule it was before (by id, else by
/// what it says), or new ones. `old` is null at creation.
void complete_rules(const model::Object* old, model::Object& group, WallTime now);

/// The default group of a VPC, which is made and goes with it.
model::Object default_group_of(const model::Object& vpc, WallTime now);

/// Makes the default groups of VPCs that an earlier release has made without. Errors: kUnavailable
Result<void> make_default_groups(store::Store& store, const Clock& clock);

}  // namespace weir::api
