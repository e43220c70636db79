#include "api/backend_health.h"

#include "api/placement.h"
#include "model/backend.h"
#include "model/group_view.h"
#include "model/slots.h"
#include "model/target_group.h"
#include "model/target_view.h"

namespace weir::api {
namespace {

using model::Kind;
using model::Object;
using snapshot::HealthState;

/// What the nodes together say about one target.
struct TargetHealth {
  std::string status = "initial";
  snapshot::Verdict verdict;
};

TargetHealth target_health(const snapshot::TargetKey& key, const std::vector<std::string>& nodes,
                           const ObservedView& observed) {
  TargetHealth health;
  std::size_t healthy = 0;
  for (const std::string& node : nodes) {
    const snapshot::Verdict* verdict = observed.verdict(key, node);
    if (verdict == nullptr) continue;
    if (verdict->state == HealthState::kHealthy) ++healthy;
    const bool is_worst =
        verdict->state == HealthState::kUnhealthy || health.verdict.prober.empty();
    if (is_worst && health.status != "unhealthy") health.verdict = *verdict;
    if (verdict->state == HealthState::kUnhealthy) health.status = "unhealthy";
  }
  if (health.status != "unhealthy" && healthy > 0 && healthy == nodes.size()) {
    health.status = "healthy";
  }
  return health;
}

std::int64_t checked_port(const model::Backend& backend, const model::Target& target) {
  if (backend.health_check.port != 0) return backend.health_check.port;
  return target.port != 0 ? target.port : backend.port;
}

Json target_health_json(const model::Backend& backend, const model::Target& target,
                        const TargetHealth& health) {
  Json json = Json::object({{"targetId", target.target_id},
                            {"ipAddress", target.ip_address},
                            {"port", checked_port(backend, target)},
                            {"weight", target.weight},
                            {"status", health.status},
                            {"reason", health.verdict.reason},
                            {"detail", health.verdict.detail},
                            {"since", health.verdict.since},
                            {"node", health.verdict.prober}});
  if (!target.instance_id.empty()) json["instanceId"] = target.instance_id;
  return json;
}

/// A server that is stopped takes nothing, whatever a check says of it.
bool is_stopped(const model::Target& target, const model::ObjectIndex& index) {
  const Object* instance =
      target.instance_id.empty() ? nullptr : index.find(Kind::kInstance, target.instance_id);
  return instance != nullptr && instance->admin.string_or("state", "") == "stopped";
}

/// Ids of the nodes that say they send its traffic to targets which no check calls healthy. One
/// that is gone says nothing any more.
Json failing_open_on(const Object& backend, const std::vector<std::string>& nodes,
                     const ObservedView& observed) {
  Json list = Json::array();
  for (const std::string& id : nodes) {
    const NodeReport* report = observed.node(id);
    if (report == nullptr || !report->is_connected()) continue;
    if (report->failing_open.contains(backend.id)) list.push_back(id);
  }
  return list;
}

}  // namespace

Json health_of(const Object& backend, const model::ObjectIndex& index,
               const ObservedView& observed) {
  const auto spec = model::from_json<model::Backend>(backend.spec, "spec").value;
  const bool is_closed = backend.admin.bool_or("closeHealthCheck", false);
  const auto nodes = nodes_of(index, model::load_balancer_of(backend));
  Json targets = Json::array();
  for (const model::Id& id : model::group_ids(backend)) {
    const Object* group = model::find_group(index, id);
    if (group == nullptr) continue;
    const auto slots = model::slots_of(*group);
    for (model::Target target : model::targets_of(*group)) {
      target.ip_address = model::address_of(target, index);
      const Slot slot = model::slot_of(slots, target.target_id).value_or(Slot());
      TargetHealth health = target_health({backend.id, id, slot}, nodes, observed);
      if (is_stopped(target, index)) {
        health.status = "unhealthy";
        health.verdict.reason.clear();
        health.verdict.detail = "instance stopped";
      }
      if (is_closed) health = {.status = "N/A", .verdict = {}};
      Json item = target_health_json(spec, target, health);
      item["slot"] = Json(slot.value);
      targets.push_back(std::move(item));
    }
  }
  return Json::object({{"backendId", backend.id},
                       {"failingOpenOn", failing_open_on(backend, nodes, observed)},
                       {"targets", std::move(targets)}});
}

Json backend_status(const Object& backend, const model::ObjectIndex& index,
                    const ObservedView& observed) {
  Json counts = Json::object({{"healthy", 0}, {"unhealthy", 0}, {"initial", 0}, {"N/A", 0}});
  const Json health = health_of(backend, index, observed);
  for (const Json& target : health.find("targets")->as_array()) {
    const std::string status = target.string_or("status", "initial");
    counts[status] = Json(counts.integer_or(status, 0) + 1);
  }
  return Json::object(
      {{"targets", std::move(counts)}, {"failingOpenOn", *health.find("failingOpenOn")}});
}

}  // namespace weir::api
