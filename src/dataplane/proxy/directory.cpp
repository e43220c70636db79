#include "dataplane/proxy/directory.h"

#include <algorithm>

#include "base/mutant.h"

namespace weir::dataplane::proxy {
namespace {

const std::string& id_of(const ServicePlanPtr& plan) { return plan->service->id; }
const std::string& id_of(const ListenerPlanPtr& plan) { return plan->listener->id; }

/// Walks two lists that ascend by id: what only the old one has, then what the new one has and the
/// old one not so.
template <class List, class Removed, class Changed>
void difference(const List& before, const List& after, Removed&& removed, Changed&& changed) {
  auto old = before.begin();
  for (const auto& entry : after) {
    // As a rule nearly all have stayed: no look into them.
    if (old != before.end() && *old == entry) {
      ++old;
      continue;
    }
    while (old != before.end() && id_of(*old) < id_of(entry)) removed(**old++);
    const bool is_known = old != before.end() && id_of(*old) == id_of(entry);
    if (!is_known || *old != entry) changed(entry);
    if (is_known) ++old;
  }
  while (old != before.end()) removed(**old++);
}

void close_idle(TargetEntry& target) {
  target.users.for_each([](TargetUser& user) { user.close_if_idle(); });
}

}  // namespace

void Directory::update(PlanPtr plan) {
  static const Plan kNothing;
  const Plan& before = plan_ == nullptr ? kNothing : *plan_;
  difference(
      before.services, plan->services, [this](const ServicePlan& gone) { remove_service(gone); },
      [this](const ServicePlanPtr& now) { change_service(now); });
  difference(
      before.listeners, plan->listeners,
      [this](const ListenerPlan& gone) { remove_listener(gone); },
      [this](const ListenerPlanPtr& now) { change_listener(now); });
  if (!before.drains.empty() || !plan->drains.empty()) set_drains(*plan);
  // Beyond this map, services and connections hold an entry.
  std::erase_if(leaving_, [this](const TargetState* state) {
    const auto at = targets_.find(state);
    if (at == targets_.end() || at->second->is_current) return true;
    if (at->second->references > 1) return false;
    targets_.erase(at);
    return true;
  });
  plan_ = std::move(plan);
}

Ref<TargetEntry> Directory::target(const TargetStatePtr& state) {
  Ref<TargetEntry>& entry = targets_[state.get()];
  if (!entry) entry = Ref<TargetEntry>::make(state, reactor_, place_.worker);
  return entry;
}

void Directory::change_service(const ServicePlanPtr& plan) {
  Ref<ServiceEntry>& current = services_[id_of(plan)];
  const Ref<ServiceEntry> old = current;
  current = Ref<ServiceEntry>::make(plan, reactor_, place_, old.get());
  if (old) {
    for (const auto& entry : old->targets) entry->is_current = false;
  }
  for (const auto& state : plan->targets) {
    current->targets.push_back(target(state));
    current->targets.back()->is_current = true;
    if (!state->takes_new()) close_idle(*current->targets.back());
  }
  if (!old) return;
  for (const auto& entry : old->targets) {
    if (!entry->is_current) leave(*entry);
  }
}

void Directory::leave(TargetEntry& target) {
  leaving_.insert(target.state.get());
  close_idle(target);
}

void Directory::remove_service(const ServicePlan& plan) {
  const auto at = services_.find(plan.service->id);
  for (const auto& entry : at->second->targets) {
    entry->is_current = false;
    leave(*entry);
  }
  services_.erase(at);
}

void Directory::change_listener(const ListenerPlanPtr& plan) {
  Ref<ListenerEntry>& entry = listeners_[id_of(plan)];
  if (entry && entry->plan->listener->endpoint != plan->listener->endpoint)
    remove_listener(*entry->plan);
  Ref<ListenerEntry>& current = listeners_[id_of(plan)];
  if (!current) current = Ref<ListenerEntry>::make(plan, place_.worker);
  leave_endpoints(
      *current);  // Of those that it keeps nobody sees it: no connection comes meanwhile.
  current->plan = plan;
  current->route.clear();
  for (const auto& service : plan->route) current->route.push_back(services_.at(id_of(service)));
  for (const net::Endpoint& endpoint : plan->listener->endpoints()) endpoints_[endpoint] = current;
}

/// New connections there are not for it any more; those it has run on.
void Directory::leave_endpoints(const ListenerEntry& entry) {
  for (const net::Endpoint& endpoint : entry.plan->listener->endpoints()) {
    const auto place = endpoints_.find(endpoint);
    if (place == endpoints_.end()) continue;
    const bool is_own = place->second.get() == &entry || mutant("address-of-another");
    if (is_own) endpoints_.erase(place);
  }
}

void Directory::remove_listener(const ListenerPlan& plan) {
  const auto at = listeners_.find(plan.listener->id);
  at->second->is_removed = true;
  leave_endpoints(*at->second);
  listeners_.erase(at);
}

/// A timer runs on until its target is in force again, also when its record has gone.
void Directory::set_drains(const Plan& plan) {
  const auto for_each = [this](const Plan& drained, auto&& visit) {
    for (const auto& record : drained.drains) {
      for (const auto& drain : record.targets) {
        const auto at = targets_.find(drain.target.get());
        if (at != targets_.end()) visit(*at->second, drain.deadline);
      }
    }
  };
  if (plan_ != nullptr) {
    for_each(*plan_, [this](TargetEntry& target, Instant) {
      if (target.is_current) reactor_.wheel().disarm(target);
    });
  }
  std::map<TargetEntry*, Instant> deadlines;  // the last, of a target that several records name
  for_each(plan, [&deadlines](TargetEntry& target, Instant deadline) {
    if (target.is_current) return;
    Instant& last = deadlines.try_emplace(&target, deadline).first->second;
    last = std::max(last, deadline);
  });
  for (const auto& [target, deadline] : deadlines) {
    target->note_oldest();
    const auto left = std::max(deadline - reactor_.now(), Clock::Duration::zero());
    reactor_.arm(*target, mutant("drain-cuts-early") ? left / 2 : left);
  }
}

ListenerEntry* Directory::listener_at(const net::Endpoint& endpoint) const {
  const auto at = endpoints_.find(endpoint);
  return at == endpoints_.end() ? nullptr : at->second.get();
}

Ref<ServiceEntry> Directory::in_force(ServiceEntry& service) const {
  const auto at = services_.find(service.plan->service->id);
  return at == services_.end() ? Ref<ServiceEntry>::of(service) : at->second;
}

TargetEntry* Directory::pick(ServiceEntry& service, const FlowEnds& flow,
                             const TargetEntry* tried) {
  const auto usable = [&](balancing::TargetIndex index) {
    const TargetEntry& target = *service.targets[index.value];
    return target.is_current && target.state->takes_new() && &target != tried;
  };
  const auto index =
      service.scheduler.pick({flow.client, flow.vip, service.reactor.now(), flow.binds}, usable);
  return index ? service.targets[index->value].get() : nullptr;
}

void Directory::end_drain(TargetEntry& target) {
  if (target.is_current) return;
  target.users.for_each([](TargetUser& user) { user.cut(FailureKind::kDrainEnded); });
}

}  // namespace weir::dataplane::proxy
