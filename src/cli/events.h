// `weir events`: what happened to objects and on nodes, and with -w what happens. Thread: owner.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "cli/api_client.h"
#include "cli/commands.h"

namespace weir::cli {

int show_events(ApiClient& api, const Invocation& invocation);

/// "10m" as the time that long before `now`, and a time as it is; nothing for anything else.
std::optional<std::string> since_text(std::string_view text, WallTime now);

/// One line for people.
std::string event_line(const Json& event);

}  // namespace weir::cli
