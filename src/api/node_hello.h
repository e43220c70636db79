// The hello of a node (docs/formats/frames.md) and the stored node object made of it.
// Thread: any (pure).
#pragma once

#include "base/json.h"
#include "base/result.h"
#include "base/strong_type.h"
#include "model/frame.h"
#include "model/node.h"
#include "model/object.h"

namespace weir::api {

/// Of what a node tells: its hello, its reports and its answers. Source: they name at most what the
/// node holds; so many items are beyond any node. Reached: the hello or report is refused, its
/// stream ends and the log says why; of an answer the explanation says that it cannot be read.
inline constexpr JsonLimits kNodeJsonLimits{
    .size_max = model::kFrameBodyBytesMax, .depth_max = 16, .items_max = 100'000};

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
