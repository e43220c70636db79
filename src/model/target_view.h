// Targets as objects of their own: how the API and the command line see the elements of a target
// group. A write of a target is an update of its group. Thread: any (pure).
#pragma once

#include <optional>
#include <set>
#include <string>

#include "model/object.h"
#include "model/registry.h"
#include "model/target_group.h"
#include "model/world_view.h"

namespace weir::model {

/// {kind: "target", id, spec: {targetGroupId, ...}, admin: {slot}} of every target of the group.
std::vector<Json> target_bodies(const Object& group);

/// The place of a target in spec.targets, or nothing.
std::optional<std::size_t> target_index(const Object& group, std::string_view target_id);

/// The address that traffic goes to: the target's own or that of its instance; empty when the
/// instance is not there.
std::string address_of(const Target& target, const ObjectIndex& index);

/// The addresses that targets of the groups of a VPC name; those of instances are not among them.
std::set<std::string> target_addresses(const WorldView& world, const Id& vpc);

/// The instances that a target group names; none in a group of addresses.
std::vector<Id> instances_of(const Object& group);

/// Reads the body of a target: {spec: {targetGroupId, instanceId or ipAddress, port, weight}}. On
/// kMerge and kReplace `old` gives what is left out; null at creation.
Errors read_target(const Json& body, const TargetView* old, UpdateMode mode, TargetView& into);

}  // namespace weir::model
