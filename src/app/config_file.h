// Reads a YAML file into plain values with line numbers. The library stays in config_file.cpp.
// Thread: any.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace weir::app {

struct ConfigMember;

struct ConfigNode {
  enum class Kind { kNull, kText, kList, kMap };

  Kind kind = Kind::kNull;
  int line = 0;  // from 1
  std::string text;
  std::vector<ConfigNode> items;
  std::vector<ConfigMember> members;  // in their order, repeated keys too
};

struct ConfigMember {
  std::string key;
  ConfigNode value;
};

/// Errors:  kNotFound, kInvalidArgument with the line when it is no YAML
Result<ConfigNode> read_config_file(const std::string& path);
/// The same over text. Errors: kInvalidArgument
Result<ConfigNode> parse_config(const std::string& text);

}  // namespace weir::app
