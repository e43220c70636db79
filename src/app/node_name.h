// The name of this node: from the configuration, else the host's name, which is then kept so that a
// renamed host stays the same node. Thread: any.
#pragma once

#include <string>

#include "app/config.h"
#include "base/result.h"

namespace weir::app {

/// Errors:  kUnavailable when the data directory cannot be written
Result<std::string> node_name(const Config& config);

/// The name of a host as a node may have it: other characters become hyphens.
std::string plain_name(std::string_view host);

}  // namespace weir::app
