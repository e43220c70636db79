// Fail-open, where a backend service asks for it: while none of its targets is usable, all that may
// serve get its traffic (product.md C.8). This is the one place that decides it; engines,
// explanations and reports read what it has decided in the Snapshot. Called by compile, and where
// verdicts become marks. Thread: any (pure functions).
#pragma once

#include "snapshot/snapshot.h"
#include "snapshot/verdict.h"

namespace weir::snapshot {

/// Gives traffic to every target that may serve when the service may fail open and no target takes
/// any. Call when the targets are those in force.
void fail_open(Service& service);

/// Whether a target whose verdict went bad keeps its traffic until the next Snapshot: by these
/// verdicts its service is about to fail open, or does so already, and a mark would only leave a
/// gap.
/// Cost:    one walk over the targets of the service, up to the first that is usable
bool keeps_traffic(const Snapshot& snapshot, const Verdicts& verdicts, const TargetKey& target);

}  // namespace weir::snapshot
