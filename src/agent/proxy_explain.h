// The answer of a proxy to `explain?`, as docs/formats/frames.md has it: the engine's explanation
// of each client that was asked for. Thread: that of the engine.
#pragma once

#include "dataplane/engine.h"
#include "model/frame.h"

namespace weir::agent {

/// An `explain` frame with the number of the question; its version is that of the Snapshot that
/// decides. One client gets its targets with it, several only the target that each reaches.
model::Frame explain_answer(const dataplane::Engine& engine, const model::Frame& question);

}  // namespace weir::agent
