// `weir apply`, `weir diff` and `weir export`: resources as files declare them. Thread: owner.
#pragma once

#include "cli/api_client.h"
#include "cli/commands.h"

namespace weir::cli {

/// Makes what the files declare be there; prints the changes and returns an exit status. What was
/// done before a refusal is printed too.
int apply_files(ApiClient& api, const Invocation& invocation);
/// Prints what apply would change; exit status 0: nothing, 1: something.
int diff_files(ApiClient& api, const Invocation& invocation);
/// Prints resources as apply takes them.
int export_resources(ApiClient& api, const Invocation& invocation);

}  // namespace weir::cli
