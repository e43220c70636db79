#include "api/placement.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/random.h"
#include "model/group_view.h"
#include "model/placement.h"
#include "model/public_pool.h"
#include "model/registry.h"
#include "model/security_group_use.h"
#include "model/subnet_addresses.h"

namespace weir::api {
namespace {

using model::BindingMode;
using model::Kind;
using model::Object;

/// Stands for every subnet that no other binding of the node names.
constexpr std::string_view kAnySubnet = "*";

bool is_loopback_subnet(const Object& subnet) {
  const auto prefix = net::Prefix::parse(subnet.spec.string_or("addressPrefix", ""));
  return prefix && model::is_loopback_prefix(*prefix);
}

/// 3 = by id, 2 = by name, 1 = every subnet, 0 = not this one.
int rank_of(const model::Binding& binding, const Object& subnet) {
  if (binding.subnet == subnet.id) return 3;
  // Other accounts choose names and prefixes as they like; which of them a node gives an interface
  // or its loopback is for who configures the node to say.
  if (subnet.owner != model::kDefaultOwner) return 0;
  if (!subnet.name.empty() && binding.subnet == subnet.name) return 2;
  if (binding.subnet != kAnySubnet) return 0;
  return binding.mode != BindingMode::kLoopback || is_loopback_subnet(subnet) ? 1 : 0;
}

struct Candidate {
  Presence presence = Presence::kAway;
  std::size_t load = 0;  // placements it has
  std::string node;

