#include "agent/local_connections.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

namespace weir::agent {
namespace {

/// As the kernel prints it: each 32-bit word of the address in the byte order of this machine.
std::string kernel_text(const net::IpAddress& address) {
  const std::size_t first = address.is_v4() ? 12 : 0;
  std::string text;
  for (std::size_t at = first; at < 16; at += 4) {
    std::uint32_t word = 0;
    std::memcpy(&word, address.bytes().data() + at, sizeof word);
    std::array<char, 9> digits;
    std::snprintf(digits.data(), digits.size(), "%08X", word);
    text += digits.data();
  }
  return text;
}

std::string whole_file(const char* path) {
  std::ifstream stream(path);
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace

std::size_t count_connections(std::string_view table, const net::IpAddress& address) {
  // Source: Linux, include/net/tcp_states.h.
  constexpr std::string_view kTimeWait = "06";
  constexpr std::string_view kListen = "0A";
  const std::string wanted = kernel_text(address) + ":";
  std::size_t count = 0;
  std::istringstream lines{std::string(table)};
  std::string line;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string number, local, remote, state;
    words >> number >> local >> remote >> state;
    if (local.starts_with(wanted) && state != kTimeWait && state != kListen) ++count;
  }
  return count;
}

std::size_t local_connections(const net::IpAddress& address) {
  return count_connections(
      whole_file(address.is_v4() ? "/proc/self/net/tcp" : "/proc/self/net/tcp6"), address);
}

}  // namespace weir::agent
