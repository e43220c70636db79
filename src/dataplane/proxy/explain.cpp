#include "dataplane/proxy/explain.h"

#include <algorithm>
#include <numeric>

#include "base/mutant.h"
#include "dataplane/proxy/scheduler.h"

namespace weir::dataplane::proxy {
namespace {

/// By the marks in force, which a Snapshot that is older than a verdict does not know.
bool takes_new(const ServicePlan& service, std::size_t place) {
  if (mutant("explain-ignores-marks")) return service.service->targets[place].takes_new;
  return service.targets[place]->takes_new();
}

/// How often each target is picked while the turns go once around: each turn of a usable target is
/// taken once, those of the others are passed over.
std::vector<std::size_t> picks(const ServicePlan& service, balancing::Usable usable) {
  std::vector<std::size_t> counts(service.targets.size(), 0);
  for (const balancing::TargetIndex index : *service.sequence) ++counts[index.value];
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (!usable(balancing::TargetIndex(static_cast<std::uint16_t>(i)))) counts[i] = 0;
  }
  return counts;
}

std::string why_excluded(const snapshot::Target& target, const TargetState& state) {
  if (!target.excluded.empty()) return target.excluded;
  if (target.weight == 0) return "weight 0";
  return state.takes_new() ? "takes nothing new until the next snapshot"
                           : "marked as taking nothing new";
}

/// The same where turns or counts decide.
std::string why_passed_over(const snapshot::Target& target, const TargetState& state, Instant now) {
  const auto age = state.since_connect_failure(now);
  if (!target.takes_new || !state.takes_new() || age >= kPassedOver) {
    return why_excluded(target, state);
  }
  const auto count = std::chrono::duration_cast<std::chrono::milliseconds>(age).count();
  return "connect failed " + std::to_string(count) + " ms ago";
}

ExplainedTarget explained_target(const snapshot::Target& target) {
  return {.target_id = target.id,
          .slot = target.slot,
          .endpoint = target.endpoint,
          .share = 0,
          .excluded = {}};
}

/// Shares of `total` by count; those that count nothing have a reason.
void share_out(const ServicePlan& service, const std::vector<std::size_t>& counts, Instant now,
               Explanation& into) {
  const std::size_t total = std::accumulate(counts.begin(), counts.end(), std::size_t{0});
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const snapshot::Target& target = service.service->targets[i];
    ExplainedTarget explained = explained_target(target);
    if (counts[i] == 0) {
      explained.excluded = why_passed_over(target, *service.targets[i], now);
    } else {
      explained.share = static_cast<double>(counts[i]) / static_cast<double>(total);
    }
    into.targets.push_back(std::move(explained));
  }
  if (total == 0) into.reason = "no target takes new traffic";
}

/// Rows of each target that takes new traffic: a pick that lands on another's row lands once more.
std::vector<std::size_t> rows(const ServicePlan& service) {
  std::vector<std::size_t> counts(service.targets.size(), 0);
  for (const Slot slot : service.service->flow_table.slots->rows) {
    if (slot.value >= service.place_of_slot.size()) continue;
    const std::uint16_t place = service.place_of_slot[slot.value];
    if (place != 0 && takes_new(service, place - 1U)) ++counts[place - 1U];
  }
  return counts;
}

/// All goes to one target; `why_not` says why nothing goes to others that take new traffic.
void explain_one(const ServicePlan& service, std::optional<balancing::TargetIndex> picked,
                 const char* why_not, Explanation& into) {
  into.is_certain = picked.has_value();
  for (std::size_t i = 0; i < service.targets.size(); ++i) {
    const snapshot::Target& target = service.service->targets[i];
    ExplainedTarget explained = explained_target(target);
    if (picked && picked->value == i) {
      explained.share = 1;
    } else if (target.takes_new && service.targets[i]->takes_new()) {
      explained.excluded = why_not;
    } else {
      explained.excluded = why_excluded(target, *service.targets[i]);
    }
    into.targets.push_back(std::move(explained));
  }
}

