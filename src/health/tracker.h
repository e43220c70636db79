// Turns the outcomes of the probes of one target into its health: so many of one kind in a row. A
// pure value without clock, schedule or IO; the Checker holds one per target.
// Thread: values.
#pragma once

#include <string>

#include "base/clock.h"
#include "health/probe.h"
#include "snapshot/verdict.h"

namespace weir::health {

/// Outcomes in a row that change the state, 1..5 each. Source: product.md A.7, M58, M59.
struct Thresholds {
  int healthy = 3;
  int unhealthy = 3;
};

/// What one outcome did.
struct Transition {
  snapshot::HealthState from = snapshot::HealthState::kInitial;
  snapshot::HealthState to = snapshot::HealthState::kInitial;
  Instant at;
  ProbeOutcome because;  // the last outcome of the row

  bool changed() const { return from != to; }
};

class Tracker {
 public:
  //              enough successes            enough failures
  //   kInitial --------------------> kHealthy ----------------> kUnhealthy
  //       |                             ^                          |  ^
  //       |                             +---- enough successes ----+  |
  //       +--------------------- enough failures ---------------------+

  /// `held` is the state of a verdict from before a restart: it stands until a row ends it.
  explicit Tracker(Thresholds thresholds,
                   snapshot::HealthState held = snapshot::HealthState::kInitial)
      : thresholds_(thresholds), state_(held) {}

  Transition observe(const ProbeOutcome& outcome, Instant now);

  /// New thresholds count with the next outcome; the state and the current row stay.
  void set_thresholds(Thresholds thresholds) { thresholds_ = thresholds; }

  snapshot::HealthState state() const { return state_; }

 private:
  Thresholds thresholds_;
  snapshot::HealthState state_;
  int row_ = 0;  // outcomes of one kind in a row
  bool is_row_of_successes_ = false;
};

}  // namespace weir::health
