#include "app/node_name.h"

#include <unistd.h>

#include <array>
#include <cctype>
#include <filesystem>
#include <fstream>

namespace weir::app {
namespace {

/// Source: the names that the model allows. Reached: the rest of the host's name is cut off.
constexpr std::size_t kNameMax = 63;

}  // namespace

std::string plain_name(std::string_view host) {
  std::string name;
  for (const char c : host.substr(0, kNameMax)) {
    const bool is_plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.';
    name += is_plain ? c : '-';
  }
  return name.empty() ? "node" : name;
}

Result<std::string> node_name(const Config& config) {
  if (!config.node_name.empty()) return config.node_name;
  std::error_code problem;
  std::filesystem::create_directories(config.data_dir, problem);
  const std::string file = config.data_dir + "/node-name";
  std::string name;
  if (std::ifstream(file) >> name) return plain_name(name);
  std::array<char, 256> host{};
  // Leaves the name empty when it fails.
  static_cast<void>(gethostname(host.data(), host.size() - 1));
  name = plain_name(host.data());
  std::ofstream stream(file);
  stream << name << "\n";
  stream.close();
  if (stream) return name;
  return Error{ErrorCode::kUnavailable, "cannot write " + file, {}};
}

}  // namespace weir::app
