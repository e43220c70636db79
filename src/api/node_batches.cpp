#include "api/node_batches.h"

#include <utility>

#include "api/placement.h"
#include "model/group_view.h"
#include "model/registry.h"

namespace weir::api {
namespace {

using model::Kind;
using model::Object;

model::Frame object_frame(const Object& object, Epoch epoch) {
  model::Frame frame;
  frame.version = {epoch, object.revision};
  frame.kind = model::kind_name(object.kind);
  frame.id = object.id;
  frame.body = model::stored_text(object);
  return frame;
}

model::Frame tombstone(Kind kind, const model::Id& id, Version version) {
  model::Frame frame;
  frame.version = version;
  frame.kind = model::kind_name(kind);
  frame.id = id;
  frame.is_tombstone = true;
  return frame;
}

/// Whether objects of this kind are placed by their load balancer alone.
bool is_child(Kind kind) {
  return kind == Kind::kListener || kind == Kind::kBackend || kind == Kind::kTargetGroup ||
         kind == Kind::kDrain || kind == Kind::kTable;
}

bool is_group(Kind kind) { return kind == Kind::kTargetGroup || kind == Kind::kAvailabilityGroup; }

/// Whether an object still belongs where it did, and names what it did; of a group, but for its
/// instances.
bool keeps_places(const Object& before, const Object& after) {
  for (const std::string_view field : {"loadBalancerId", "nodeId", "subnetId", "vpcId"}) {
    if (before.spec.string_or(field, "") != after.spec.string_or(field, "")) return false;
  }
  if (after.kind == Kind::kBackend) {
    return model::availability_groups_of(before) == model::availability_groups_of(after);
  }
  return true;
}

}  // namespace

const std::vector<model::Id>& NodeBatches::instances_of(const Object& group) {
  Named& named = groups_[group.id];
  if (named.revision != group.revision) {
    named = {group.revision, model::instances_of(group)};
  }
  return named.instances;
}

void NodeBatches::assume(const model::ObjectIndex& past) {
  has_.clear();
  const auto instances = [this](const Object& group) -> const auto& { return instances_of(group); };
  const PlacedObjects placed = placed_objects(past, node_, instances);
  uses_.clear();
  for (const auto& [key, object] : placed.objects) {
    has_[key] = object->revision;
    count_uses(*object);
  }
  is_complete_ = placed.is_complete;
}

std::vector<model::Frame> NodeBatches::advance(const model::ObjectIndex& now, Revision revision) {
  std::vector<model::Frame> frames;
  const auto instances = [this](const Object& group) -> const auto& { return instances_of(group); };
  const PlacedObjects placed = placed_objects(now, node_, instances);
  std::map<Key, Revision> next;
  uses_.clear();
  for (const auto& [key, object] : placed.objects) {
    count_uses(*object);
    next.emplace_hint(next.end(), key, object->revision);
    const auto known = has_.find(key);
    if (known != has_.end() && known->second == object->revision) continue;
    frames.push_back(object_frame(*object, epoch_));
  }
  for (const auto& [key, known] : has_) {
    if (next.contains(key)) continue;
    frames.push_back(tombstone(key.first, key.second, {epoch_, revision}));
  }
  has_ = std::move(next);
  is_complete_ = placed.is_complete;
  std::erase_if(groups_, [this](const auto& group) {
    return !has_.contains(Key(Kind::kTargetGroup, group.first)) &&
           !has_.contains(Key(Kind::kAvailabilityGroup, group.first));
  });
  return frames;
}

/// Of what comes to, or goes from, below a load balancer that is placed here. A group places the
/// instances that it names, a backend service and a drain record the availability group.
NodeBatches::Effect NodeBatches::effect_of_child(const Object& child) {
  const bool places =
      child.kind == Kind::kTargetGroup ? !model::instances_of(child).empty()
      : child.kind == Kind::kBackend   ? !model::availability_groups_of(child).empty()
      : child.kind == Kind::kDrain
          ? model::is_availability_group_id(child.spec.string_or("groupId", ""))
          : false;
  return places ? Effect::kPlaces : Effect::kContents;
}

/// Of a slot table that is new here: that of an availability group stands below no load balancer.
NodeBatches::Effect NodeBatches::effect_of_table(const Object& table) {
  const model::Id lb = model::load_balancer_of(table);
  const Key above = lb.empty() ? Key(Kind::kAvailabilityGroup, table.spec.string_or("groupId", ""))
                               : Key(Kind::kLoadBalancer, lb);
  return has_.contains(above) ? Effect::kContents : Effect::kNone;
}

/// Of an object that is not placed here so far.
NodeBatches::Effect NodeBatches::effect_of_unknown(const LiveChange& change) {
  const Object& object = change.object();
  switch (object.kind) {
    case Kind::kNode:  // whoever follows must learn that its node was deleted
      return object.id == node_ && !change.after ? Effect::kPlaces : Effect::kNone;
    case Kind::kKeyring:
      return Effect::kPlaces;
    case Kind::kPlacement:
      return object.spec.string_or("nodeId", "") == node_ ? Effect::kPlaces : Effect::kNone;
    case Kind::kVpc:
    case Kind::kSubnet:
    case Kind::kInstance:
    case Kind::kLoadBalancer:
      return is_complete_ ? Effect::kNone : Effect::kPlaces;
    case Kind::kAvailabilityGroup:
      return is_complete_ && change.before ? Effect::kNone : Effect::kPlaces;
    case Kind::kTable:
      return effect_of_table(object);
    default:
      if (!has_.contains(Key(Kind::kLoadBalancer, model::load_balancer_of(object)))) {
        return Effect::kNone;
      }
      return effect_of_child(object);
  }
}

/// `before`: what has happened since the node was brought up to date.
NodeBatches::Effect NodeBatches::effect_of(const LiveChange& change, const Changed& before) {
  const Object& object = change.object();
  const auto known = before.find(Key(object.kind, object.id));
  const bool is_here =
      known != before.end() ? known->second != nullptr : has_.contains(Key(object.kind, object.id));
  if (!is_here) return effect_of_unknown(change);
  // A group that names it still makes this a matter of places: settle_members().
  if (!change.after && object.kind == Kind::kInstance) return Effect::kContents;
  if (!change.after) return is_child(object.kind) ? effect_of_child(object) : Effect::kPlaces;
  const bool is_kept = change.before && keeps_places(*change.before, *change.after);
  if (!is_kept) return Effect::kPlaces;
  const bool is_moved = is_group(object.kind) && model::instances_of(*change.before) !=
                                                     model::instances_of(*change.after);
  return is_moved ? Effect::kMembers : Effect::kContents;
}

void NodeBatches::count_uses(const Object& group) {
  if (!is_group(group.kind)) return;
  for (const model::Id& id : instances_of(group)) ++uses_[id];
}

void NodeBatches::move_members(const Object& before, const Object& after) {
  for (const model::Id& id : model::instances_of(after)) {
    ++uses_[id];
    moved_.insert(id);
  }
  for (const model::Id& id : model::instances_of(before)) {
    --uses_[id];
    moved_.insert(id);
  }
}

/// Brings the instances along that groups name since the changes, and takes those away that none
/// names any more. False when one that is named is not at hand.
bool NodeBatches::settle_members(std::span<const LiveChange> changes, Changed& changed) {
  std::map<model::Id, const Object*> latest;
  for (const LiveChange& change : changes) {
    const Object& object = change.object();
    if (object.kind != Kind::kInstance) continue;
    latest[object.id] = change.after.get();
    const auto uses = uses_.find(object.id);
    if (!change.after && uses != uses_.end() && uses->second > 0) return false;
  }
  for (const model::Id& id : std::exchange(moved_, {})) {
    const Key key(Kind::kInstance, id);
    if (uses_[id] == 0) {
      uses_.erase(id);
      changed[key] = nullptr;
    } else if (!has_.contains(key)) {
      const auto found = latest.find(id);
      if (found == latest.end() || found->second == nullptr) return false;
      changed[key] = found->second;
    }
  }
  return true;
}

std::optional<std::vector<model::Frame>> NodeBatches::follow(std::span<const LiveChange> changes,
                                                             Revision revision) {
  Changed changed;
  moved_.clear();
  for (const LiveChange& change : changes) {
    const Effect effect = effect_of(change, changed);
    if (effect == Effect::kPlaces) return std::nullopt;
    if (effect == Effect::kNone) continue;
    if (effect == Effect::kMembers) move_members(*change.before, *change.after);
    const Object& object = change.object();
    changed[Key(object.kind, object.id)] = change.after.get();
  }
  if (!settle_members(changes, changed)) return std::nullopt;
  return frames_of(changed, revision);
}

std::vector<model::Frame> NodeBatches::frames_of(const Changed& changed, Revision revision) {
  std::vector<model::Frame> frames;
  for (const auto& [key, object] : changed) {
    if (object == nullptr) continue;
    has_[key] = object->revision;
    frames.push_back(object_frame(*object, epoch_));
  }
  for (const auto& [key, object] : changed) {
    // What came and went meanwhile has never been here.
    if (object != nullptr || has_.erase(key) == 0) continue;
    if (is_group(key.first)) groups_.erase(key.second);
    frames.push_back(tombstone(key.first, key.second, {epoch_, revision}));
  }
  return frames;
}

}  // namespace weir::api
