// Why a flow goes where it goes: answered with the sequence and the marks that forward. Pure.
// Thread: any.
#pragma once

#include "dataplane/engine.h"
#include "dataplane/proxy/plan.h"

namespace weir::dataplane::proxy {

/// The target that persistence keeps for the client or that a hash names, else shares of one period
/// of the round robin; with the marks as they are now. `plan` may be null.
/// Errors:  kNotFound when the listener is unknown
Result<Explanation> explain_flow(const Plan* plan, const Flow& flow, Instant now);

}  // namespace weir::dataplane::proxy
