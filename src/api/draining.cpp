#include "api/draining.h"

#include <algorithm>
#include <optional>

#include "api/placement.h"
#include "model/registry.h"
#include "model/resources.h"
#include "model/slots.h"
#include "model/utc.h"

namespace weir::api {
namespace {

using model::Kind;
using model::Object;

void add(DrainReport& sum, const DrainReport& report) {
  sum.later_seconds = std::max(sum.later_seconds, report.later_seconds);
  sum.more += report.more;
  for (const auto& [target, left] : report.targets) {
    DrainingTarget& all = sum.targets[target];
    all.connections += left.connections;
    all.oldest_seconds = std::max(all.oldest_seconds, left.oldest_seconds);
  }
}

const DrainReport* report_of(const Object& record, const NodeReport* node) {
  if (node == nullptr) return nullptr;
  const auto found = node->drains.find(record.id);
  return found == node->drains.end() ? nullptr : &found->second;
}

/// What the nodes of the load balancer say together; nothing when none has spoken.
std::optional<DrainReport> reported(const Object& record, const std::vector<std::string>& nodes,
                                    const ObservedView& observed) {
  std::optional<DrainReport> sum;
  for (const std::string& id : nodes) {
    const DrainReport* report = report_of(record, observed.node(id));
    if (report == nullptr) continue;
    if (!sum) sum.emplace();
    add(*sum, *report);
  }
  return sum;
}

std::int64_t seconds_left(const model::Drain& drain, std::int64_t later, WallTime now) {
  const auto deadline = model::parse_utc(drain.deadline);
  if (!deadline) return 0;
  const WallTime end = *deadline + std::chrono::seconds(later);
  return end <= now ? 0 : std::chrono::ceil<std::chrono::seconds>(end - now).count();
}

/// Nothing when it is not known.
std::optional<DrainingTarget> left_of(const std::optional<DrainReport>& report,
                                      const std::string& service, std::uint16_t slot) {
  if (!report) return std::nullopt;
  const auto found = report->targets.find({service, slot});
  if (found != report->targets.end()) return found->second;
  return report->more == 0 ? std::optional(DrainingTarget()) : std::nullopt;
}

Json target_json(const model::Drain& drain, const model::DrainedService& service,
                 const model::DrainedTarget& target) {
  return Json::object({{"targetId", target.target_id},
                       {"groupId", drain.group_id},
                       {"slot", target.slot},
                       {"ipAddress", target.address},
                       {"port", target.port != 0 ? target.port : service.port}});
}

/// The targets of a record as one of its services sees them.
void add_targets(const model::Drain& drain, const model::DrainedService& service,
                 const std::optional<DrainReport>& report, WallTime now, Json& into) {
  const std::int64_t left = seconds_left(drain, report ? report->later_seconds : 0, now);
  for (const model::DrainedTarget& target : drain.targets) {
    Json item = target_json(drain, service, target);
    item["leftSeconds"] = Json(left);
    const auto known = left_of(report, service.service_id, target.slot);
    if (known) {
      item["connections"] = Json(known->connections);
      item["oldestSeconds"] = Json(known->oldest_seconds);
    }
    into.push_back(std::move(item));
  }
}

/// The node has applied the record, or something later.
bool knows(const NodeReport* node, const Object& drain) {
  return node != nullptr && node->has_reported && node->applied.revision >= drain.revision;
}

bool is_done(const Object& record, const NodeReport* node) {
  const DrainReport* left = report_of(record, node);
  return knows(node, record) && left != nullptr && left->connections == 0 && !left->is_waiting;
}

/// The node uses a target of it still, or has stopped so late that its time there is not over.
bool runs_longer(const Object& record, WallTime deadline, const NodeReport* node, WallTime now) {
  const DrainReport* left = report_of(record, node);
  if (left == nullptr || !knows(node, record) || !node->is_connected()) return false;
  const WallTime end = deadline + std::chrono::seconds(left->later_seconds) + kDrainGrace;
  return left->is_waiting || (left->connections > 0 && now < end);
}

}  // namespace

Json drains_of(const Object& backend, const model::ObjectIndex& index, const ObservedView& observed,
               WallTime now) {
  const model::Id lb = model::load_balancer_of(backend);
  const auto nodes = nodes_of(index, lb);
  Json drains = Json::array();
  for (const Object* record : index.children(Kind::kDrain, lb)) {
    const auto drain = model::from_json<model::Drain>(record->spec, "spec").value;
    const auto service =
        std::ranges::find(drain.services, backend.id, &model::DrainedService::service_id);
    if (service == drain.services.end()) continue;
    add_targets(drain, *service, reported(*record, nodes, observed), now, drains);
  }
  return drains;
}

bool is_drain_over(const Object& record, const std::vector<std::string>& nodes,
                   const ObservedView& observed, WallTime now) {
  const auto deadline = model::parse_utc(record.spec.string_or("deadline", ""));
  if (!deadline) return true;
  const auto all = [&](const auto& holds) {
    return std::ranges::all_of(nodes, [&](const auto& id) { return holds(observed.node(id)); });
  };
  const auto done = [&](const NodeReport* node) { return is_done(record, node); };
  if (!nodes.empty() && all(done)) return true;
  if (now < *deadline + kDrainGrace) return false;
  const auto longer = [&](const NodeReport* node) {
    return runs_longer(record, *deadline, node, now);
  };
  if (!all([&](const NodeReport* node) { return !longer(node); })) return false;
  // Later its slots may be others'.
  const auto created = model::parse_utc(record.created);
  if (!created || *created + model::kFlowLifetime <= now) return true;
  return all([&](const NodeReport* node) { return knows(node, record); });
}

}  // namespace weir::api
