// Names and ids of one account's objects at one moment, both ways. A name stands for an object when
// it is the only one: of the account, or, for what belongs to a VPC or a load balancer, of that.
// Thread: owner.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "model/object.h"
#include "model/world_view.h"

namespace weir::api {

/// Whether names of this kind are told apart by the VPC or load balancer that they belong to.
bool is_named_within_parent(model::Kind kind);

class ObjectNames {
 public:
  /// `index` must outlive it.
  ObjectNames(const model::ObjectIndex& index, std::string account)
      : index_(index), account_(std::move(account)) {}

  /// The object changed or came: what is known of names is read anew where needed.
  void forget(model::Kind kind) { by_name_.erase(kind); }

  /// Ids of the objects of this name; `parent` empty: whatever they belong to.
  std::vector<model::Id> named(model::Kind kind, const model::Id& parent,
                               const std::string& name) const;

  /// The id of what `text` says: an id, a name (below `parent`, where that is given), or
  /// "vpc/name". Nothing when there is no such object.
  /// Errors:  kConflict when several have that name
  Result<std::optional<model::Id>> find(model::Kind kind, const model::Id& parent,
                                        const std::string& text) const;

  /// What find() makes the id of; the id itself where no name would do, or for an unknown object.
  std::string text_of(model::Kind kind, const model::Id& id, const model::Id& parent) const;

  /// Whether the name alone says which object it is.
  bool is_only_one(const model::Object& object) const;

 private:
  using Names = std::multimap<std::string, model::Id>;
  const Names& names_of(model::Kind kind) const;
  std::vector<model::Id> named_below(model::Kind kind, const model::Id& parent,
                                     const std::string& name) const;

  const model::ObjectIndex& index_;
  const std::string account_;
  mutable std::map<model::Kind, Names> by_name_;
};

}  // namespace weir::api
