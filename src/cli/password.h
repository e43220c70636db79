// `weir user set-password`: of another user by an administrator, or one's own with the old one. A
// password comes from the terminal, without being shown, or from standard input a line each; never
// from the command line, where every process of the machine could read it. Thread: owner.
#pragma once

#include <istream>
#include <string>

#include "cli/api_client.h"
#include "cli/commands.h"

namespace weir::cli {

/// Prints nothing of the password; returns an exit status (exit_status.h).
int set_password(ApiClient& api, const Invocation& invocation);

/// The next line, without its end. Errors:  exit 2 when there is none
Outcome<std::string> read_secret(std::istream& in);

}  // namespace weir::cli
