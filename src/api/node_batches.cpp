#include "api/node_batches.h"

#include <utility>

#include "api/placement.h"
#include "model/group_view.h"
#include "model/registry.h"
#include "model/security_group_use.h"

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

/// Whether an object still belongs where it did, and names what it did, but for groups and members.
bool keeps_places(const Object& before, const Object& after) {
  for (const std::string_view field : {"loadBalancerId", "nodeId", "subnetId", "vpcId"}) {
    if (before.spec.string_or(field, "") != after.spec.string_or(field, "")) return false;
  }
  if (after.kind == Kind::kLoadBalancer) {
    return model::named_groups(before) == model::named_groups(after);
  }
  return true;
}

/// The availability groups for which an object keeps them at a node.
std::vector<model::Id> named_by(const Object* object) {
  if (object == nullptr) return {};
  if (object->kind == Kind::kBackend) return model::availability_groups_of(*object);
  if (object->kind != Kind::kDrain) return {};
  const model::Id group = object->spec.string_or("groupId", "");
  if (!model::is_availability_group_id(group)) return {};
  return {group};
}

}  // namespace

const std::vector<model::Id>& NodeBatches::instances_of(const Object& group) {
  Named& named = groups_[group.id];
  if (named.revision != group.revision) {
    named = {group.revision, model::instances_of(group)};
  }
  return named.instances;
}

/// Notes what is placed here now.
PlacedObjects NodeBatches::take_stock(const model::ObjectIndex& now) {
  const auto instances = [this](const Object& group) -> const auto& { return instances_of(group); };
  PlacedObjects placed = placed_objects(now, node_, instances);
  uses_.clear();
  group_uses_.clear();
  for (const auto& [key, object] : placed.objects) {
    if (is_group(object->kind)) {
      for (const model::Id& id : instances_of(*object)) ++uses_[id];
    }
    for (const model::Id& id : named_by(object)) ++group_uses_[id];
  }
  is_complete_ = placed.is_complete;
  return placed;
}

void NodeBatches::assume(const model::ObjectIndex& past) {
  has_.clear();
  const PlacedObjects placed = take_stock(past);
  for (const auto& [key, object] : placed.objects) has_[key] = object->revision;
}

std::vector<model::Frame> NodeBatches::advance(const model::ObjectIndex& now, Revision revision) {
  std::vector<model::Frame> frames;
  const PlacedObjects placed = take_stock(now);
  std::map<Key, Revision> next;
  for (const auto& [key, object] : placed.objects) {
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
  std::erase_if(groups_, [this](const auto& group) {
    return !has_.contains(Key(Kind::kTargetGroup, group.first)) &&
           !has_.contains(Key(Kind::kAvailabilityGroup, group.first));
  });
  return frames;
}

/// Of what comes to, changes, or goes from below a load balancer that is placed here; `before` or
/// `after` is null.
NodeBatches::Effect NodeBatches::effect_below(const Object* before, const Object* after) {
  const Object& object = after == nullptr ? *before : *after;
  if (is_group(object.kind)) move_members(before, after);
  return move_groups(before, after) ? Effect::kContents : Effect::kPlaces;
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
    case Kind::kSecurityGroup:
    case Kind::kLoadBalancer:
      return is_complete_ ? Effect::kNone : Effect::kPlaces;
    case Kind::kAvailabilityGroup:
      return group_uses_.contains(object.id) ? Effect::kPlaces : Effect::kNone;
    case Kind::kTable:
      return effect_of_table(object);
    default:
      if (!has_.contains(Key(Kind::kLoadBalancer, model::load_balancer_of(object)))) {
        return Effect::kNone;
      }
      return change.after ? effect_below(nullptr, change.after.get()) : Effect::kNone;
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
  const Object* const old = change.before.get();
  if (!change.after) return is_child(object.kind) ? effect_below(old, nullptr) : Effect::kPlaces;
  const bool is_kept = old != nullptr && keeps_places(*old, *change.after);
  return is_kept ? effect_below(old, change.after.get()) : Effect::kPlaces;
}

void NodeBatches::move_members(const Object* before, const Object* after) {
  const auto were = before == nullptr ? std::vector<model::Id>() : model::instances_of(*before);
  const auto are = after == nullptr ? std::vector<model::Id>() : model::instances_of(*after);
  if (were == are) return;
  for (const model::Id& id : are) ++uses_[id];
  for (const model::Id& id : were) --uses_[id];
  moved_.insert(are.begin(), are.end());
  moved_.insert(were.begin(), were.end());
}

/// False when an availability group comes to the node, or leaves it, with what stands below no load
/// balancer: its members and its table. That happens once in the life of an association, so it may
/// cost a look at the rest.
bool NodeBatches::move_groups(const Object* before, const Object* after) {
  const auto were = named_by(before);
  const auto are = named_by(after);
  if (were == are) return true;
  bool is_kept = true;
  for (const model::Id& id : are) is_kept = ++group_uses_[id] > 1 && is_kept;
  for (const model::Id& id : were) {
    if (--group_uses_[id] > 0) continue;
    group_uses_.erase(id);
    is_kept = false;
  }
  return is_kept;
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
