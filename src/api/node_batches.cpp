#include "api/node_batches.h"

#include "api/placement.h"
#include "model/registry.h"
#include "model/security_group_use.h"
#include "model/target_view.h"

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

/// Whether an object still belongs where it did, and names what it did.
bool keeps_places(const Object& before, const Object& after) {
  for (const std::string_view field : {"loadBalancerId", "nodeId", "subnetId", "vpcId"}) {
    if (before.spec.string_or(field, "") != after.spec.string_or(field, "")) return false;
  }
  if (after.kind == Kind::kLoadBalancer)
    return model::named_groups(before) == model::named_groups(after);
  return after.kind != Kind::kTargetGroup ||
         model::instances_of(before) == model::instances_of(after);
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
  for (const auto& [key, object] : placed.objects) has_[key] = object->revision;
  is_complete_ = placed.is_complete;
}

std::vector<model::Frame> NodeBatches::advance(const model::ObjectIndex& now, Revision revision) {
  std::vector<model::Frame> frames;
  const auto instances = [this](const Object& group) -> const auto& { return instances_of(group); };
  const PlacedObjects placed = placed_objects(now, node_, instances);
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
  is_complete_ = placed.is_complete;
  std::erase_if(groups_, [this](const auto& group) {
    return !has_.contains(Key(Kind::kTargetGroup, group.first));
  });
  return frames;
}

/// Of what comes to, or goes from, below a load balancer that is placed here. A group places the
/// instances that it names.
NodeBatches::Effect NodeBatches::effect_of_child(const Object& child) {
  const bool places = child.kind == Kind::kTargetGroup && !model::instances_of(child).empty();
  return places ? Effect::kPlaces : Effect::kContents;
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
  if (!change.after) return is_child(object.kind) ? effect_of_child(object) : Effect::kPlaces;
  const bool is_kept = change.before && keeps_places(*change.before, *change.after);
  return is_kept ? Effect::kContents : Effect::kPlaces;
}

std::optional<std::vector<model::Frame>> NodeBatches::follow(std::span<const LiveChange> changes,
                                                             Revision revision) {
  Changed changed;
  for (const LiveChange& change : changes) {
    const Effect effect = effect_of(change, changed);
    if (effect == Effect::kPlaces) return std::nullopt;
    if (effect == Effect::kNone) continue;
    const Object& object = change.object();
    changed[Key(object.kind, object.id)] = change.after.get();
  }
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
    if (key.first == Kind::kTargetGroup) groups_.erase(key.second);
    frames.push_back(tombstone(key.first, key.second, {epoch_, revision}));
  }
  return frames;
}

}  // namespace weir::api
