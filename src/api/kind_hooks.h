// What a write means beyond its own document, kind by kind: addresses and placements of a load
// balancer, ids and slots of targets, drain records of what is taken out of use, the default group
// of a VPC. Called with a
// write that validate.h has found good. Thread: any (pure but for identifiers).
#pragma once

#include <functional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "api/placement.h"
#include "base/clock.h"
#include "base/result.h"
#include "model/object.h"
#include "model/public_pool.h"
#include "model/world_view.h"

namespace weir::api {

/// Seconds that connections of a removed target may run on, where it cannot be set.
/// Source: product.md G17.
inline constexpr std::chrono::seconds kAlbDrainTime{300};

/// What the hooks know beside the objects.
struct HookContext {
  const model::ObjectIndex& index;
  /// Addresses that are taken where the object takes its own (model/keys.h address_scope()), held
  /// or releasing ("10.0.0.4").
  const std::set<std::string>& taken_addresses;
  const std::function<Presence(const std::string& node)>& presence;
  WallTime now;
  const ObservedView& observed;
  std::span<const model::PublicPool> pools{};
  /// Objects that are made before it in the same transaction.
  std::span<const model::Object> made{};
  /// The elastic IP that a load balancer lets go of is deleted with that.
  bool deletes_freed_elastic_ip = false;
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

/// Fills what control decides about a new object. Errors: kFailedPrecondition (no free address),
/// kConflict (the address is being released), kQuotaExceeded (slots)
Errors complete_create(model::Object& object, const HookContext& context, SideEffects& effects);
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
