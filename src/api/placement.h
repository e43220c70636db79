// Which node serves which load balancer: a pure rule over the stored nodes, their bindings and the
// placements there are. Every node with an `external` binding of the subnet serves its load
// balancers (someone else moves the address); else one node with a `loopback` or `interface`
// binding does, the least loaded; but a dnlb is on every node with a `loopback` binding. A
// placement stays while its node keeps the binding. Thread: any (pure).
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/observed.h"
#include "base/clock.h"
#include "model/node.h"
#include "model/object.h"
#include "model/world_view.h"

namespace weir::api {

/// How `node` would serve addresses of `subnet`: its binding by id, by name, or the one for every
/// subnet ("*"); a loopback binding for every subnet serves loopback subnets only.
std::optional<model::BindingMode> binding_of(const model::Object& node,
                                             const model::Object& subnet);

/// How `node` would serve elastic IPs of a public pool: its binding by "pool/NAME", or the one for
/// everything.
std::optional<model::BindingMode> pool_binding_of(const model::Object& node,
                                                  const std::string& pool);

/// Whether a node could take something now, from best to worst.
enum class Presence { kConnected, kAwaited, kAway };

struct PlacementChange {
  std::vector<std::string> add;              // node ids
  std::vector<const model::Object*> remove;  // placements that no longer hold
  bool is_waiting = false;                   // for the first of several nodes to come back
};

/// What must change so that `load_balancer` is where the rule wants it. `presence` decides
/// between nodes that could both take it; several that are all awaited get nothing yet.
PlacementChange placement_change(const model::Object& load_balancer,
                                 const model::ObjectIndex& index,
                                 const std::function<Presence(const std::string&)>& presence);

/// How long after control's start a node that has not come back yet is awaited. Chosen because
/// nodes try again within a second or two.
inline constexpr std::chrono::seconds kReturnGrace{5};

/// The presence of nodes `since_start` of control, by what it has seen since.
std::function<Presence(const std::string&)> presence_in(const ObservedView& observed,
                                                        Clock::Duration since_start);

/// A new placement of `load_balancer` on `node`; `epoch` is one above that of any it replaces.
model::Object new_placement(const model::Object& load_balancer, const std::string& node,
                            std::int64_t epoch, const std::string& created);
std::int64_t next_placement_epoch(const model::Object& load_balancer,
                                  const model::ObjectIndex& index);

/// Everything that `node` receives: the placements that name it, their load balancers, what stands
/// below those, the availability groups that serve them with their slot tables, the instances all
/// their groups name, the security groups they name, and the subnets and VPCs they stand in. By
/// kind and id, dependencies first.
struct PlacedObjects {
  std::map<std::pair<model::Kind, model::Id>, const model::Object*> objects;
  bool is_complete = true;  // everything that they name is there
};
/// `instances` gives the ids of the instances that a group of either kind names
/// (model::instances_of).
PlacedObjects placed_objects(
    const model::ObjectIndex& index, const std::string& node,
    const std::function<const std::vector<model::Id>&(const model::Object& group)>& instances);

/// Ids of the nodes that a load balancer is placed on.
std::vector<std::string> nodes_of(const model::ObjectIndex& index, const model::Id& load_balancer);

}  // namespace weir::api
