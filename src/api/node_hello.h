// The hello of a node (docs/formats/frames.md) and the stored node object made of it.
// Thread: any (pure).
#pragma once

#include "base/result.h"
#include "base/strong_type.h"
#include "model/frame.h"
#include "model/node.h"
#include "model/object.h"

namespace weir::api {

struct NodeHello {
  model::Id id;
  model::Node spec;
  Version have;
};

/// Errors:  kInvalidArgument, kFailedPrecondition when there is no frame format both sides read
Result<NodeHello> read_hello(const model::Frame& frame);

/// A node object as control stores it.
model::Object node_object(const NodeHello& hello, const std::string& created);

}  // namespace weir::api
