// What else is known of the targets of a group: where they are, and which instances they name. As
// objects of their own they stand in parts.h. Thread: any (pure).
#pragma once

#include <set>
#include <string>

#include "model/object.h"
#include "model/registry.h"
#include "model/target_group.h"
#include "model/world_view.h"

namespace weir::model {

/// The address that traffic goes to: the target's own or that of its instance; empty when the
/// instance is not there.
std::string address_of(const Target& target, const ObjectIndex& index);

/// The addresses that targets of the groups of a VPC name; those of instances are not among them.
std::set<std::string> target_addresses(const WorldView& world, const Id& vpc);

}  // namespace weir::model
