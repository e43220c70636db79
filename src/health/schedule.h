// When probes start, as plain arithmetic: a grid of ticks per target, spread over the interval so
// that a thousand targets are not probed in the same instant. Thread: any (pure functions).
#pragma once

#include "base/clock.h"
#include "snapshot/verdict.h"

namespace weir::health {

/// The share of a period, 0 <= share < period, that belongs to this target: the same on every run.
Clock::Duration spread(const snapshot::TargetKey& target, Clock::Duration period);

/// The first tick of the grid origin + k * period (k any integer) that is not before `at_least`.
/// Range:   period above zero
Instant next_tick(Instant origin, Clock::Duration period, Instant at_least);

}  // namespace weir::health
