// Reads the configuration as YAML, within its own limits. Thread: any.
#pragma once

#include <string>

#include "base/result.h"
#include "cli/yaml.h"

namespace weir::app {

using ConfigNode = cli::YamlNode;
using ConfigMember = cli::YamlMember;

/// Errors:  kNotFound, kInvalidArgument with the line when it is no YAML
Result<ConfigNode> read_config_file(const std::string& path);
/// The same over text. Errors: kInvalidArgument
Result<ConfigNode> parse_config(const std::string& text);

}  // namespace weir::app
