// The settings of the daemons, one line each: key in weir.yaml, flag, roles and meaning. The
// environment variable is made from the key: api.listen is WEIR_SERVER_API_LISTEN.
// Thread: any (constants).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/config.h"

namespace weir::app {

enum Role : unsigned { kControlRole = 1, kNodeRole = 2, kBothRoles = 3 };

struct Setting {
  std::string_view key;
  std::string_view flag;
  unsigned roles;
  bool is_list;
  std::string_view help;
  /// The value in force without it; words when it depends on the machine, empty when there is none.
  std::string_view default_text;
  /// Sets it from text. Answers what is wrong, or nothing.
  std::string (*set)(Config& config, const std::vector<std::string>& values);
};

std::span<const Setting> all_settings();
const Setting* find_setting(std::string_view key);
std::string environment_name(std::string_view key);
/// The sentence of --help: with the default, where there is one.
std::string help_text(const Setting& setting);

}  // namespace weir::app
