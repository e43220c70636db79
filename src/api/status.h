// The status of a resource: what the nodes report about it, put together when it is asked for.
// Nothing of it is stored. Thread: any (pure).
#pragma once

#include "api/observed.h"
#include "base/json.h"
#include "model/object.h"
#include "model/world_view.h"

namespace weir::api {

/// {state, ...} of `object`, by kind:
/// - lb: state CREATING, ACTIVE, DOWN, STARTING, STOPPING or CREATE_FAILED (product.md A.4.1) with
///   a reason, nodes [{node, appliedRevision, state}]
/// - listener: state pending, serving, failed, off or stopped; datapath; nodes as above
/// - backend: checked targets by state; nodes on which it fails open; nodes as above
/// - tg, securityGroup: nodes as above
/// - ag: how many members it has, how many of them run, and which backend services name it
/// - node: state connected or disconnected, appliedRevision, epoch, addresses
/// and errors [{node, reason, detail, revision}] of all kinds when a node cannot apply it.
Json status_of(const model::Object& object, const model::ObjectIndex& index,
               const ObservedView& observed);

/// The whole resource: {kind, id, name, labels, owner, revision, createdTime, spec, admin, status}.
Json resource_json(const model::Object& object, const Json& status);

}  // namespace weir::api
