// Drain records as writes make them: what leaves its backend services in one write stands in one
// record for all services that give it the same time, so that a write of any size fits a
// transaction. Thread: any (pure but for identifiers).
#pragma once

#include <string>
#include <vector>

#include "api/kind_hooks.h"
#include "base/clock.h"
#include "base/strong_type.h"
#include "model/drain.h"
#include "model/object.h"
#include "model/target.h"

namespace weir::api {

/// Targets that leave backend services with one write, each of them all the services.
struct Leaving {
  const model::Object& group;
  std::vector<const model::Object*> services;
  std::vector<model::DrainedTarget> targets;
};

model::DrainedTarget drained_target(const model::Target& target, Slot slot,
                                    const model::ObjectIndex& index);

/// Makes the records; returns the latest deadline, or now without any.
WallTime drain(const Leaving& leaving, const HookContext& context, SideEffects& effects);

/// Targets that come back to a backend service with their group drain no more.
void stop_draining(const model::Object& old, const model::Object& updated,
                   const HookContext& context, SideEffects& effects);

}  // namespace weir::api
