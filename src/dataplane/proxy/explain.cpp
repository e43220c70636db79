#include "dataplane/proxy/explain.h"

#include <algorithm>

#include "dataplane/proxy/scheduler.h"

namespace weir::dataplane::proxy {
namespace {

/// How often each target is picked in one period.
std::vector<std::size_t> picks(const ServicePlan& service) {
  std::vector<std::size_t> counts(service.targets.size(), 0);
  balancing::WeightedRoundRobin picker(service.sequence, 0);
  const auto usable = [&](balancing::TargetIndex index) {
    return service.targets[index.value]->takes_new();
  };
  for (std::size_t i = 0; i < service.sequence->size(); ++i) {
    const auto index = picker.pick(0, usable);
    if (index) ++counts[index->value];
  }
  return counts;
}

std::string why_excluded(const snapshot::Target& target, const TargetState& state) {
  if (!target.excluded.empty()) return target.excluded;
  if (target.weight == 0) return "weight 0";
  return state.takes_new() ? "takes nothing new until the next snapshot"
                           : "marked as taking nothing new";
}

/// The target that the table gives to the flow, and why the others do not get it.
Explanation explain_table(const ServicePlan& service, const FlowEnds& flow) {
  const TablePicker picker(service);
  const auto picked = picker.pick(picker.hash(flow), [&](balancing::TargetIndex index) {
    return service.targets[index.value]->takes_new();
  });
  Explanation explanation;
  // Without its port a flow has no five-tuple: the answer is that of another one.
  explanation.is_certain =
      service.service->algorithm == snapshot::Algorithm::kSourceHash || flow.client.port != 0;
  for (std::size_t i = 0; i < service.targets.size(); ++i) {
    const snapshot::Target& target = service.service->targets[i];
    ExplainedTarget explained{target.id, target.slot, 0, {}};
    if (picked && picked->value == i) {
      explained.share = 1;
    } else if (target.takes_new && service.targets[i]->takes_new()) {
      explained.excluded = "the hash of the flow names another target";
    } else {
      explained.excluded = why_excluded(target, *service.targets[i]);
    }
    explanation.targets.push_back(std::move(explained));
  }
  return explanation;
}

Explanation explain_service(const ServicePlan& service) {
  Explanation explanation;
  const std::vector<std::size_t> counts = picks(service);
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const snapshot::Target& target = service.service->targets[i];
    ExplainedTarget explained{target.id, target.slot, 0, {}};
    if (counts[i] == 0) {
      explained.excluded = why_excluded(target, *service.targets[i]);
    } else {
      explained.share =
          static_cast<double>(counts[i]) / static_cast<double>(service.sequence->size());
    }
    explanation.targets.push_back(std::move(explained));
  }
  return explanation;
}

}  // namespace

Result<Explanation> explain_flow(const Plan* plan, const Flow& flow) {
  if (plan != nullptr) {
    const auto at = std::ranges::find_if(plan->listeners, [&](const ListenerPlanPtr& entry) {
      return entry->listener->id == flow.listener_id;
    });
    if (at != plan->listeners.end()) {
      if ((*at)->route.empty()) return Explanation{};
      const ServicePlan& service = *(*at)->route.front();
      if (service.service->flow_table.slots == nullptr) return explain_service(service);
      return explain_table(service, {flow.client, (*at)->listener->endpoint});
    }
  }
  return Error{ErrorCode::kNotFound, "no listener " + flow.listener_id + " on this node", {}};
}

}  // namespace weir::dataplane::proxy
