#include "health/tracker.h"

#include "base/mutant.h"

namespace weir::health {

using snapshot::HealthState;

Transition Tracker::observe(const ProbeOutcome& outcome, Instant now) {
  const bool success = outcome.success();
  if (row_ == 0 || success != is_row_of_successes_) {
    is_row_of_successes_ = success;
    row_ = 0;
  }
  ++row_;
  int threshold = success ? thresholds_.healthy : thresholds_.unhealthy;
  if (mutant("threshold-off-by-one")) ++threshold;
  const HealthState from = state_;
  if (row_ >= threshold) {
    row_ = threshold;  // a long row must not overflow
    state_ = success ? HealthState::kHealthy : HealthState::kUnhealthy;
  }
  return {.from = from, .to = state_, .at = now, .because = outcome};
}

}  // namespace weir::health
