// What one node holds, and the frames that bring it to another moment. Knows objects and frames,
// not channels. Thread: owner.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

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

 private:
  using Key = std::pair<model::Kind, model::Id>;

  const std::string node_;
  const Epoch epoch_;
  std::map<Key, Revision> has_;
};

}  // namespace weir::api
