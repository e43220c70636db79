// When connections to targets that left end: a deadline on the monotonic clock for each target of
// each drain record, fixed when the target leaves. A record that goes does not stop it, nor does
// the wall clock move it; only a target that is in force again is spared. Used by the planner.
// Thread: agent loop.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/clock.h"
#include "snapshot/snapshot.h"

namespace weir::dataplane::proxy {

struct TargetState;

/// One moment, by both clocks.
struct Moment {
  Instant now{};
  WallTime wall{};
};

struct PlannedDrain {
  std::shared_ptr<const TargetState> target;
  Instant deadline;
  bool is_waiting = false;  // in force still: its time begins when it leaves
};

struct PlannedRecord {
  std::shared_ptr<const snapshot::Drain> drain;
  Instant deadline;      // of targets that were out of force when the record came
  bool is_gone = false;  // the Snapshot knows it no more
  std::vector<PlannedDrain> targets;
};

class DrainClocks {
 public:
  using Targets = std::vector<std::shared_ptr<const TargetState>>;
  using InForce = std::unordered_set<const TargetState*>;

  bool is_empty() const { return records_.empty(); }
  /// A record of the Snapshot; `targets`: those it names that this process has used.
  void note(const std::shared_ptr<const snapshot::Drain>& drain, const Targets& targets,
            const InForce& in_force, const Moment& moment);
  /// After all note() of a Snapshot: what it no longer says goes on without it.
  void note_gone(const snapshot::Snapshot& snapshot, const InForce& in_force, Instant now);
  std::vector<PlannedRecord> records() const;

 private:
  struct Running {
    Instant deadline;
    bool is_waiting = false;
  };
  using TargetTimes = std::map<std::shared_ptr<const TargetState>, Running>;
  struct Record {
    std::shared_ptr<const snapshot::Drain> drain;
    Instant deadline;
    bool is_gone = false;
    TargetTimes targets;
  };
  static Running left(const Record& record, const Running& before, Instant now);
  static void keep_unnamed(Record& record, const TargetTimes& unnamed, const InForce& in_force,
                           Instant now);

  std::map<std::string, Record> records_;  // by id
};

}  // namespace weir::dataplane::proxy
