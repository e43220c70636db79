#include "app/config_file.h"

#include <yaml-cpp/yaml.h>

#include <fstream>
#include <iterator>
#include <utility>

namespace weir::app {
namespace {

/// Levels of nesting. Chosen because the format itself has four. Reached: the configuration is
/// refused.
constexpr int kDepthMax = 16;
/// Values of a file, each counted as often as an alias repeats it. Chosen because a thousand
/// bindings with sixteen sources each have fewer; without it a few aliases of aliases fill memory.
/// Reached: the configuration is refused.
constexpr std::size_t kNodesMax = 25'000;
/// Units: bytes. Chosen because such a file has more than kNodesMax values, or is no configuration.
/// Reached: the configuration is refused.
constexpr std::size_t kTextMax = std::size_t{1} << 20;

Error at_line(int line, const std::string& what) {
  return {ErrorCode::kInvalidArgument, "line " + std::to_string(line) + ": " + what, {}};
}

/// `left` counts down the values that may still come.
Result<ConfigNode> convert(const YAML::Node& yaml, int depth, std::size_t& left) {
  ConfigNode node;
  node.line = yaml.Mark().line + 1;
  if (depth > kDepthMax) return at_line(node.line, "nested too deep");
  if (left-- == 0)
    return at_line(node.line, "has more than " + std::to_string(kNodesMax) + " values");
  if (yaml.IsScalar()) {
    node.kind = ConfigNode::Kind::kText;
    node.text = yaml.Scalar();
  } else if (yaml.IsSequence()) {
    node.kind = ConfigNode::Kind::kList;
    for (const YAML::Node& item : yaml) {
      WEIR_ASSIGN_OR_RETURN(ConfigNode inner, convert(item, depth + 1, left));
      node.items.push_back(std::move(inner));
    }
  } else if (yaml.IsMap()) {
    node.kind = ConfigNode::Kind::kMap;
    for (const auto& member : yaml) {
      WEIR_ASSIGN_OR_RETURN(ConfigNode value, convert(member.second, depth + 1, left));
      // The line of the key is where a reader looks.
      value.line = member.first.Mark().line + 1;
      node.members.push_back({member.first.Scalar(), std::move(value)});
    }
  }
  return node;
}

}  // namespace

Result<ConfigNode> parse_config(const std::string& text) {
  if (text.size() > kTextMax) {
    return Error{ErrorCode::kInvalidArgument, "is larger than 1 MiB", {}};
  }
  try {
    std::size_t left = kNodesMax;
    return convert(YAML::Load(text), 0, left);
  } catch (const YAML::Exception& problem) {
    return at_line(problem.mark.line + 1, problem.msg);
  }
}

Result<ConfigNode> read_config_file(const std::string& path) {
  std::ifstream stream(path);
  if (!stream) return Error{ErrorCode::kNotFound, "cannot be read", {}};
  return parse_config({std::istreambuf_iterator<char>(stream), {}});
}

}  // namespace weir::app
