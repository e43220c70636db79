// The client half of the program: reads the command line, talks to the native API, prints, and
// returns an exit status. Knows no stack: only the native API and the field tables. Called by
// app/main.cpp. Thread: main.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weir::cli {

/// True for get, create, apply and the other words of commands_help().
bool is_client_command(std::string_view word);

/// `arguments` without the program's name. Returns an exit status (exit_status.h).
int run(const std::vector<std::string>& arguments);

/// One line per client command, for the program's help.
std::string commands_help();

}  // namespace weir::cli
