#include "api/membership.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "api/drain_records.h"
#include "api/flow_tables.h"
#include "model/availability_group.h"
#include "model/group_view.h"
#include "model/keys.h"
#include "model/registry.h"
#include "model/slots.h"

namespace weir::api {
namespace {

using model::Id;
using model::Kind;
using model::Object;

/// How many members of a group stand in each rack of a zone.
class Racks {
 public:
  Racks(const Object& group, const model::ObjectIndex& index) {
    for (const Object* member : index.children(Kind::kInstance, group.id)) count(*member);
  }

  /// Gives a member that does not say where it stands the rack with the fewest.
  void place(Object& member) {
    if (member.admin.integer_or("faultDomain", 0) == 0) {
      const auto& racks = used_[member.spec.string_or("az", "")];
      const auto emptiest = std::ranges::min_element(racks);
      member.admin["faultDomain"] = Json(static_cast<int>(emptiest - racks.begin()) + 1);
    }
    count(member);
  }

 private:
  void count(const Object& member) {
    const std::int64_t rack = member.admin.integer_or("faultDomain", 0);
    if (rack < 1 || rack > model::kFaultDomains) return;
    ++used_[member.spec.string_or("az", "")].at(static_cast<std::size_t>(rack - 1));
  }

  std::map<std::string, std::array<int, model::kFaultDomains>> used_;  // by zone
};

/// The group with slots for `targets` alone. Errors: kQuotaExceeded
Errors store_members(const Object& old, const std::vector<model::Target>& targets,
                     const std::map<std::string, WallTime>& deadlines, const HookContext& context,
                     Object& updated) {
  auto admin = model::assign_slots(model::slots_of(old), targets, context.now, deadlines);
  if (!admin) {
    Error error = admin.error();
    error.field = "spec.agId";
    return {std::move(error)};
  }
  if (targets.empty()) admin->vpc_id.clear();
  updated.admin = model::to_json(*admin);
  return {};
}

Errors join_group(const Object& group, const std::vector<Object*>& joining,
                  const HookContext& context, SideEffects& effects) {
  auto targets = model::targets_of(group);
  Racks racks(group, context.index);
  for (Object* instance : joining) {
    racks.place(*instance);
    targets.push_back({.target_id = instance->id, .instance_id = instance->id});
  }
  if (targets.size() > model::kAgMembersMax) {
    return {{ErrorCode::kQuotaExceeded,
             "quota limit member exceeded: at most " + std::to_string(model::kAgMembersMax) +
                 " instances in one availability group",
             "spec.agId"}};
  }
  Object updated = group;
  Errors errors = store_members(group, targets, {}, context, updated);
  if (!errors.empty()) return errors;
  updated.admin["vpcId"] = joining.front()->admin.string_or("vpcId", "");
  errors = follow_group(updated, context, effects);
  effects.updated.push_back({group, std::move(updated)});
  return errors;
}

}  // namespace

Errors join_groups(std::vector<Object>& instances, const HookContext& context,
                   SideEffects& effects) {
  std::map<Id, std::vector<Object*>> joining;
  for (Object& instance : instances) {
    const Id group = instance.spec.string_or("agId", "");
    if (instance.kind == Kind::kInstance && !group.empty()) joining[group].push_back(&instance);
  }
  Errors errors;
  for (const auto& [id, members] : joining) {
    const Object* group = context.index.find(Kind::kAvailabilityGroup, id);
    if (group == nullptr) continue;  // told by validation
    std::ranges::move(join_group(*group, members, context, effects), std::back_inserter(errors));
  }
  return errors;
}

Errors leave_group(const Object& old, const std::set<Id>& leaving, const HookContext& context,
                   SideEffects& effects, Object& updated) {
  const auto slots = model::slots_of(old);
  std::vector<model::Target> staying;
  std::vector<model::DrainedTarget> left;
  for (const model::Target& target : model::targets_of(old)) {
    if (!leaving.contains(target.target_id)) {
      staying.push_back(target);
    } else if (const auto slot = model::slot_of(slots, target.target_id)) {
      left.push_back(drained_target(target, *slot, context.index));
    }
  }
  const WallTime latest =
      drain({old, model::services_of(old, context.index), left}, context, effects);
  std::map<std::string, WallTime> deadlines;
  for (const model::DrainedTarget& target : left) deadlines[target.target_id] = latest;
  Errors errors = store_members(old, staying, deadlines, context, updated);
  return errors.empty() ? follow_group(updated, context, effects) : errors;
}

Errors leave_its_group(const Object& instance, const HookContext& context, SideEffects& effects) {
  const Id id = instance.spec.string_or("agId", "");
  const Object* group = id.empty() ? nullptr : context.index.find(Kind::kAvailabilityGroup, id);
  if (group == nullptr) return {};
  Object updated = *group;
  Errors errors = leave_group(*group, {instance.id}, context, effects, updated);
  effects.updated.push_back({*group, std::move(updated)});
  return errors;
}

Errors release_members(const Object& old, Object& updated, const HookContext& context,
                       SideEffects& effects) {
  std::set<Id> leaving;
  for (const Id& id : model::instances_of(old)) leaving.insert(id);
  for (const Id& id : model::instances_of(updated)) leaving.erase(id);
  if (leaving.empty()) return {};
  for (const Id& id : leaving) {
    const Object* instance = context.index.find(Kind::kInstance, id);
    if (instance == nullptr) continue;
    Object alone = *instance;
    alone.spec.erase("agId");
    effects.updated.push_back({*instance, std::move(alone)});
  }
  return leave_group(old, leaving, context, effects, updated);
}

std::vector<std::string> roots_of_leaving(const Object& object, const model::ObjectIndex& index) {
  const bool is_group = object.kind == Kind::kAvailabilityGroup;
  const Id id = is_group                         ? object.id
                : object.kind == Kind::kInstance ? object.spec.string_or("agId", "")
                                                 : "";
  std::vector<std::string> keys;
  if (id.empty()) return keys;
  for (const Object* backend : index.children(Kind::kBackend, id)) {
    keys.push_back(model::root_key(model::load_balancer_of(*backend)));
  }
  const Id vpc = is_group ? object.admin.string_or("vpcId", "") : "";
  if (!vpc.empty()) keys.push_back(model::root_key(vpc));
  return keys;
}

}  // namespace weir::api
