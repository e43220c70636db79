#include "dataplane/proxy/plan.h"

#include <algorithm>

#include "base/check.h"

namespace weir::dataplane::proxy {
namespace {

const ServicePlanPtr* find_service(const Plan& plan, const std::string& id) {
  const auto at = std::ranges::lower_bound(
      plan.services, id, {},
      [](const ServicePlanPtr& entry) -> const std::string& { return entry->service->id; });
  return at != plan.services.end() && (*at)->service->id == id ? &*at : nullptr;
}

const std::string& id_of(const ServicePlanPtr& plan) { return plan->service->id; }
const std::string& id_of(const ListenerPlanPtr& plan) { return plan->listener->id; }

/// Walks the parts of the plan before beside those of a Snapshot, both ascending by id; what comes
/// out of order counts as new, which costs its state.
template <class PlanPart>
class Before {
 public:
  explicit Before(const std::vector<PlanPart>* parts) : parts_(parts) {}
  /// The part of that id; null without one.
  PlanPart find(const std::string& id) {
    if (parts_ == nullptr) return nullptr;
    while (at_ < parts_->size() && id_of((*parts_)[at_]) < id) gone_.push_back((*parts_)[at_++]);
    if (at_ == parts_->size() || id_of((*parts_)[at_]) != id) return nullptr;
    return (*parts_)[at_++];
  }
  /// Those that nobody asked for.
  std::vector<PlanPart> gone() {
    while (parts_ != nullptr && at_ < parts_->size()) gone_.push_back((*parts_)[at_++]);
    return std::move(gone_);
  }

