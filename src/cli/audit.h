// `weir audit`: who did what, and whether the record of it is whole. Thread: owner.
#pragma once

#include "cli/api_client.h"
#include "cli/commands.h"

namespace weir::cli {

/// Prints the newest rows; returns an exit status.
int list_audit(ApiClient& api, const Invocation& invocation);
/// Prints what is wrong with the chain; exit status 1 when something is.
int verify_audit(ApiClient& api, const Invocation& invocation);

}  // namespace weir::cli
