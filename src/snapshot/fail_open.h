// Fail-open, where a backend service asks for it: while none of its targets is usable, all that may
// serve get its traffic (product.md C.8). This is the one place that decides it; engines,
// explanations and reports read what it has decided in the Snapshot. Called by compile, and where
// verdicts become marks. Thread: any (pure functions).
#pragma once

#include <set>

#include "snapshot/snapshot.h"
#include "snapshot/verdict.h"

namespace weir::snapshot {

/// Gives traffic to every target that may serve when the service may fail open and no target takes
/// any. Call when the targets are those in force.
void fail_open(Service& service, const Verdicts& verdicts);

/// What an engine goes by: a Snapshot, and the targets that were marked down since.
struct InForce {
  const Snapshot& snapshot;
  const std::set<TargetKey>& marked;
};

/// Whether a target whose verdict went bad keeps its traffic until the next Snapshot: a mark would
/// leave its service nobody now, while the next Snapshot gives the traffic to somebody, because the
/// service fails open or because another target has become usable since the Snapshot in force.
/// Cost:    two walks over the targets of the service
bool keeps_traffic(const InForce& in_force, const Verdicts& verdicts, const TargetKey& target);

}  // namespace weir::snapshot
