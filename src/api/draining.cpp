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

/// What the nodes of the load balancer say together; nothing when none has spoken.
std::optional<DrainReport> reported(const Object& drain, const std::vector<std::string>& nodes,
                                    const ObservedView& observed) {
  std::optional<DrainReport> sum;
  for (const std::string& id : nodes) {
    const NodeReport* node = observed.node(id);
    if (node == nullptr) continue;
    const auto found = node->drains.find(drain.id);
    if (found == node->drains.end()) continue;
    if (!sum) sum.emplace();
    sum->connections += found->second.connections;
    sum->oldest_seconds = std::max(sum->oldest_seconds, found->second.oldest_seconds);
  }
  return sum;
}

std::int64_t seconds_left(const Object& drain, WallTime now) {
  const auto deadline = model::parse_utc(drain.spec.string_or("deadline", ""));
  if (!deadline || *deadline <= now) return 0;
  return std::chrono::ceil<std::chrono::seconds>(*deadline - now).count();
}

Json drain_json(const Object& drain, const std::optional<DrainReport>& report, WallTime now) {
  Json item = Json::object({{"targetId", drain.name},
                            {"groupId", drain.spec.string_or("groupId", "")},
                            {"slot", drain.spec.integer_or("slot", 0)},
                            {"ipAddress", drain.spec.string_or("address", "")},
                            {"port", drain.spec.integer_or("port", 0)},
                            {"leftSeconds", seconds_left(drain, now)}});
  if (report) {
    item["connections"] = Json(report->connections);
    item["oldestSeconds"] = Json(report->oldest_seconds);
  }
  return item;
}

/// The node has applied the record, or something later.
bool knows(const NodeReport* node, const Object& drain) {
  return node != nullptr && node->has_reported && node->applied.revision >= drain.revision;
}

}  // namespace

Json drains_of(const Object& backend, const model::ObjectIndex& index, const ObservedView& observed,
               WallTime now) {
  const model::Id lb = model::load_balancer_of(backend);
  const auto nodes = nodes_of(index, lb);
  Json drains = Json::array();
  for (const Object* drain : index.children(Kind::kDrain, lb)) {
    if (drain->spec.string_or("serviceId", "") != backend.id) continue;
    drains.push_back(drain_json(*drain, reported(*drain, nodes, observed), now));
  }
  return drains;
}

bool is_drain_over(const Object& drain, const std::vector<std::string>& nodes,
                   const ObservedView& observed, WallTime now) {
  const auto deadline = model::parse_utc(drain.spec.string_or("deadline", ""));
  const auto all = [&](const auto& holds) {
    return std::ranges::all_of(nodes, [&](const std::string& id) {
      const NodeReport* node = observed.node(id);
      return knows(node, drain) && holds(*node);
    });
  };
  if (!deadline) return true;
  if (*deadline + kDrainGrace <= now) {
    // Later its slot may be another's.
    const auto created = model::parse_utc(drain.created);
    return !created || *created + model::kFlowLifetime <= now ||
           all([](const NodeReport&) { return true; });
  }
  return !nodes.empty() && all([&](const NodeReport& node) {
    const auto left = node.drains.find(drain.id);
    return left != node.drains.end() && left->second.connections == 0;
  });
}

}  // namespace weir::api
