// What the engine makes of a Snapshot for its workers: immutable, shared by all of them, parts that
// did not change are the same objects as before. Only the marks inside change in place. Made on the
// agent loop. Thread: immutable (marks: one writer, any reader).
#pragma once

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "balancing/least_connections.h"
#include "balancing/weighted_round_robin.h"
#include "base/clock.h"
#include "base/random.h"
#include "dataplane/proxy/counters.h"
#include "dataplane/proxy/drain_clocks.h"
#include "dataplane/proxy/persistence.h"
#include "net/address.h"
#include "snapshot/snapshot.h"

namespace weir::dataplane::proxy {

/// New traffic by turns or by count passes over a target this long after a connect to it failed,
/// while there is another one. Chosen because a target that refuses at once would else look idle
/// and draw most first attempts, more than there are retries for, and because one attempt per
/// second finds out soon that it is back. Metric: weir_target_connect_failures_total.
inline constexpr std::chrono::milliseconds kPassedOver{1'000};

/// The lasting part of a target, from Snapshot to Snapshot: who it is, its marks and its counters.
struct TargetState {
  /// `serial` is its own in the process, from 1.
  TargetState(snapshot::TargetKey target_key, std::string target_id, net::Endpoint where,
              std::uint64_t serial, std::size_t workers)
      : key(std::move(target_key)),
        id(std::move(target_id)),
        endpoint(where),
        address(net::socket_address(where)),
        counters(workers),
        marks_(serial << kSerialShift) {}

  snapshot::TargetKey key;
  std::string id;
  net::Endpoint endpoint;
  net::SocketAddress address;
  PerWorker<TargetCounters> counters;
  /// Of all workers, with every algorithm, so that a change to least connections starts from what
  /// runs. Counts go on from Snapshot to Snapshot, whatever else of the service changes.
  mutable balancing::ActiveCount in_use{};

  bool takes_new() const { return (marks_.load(std::memory_order_relaxed) & kTakesNew) != 0; }
  bool keeps_old() const { return (marks_.load(std::memory_order_relaxed) & kKeepsOld) != 0; }
  /// Names the time since it began to take new traffic or joined its service, whichever was later;
  /// never the same for two targets. 0 while it takes nothing new.
  std::uint64_t tenure() const {
    const std::uint64_t marks = marks_.load(std::memory_order_relaxed);
    return (marks & kTakesNew) != 0 ? marks >> kTenureShift : 0;
  }
  /// Relaxed: a mark stands alone; what it means does not depend on other memory. One writer.
  void set_marks(bool takes_new, bool keeps_old) const {
    const std::uint64_t before = marks_.load(std::memory_order_relaxed);
    std::uint64_t tenure = before >> kTenureShift;
    if ((before & kTakesNew) != 0 && !takes_new) ++tenure;
    marks_.store(
        (tenure << kTenureShift) | (takes_new ? kTakesNew : 0) | (keeps_old ? kKeepsOld : 0),
        std::memory_order_relaxed);
  }
  /// It is in its service again: what was bound to it before is no more. One writer.
  void rejoin() const {
    marks_.store(marks_.load(std::memory_order_relaxed) + (std::uint64_t{1} << kTenureShift),
                 std::memory_order_relaxed);
  }
  /// A connect of any worker failed. Relaxed: a hint that stands alone.
  void note_connect_failure(Instant now) const {
    connect_failed_.store(now, std::memory_order_relaxed);
  }
  bool is_passed_over(Instant now) const { return since_connect_failure(now) < kPassedOver; }
  /// At most kPassedOver, which also stands for never.
  Clock::Duration since_connect_failure(Instant now) const {
    const Instant end = connect_failed_.load(std::memory_order_relaxed) + kPassedOver;
    return kPassedOver - std::clamp<Clock::Duration>(end - std::min(now, end), {}, kPassedOver);
  }
  /// When the oldest connection of a draining target began; max without one.
  Instant oldest() const {
    Instant first = Instant::max();
    counters.for_each([&](const TargetCounters& set) {
      first = std::min(first, set.oldest.load(std::memory_order_relaxed));
    });
    return first;
  }
  std::uint64_t active() const {
    return counters.sum([](const TargetCounters& set) -> const Counter& { return set.active; });
  }

 private:
  static constexpr std::uint64_t kTakesNew = 1;
  static constexpr std::uint64_t kKeepsOld = 2;
  // Tenures of a target stand above the marks, its serial above 32 bits of them: a word that
  // changes as one.
  static constexpr int kTenureShift = 2;
  static constexpr int kSerialShift = 34;
  mutable std::atomic<std::uint64_t> marks_;
  mutable std::atomic<Instant> connect_failed_{Instant::min()};  // read with the marks
};
using TargetStatePtr = std::shared_ptr<const TargetState>;

/// The lasting part of a listener.
struct ListenerState {
  ListenerState(std::string listener_id, std::size_t workers)
      : id(std::move(listener_id)), counters(workers) {}

  std::string id;
  PerWorker<ListenerCounters> counters;
};
using ListenerStatePtr = std::shared_ptr<const ListenerState>;

struct ServicePlan {
  std::shared_ptr<const snapshot::Service> service;
  std::vector<TargetStatePtr> targets;  // in the order of service->targets
  std::shared_ptr<const balancing::Sequence> sequence;
  /// With a flow table or persistence, by slot: place among `targets` counted from 1, 0 = no target
  /// has the slot.
  std::vector<std::uint16_t> place_of_slot;
  std::shared_ptr<const Persistence> persistence;  // null: off
  std::vector<net::SocketAddress> sources;         // upstream connections leave from these in turn
};
using ServicePlanPtr = std::shared_ptr<const ServicePlan>;

struct ListenerPlan {
  std::shared_ptr<const snapshot::Listener> listener;
  ListenerStatePtr state;
  std::vector<ServicePlanPtr> route;  // in the order of listener->route
  std::string vip;                    // without brackets
  std::string host;                   // vip as it stands in a Host field
  std::string port;
};
using ListenerPlanPtr = std::shared_ptr<const ListenerPlan>;

struct Plan {
  std::shared_ptr<const snapshot::Snapshot> snapshot;
  std::vector<ListenerPlanPtr> listeners;  // in the order of snapshot->listeners
  std::vector<ServicePlanPtr> services;    // in the order of snapshot->services
  std::vector<PlannedRecord> drains;       // those of the Snapshot, and gone ones that still run
};
using PlanPtr = std::shared_ptr<const Plan>;

/// The lasting parts by name, and the making of plans. Thread: agent loop.
class Planner {
 public:
  explicit Planner(std::size_t workers) : workers_(workers) {}

  /// Also sets the marks of targets from the Snapshot. `previous` may be null.
  /// Cost:    follows the services and listeners that changed, plus a look at each
  PlanPtr plan(std::shared_ptr<const snapshot::Snapshot> snapshot, const Plan* previous,
               const Moment& moment = {});

  /// A mark of the target was set beside the Snapshot: the next plan sets its service's anew.
  void note_mark(const snapshot::TargetKey& key);

  struct Work {
    std::size_t services_made = 0;
    std::size_t listeners_made = 0;
  };
  /// What all plans so far have made.
  const Work& work() const { return work_; }

  /// States of the target, one per endpoint it has had.
  std::vector<TargetStatePtr> targets(const snapshot::TargetKey& key) const;
  std::vector<TargetStatePtr> all_targets() const;
  std::vector<ListenerStatePtr> all_listeners() const;

 private:
  using Place = std::pair<snapshot::TargetKey, net::Endpoint>;

  ServicePlanPtr service_plan(const std::shared_ptr<const snapshot::Service>& service,
                              const ServicePlanPtr& old);
  ListenerPlanPtr listener_plan(const std::shared_ptr<const snapshot::Listener>& listener,
                                const Plan& plan, const ListenerPlanPtr& old);
  TargetStatePtr target_state(const snapshot::Service& service, const snapshot::Target& target);
  std::shared_ptr<const Persistence> persistence_of(const snapshot::Service& service);
  void plan_drains(Plan& plan, const Moment& moment);
  std::vector<TargetStatePtr> targets_of(const snapshot::Drain& drain) const;
  void note_leaving(const ServicePlan& old);
  void note_staying(const ServicePlan& plan);
  void forget_unused();

  std::size_t workers_;
  Work work_;
  std::set<Place> leaving_;                  // states that are in no plan any more
  std::set<std::string> leaving_listeners_;  // the same of listeners
  std::set<std::string> marked_;             // services with marks beside the Snapshot
  std::uint64_t serial_ = 0;                 // of the newest target state
  Random random_;
  std::map<std::string, std::shared_ptr<const Persistence>> persistence_;  // of services in force
  std::map<Place, TargetStatePtr> targets_;
  DrainClocks drains_;
  std::map<std::string, ListenerStatePtr> listeners_;
};

}  // namespace weir::dataplane::proxy