  auto operator<=>(const Candidate&) const = default;
};

std::map<std::string, std::size_t> loads(const model::ObjectIndex& index) {
  std::map<std::string, std::size_t> loads;
  for (const Object* placement : index.all(Kind::kPlacement)) {
    ++loads[placement->spec.string_or("nodeId", "")];
  }
  return loads;
}

}  // namespace

std::optional<BindingMode> binding_of(const Object& node, const Object& subnet) {
  const auto spec = model::spec_of<model::Node>(node);
  if (!spec) return std::nullopt;
  std::optional<BindingMode> found;
  int best = 0;
  for (const model::Binding& binding : spec->bindings) {
    const int rank = rank_of(binding, subnet);
    if (rank <= best) continue;
    best = rank;
    found = binding.mode;
  }
  return found;
}

std::optional<BindingMode> pool_binding_of(const Object& node, const std::string& pool) {
  const auto spec = model::spec_of<model::Node>(node);
  if (!spec) return std::nullopt;
  std::optional<BindingMode> found;
  for (const model::Binding& binding : spec->bindings) {
    if (binding.subnet == model::pool_network(pool)) return binding.mode;
    if (binding.subnet == kAnySubnet) found = binding.mode;
  }
  return found;
}

std::function<Presence(const std::string&)> presence_in(const ObservedView& observed,
                                                        Clock::Duration since_start) {
  const Presence otherwise = since_start < kReturnGrace ? Presence::kAwaited : Presence::kAway;
  return [observed, otherwise](const std::string& node) {
    return observed.is_connected(node) ? Presence::kConnected : otherwise;
  };
}

PlacementChange placement_change(const Object& load_balancer, const model::ObjectIndex& index,
                                 const std::function<Presence(const std::string&)>& presence) {
  PlacementChange change;
  const Object* subnet = index.find(Kind::kSubnet, load_balancer.spec.string_or("subnetId", ""));
  if (subnet == nullptr) return change;
  // A dnlb has the same answer on every node, so any of them can serve any of its connections: but
  // on a segment an address can be announced by one.
  const bool is_dnlb = load_balancer.spec.string_or("type", "") == "dnlb";
  std::set<std::string> all;  // each of these serves it
  std::set<Candidate> own;
  std::set<std::string> able;
  const auto load = loads(index);
  for (const Object* node : index.all(Kind::kNode)) {
    const auto mode = binding_of(*node, *subnet);
    if (!mode) continue;
    able.insert(node->id);
    const auto carried = load.find(node->id);
    if (*mode == BindingMode::kExternal || (is_dnlb && *mode == BindingMode::kLoopback)) {
      all.insert(node->id);
    } else {
      own.insert({presence(node->id), carried == load.end() ? 0 : carried->second, node->id});
    }
  }
  std::set<std::string> kept;
  const auto is_gone = [&](const std::string& node) {
    return index.find(Kind::kNode, node) == nullptr;
  };
  for (const Object* placement : index.children(Kind::kPlacement, load_balancer.id)) {
    const std::string node = placement->spec.string_or("nodeId", "");
    const bool holds = all.empty() ? able.contains(node) && kept.empty()
                                   : all.contains(node) && !kept.contains(node);
    if (holds) {
      kept.insert(node);
    } else if (!able.empty() || is_gone(node)) {
      change.remove.push_back(placement);
    }
  }
  // An elastic IP too can be announced by one node of a segment.
  const std::string pool = load_balancer.admin.string_or("elasticIpPool", "");
  const auto announces = [&](const std::string& node) {
    if (pool.empty()) return false;
    const Object* found = index.find(Kind::kNode, node);
    return found != nullptr && pool_binding_of(*found, pool) == BindingMode::kInterface;
  };
  bool is_announced = std::ranges::any_of(kept, announces);
  for (const std::string& node : all) {
    if (kept.contains(node)) continue;
    if (announces(node) && std::exchange(is_announced, true)) continue;
    change.add.push_back(node);
  }
  if (all.empty() && kept.empty() && !own.empty()) {
    change.is_waiting = own.size() > 1 && own.begin()->presence == Presence::kAwaited;
    if (!change.is_waiting) change.add.push_back(own.begin()->node);
  }
  return change;
}

Object new_placement(const Object& load_balancer, const std::string& node, std::int64_t epoch,
                     const std::string& created) {
  Object placement;
  placement.kind = Kind::kPlacement;
  placement.owner = load_balancer.owner;
  placement.created = created;
  placement.spec = model::to_json(model::Placement{load_balancer.id, node, epoch});
  Random random;
  placement.id = model::new_id(Kind::kPlacement, placement.spec, random);
  return placement;
}

std::int64_t next_placement_epoch(const Object& load_balancer, const model::ObjectIndex& index) {
  std::int64_t epoch = 0;
  for (const Object* placement : index.children(Kind::kPlacement, load_balancer.id)) {
    epoch = std::max(epoch, placement->spec.integer_or("epoch", 0));
  }
  return epoch + 1;
}

namespace {

/// The availability groups that backend services of the load balancer name, and those that it is
/// not done with: who was replaced serves until the next one can, and its record stays as long.
std::set<model::Id> availability_groups_of(const Object& load_balancer,
                                           const model::ObjectIndex& index) {
  std::set<model::Id> groups;
  for (const Object* backend : index.children(Kind::kBackend, load_balancer.id)) {
    for (model::Id& id : model::availability_groups_of(*backend)) groups.insert(std::move(id));
  }
  for (const Object* drain : index.children(Kind::kDrain, load_balancer.id)) {
    const model::Id id = drain->spec.string_or("groupId", "");
    if (index.find(Kind::kAvailabilityGroup, id) != nullptr) groups.insert(id);
  }
  return groups;
}

}  // namespace

PlacedObjects placed_objects(
    const model::ObjectIndex& index, const std::string& node,
    const std::function<const std::vector<model::Id>&(const Object& group)>& instances) {
  PlacedObjects placed;
  const auto add = [&placed](const Object* object) {
    if (object == nullptr) {
      placed.is_complete = false;
    } else {
      placed.objects.emplace(std::pair(object->kind, object->id), object);
    }
  };
  for (const Object* keyring : index.all(Kind::kKeyring)) add(keyring);
  for (const Object* placement : index.all(Kind::kPlacement)) {
    if (placement->spec.string_or("nodeId", "") != node) continue;
    const model::Id lb = placement->spec.string_or("loadBalancerId", "");
    const Object* load_balancer = index.find(Kind::kLoadBalancer, lb);
    if (load_balancer == nullptr) {
      placed.is_complete = false;
      continue;
    }
    add(placement);
    add(load_balancer);
    const Object* subnet = index.find(Kind::kSubnet, load_balancer->spec.string_or("subnetId", ""));
    add(subnet);
    if (subnet != nullptr) add(index.find(Kind::kVpc, subnet->spec.string_or("vpcId", "")));
    for (const model::Id& id : model::named_groups(*load_balancer))
      add(index.find(Kind::kSecurityGroup, id));
    for (const Object* group : index.children(Kind::kTargetGroup, lb)) {
      for (const model::Id& id : instances(*group)) add(index.find(Kind::kInstance, id));
    }
    for (const model::Id& id : availability_groups_of(*load_balancer, index)) {
      const Object* group = index.find(Kind::kAvailabilityGroup, id);
      add(group);
      if (group == nullptr) continue;
      for (const model::Id& member : instances(*group)) add(index.find(Kind::kInstance, member));
      for (const Object* table : index.children(Kind::kTable, id)) add(table);
    }
    for (const Kind kind :
         {Kind::kListener, Kind::kBackend, Kind::kTargetGroup, Kind::kDrain, Kind::kTable}) {
      for (const Object* child : index.children(kind, lb)) add(child);
    }
  }
  return placed;
}

std::vector<std::string> nodes_of(const model::ObjectIndex& index, const model::Id& load_balancer) {
  std::vector<std::string> nodes;
  for (const Object* placement : index.children(Kind::kPlacement, load_balancer)) {
    nodes.push_back(placement->spec.string_or("nodeId", ""));
  }
  return nodes;
}

}  // namespace weir::api
