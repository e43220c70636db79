// What a write means beyond its own document, kind by kind: addresses and placements of a load
// balancer, ids and slots of targets, drain records of what is taken out of use. Called with a
// write that validate.h has found good. Thread: any (pure but for identifiers).
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "api/placement.h"
#include "base/clock.h"
#include "base/result.h"
#include "model/object.h"
#include "model/world_view.h"

namespace weir::api {

/// Seconds that connections of a removed target may run on, where it cannot be set.
/// Source: product.md G17.
inline constexpr std::chrono::seconds kAlbDrainTime{300};

/// What the hooks know beside the objects.
struct HookContext {
  const model::ObjectIndex& index;
  /// Address keys of the VPC that are taken, held or releasing ("10.0.0.4").
  const std::set<std::string>& taken_addresses;
  const std::function<Presence(const std::string& node)>& presence;
  WallTime now;
};

/// Objects that are made or removed in the transaction of another one.
struct SideEffects {
  struct Update {
    model::Object old;
    model::Object updated;
  };
  std::vector<model::Object> created;
  std::vector<Update> updated;
  std::vector<model::Object> removed;
};

/// Fills what control decides about the new objects of one write. Errors: kFailedPrecondition (no
/// free address), kConflict (the address is being released), kQuotaExceeded (slots, members)
Errors complete_create(std::vector<model::Object>& objects, const HookContext& context,
                       SideEffects& effects);
/// As complete_create(), for an update of `old`.
Errors complete_update(const model::Object& old, model::Object& updated, const HookContext& context,
                       SideEffects& effects);

/// What goes with an object that is deleted. Errors: as complete_create()
Errors complete_remove(const model::Object& object, const HookContext& context,
                       SideEffects& effects);

/// Sets admin.vpcId of a load balancer or an instance from its subnet, and of a target group of
/// instances from its load balancer; nothing for other kinds.
void place_in_vpc(model::Object& object, const model::ObjectIndex& index);

}  // namespace weir::api
