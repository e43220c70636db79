#include "api/object_names.h"

#include "api/listing.h"
#include "model/registry.h"

namespace weir::api {

using model::Id;
using model::Kind;
using model::Object;

bool is_named_within_parent(Kind kind) {
  const auto parent = model::description_of(kind).parent;
  return parent == Kind::kVpc || parent == Kind::kLoadBalancer;
}

const ObjectNames::Names& ObjectNames::names_of(Kind kind) const {
  const auto [place, is_new] = by_name_.try_emplace(kind);
  if (is_new) {
    for (const Object* object : index_.all(kind)) {
      if (is_of(*object, account_)) place->second.emplace(object->name, object->id);
    }
  }
  return place->second;
}

std::vector<Id> ObjectNames::named_below(Kind kind, const Id& parent,
                                         const std::string& name) const {
  std::vector<Id> ids;
  for (const Object* object : index_.children(kind, parent)) {
    if (object->name == name && is_of(*object, account_)) ids.push_back(object->id);
  }
  return ids;
}

std::vector<Id> ObjectNames::named(Kind kind, const Id& parent, const std::string& name) const {
  if (!parent.empty()) return named_below(kind, parent, name);
  std::vector<Id> ids;
  const auto [first, last] = names_of(kind).equal_range(name);
  for (auto at = first; at != last; ++at) ids.push_back(at->second);
  return ids;
}

Result<std::optional<Id>> ObjectNames::find(Kind kind, const Id& parent,
                                            const std::string& text) const {
  if (find_of(index_, kind, text, account_) != nullptr) return std::optional(text);
  const std::size_t slash = text.find('/');
  if (slash != std::string::npos && is_named_within_parent(kind)) {
    const auto above = find(*model::description_of(kind).parent, "", text.substr(0, slash));
    if (!above || !*above) return above;
    return find(kind, **above, text.substr(slash + 1));
  }
  const std::vector<Id> ids = named(kind, parent, text);
  if (ids.empty()) return std::optional<Id>();
  if (ids.size() == 1) return std::optional(ids.front());
  std::string all;
  for (const Id& id : ids) all += " " + id;
  return Error{ErrorCode::kConflict,
               std::string(model::description_of(kind).singular) + " '" + text +
                   "' is not the only one of that name:" + all,
               ""};
}

bool ObjectNames::is_only_one(const Object& object) const {
  const Id parent = is_named_within_parent(object.kind) ? model::parent_id(object) : "";
  return !object.name.empty() && named(object.kind, parent, object.name).size() == 1;
}

std::string ObjectNames::text_of(Kind kind, const Id& id, const Id& parent) const {
  const Object* object = find_of(index_, kind, id, account_);
  if (object == nullptr || !is_only_one(*object)) return id;
  const Id own = model::parent_id(*object);
  if (!is_named_within_parent(kind) || own == parent) return object->name;
  if (named(kind, "", object->name).size() == 1) return object->name;
  const auto above = *model::description_of(kind).parent;
  const std::string parent_text = text_of(above, own, "");
  return parent_text + "/" + object->name;
}

}  // namespace weir::api
