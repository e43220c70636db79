// What writes mean for elastic IPs: the address of a new one, and both sides of an association in
// one transaction, the load balancer that names it and the elastic IP that says so. Called by
// kind_hooks.cpp with writes that validate.h has found good. Thread: any (pure).
#pragma once

#include "api/kind_hooks.h"
#include "base/result.h"
#include "model/object.h"
#include "model/world_view.h"

namespace weir::api {

/// Gives a new elastic IP the address asked for, or the lowest free one of a pool of its provider.
/// Errors:  kFailedPrecondition (none is free), kConflict (somebody has it, or it is being
/// released)
Errors place_elastic_ip(model::Object& elastic_ip, const HookContext& context);

/// The load balancer names another elastic IP than `old` (null at creation) does, or none: its own
/// side, and in `effects` that of the elastic IPs.
/// Errors:  kConflict (nodes that do not serve this load balancer still have the address),
/// kFailedPrecondition (several of its nodes would announce the address on their segments)
Errors follow_elastic_ip(const model::Object* old, model::Object& load_balancer,
                         const HookContext& context, SideEffects& effects);

/// The elastic IP of a load balancer that is deleted stays, and is free.
void free_elastic_ip(const model::Object& load_balancer, const model::ObjectIndex& index,
                     SideEffects& effects);

/// Whether nodes may have connections on its address from its last association.
bool is_releasing(const model::Object& elastic_ip);
/// Whether all of these nodes have let it go.
bool have_all_given_up(const model::Object& elastic_ip, const model::ObjectIndex& index,
                       const ObservedView& observed);

/// Associates two objects that are made in one transaction.
void associate(model::Object& load_balancer, model::Object& elastic_ip);

}  // namespace weir::api
