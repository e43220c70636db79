#include "api/node_batches.h"

#include "api/placement.h"

namespace weir::api {
namespace {

model::Frame object_frame(const model::Object& object, Epoch epoch) {
  model::Frame frame;
  frame.version = {epoch, object.revision};
  frame.kind = model::kind_name(object.kind);
  frame.id = object.id;
  frame.body = model::stored_text(object);
  return frame;
}

model::Frame tombstone(model::Kind kind, const model::Id& id, Version version) {
  model::Frame frame;
  frame.version = version;
  frame.kind = model::kind_name(kind);
  frame.id = id;
  frame.is_tombstone = true;
  return frame;
}

}  // namespace

void NodeBatches::assume(const model::ObjectIndex& past) {
  has_.clear();
  for (const auto& [key, object] : placed_objects(past, node_)) has_[key] = object->revision;
}

std::vector<model::Frame> NodeBatches::advance(const model::ObjectIndex& now, Revision revision) {
  std::vector<model::Frame> frames;
  const PlacedObjects placed = placed_objects(now, node_);
  std::map<Key, Revision> next;
  for (const auto& [key, object] : placed) {
    next[key] = object->revision;
    const auto known = has_.find(key);
    if (known != has_.end() && known->second == object->revision) continue;
    frames.push_back(object_frame(*object, epoch_));
  }
  for (const auto& [key, known] : has_) {
    if (next.contains(key)) continue;
    frames.push_back(tombstone(key.first, key.second, {epoch_, revision}));
  }
  has_ = std::move(next);
  return frames;
}

}  // namespace weir::api
