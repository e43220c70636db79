#include "dataplane/proxy/scheduler.h"

#include <netinet/in.h>

#include <utility>
#include <vector>

#include "balancing/table_pick.h"
#include "base/mutant.h"

namespace weir::dataplane::proxy {
namespace {

balancing::LeastConnections least_connections(const ServicePlan& plan, std::uint64_t start) {
  std::vector<balancing::LoadedTarget> targets;
  targets.reserve(plan.targets.size());
  for (std::size_t i = 0; i < plan.targets.size(); ++i) {
    targets.push_back({plan.service->targets[i].weight, &plan.targets[i]->in_use});
  }
  return {std::move(targets), start};
}

std::optional<balancing::TargetIndex> index_of(const ServicePlan& plan, Slot slot) {
  if (slot.value >= plan.place_of_slot.size() || plan.place_of_slot[slot.value] == 0) return {};
  return balancing::TargetIndex(static_cast<std::uint16_t>(plan.place_of_slot[slot.value] - 1));
}

/// The target of the bond, while its tenure lasts.
std::optional<balancing::TargetIndex> bound_target(const ServicePlan& plan, const Bond& bond) {
  const auto index = index_of(plan, bond.slot);
  if (!index) return {};
  const std::uint64_t tenure = plan.targets[index->value]->tenure();
  const bool lasts = tenure == bond.tenure || mutant("bonds-outlive-targets");
  return lasts && tenure != 0 ? index : std::nullopt;
}

const Persistence* persistence_of(const ServicePlan& plan) {
  if (plan.persistence != nullptr && mutant("bonds-per-worker")) {
    thread_local const Persistence own(1);
    return &own;
  }
  return plan.persistence.get();
}

BondClock bond_clock(const ServicePlan& plan, Instant now) {
  return {now, plan.service->persistence};
}

}  // namespace

TablePicker::TablePicker(const ServicePlan& plan)
    : plan_(&plan), hasher_(plan.service->flow_table.seed) {}

balancing::FlowHash TablePicker::hash(const FlowEnds& flow) const {
  if (plan_->service->algorithm != snapshot::Algorithm::kFiveTupleHash) {
    return hasher_.source(flow.client.address.bytes());
  }
  return hasher_.five_tuple({.protocol = IPPROTO_TCP,
                             .source = flow.client.address.bytes(),
                             .source_port = flow.client.port,
                             .destination = flow.vip.address.bytes(),
                             .destination_port = flow.vip.port});
}

std::optional<balancing::TargetIndex> TablePicker::pick(balancing::FlowHash hash,
                                                        balancing::Usable usable) const {
  // The table may name a slot that this node does not know, and the other way round, while only
  // one of both has arrived.
  const auto slot = balancing::pick(*plan_->service->flow_table.slots, hash, [&](Slot wanted) {
    const auto index = index_of(*plan_, wanted);
    return index && usable(*index);
  });
  return slot ? index_of(*plan_, *slot) : std::nullopt;
}

std::optional<balancing::TargetIndex> kept_target(const ServicePlan& plan,
                                                  const net::IpAddress& client, Instant now) {
  if (plan.persistence == nullptr) return {};
  const auto bond = plan.persistence->peek(client, bond_clock(plan, now));
  return bond ? bound_target(plan, *bond) : std::nullopt;
}

Scheduler::Scheduler(const ServicePlan& plan, WorkerPlace place, const Scheduler* previous)
    : plan_(&plan), picker_(picker_of(plan, place, previous)) {}

Scheduler::Picker Scheduler::picker_of(const ServicePlan& plan, WorkerPlace place,
                                       const Scheduler* previous) {
  if (plan.service->algorithm == snapshot::Algorithm::kLeastConnections) {
    return least_connections(plan, place.worker);
  }
  if (plan.service->flow_table.slots != nullptr) return TablePicker(plan);
  const auto* turns = previous == nullptr
                          ? nullptr
                          : std::get_if<balancing::WeightedRoundRobin>(&previous->picker_);
  const std::size_t start = turns != nullptr ? turns->position()
                                             : balancing::start_offset(place.worker, place.workers,
                                                                       plan.sequence->size());
  return balancing::WeightedRoundRobin(plan.sequence, start);
}

std::optional<balancing::TargetIndex> Scheduler::pick(const FlowEnds& flow,
                                                      balancing::Usable usable) {
  const Persistence* const persistence = persistence_of(*plan_);
  if (persistence == nullptr) return choose(flow, usable);
  const net::IpAddress& client = flow.client.address;
  const BondClock clock = bond_clock(*plan_, flow.now);
  const auto holds = [&](const Bond& bond) {
    const auto index = bound_target(*plan_, bond);
    return index && usable(*index);
  };
  if (const auto kept = persistence->renew(client, clock, holds)) {
    return index_of(*plan_, kept->slot);
  }
  const auto chosen = choose(flow, usable);
  if (!chosen || !flow.binds) return chosen;
  const TargetState& target = *plan_->targets[chosen->value];
  const Bond bond{target.tenure(), target.key.slot};
  if (bond.tenure == 0) return chosen;  // It has stopped taking new traffic just now.
  return index_of(*plan_, persistence->bind(client, bond, clock, holds).slot);
}

/// A failed connect moves only the connection that failed where a table or persistence names the
/// target: its retry goes to the second choice, and a single failure (a full accept queue) does not
/// scatter all clients of the target. So what explain calls certain is what happens.
std::optional<balancing::TargetIndex> Scheduler::choose(const FlowEnds& flow,
                                                        balancing::Usable usable) {
  if (const auto* table = std::get_if<TablePicker>(&picker_)) {
    return table->pick(table->hash(flow), usable);
  }
  const auto is_sound = [&](balancing::TargetIndex index) {
    return usable(index) && !plan_->targets[index.value]->is_passed_over(flow.now);
  };
  if (const auto sound = take_turn(is_sound)) return sound;
  const auto turn = take_turn(usable);
  return turn ? turn : any_target(usable);
}

/// The marks are newer than the plan until a worker has taken the next one: a target that has begun
/// to take traffic since has no turns yet, and may be the only one.
std::optional<balancing::TargetIndex> Scheduler::any_target(balancing::Usable usable) const {
  for (std::size_t i = 0; i < plan_->targets.size(); ++i) {
    const balancing::TargetIndex index(static_cast<std::uint16_t>(i));
    if (usable(index)) return index;
  }
  return {};
}

std::optional<balancing::TargetIndex> Scheduler::take_turn(balancing::Usable usable) {
  return std::visit([&](auto& picker) { return picker.pick(balancing::FlowHash{}, usable); },
                    picker_);
}

}  // namespace weir::dataplane::proxy
