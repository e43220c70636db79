// `weir wait`: until what was written is in force, healthy, or gone. Thread: owner.
#pragma once

#include <string>

#include "base/json.h"
#include "cli/api_client.h"
#include "cli/commands.h"

namespace weir::cli {

/// Exit status 0: it is so; 124: not within the time, with what it waits for; 3: there is no such
/// resource.
int wait_for_resource(ApiClient& api, const Invocation& invocation);

/// What a resource waits for; empty: nothing.
/// `load_balancer` is the one it is, or is below: each of its nodes must have the revision.
std::string waits_to_be_applied(const Json& resource, const Json& load_balancer);
/// Of a backend service: all of its targets that are checked, and at least one.
std::string waits_to_be_healthy(const Json& backend);

}  // namespace weir::cli
