// One worker's choice among the targets of a service, by the service's algorithm. Counts of active
// connections are shared by all workers and live in plan.h. Thread: one worker.
#pragma once

#include <cstddef>
#include <optional>
#include <variant>

#include "balancing/flow_hash.h"
#include "balancing/least_connections.h"
#include "balancing/picker.h"
#include "balancing/weighted_round_robin.h"
#include "base/clock.h"
#include "dataplane/proxy/plan.h"

namespace weir::dataplane::proxy {

/// Which worker of how many.
struct WorkerPlace {
  std::size_t worker = 0;
  std::size_t workers = 1;
};

/// Who talks to whom, over TCP.
struct FlowEnds {
  const net::Endpoint& client;
  const net::Endpoint& vip;
  Instant now{};
  bool binds = true;  // persistence keeps what is picked; false after a failure of our own
};

/// By the hash of the flow and the table of the group: the same for all workers and nodes.
class TablePicker {
 public:
  /// `plan` has a flow table.
  explicit TablePicker(const ServicePlan& plan);

  balancing::FlowHash hash(const FlowEnds& flow) const;
  std::optional<balancing::TargetIndex> pick(balancing::FlowHash hash,
                                             balancing::Usable usable) const;

 private:
  const ServicePlan* plan_;
  balancing::FlowHasher hasher_;
};

/// The target that persistence keeps for the client, its time left as it is; nothing when there is
/// none that takes new traffic.
std::optional<balancing::TargetIndex> kept_target(const ServicePlan& plan,
                                                  const net::IpAddress& client, Instant now);

/// By the service's algorithm, unless persistence keeps a target for the client.
class Scheduler {
 public:
  /// `plan` outlives it. `previous`, of the same service before a change, or null: turns go on
  /// where that one was.
  Scheduler(const ServicePlan& plan, WorkerPlace place, const Scheduler* previous);

  /// The next usable target; nothing when there is none. With persistence the client keeps it.
  std::optional<balancing::TargetIndex> pick(const FlowEnds& flow, balancing::Usable usable);

 private:
  using Picker =
      std::variant<balancing::WeightedRoundRobin, balancing::LeastConnections, TablePicker>;

  static Picker picker_of(const ServicePlan& plan, WorkerPlace place, const Scheduler* previous);
  std::optional<balancing::TargetIndex> choose(const FlowEnds& flow, balancing::Usable usable);
  std::optional<balancing::TargetIndex> take_turn(balancing::Usable usable);
  std::optional<balancing::TargetIndex> any_target(balancing::Usable usable) const;

  const ServicePlan* plan_;
  Picker picker_;
};

}  // namespace weir::dataplane::proxy
