// Whether a write may happen: fields (their own rules), resource (what fits the type of load
// balancer and the protocol), world (references, uniqueness, use by others). All violations of one
// call are returned together, each path once. Called by the API before a transaction; the store's
// keys (model/keys.h) hold uniqueness against races. Thread: any (pure).
#pragma once

#include "base/result.h"
#include "model/object.h"
#include "model/world_view.h"

namespace weir::model {

/// Writes out the defaults that depend on other objects: the algorithm of a backend service is that
/// of its load balancer's type. Call after reading, before checking; what an object says stays.
void fill_in_defaults(Object& object, const WorldView& world);

/// `object` as read_create() gave it; `found` are the errors of that reading: what they name is not
/// judged again, and they come first in the answer.
/// Errors:  kInvalidArgument (field, combination, forbidden address, immutable), kNotFound (a
///          reference that does not exist, or belongs to another owner or load balancer: all
///          alike), kAlreadyExists (name, port), kConflict (address taken), kQuotaExceeded (targets
///          of a group)
Errors check_create(const Object& object, const WorldView& world, Errors found = {});

/// `updated` has the id of `old`. Errors: as check_create()
Errors check_update(const Object& old, const Object& updated, const WorldView& world,
                    Errors found = {});

/// Errors:  kConflict, one for each object that uses it, and for delete protection
Errors check_delete(const Object& object, const WorldView& world);

/// Deletion of a load balancer with everything below it. Errors: kConflict for delete protection
Errors check_cascade(const Object& load_balancer);

}  // namespace weir::model
