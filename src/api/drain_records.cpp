#include "api/drain_records.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

#include "base/random.h"
#include "model/group_view.h"
#include "model/registry.h"
#include "model/resources.h"
#include "model/slots.h"
#include "model/target_view.h"

namespace weir::api {
namespace {

using model::Kind;
using model::Object;

std::chrono::seconds drain_time(const Object& backend, const Object* load_balancer) {
  const bool is_nlb =
      load_balancer != nullptr && load_balancer->spec.string_or("type", "") == "nlb";
  if (!is_nlb) return kAlbDrainTime;
  return std::chrono::seconds(backend.spec.integer_or("connectionDrainingSeconds", 300));
}

/// Records know whole seconds: rounded up, so that none is cut early; but without any time they are
/// cut at once.
WallTime deadline_after(std::chrono::seconds time, WallTime now) {
  return time.count() == 0 ? now : std::chrono::ceil<std::chrono::seconds>(now + time);
}

Object record_of(const Object& group, const model::Drain& drain, WallTime now) {
  Object record;
  record.kind = Kind::kDrain;
  record.owner = group.owner;
  record.created = utc_text(now);
  record.spec = model::to_json(drain);
  Random random;
  record.id = model::new_id(Kind::kDrain, record.spec, random);
  return record;
}

/// Takes out the targets that `group` holds now. Only a record of one service, made when its group
/// was replaced, can hold such: who is removed from a group never comes back under its id.
bool forget_members(model::Drain& drain, const Object& group) {
  if (drain.services.size() > 1) return false;
  const auto slots = model::slots_of(group);
  const auto erased = std::erase_if(drain.targets, [&](const model::DrainedTarget& target) {
    return model::slot_of(slots, target.target_id).has_value();
  });
  return erased > 0;
}

}  // namespace

model::DrainedTarget drained_target(const model::Target& target, Slot slot,
                                    const model::ObjectIndex& index) {
  return {.target_id = target.target_id,
          .slot = slot.value,
          .address = model::address_of(target, index),
          .port = target.port};
}

WallTime drain(const Leaving& leaving, const HookContext& context, SideEffects& effects) {
  if (leaving.targets.empty()) return context.now;
  // An availability group serves several load balancers, and a record stands below one.
  using Place = std::pair<model::Id, std::chrono::seconds>;
  std::map<Place, std::vector<model::DrainedService>> by_place;
  for (const Object* service : leaving.services) {
    const model::Id lb = model::load_balancer_of(*service);
    const auto time = drain_time(*service, context.index.find(Kind::kLoadBalancer, lb));
    const auto port = static_cast<std::uint16_t>(service->spec.integer_or("port", 0));
    by_place[{lb, time}].push_back({service->id, port});
  }
  WallTime latest = context.now;
  for (auto& [place, services] : by_place) {
    const auto& [lb, time] = place;
    const WallTime deadline = deadline_after(time, context.now);
    latest = std::max(latest, deadline);
    const model::Drain drain{.load_balancer_id = lb,
                             .group_id = leaving.group.id,
                             .draining_seconds = static_cast<int>(time.count()),
                             .deadline = utc_text(deadline),
                             .services = std::move(services),
                             .targets = leaving.targets};
    effects.created.push_back(record_of(leaving.group, drain, context.now));
  }
  return latest;
}

void stop_draining(const Object& old, const Object& updated, const HookContext& context,
                   SideEffects& effects) {
  for (const Object* record : context.index.children(Kind::kDrain, model::load_balancer_of(old))) {
    auto drain = model::from_json<model::Drain>(record->spec, "spec").value;
    if (!model::names_group(updated, drain.group_id) || model::names_group(old, drain.group_id)) {
      continue;
    }
    const auto service =
        std::ranges::find(drain.services, old.id, &model::DrainedService::service_id);
    if (service == drain.services.end()) continue;
    const Object* group = model::find_group(context.index, drain.group_id);
    if (group == nullptr || !forget_members(drain, *group)) continue;
    if (drain.targets.empty()) {
      effects.removed.push_back(*record);
      continue;
    }
    Object fewer = *record;
    fewer.spec = model::to_json(drain);
    effects.updated.push_back({*record, std::move(fewer)});
  }
}

}  // namespace weir::api
