// Targets as objects of their own: how the API and the command line see the elements of a target
// group. A write of a target is an update of its group. Thread: any (pure).
#pragma once

#include <optional>
#include <string>

#include "model/object.h"
#include "model/registry.h"
#include "model/target_group.h"

namespace weir::model {

/// {kind: "target", id, spec: {targetGroupId, ...}, admin: {slot}} of every target of the group.
std::vector<Json> target_bodies(const Object& group);

/// The place of a target in spec.targets, or nothing.
std::optional<std::size_t> target_index(const Object& group, std::string_view target_id);

/// Reads the body of a target: {spec: {targetGroupId, ipAddress, port, weight}}. On kMerge and
/// kReplace `old` gives what is left out; null at creation.
Errors read_target(const Json& body, const TargetView* old, UpdateMode mode, TargetView& into);

}  // namespace weir::model
