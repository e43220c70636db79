// The one interface between an agent and a data plane. An engine gets a Snapshot and nothing else,
// but for health marks and the listening sockets that the node owns. Thread: agent loop, but for
// stats() (any).
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/result.h"
#include "snapshot/snapshot.h"

namespace weir::dataplane {

/// Two switches of a target, written in place before the next Snapshot follows.
struct HealthMark {
  snapshot::TargetKey target;
  bool takes_new = false;
  bool keeps_old = true;
};

struct Applied {
  Version version;
};

/// Connections that still run to a draining target.
struct DrainingTarget {
  snapshot::TargetKey target;
  std::uint64_t connections = 0;
  Clock::Duration oldest{};  // age of the oldest connection
};

/// What is left of one drain record.
struct DrainProgress {
  std::string record{};     // id
  bool is_waiting = false;  // a target of it still takes new traffic: its time has not begun
  std::uint64_t connections = 0;
  Clock::Duration oldest{};               // age of the oldest connection; 0 without one
  Clock::Duration later{};                // its last target ends by so much after its deadline
  std::vector<DrainingTarget> targets{};  // those with connections
};

/// A flow to explain: who asks, at which listener.
struct Flow {
  std::string listener_id;
  net::Endpoint client;
};

struct ExplainedTarget {
  std::string target_id;
  Slot slot;
  net::Endpoint endpoint{};
  double share = 0;      // of new traffic, 0..1
  std::string excluded;  // why it gets none; empty when it does
};

/// Where a new connection of a flow would go, by the Snapshot in force. The shares sum to 1, or to
/// 0 when no target takes new traffic.
struct Explanation {
  bool is_certain = false;  // one target, by hash or persistence; else shares
  Version version{};        // of the Snapshot that decides
  std::string service_id{};
  std::string group_id{};
  snapshot::Algorithm algorithm = snapshot::Algorithm::kRoundRobin;
  std::string reason{};  // what decided, in words
  std::vector<ExplainedTarget> targets{};
};

struct Capabilities {
  std::string name;  // "proxy" or "xdp"
  bool http = false;
  bool tcp = false;
};

class Engine {
 public:
  virtual ~Engine() = default;
  /// Level-triggered: computes its own difference; marks of its targets are set from the Snapshot.
  /// Errors:  kInvalidArgument when the Snapshot is null
  virtual Result<Applied> apply(std::shared_ptr<const snapshot::Snapshot> snapshot) = 0;
  virtual void mark(std::span<const HealthMark> marks) = 0;
  /// One for each drain record of the Snapshot.
  virtual std::vector<DrainProgress> progress() const = 0;
  /// Appends this engine's samples (weir_listener_*, weir_target_*). Thread: any
  virtual void stats(std::vector<Sample>& out) const = 0;
  /// Errors: kNotFound when the listener is unknown
  virtual Result<Explanation> explain(const Flow& flow) const = 0;
  virtual Capabilities capabilities() const = 0;
  /// Stops taking connections; ends when none is left or at `deadline`.
  virtual void stop(Instant deadline) = 0;
};

}  // namespace weir::dataplane
