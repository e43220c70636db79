#include "model/world_view.h"

#include <utility>

#include "model/registry.h"

namespace weir::model {

void ObjectIndex::put(Object object) { put(std::make_shared<const Object>(std::move(object))); }

void ObjectIndex::put(std::shared_ptr<const Object> object) {
  erase(object->kind, object->id);
  for (const Id& parent : parent_ids(*object)) {
    by_parent_[Key(object->kind, parent)][object->id] = object.get();
  }
  Key key(object->kind, object->id);
  objects_.insert_or_assign(std::move(key), std::move(object));
}

void ObjectIndex::erase(Kind kind, std::string_view id) {
  const auto found = objects_.find(Key(kind, id));
  if (found == objects_.end()) return;
  for (const Id& parent : parent_ids(*found->second)) {
    const auto siblings = by_parent_.find(Key(kind, parent));
    if (siblings == by_parent_.end()) continue;
    siblings->second.erase(std::string(id));
    if (siblings->second.empty()) by_parent_.erase(siblings);
  }
  objects_.erase(found);
}

const Object* ObjectIndex::find(Kind kind, std::string_view id) const {
  const auto found = objects_.find(Key(kind, id));
  return found == objects_.end() ? nullptr : found->second.get();
}

std::shared_ptr<const Object> ObjectIndex::share(Kind kind, std::string_view id) const {
  const auto found = objects_.find(Key(kind, id));
  return found == objects_.end() ? nullptr : found->second;
}

std::vector<const Object*> ObjectIndex::children(Kind kind, std::string_view parent) const {
  std::vector<const Object*> out;
  const auto found = by_parent_.find(Key(kind, parent));
  if (found == by_parent_.end()) return out;
  for (const auto& [id, object] : found->second) out.push_back(object);
  return out;
}

std::vector<const Object*> ObjectIndex::all(Kind kind) const {
  std::vector<const Object*> out;
  for (auto at = objects_.lower_bound(Key(kind, "")); at != objects_.end(); ++at) {
    if (at->first.first != kind) break;
    out.push_back(at->second.get());
  }
  return out;
}

WorldView ObjectIndex::view() const {
  return {.find = [this](Kind kind, std::string_view id) { return find(kind, id); },
          .children = [this](Kind kind, std::string_view parent) { return children(kind, parent); },
          .azs = {},
          .own_endpoints = {},
          .node_addresses = {},
          .pools = {}};
}

}  // namespace weir::model
