#include "app/config_file.h"

#include <yaml-cpp/yaml.h>

#include <fstream>
#include <iterator>
#include <utility>

namespace weir::app {
namespace {

/// Levels of nesting. Chosen because the format itself has four.
constexpr int kDepthMax = 16;

Result<ConfigNode> convert(const YAML::Node& yaml, int depth) {
  ConfigNode node;
  node.line = yaml.Mark().line + 1;
  if (depth > kDepthMax) {
    return Error{ErrorCode::kInvalidArgument,
                 "line " + std::to_string(node.line) + ": nested too deep", ""};
  }
  if (yaml.IsScalar()) {
    node.kind = ConfigNode::Kind::kText;
    node.text = yaml.Scalar();
  } else if (yaml.IsSequence()) {
    node.kind = ConfigNode::Kind::kList;
    for (const YAML::Node& item : yaml) {
      WEIR_ASSIGN_OR_RETURN(ConfigNode inner, convert(item, depth + 1));
      node.items.push_back(std::move(inner));
    }
  } else if (yaml.IsMap()) {
    node.kind = ConfigNode::Kind::kMap;
    for (const auto& member : yaml) {
      WEIR_ASSIGN_OR_RETURN(ConfigNode value, convert(member.second, depth + 1));
      // The line of the key is where a reader looks.
      value.line = member.first.Mark().line + 1;
      node.members.push_back({member.first.Scalar(), std::move(value)});
    }
  }
  return node;
}

}  // namespace

Result<ConfigNode> parse_config(const std::string& text) {
  try {
    return convert(YAML::Load(text), 0);
  } catch (const YAML::Exception& problem) {
    return Error{ErrorCode::kInvalidArgument,
                 "line " + std::to_string(problem.mark.line + 1) + ": " + problem.msg,
                 {}};
  }
}

Result<ConfigNode> read_config_file(const std::string& path) {
  std::ifstream stream(path);
  if (!stream) return Error{ErrorCode::kNotFound, "cannot be read", {}};
  return parse_config({std::istreambuf_iterator<char>(stream), {}});
}

}  // namespace weir::app
