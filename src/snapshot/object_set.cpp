#include "snapshot/object_set.h"

namespace weir::snapshot {

bool ObjectSet::apply(const model::Frame& frame) {
  const Key key(frame.kind, frame.id);
  const auto found = objects_.find(key);
  if (found != objects_.end() && frame.version < found->second.version) return false;
  if (frame.is_tombstone) {
    if (found != objects_.end()) objects_.erase(found);
    return true;
  }
  objects_[key] = ReceivedObject{.version = frame.version, .body = frame.body};
  return true;
}

void ObjectSet::clear() {
  objects_.clear();
  version_ = {};
}

}  // namespace weir::snapshot
