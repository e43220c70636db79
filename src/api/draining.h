// What still drains: the drain records of a backend service with what the nodes report of them, and
// when such a record may go. Thread: any (pure).
#pragma once

#include <string>
#include <vector>

#include "api/observed.h"
#include "base/clock.h"
#include "base/json.h"
#include "model/object.h"
#include "model/world_view.h"

namespace weir::api {

/// A drain record outlives its deadline by this, so that nodes end it by their own clock first.
inline constexpr std::chrono::seconds kDrainGrace{2};

/// [{targetId, groupId, slot, ipAddress, port, leftSeconds, connections?, oldestSeconds?}] of the
/// service. Connections are those of all nodes, the oldest is the oldest of any; both are missing
/// until a node has reported the record, and of targets that its report had no room for.
Json drains_of(const model::Object& backend, const model::ObjectIndex& index,
               const ObservedView& observed, WallTime now);

/// Whether the record has done its work: no node has a connection left, or the time is over. It
/// stays while a connected node still uses a target of it, until its time there is over too. A node
/// that was away at the deadline still learns of it, up to model::kFlowLifetime after the removal.
bool is_drain_over(const model::Object& drain, const std::vector<std::string>& nodes,
                   const ObservedView& observed, WallTime now);

}  // namespace weir::api
