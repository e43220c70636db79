#include "dataplane/proxy/drain_clocks.h"

#include <algorithm>
#include <utility>

#include "dataplane/proxy/plan.h"

namespace weir::dataplane::proxy {

/// A target that is not in force now.
DrainClocks::Running DrainClocks::left(const Record& record, const Running& before, Instant now) {
  if (!before.is_waiting) return before;
  return {.deadline = std::max(record.deadline, now + record.drain->time)};
}

/// Targets that the record named before: only those that are in force again are free of it.
void DrainClocks::keep_unnamed(Record& record, const TargetTimes& unnamed, const InForce& in_force,
                               Instant now) {
  for (const auto& [target, before] : unnamed) {
    if (in_force.contains(target.get())) continue;
    // One that leaves now may still get a connection from a worker that does not know.
    const bool is_idle = !before.is_waiting && target->active() == 0;
    const Running running = left(record, before, now);
    if (!is_idle && running.deadline > now) record.targets.emplace(target, running);
  }
}

void DrainClocks::note(const std::shared_ptr<const snapshot::Drain>& drain, const Targets& targets,
                       const InForce& in_force, const Moment& moment) {
  const auto [at, is_new] = records_.try_emplace(drain->id);
  Record& record = at->second;
  if (is_new) {
    const WallTime::duration left = drain->deadline - moment.wall;
    // A wall clock that is wrong neither cuts before the write nor lets run longer than asked for.
    const WallTime::duration most = drain->time;
    const WallTime::duration least = -std::chrono::days(1);
    record.deadline = moment.now + std::clamp(left, least, most);
  }
  record.drain = drain;
  record.is_gone = false;
  TargetTimes before = std::exchange(record.targets, {});
  for (const auto& target : targets) {
    const auto known = before.find(target);
    Running& running = record.targets[target];
    if (in_force.contains(target.get())) {
      running = {.deadline = Instant::max(), .is_waiting = true};
    } else if (known != before.end()) {
      running = left(record, known->second, moment.now);
    } else {
      running = {.deadline = record.deadline};
    }
    if (known != before.end()) before.erase(known);
  }
  keep_unnamed(record, before, in_force, moment.now);
}

void DrainClocks::note_gone(const snapshot::Snapshot& snapshot, const InForce& in_force,
                            Instant now) {
  for (auto& [id, record] : records_) {
    if (std::ranges::binary_search(snapshot.drains, id, {},
                                   [](const auto& drain) -> const auto& { return drain->id; })) {
      continue;
    }
    record.is_gone = true;
    keep_unnamed(record, std::exchange(record.targets, {}), in_force, now);
  }
  std::erase_if(records_, [](const auto& entry) {
    return entry.second.is_gone && entry.second.targets.empty();
  });
}

std::vector<PlannedRecord> DrainClocks::records() const {
  std::vector<PlannedRecord> records;
  for (const auto& [id, record] : records_) {
    PlannedRecord& planned = records.emplace_back(PlannedRecord{.drain = record.drain,
                                                                .deadline = record.deadline,
                                                                .is_gone = record.is_gone,
                                                                .targets = {}});
    for (const auto& [target, running] : record.targets) {
      planned.targets.push_back({target, running.deadline, running.is_waiting});
    }
  }
  return records;
}

}  // namespace weir::dataplane::proxy
