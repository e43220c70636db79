// Reads YAML into plain values with line numbers, within limits on size, depth and aliases: the
// configuration, and the files that `weir apply` takes. The library stays in yaml.cpp.
// Thread: any (pure).
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace weir::cli {

struct YamlMember;

struct YamlNode {
  enum class Kind { kNull, kText, kList, kMap };

  Kind kind = Kind::kNull;
  int line = 0;  // from 1
  std::string text;
  bool is_quoted = false;  // a text whatever it reads like
  std::vector<YamlNode> items;
  std::vector<YamlMember> members;  // in their order, repeated keys too
};

struct YamlMember {
  std::string key;
  YamlNode value;
};

/// Of one text. Values count as often as an alias repeats them: without that a few aliases of
/// aliases fill memory.
struct YamlBounds {
  std::size_t bytes = 0;
  std::size_t values = 0;
  int depth = 0;
};

/// Its documents. Errors: kInvalidArgument, with "line 3: " before what is wrong
Result<std::vector<YamlNode>> parse_yaml(const std::string& text, const YamlBounds& limits);

/// As JSON: words without quotes are null, true, false and numbers where they read like these.
/// Errors:  a key that is repeated, with its line
Result<Json> json_of(const YamlNode& node);

/// The line of what a path such as "spec.targets[2].port" leads to, or of the last thing on it that
/// is there.
int line_at(const YamlNode& node, std::string_view path);

}  // namespace weir::cli
