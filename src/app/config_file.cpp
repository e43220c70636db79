#include "app/config_file.h"

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

}  // namespace

Result<ConfigNode> parse_config(const std::string& text) {
  WEIR_ASSIGN_OR_RETURN(std::vector<ConfigNode> documents,
                        cli::parse_yaml(text, {kTextMax, kNodesMax, kDepthMax}));
  // Documents behind the first one are no configuration.
  return documents.empty() ? ConfigNode() : std::move(documents.front());
}

Result<ConfigNode> read_config_file(const std::string& path) {
  std::ifstream stream(path);
  if (!stream) return Error{ErrorCode::kNotFound, "cannot be read", {}};
  return parse_config({std::istreambuf_iterator<char>(stream), {}});
}

}  // namespace weir::app
