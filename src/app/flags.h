// The command lines of the daemon roles, made from the settings. The library stays in flags.cpp.
// Thread: main.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/config.h"

namespace weir::app {

/// What a role was started with.
struct RoleFlags {
  Config config;  // with defaults filled in
  // The flags that came and that each role understands, for the children of `weir up`.
  std::vector<std::string> control_flags;
  std::vector<std::string> node_flags;
  std::vector<std::string> all_flags;
  bool is_demo = false;
  bool is_check = false;  // only judge whether it could start
};

/// What was asked for on the command line, or the exit status of a command that is over: help was
/// shown (0), or problems were printed (2).
struct ParsedFlags {
  std::optional<RoleFlags> flags;
  int exit_status = 0;
};

/// `roles` is a set of Role; `arguments` come after the role's word.
ParsedFlags parse_role_flags(const std::string& word, unsigned roles,
                             const std::vector<std::string>& arguments);

}  // namespace weir::app
