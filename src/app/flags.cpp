#include "app/flags.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <deque>
#include <iostream>

#include "app/settings.h"

namespace weir::app {
namespace {

/// Wrong flags or configuration. Source: the table of exit statuses in the README.
constexpr int kExitUsage = 2;

struct Collected {
  ConfigSources sources;
  std::deque<GivenFlag> flags;  // stable addresses for the library
  bool is_demo = false;
  bool is_check = false;
};

void add_settings(CLI::App& app, unsigned roles, Collected& collected) {
  app.add_option("--config", collected.sources.file, "configuration file (weir.yaml)");
  for (const Setting& setting : all_settings()) {
    if ((setting.roles & roles) == 0) continue;
    GivenFlag& flag = collected.flags.emplace_back();
    flag.key = setting.key;
    flag.flag = setting.flag;
    CLI::Option* const option =
        app.add_option(std::string(setting.flag), flag.values, help_text(setting));
    option->type_size(1)->allow_extra_args(false);
    if (!setting.is_list) option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  }
}

/// The library's own parsing, with its exceptions. Answers an exit status, or nothing to go on.
std::optional<int> parse(CLI::App& app, const std::vector<std::string>& arguments) {
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    app.parse(reversed);
  } catch (const CLI::ParseError& problem) {
    return app.exit(problem) == 0 ? 0 : kExitUsage;
  }
  return std::nullopt;
}

/// Without the flags that only this role itself understands.
std::vector<std::string> given_flags(const Collected& collected, unsigned roles) {
  std::vector<std::string> given;
  if (!collected.sources.file.empty()) {
    given = {"--config", collected.sources.file};
  }
  for (const GivenFlag& flag : collected.flags) {
    if ((find_setting(flag.key)->roles & roles) == 0) continue;
    for (const std::string& value : flag.values) {
      given.push_back(flag.flag);
      given.push_back(value);
    }
  }
  return given;
}

}  // namespace

ParsedFlags parse_role_flags(const std::string& word, unsigned roles,
                             const std::vector<std::string>& arguments) {
  Collected collected;
  CLI::App app("weir " + word, "weir " + word);
  add_settings(app, roles, collected);
  if (roles == kBothRoles) {
    app.add_flag("--demo", collected.is_demo,
                 "three small web servers and a load balancer over them");
  }
  app.add_flag("--check", collected.is_check, "only judge flags and configuration");
  if (const auto status = parse(app, arguments)) return {std::nullopt, *status};

  for (const GivenFlag& flag : collected.flags) {
    if (!flag.values.empty()) collected.sources.flags.push_back(flag);
  }
  collected.sources.environment = environ;
  Problems problems;
  RoleFlags flags;
  flags.config = load_config(collected.sources, problems);
  if ((roles & kControlRole) != 0) check_for_control(flags.config, problems);
  for (const Problem& problem : problems) std::cerr << "weir: " << to_string(problem) << "\n";
  if (!problems.empty()) return {std::nullopt, kExitUsage};
  fill_in_defaults(flags.config);
  flags.control_flags = given_flags(collected, kControlRole);
  flags.node_flags = given_flags(collected, kNodeRole);
  flags.all_flags = given_flags(collected, kBothRoles);
  flags.is_demo = collected.is_demo;
  flags.is_check = collected.is_check;
  return {std::move(flags), 0};
}

}  // namespace weir::app
