// `weir explain`: which target clients of a listener reach, and why, as the nodes say it.
// Thread: owner.
#pragma once

#include "cli/commands.h"

namespace weir::cli {

/// Prints the answer and returns an exit status: that of an unreachable service when a node could
/// not answer, even if others did.
int explain_listener(ApiClient& api, const Invocation& invocation);

}  // namespace weir::cli