/// The target that the table gives to the flow, and why the others do not get it.
void explain_table(const ServicePlan& service, const FlowEnds& flow, Explanation& into) {
  const TablePicker picker(service);
  const auto picked = picker.pick(picker.hash(flow), [&](balancing::TargetIndex index) {
    return takes_new(service, index.value);
  });
  into.reason = !picked ? "no target takes new traffic"
                : service.service->algorithm == snapshot::Algorithm::kSourceHash
                    ? "the hash of the client's address names the target"
                    : "the hash of the five-tuple names the target";
  explain_one(service, picked, "the hash of the flow names another target", into);
}

/// As Scheduler does it: those whose connect failed just now count only where there is no other.
std::vector<std::size_t> picks_now(const ServicePlan& service, Instant now) {
  const auto usable = [&](balancing::TargetIndex index) { return takes_new(service, index.value); };
  const auto is_sound = [&](balancing::TargetIndex index) {
    return usable(index) && !service.targets[index.value]->is_passed_over(now);
  };
  auto counts = picks(service, is_sound);
  const bool has_sound = std::ranges::any_of(counts, [](std::size_t count) { return count > 0; });
  return has_sound ? std::move(counts) : picks(service, usable);
}

void explain_turns(const ServicePlan& service, Instant now, Explanation& into) {
  switch (service.service->algorithm) {
    case snapshot::Algorithm::kRoundRobin:
      into.reason = "by turns, as often as the weights say";
      break;
    case snapshot::Algorithm::kLeastConnections:
      into.reason =
          "fewest connections for its weight: the shares are those at which open connections "
          "settle";
      break;
    case snapshot::Algorithm::kSourceHash:
    case snapshot::Algorithm::kFiveTupleHash:
      into.reason = "by turns, since the slot table has not arrived";
      break;
  }
  share_out(service, picks_now(service, now), now, into);
}

void explain_choice(const ServicePlan& service, const FlowEnds& flow, Explanation& into) {
  into.service_id = service.service->id;
  into.group_id = service.service->group_id;
  into.algorithm = service.service->algorithm;
  if (const auto kept = kept_target(service, flow.client.address, flow.now)) {
    into.reason = "persistence keeps the target for the client's address";
    return explain_one(service, kept, "persistence keeps another target for the client", into);
  }
  if (service.service->flow_table.slots == nullptr) return explain_turns(service, flow.now, into);
  const bool needs_port = into.algorithm == snapshot::Algorithm::kFiveTupleHash;
  if (!needs_port || flow.client.port != 0) return explain_table(service, flow, into);
  into.reason = "the hash of the five-tuple needs the client's port: these are the shares of all";
  share_out(service, rows(service), flow.now, into);
}

void explain_service(const ServicePlan& service, const FlowEnds& flow, Explanation& into) {
  explain_choice(service, flow, into);
  if (!service.service->is_failing_open) return;
  into.reason = "the service fails open, since no target is usable; " + into.reason;
}

/// Security groups refuse the client: it reaches no target.
void explain_refusal(const ServicePlan& service, const std::string& refusal, Explanation& into) {
  into.service_id = service.service->id;
  into.group_id = service.service->group_id;
  into.algorithm = service.service->algorithm;
  into.reason = refusal + ": the connection is reset";
  for (const snapshot::Target& target : service.service->targets) {
    into.targets.push_back(explained_target(target));
    into.targets.back().excluded = refusal;
  }
}

}  // namespace

Result<Explanation> explain_flow(const Plan* plan, const Flow& flow, Instant now) {
  if (plan != nullptr) {
    const auto at = std::ranges::find_if(plan->listeners, [&](const ListenerPlanPtr& entry) {
      return entry->listener->id == flow.listener_id;
    });
    if (at != plan->listeners.end()) {
      Explanation explanation;
      explanation.version = plan->snapshot->version;
      const std::string refusal = (*at)->listener->admission.refusal(flow.client.address);
      if ((*at)->route.empty()) {
        explanation.reason = "the listener has no backend service yet";
      } else if (!refusal.empty()) {
        explain_refusal(*(*at)->route.front(), refusal, explanation);
      } else {
        explain_service(*(*at)->route.front(), {flow.client, (*at)->listener->endpoint, now},
                        explanation);
      }
      return explanation;
    }
  }
  return Error{ErrorCode::kNotFound, "no listener " + flow.listener_id + " on this node", {}};
}

}  // namespace weir::dataplane::proxy
