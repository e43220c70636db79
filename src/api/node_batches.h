// What one node holds, and the frames that bring it to another moment. Knows objects and frames,
// not channels. Thread: owner.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "api/catalog.h"
#include "api/placement.h"
#include "base/strong_type.h"
#include "model/frame.h"
#include "model/world_view.h"

namespace weir::api {

class NodeBatches {
 public:
  NodeBatches(std::string node, Epoch epoch) : node_(std::move(node)), epoch_(epoch) {}

  /// The node has what was placed on it at that moment.
  void assume(const model::ObjectIndex& past);

  /// Object frames and tombstones from what the node has to what is placed on it now, dependencies
  /// first; `revision` is that of the moment. Empty when nothing has changed for this node.
  std::vector<model::Frame> advance(const model::ObjectIndex& now, Revision revision);

  /// The same from what has changed since, without a look at the rest: most commits change nothing
  /// here, or nothing but what stands below a load balancer. Nothing when they may change what else
  /// is placed here: then advance() is needed.
  std::optional<std::vector<model::Frame>> follow(std::span<const LiveChange> changes,
                                                  Revision revision);

 private:
  using Key = std::pair<model::Kind, model::Id>;
  using Changed = std::map<Key, const model::Object*>;  // null: gone
  enum class Effect : std::uint8_t { kNone, kContents, kPlaces };
  struct Named {
    Revision revision;
    std::vector<model::Id> instances;
  };

  Effect effect_of(const LiveChange& change, const Changed& before);
  Effect effect_of_unknown(const LiveChange& change);
  Effect effect_below(const model::Object* before, const model::Object* after);
  Effect effect_of_table(const model::Object& table);
  PlacedObjects take_stock(const model::ObjectIndex& now);
  void move_members(const model::Object* before, const model::Object* after);
  bool move_groups(const model::Object* before, const model::Object* after);
  bool settle_members(std::span<const LiveChange> changes, Changed& changed);
  std::vector<model::Frame> frames_of(const Changed& changed, Revision revision);
  const std::vector<model::Id>& instances_of(const model::Object& group);

  const std::string node_;
  const Epoch epoch_;
  std::map<Key, Revision> has_;
  bool is_complete_ = false;             // everything that these name is among them
  std::map<model::Id, Named> groups_;    // what each group names, by its revision
  std::map<model::Id, int> uses_;        // how many groups placed here name an instance
  std::map<model::Id, int> group_uses_;  // how many objects placed here name an availability group
  std::set<model::Id> moved_;            // those whose uses the changes at hand have changed
};

}  // namespace weir::api
