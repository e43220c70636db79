#include "api/status.h"

#include <algorithm>
#include <set>

#include "api/backend_health.h"
#include "api/placement.h"
#include "model/group_view.h"
#include "model/registry.h"
#include "model/security_group_use.h"

namespace weir::api {
namespace {

using model::Kind;
using model::Object;

struct StateText {
  std::string state;
  std::string reason;
};

/// How far one node is with an object that is placed on it.
struct NodeState {
  std::string node;
  std::string state;
  std::string detail;
  std::uint64_t applied = 0;
};

Json nodes_json(const std::vector<NodeState>& nodes) {
  Json list = Json::array();
  for (const NodeState& node : nodes) {
    Json item = Json::object(
        {{"node", node.node}, {"appliedRevision", node.applied}, {"state", node.state}});
    if (!node.detail.empty()) item["detail"] = node.detail;
    list.push_back(std::move(item));
  }
  return list;
}

bool any_is(const std::vector<NodeState>& nodes, std::string_view state) {
  return std::ranges::any_of(nodes, [&](const NodeState& node) { return node.state == state; });
}

const NodeState* first_in(const std::vector<NodeState>& nodes, std::string_view state) {
  const auto found = std::ranges::find(nodes, state, &NodeState::state);
  return found == nodes.end() ? nullptr : &*found;
}

/// A node that is not there yet, or not so far. `state` is filled in by the caller otherwise.
NodeState node_state(const std::string& id, Revision wanted, const ObservedView& observed) {
  const NodeReport* report = observed.node(id);
  NodeState state{id, "", "", 0};
  if (report == nullptr || !report->has_reported) {
    state.state = "unknown";
    state.detail = "node " + id + " has not reported";
    return state;
  }
  state.applied = report->applied.revision.value;
  if (report->applied.revision < wanted) {
    state.state = "pending";
    state.detail = report->is_connected() ? "node " + id + " has yet to apply it"
                                          : "node " + id + " is not connected";
  }
  return state;
}

NodeState address_state(const std::string& node, const std::string& wanted,
                        const ObservedView& observed) {
  NodeState state = node_state(node, Revision(), observed);
  if (!state.state.empty()) return state;
  const NodeReport& report = *observed.node(node);
  const auto address = report.addresses.find(wanted);
  if (address == report.addresses.end()) {
    state.state = "pending";
    state.detail = "node " + node + " has yet to take the address";
  } else {
    state.state = address->second.state;
    state.detail = address->second.detail;
  }
  return state;
}

StateText stopped_state(const Object& lb, const std::vector<NodeState>& nodes) {
  for (const NodeState& node : nodes) {
    if (node.applied < lb.revision.value) return {"STOPPING", "waits for node " + node.node};
  }
  return {"DOWN", ""};
}

/// Changed since it was placed: it comes back, perhaps after a stop.
bool was_placed_before(const Object& lb, const model::ObjectIndex& index) {
  return std::ranges::any_of(index.children(Kind::kPlacement, lb.id), [&](const Object* placement) {
    return placement->revision < lb.revision;
  });
}

StateText load_balancer_state(const Object& lb, const model::ObjectIndex& index,
                              const std::vector<NodeState>& nodes) {
  if (lb.admin.string_or("state", "") == "stopped") return stopped_state(lb, nodes);
  if (nodes.empty()) {
    const std::string id = lb.spec.string_or("subnetId", "");
    const Object* subnet = index.find(Kind::kSubnet, id);
    return {"CREATING",
            "no node serves subnet " + (subnet == nullptr ? id : subnet->name + " (" + id + ")")};
  }
  if (any_is(nodes, "held")) return {"ACTIVE", ""};
  if (const NodeState* failed = first_in(nodes, "failed")) {
    return {"CREATE_FAILED", failed->detail};
  }
  return {was_placed_before(lb, index) ? "STARTING" : "CREATING", nodes.front().detail};
}

Json load_balancer_status(const Object& lb, const model::ObjectIndex& index,
                          const ObservedView& observed) {
  std::vector<NodeState> nodes;
  for (const std::string& node : nodes_of(index, lb.id)) {
    nodes.push_back(address_state(node, lb.admin.string_or("vip", ""), observed));
  }
  const StateText text = load_balancer_state(lb, index, nodes);
  Json groups = Json::array();
  for (const model::Id& id : model::groups_in_force(lb)) groups.push_back(id);
  return Json::object({{"state", text.state},
                       {"reason", text.reason},
                       {"securityGroupIds", std::move(groups)},
                       {"nodes", nodes_json(nodes)}});
}

Json security_group_status(const Object& group, const model::ObjectIndex& index) {
  Json ids = Json::array();
  for (const Object* lb : model::load_balancers_using(group, index.view())) ids.push_back(lb->id);
  return Json::object({{"loadBalancerIds", std::move(ids)}});
}

Json elastic_ip_status(const Object& elastic_ip, const model::ObjectIndex& index,
                       const ObservedView& observed) {
  const model::Id lb = elastic_ip.admin.string_or("loadBalancerId", "");
  std::vector<NodeState> nodes;
  for (const std::string& node : nodes_of(index, lb)) {
    nodes.push_back(address_state(node, elastic_ip.admin.string_or("address", ""), observed));
  }
  return Json::object(
      {{"state", lb.empty() ? "NOT_ASSOCIATED" : "ASSOCIATED"}, {"nodes", nodes_json(nodes)}});
}

NodeState serving_state(const std::string& node, const Object& listener,
                        const ObservedView& observed) {
  NodeState state = node_state(node, listener.revision, observed);
  if (!state.state.empty()) return state;
  const NodeReport& report = *observed.node(node);
  const auto served = report.listeners.find(listener.id);
  state.state = served == report.listeners.end() ? "pending" : served->second.state;
  if (served != report.listeners.end()) state.detail = served->second.detail;
  return state;
}

Json listener_status(const Object& listener, const model::ObjectIndex& index,
                     const ObservedView& observed) {
  const model::Id lb_id = model::load_balancer_of(listener);
  const Object* lb = index.find(Kind::kLoadBalancer, lb_id);
  std::vector<NodeState> nodes;
  for (const std::string& node : nodes_of(index, lb_id)) {
    nodes.push_back(serving_state(node, listener, observed));
  }
  std::string state = "pending";
  if (listener.admin.string_or("status", "") == "Off") {
    state = "off";
  } else if (lb != nullptr && lb->admin.string_or("state", "") == "stopped") {
    state = "stopped";
  } else if (any_is(nodes, "failed")) {
    state = "failed";
  } else if (!nodes.empty() && std::ranges::all_of(nodes, [](const NodeState& node) {
               return node.state == "serving";
             })) {
    state = "serving";
  }
  return Json::object({{"state", state}, {"datapath", "proxy"}, {"nodes", nodes_json(nodes)}});
}

Json node_status(const Object& node, const ObservedView& observed) {
  const NodeReport* report = observed.node(node.id);
  const bool is_connected = report != nullptr && report->is_connected();
  Json status = Json::object({{"state", is_connected ? "connected" : "disconnected"},
                              {"appliedRevision", 0},
                              {"epoch", 0}});
  if (report == nullptr) return status;
  status["appliedRevision"] = Json(report->applied.revision.value);
  status["epoch"] = Json(report->applied.epoch.value);
  Json addresses = Json::array();
  for (const auto& [address, state] : report->addresses) {
    addresses.push_back(
        Json::object({{"address", address}, {"state", state.state}, {"detail", state.detail}}));
  }
  status["addresses"] = std::move(addresses);
  return status;
}

Json availability_group_status(const Object& group, const model::ObjectIndex& index) {
  const auto members = index.children(Kind::kInstance, group.id);
  const auto running = std::ranges::count_if(members, [](const Object* member) {
    return member->admin.string_or("state", "") == "running";
  });
  Json backends = Json::array();
  for (const Object* backend : model::services_of(group, index)) backends.push_back(backend->id);
  return Json::object({{"members", static_cast<std::int64_t>(members.size())},
                       {"running", static_cast<std::int64_t>(running)},
                       {"backends", std::move(backends)}});
}

/// The nodes that use a table: of its load balancer, or of all that an availability group serves.
std::set<std::string> nodes_with(const Object& table, const model::ObjectIndex& index) {
  std::set<model::Id> load_balancers = {model::load_balancer_of(table)};
  for (const Object* backend :
       index.children(Kind::kBackend, table.spec.string_or("groupId", ""))) {
    load_balancers.insert(model::load_balancer_of(*backend));
  }
  std::set<std::string> nodes;
  for (const model::Id& lb : load_balancers) {
    for (std::string& node : nodes_of(index, lb)) nodes.insert(std::move(node));
  }
  return nodes;
}

/// Equal checksums: the nodes send equal flows to equal targets.
Json table_status(const Object& table, const model::ObjectIndex& index,
                  const ObservedView& observed) {
  Json nodes = Json::array();
  bool is_everywhere = true;
  for (const std::string& node : nodes_with(table, index)) {
    const NodeReport* report = observed.node(node);
    TableState has;
    if (report != nullptr) {
      const auto found = report->tables.find(table.spec.string_or("groupId", ""));
      if (found != report->tables.end()) has = found->second;
    }
    is_everywhere = is_everywhere && has.generation == table.spec.integer_or("generation", 0) &&
                    has.checksum == table.spec.integer_or("checksum", 0);
    nodes.push_back(
        Json::object({{"node", node}, {"generation", has.generation}, {"checksum", has.checksum}}));
  }
  return Json::object({{"state", is_everywhere ? "applied" : "pending"}, {"nodes", nodes}});
}

NodeState applied_state(const std::string& node, const Object& object,
                        const ObservedView& observed) {
  NodeState state = node_state(node, object.revision, observed);
  if (!state.state.empty()) return state;
  state.state = "applied";
  for (const ObjectProblem& problem : observed.node(node)->problems) {
    if (problem.id != object.id || problem.kind != model::kind_name(object.kind)) continue;
    state.state = "failed";
    state.detail = problem.reason + (problem.detail.empty() ? "" : ": " + problem.detail);
  }
  return state;
}

/// Of what takes effect with load balancers alone: the nodes that serve one of them.
void add_nodes(const Object& object, const model::ObjectIndex& index, const ObservedView& observed,
               Json& status) {
  std::set<std::string> ids;
  const auto add = [&](const model::Id& lb) {
    for (std::string& node : nodes_of(index, lb)) ids.insert(std::move(node));
  };
  if (object.kind == Kind::kBackend || object.kind == Kind::kTargetGroup) {
    add(model::load_balancer_of(object));
  } else if (object.kind == Kind::kSecurityGroup) {
    for (const Object* lb : model::load_balancers_using(object, index.view())) add(lb->id);
  } else {
    return;
  }
  std::vector<NodeState> nodes;
  for (const std::string& id : ids) nodes.push_back(applied_state(id, object, observed));
  status["nodes"] = nodes_json(nodes);
}

void add_errors(const Object& object, const ObservedView& observed, Json& status) {
  Json errors = Json::array();
  for (const auto& [node, report] : observed.nodes) {
    for (const ObjectProblem& problem : report->problems) {
      if (problem.id != object.id || problem.kind != model::kind_name(object.kind)) continue;
      errors.push_back(Json::object({{"node", node},
                                     {"reason", problem.reason},
                                     {"detail", problem.detail},
                                     {"revision", problem.revision.value}}));
    }
  }
  if (!errors.as_array().empty()) status["errors"] = std::move(errors);
}

}  // namespace

Json status_of(const Object& object, const model::ObjectIndex& index,
               const ObservedView& observed) {
  Json status = Json::object();
  switch (object.kind) {
    case Kind::kLoadBalancer:
      status = load_balancer_status(object, index, observed);
      break;
    case Kind::kListener:
      status = listener_status(object, index, observed);
      break;
    case Kind::kBackend:
      status = backend_status(object, index, observed);
      break;
    case Kind::kElasticIp:
      status = elastic_ip_status(object, index, observed);
      break;
    case Kind::kSecurityGroup:
      status = security_group_status(object, index);
      break;
    case Kind::kNode:
      status = node_status(object, observed);
      break;
    case Kind::kAvailabilityGroup:
      status = availability_group_status(object, index);
      break;
    case Kind::kTable:
      status = table_status(object, index, observed);
      break;
    default:
      break;
  }
  add_nodes(object, index, observed, status);
  add_errors(object, observed, status);
  return status;
}

Json resource_json(const Object& object, const Json& status) {
  Json labels = Json::object();
  for (const auto& [key, value] : object.labels) labels[key] = value;
  return Json::object({{"kind", model::kind_name(object.kind)},
                       {"id", object.id},
                       {"name", object.name},
                       {"labels", std::move(labels)},
                       {"owner", object.owner},
                       {"revision", object.revision.value},
                       {"createdTime", object.created},
                       {"spec", object.spec},
                       {"admin", object.admin},
                       {"status", status}});
}

}  // namespace weir::api
