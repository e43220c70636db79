#include "app/roles.h"

#include <iostream>

#include "app/settings.h"

namespace weir::app {

const char* const kBuild = "0.1.0";

void configure_log(const Config& config, const std::string& program) {
  log::configure({.level = config.log_level, .format = config.log_format, .program = program});
}

int check_config(const std::vector<std::string>& arguments) {
  const bool is_help = arguments.size() == 1 && arguments.front() == "--help";
  if (arguments.size() != 1 || is_help) {
    (is_help ? std::cout : std::cerr) << "usage: weir check-config FILE\n";
    return is_help ? 0 : 2;
  }
  Problems problems;
  const Config config =
      load_config({.file = arguments.front(), .environment = nullptr, .flags = {}}, problems);
  check_for_control(config, problems);
  for (const Problem& problem : problems) std::cout << to_string(problem) << "\n";
  if (!problems.empty()) return 1;
  std::cout << arguments.front() << " is good\n";
  return 0;
}

}  // namespace weir::app
