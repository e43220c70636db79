#include "dataplane/proxy/scheduler.h"

#include <netinet/in.h>

#include <utility>
#include <vector>

#include "balancing/table_pick.h"

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
  const std::vector<std::uint16_t>& places = plan_->place_of_slot;
  // The table may name a slot that this node does not know, and the other way round, while only
  // one of both has arrived.
  const auto place = [&](Slot slot) -> std::uint16_t {
    return slot.value < places.size() ? places[slot.value] : 0;
  };
  const auto index = [&](Slot slot) {
    return balancing::TargetIndex(static_cast<std::uint16_t>(place(slot) - 1));
  };
  const auto slot = balancing::pick(*plan_->service->flow_table.slots, hash, [&](Slot wanted) {
    return place(wanted) != 0 && usable(index(wanted));
  });
  return slot ? std::optional(index(*slot)) : std::nullopt;
}

Scheduler::Scheduler(const ServicePlan& plan, WorkerPlace place, const Scheduler* previous)
    : picker_(picker_of(plan, place, previous)) {}

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
  const auto* table = std::get_if<TablePicker>(&picker_);
  const balancing::FlowHash hash = table == nullptr ? 0 : table->hash(flow);
  return std::visit([&](auto& picker) { return picker.pick(hash, usable); }, picker_);
}

}  // namespace weir::dataplane::proxy