 private:
  const std::vector<PlanPart>* parts_;
  std::size_t at_ = 0;
  std::vector<PlanPart> gone_;
};

std::shared_ptr<const balancing::Sequence> sequence_of(const snapshot::Service& service) {
  std::vector<int> weights;
  weights.reserve(service.targets.size());
  for (const auto& target : service.targets)
    weights.push_back(target.takes_new ? target.weight : 0);
  return std::make_shared<const balancing::Sequence>(balancing::smooth_sequence(weights));
}

std::vector<std::uint16_t> places_by_slot(const snapshot::Service& service) {
  std::vector<std::uint16_t> places;
  const bool is_asked = service.flow_table.slots != nullptr || service.persistence.count() > 0;
  if (!is_asked || service.targets.empty()) return places;
  places.resize(std::size_t{service.targets.back().slot.value} + 1);
  for (std::size_t i = 0; i < service.targets.size(); ++i) {
    places[service.targets[i].slot.value] = static_cast<std::uint16_t>(i + 1);
  }
  return places;
}

/// Up before down: traffic runs, and between both it must find somebody.
void set_marks(const ServicePlan& plan) {
  for (const bool takes_new : {true, false}) {
    for (std::size_t i = 0; i < plan.targets.size(); ++i) {
      const auto& target = plan.service->targets[i];
      if (target.takes_new == takes_new) plan.targets[i]->set_marks(takes_new, target.keeps_old);
    }
  }
}

/// Targets that the service did not have just before come without what was bound to them once.
void begin_tenures(const ServicePlan& plan, const ServicePlan* before) {
  const auto slot_of = [](const TargetStatePtr& target) { return target->key.slot; };
  for (const TargetStatePtr& target : plan.targets) {
    if (before != nullptr) {
      const auto at = std::ranges::lower_bound(before->targets, target->key.slot, {}, slot_of);
      if (at != before->targets.end() && *at == target) continue;
    }
    target->rejoin();
  }
}

}  // namespace

PlanPtr Planner::plan(std::shared_ptr<const snapshot::Snapshot> snapshot, const Plan* previous,
                      const Moment& moment) {
  forget_unused();
  auto plan = std::make_shared<Plan>();
  plan->snapshot = std::move(snapshot);
  const auto service_id = [](const auto& service) -> const std::string& { return service->id; };
  (void)WEIR_BUG(!std::ranges::is_sorted(plan->snapshot->services, {}, service_id));
  Before services(previous == nullptr ? nullptr : &previous->services);
  for (const auto& service : plan->snapshot->services) {
    const ServicePlanPtr old = services.find(service->id);
    plan->services.push_back(service_plan(service, old));
    const bool is_new = plan->services.back() != old;
    if (is_new && old != nullptr) note_leaving(*old);
    if (is_new) note_staying(*plan->services.back());
    if (is_new || marked_.contains(service->id)) set_marks(*plan->services.back());
  }
  for (const ServicePlanPtr& gone : services.gone()) note_leaving(*gone);
  marked_.clear();
  std::erase_if(persistence_, [&](const auto& entry) { return !find_service(*plan, entry.first); });
  Before listeners(previous == nullptr ? nullptr : &previous->listeners);
  for (const auto& listener : plan->snapshot->listeners) {
    plan->listeners.push_back(listener_plan(listener, *plan, listeners.find(listener->id)));
  }
  for (const ListenerPlanPtr& gone : listeners.gone()) leaving_listeners_.insert(id_of(gone));
  plan_drains(*plan, moment);
  return plan;
}

void Planner::plan_drains(Plan& plan, const Moment& moment) {
  if (plan.snapshot->drains.empty() && drains_.is_empty()) return;
  DrainClocks::InForce in_force;
  for (const auto& service : plan.services) {
    for (const auto& target : service->targets) in_force.insert(target.get());
  }
  for (const auto& drain : plan.snapshot->drains) {
    drains_.note(drain, targets_of(*drain), in_force, moment);
  }
  drains_.note_gone(*plan.snapshot, in_force, moment.now);
  plan.drains = drains_.records();
}

ServicePlanPtr Planner::service_plan(const std::shared_ptr<const snapshot::Service>& service,
                                     const ServicePlanPtr& old) {
  if (old != nullptr && (old->service == service || *old->service == *service)) return old;
  ++work_.services_made;
  auto plan = std::make_shared<ServicePlan>();
  plan->service = service;
  for (const auto& target : service->targets)
    plan->targets.push_back(target_state(*service, target));
  plan->sequence = sequence_of(*service);
  plan->place_of_slot = places_by_slot(*service);
  plan->persistence = persistence_of(*service);
  if (plan->persistence != nullptr) begin_tenures(*plan, old.get());
  for (const auto& source : service->source_addresses) {
    plan->sources.push_back(net::socket_address(net::Endpoint{source, 0}));
  }
  return plan;
}

ListenerPlanPtr Planner::listener_plan(const std::shared_ptr<const snapshot::Listener>& listener,
                                       const Plan& plan, const ListenerPlanPtr& old) {
  // An equal pointer names equal services, whose plans have stayed.
  const auto has_stayed = [&plan](const ServicePlanPtr& part) {
    const ServicePlanPtr* service = find_service(plan, part->service->id);
    return service != nullptr && *service == part;
  };
  if (old != nullptr && old->listener == listener && old->route.size() == listener->route.size() &&
      !WEIR_BUG(!std::ranges::all_of(old->route, has_stayed))) {
    return old;
  }
  ++work_.listeners_made;
  std::vector<ServicePlanPtr> route;
  for (const auto& part : listener->route) {
    const ServicePlanPtr* service = find_service(plan, part.service->id);
    if (service != nullptr) route.push_back(*service);
  }
  leaving_listeners_.erase(listener->id);
  auto& state = listeners_[listener->id];
  if (state == nullptr) state = std::make_shared<const ListenerState>(listener->id, workers_);
  auto made = std::make_shared<ListenerPlan>();
  made->listener = listener;
  made->state = state;
  made->route = std::move(route);
  made->vip = listener->endpoint.address.text();
  made->host = listener->endpoint.address.is_v4() ? made->vip : "[" + made->vip + "]";
  made->port = std::to_string(listener->endpoint.port);
  return made;
}

TargetStatePtr Planner::target_state(const snapshot::Service& service,
                                     const snapshot::Target& target) {
  snapshot::TargetKey key{service.id, service.group_id, target.slot};
  TargetStatePtr& state = targets_[{key, target.endpoint}];
  if (state == nullptr) {
    state = std::make_shared<const TargetState>(std::move(key), target.id, target.endpoint,
                                                ++serial_, workers_);
  }
  return state;
}

/// Switching off forgets.
std::shared_ptr<const Persistence> Planner::persistence_of(const snapshot::Service& service) {
  if (service.persistence.count() == 0) {
    persistence_.erase(service.id);
    return nullptr;
  }
  auto& kept = persistence_[service.id];
  if (kept == nullptr) kept = std::make_shared<const Persistence>(random_.next());
  return kept;
}

/// Of a service that is another now, or has gone.
void Planner::note_leaving(const ServicePlan& old) {
  for (const TargetStatePtr& target : old.targets) leaving_.insert({target->key, target->endpoint});
}

void Planner::note_staying(const ServicePlan& plan) {
  for (const TargetStatePtr& target : plan.targets) leaving_.erase({target->key, target->endpoint});
}

/// A state goes when no plan and no connection holds it: this map is its last holder then.
void Planner::forget_unused() {
  std::erase_if(leaving_, [this](const Place& place) {
    const auto at = targets_.find(place);
    if (at != targets_.end() && at->second.use_count() > 1) return false;
    if (at != targets_.end()) targets_.erase(at);
    return true;
  });
  std::erase_if(leaving_listeners_, [this](const std::string& id) {
    const auto at = listeners_.find(id);
    if (at != listeners_.end() && at->second.use_count() > 1) return false;
    if (at != listeners_.end()) listeners_.erase(at);
    return true;
  });
}

void Planner::note_mark(const snapshot::TargetKey& key) { marked_.insert(key.service); }

std::vector<TargetStatePtr> Planner::targets(const snapshot::TargetKey& key) const {
  std::vector<TargetStatePtr> found;
  for (auto at = targets_.lower_bound({key, net::Endpoint{}});
       at != targets_.end() && at->first.first == key; ++at) {
    found.push_back(at->second);
  }
  return found;
}

std::vector<TargetStatePtr> Planner::targets_of(const snapshot::Drain& drain) const {
  std::vector<TargetStatePtr> found;
  for (const std::string& service : drain.services) {
    for (auto at = targets_.lower_bound({{service, drain.group_id, Slot(0)}, net::Endpoint{}});
         at != targets_.end(); ++at) {
      const snapshot::TargetKey& key = at->first.first;
      if (key.service != service || key.group != drain.group_id) break;
      if (std::ranges::binary_search(drain.slots, key.slot)) found.push_back(at->second);
    }
  }
  return found;
}

std::vector<TargetStatePtr> Planner::all_targets() const {
  std::vector<TargetStatePtr> all;
  for (const auto& [place, state] : targets_) all.push_back(state);
  return all;
}

std::vector<ListenerStatePtr> Planner::all_listeners() const {
  std::vector<ListenerStatePtr> all;
  for (const auto& [id, state] : listeners_) all.push_back(state);
  return all;
}

}  // namespace weir::dataplane::proxy
