// The health of a backend service: what the nodes report about each of its targets, and where it
// fails open. Put together when it is asked for. Thread: any (pure).
#pragma once

#include "api/observed.h"
#include "base/json.h"
#include "model/object.h"
#include "model/world_view.h"

namespace weir::api {

/// {backendId, failingOpenOn: [node], targets: [{targetId, instanceId, ipAddress, port, weight,
/// slot, status, reason, detail, since, node}]}: status healthy, unhealthy, initial, or N/A while
/// the check is closed. With several nodes the worst verdict speaks. The nodes of `failingOpenOn`
/// are connected, have no usable target and send to all that run (product.md C.8).
Json health_of(const model::Object& backend, const model::ObjectIndex& index,
               const ObservedView& observed);

/// {targets: {healthy, unhealthy, initial, "N/A"}, failingOpenOn}: how many are in which state.
Json backend_status(const model::Object& backend, const model::ObjectIndex& index,
                    const ObservedView& observed);

}  // namespace weir::api
