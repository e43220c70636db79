// One worker's view of the plan: entries for listeners, services and targets that its connections
// refer to and keep, so that none of them needs a Snapshot. A service's entry is replaced when the
// service changes (a running exchange keeps the one it began with); a target's entry lasts and
// carries its pool and its users. Thread: one worker.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "dataplane/proxy/counters.h"
#include "dataplane/proxy/failure.h"
#include "dataplane/proxy/list.h"
#include "dataplane/proxy/plan.h"
#include "dataplane/proxy/reactor.h"
#include "dataplane/proxy/ref.h"
#include "dataplane/proxy/scheduler.h"

namespace weir::dataplane::proxy {

class UpstreamConnection;
struct AvailableTag;
struct UserTag;

/// A connection that runs to a target.
class TargetUser : public Link<UserTag> {
 public:
  /// Ends the connection now.
  virtual void cut(FailureKind why) = 0;
  /// The target takes nothing new, or left: ends the connection if nothing runs on it.
  virtual void close_if_idle() = 0;

  Instant since{};  // when it began

 protected:
  ~TargetUser() = default;
};

struct TargetEntry : Counted, Timed {
  TargetEntry(TargetStatePtr target_state, const Reactor& worker_reactor, std::size_t worker)
      : Timed(TimerKind::kDrain),
        state(std::move(target_state)),
        reactor(worker_reactor),
        counters(state->counters.of(worker)) {}

  const TargetStatePtr state;
  const Reactor& reactor;  // for the time
  TargetCounters& counters;
  bool is_current = true;  // the service in force names it
  Instant failure_reported{};
  std::uint32_t available_count = 0;
  List<UpstreamConnection, AvailableTag> available;  // with room for a stream; last used first
  List<TargetUser, UserTag> users;                   // all connections to it, newest first

  void add_user(TargetUser& user) {
    user.since = reactor.now();
    users.push_front(user);
    note_oldest();
  }
  /// A connection came or left, or a drain begins: how old is the oldest that is left?
  void note_oldest() {
    if (is_current) return;
    counters.oldest.store(users.empty() ? Instant::max() : users.back().since,
                          std::memory_order_relaxed);
  }
  /// A stream or relayed connection begins or ends.
  void begin_use() {
    counters.active.add();
    state->in_use.add();
  }
  void end_use() {
    counters.active.remove();
    state->in_use.remove();
    note_oldest();
  }
  /// May a connection be used again?
  bool is_reusable() const { return is_current && state->keeps_old(); }
};

struct ServiceEntry : Counted {
  ServiceEntry(ServicePlanPtr service_plan, const Reactor& worker_reactor, WorkerPlace place,
               const ServiceEntry* previous)
      : plan(std::move(service_plan)),
        reactor(worker_reactor),
        scheduler(*plan, place, previous == nullptr ? nullptr : &previous->scheduler) {}

  const ServicePlanPtr plan;
  const Reactor& reactor;  // for the time
  Scheduler scheduler;
  std::vector<Ref<TargetEntry>> targets;  // in the order of the plan's
  std::size_t source_cursor = 0;
};

struct ListenerEntry : Counted {
  ListenerEntry(ListenerPlanPtr listener_plan, std::size_t worker)
      : plan(std::move(listener_plan)), counters(plan->state->counters.of(worker)) {}

  ListenerPlanPtr plan;
  ListenerCounters& counters;
  std::vector<Ref<ServiceEntry>> route;
  bool is_removed = false;  // no Snapshot names it: its connections end with their next response

  Clock::Duration idle_timeout() const { return plan->listener->idle_timeout; }
  bool admits(const net::IpAddress& client) const {
    return plan->listener->admission.admits(client);
  }
  bool drops() const { return plan->listener->drops_without_target; }
  bool is_http() const { return plan->listener->protocol == snapshot::Protocol::kHttp; }
};

class Directory {
 public:
  Directory(Reactor& reactor, std::size_t worker, std::size_t workers)
      : reactor_(reactor), place_{worker, workers} {}

  /// Cost:    follows what changed, plus a comparison of pointers for each listener and service
  void update(PlanPtr plan);
  /// Null when the plan has no listener there.
  ListenerEntry* listener_at(const net::Endpoint& endpoint) const;
  /// The service as the plan in force has it; `service` itself when it has left.
  Ref<ServiceEntry> in_force(ServiceEntry& service) const;
  /// The next target of the service that takes new traffic, is in force and is not `tried`; null
  /// when there is none.
  static TargetEntry* pick(ServiceEntry& service, const FlowEnds& flow, const TargetEntry* tried);
  /// A drain timer fired.
  static void end_drain(TargetEntry& target);

 private:
  void change_service(const ServicePlanPtr& plan);
  void remove_service(const ServicePlan& plan);
  void leave(TargetEntry& target);
  void change_listener(const ListenerPlanPtr& plan);
  void remove_listener(const ListenerPlan& plan);
  void leave_endpoints(const ListenerEntry& entry);
  void set_drains(const Plan& plan);
  Ref<TargetEntry> target(const TargetStatePtr& state);

  Reactor& reactor_;
  WorkerPlace place_;
  PlanPtr plan_;
  std::map<std::string, Ref<ServiceEntry>> services_;
  std::map<std::string, Ref<ListenerEntry>> listeners_;
  std::map<net::Endpoint, Ref<ListenerEntry>> endpoints_;
  std::map<const TargetState*, Ref<TargetEntry>> targets_;
  std::set<const TargetState*> leaving_;  // in no service any more, perhaps with connections
};

}  // namespace weir::dataplane::proxy
