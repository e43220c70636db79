#include "agent/handover.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <string_view>

#include "agent/protocol.h"
#include "base/json.h"
#include "base/log.h"
#include "net/system_error.h"

namespace weir::agent {
namespace {

void set_close_on_exec(int fd, bool is_on) {
  // Fails for a descriptor that is not open only.
  static_cast<void>(fcntl(fd, F_SETFD, is_on ? FD_CLOEXEC : 0));
}

Json sockets_json(const ListenSockets& sockets) {
  Json list = Json::array();
  for (const auto& [endpoint, entry] : sockets.entries()) {
    Json descriptors = Json::array();
    for (const UniqueFd& fd : entry.sockets) descriptors.push_back(fd.get());
    list.push_back(
        Json::object({{"endpoint", endpoint.text()}, {"descriptors", std::move(descriptors)}}));
  }
  return list;
}

std::string whole_file(int fd) {
  struct stat status{};
  if (fstat(fd, &status) != 0 || status.st_size <= 0) return {};
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  const ssize_t count = pread(fd, text.data(), text.size(), 0);
  text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  return text;
}

InheritedSockets inherited_of(const Json& item) {
  InheritedSockets inherited;
  const auto endpoint = net::Endpoint::parse(item.string_or("endpoint", ""));
  if (endpoint) inherited.endpoint = *endpoint;
  const Json* const descriptors = item.find("descriptors");
  if (descriptors == nullptr || !descriptors->is_array()) return inherited;
  for (const Json& number : descriptors->as_array()) {
    if (!number.is_integer()) continue;
    const int fd = static_cast<int>(number.as_integer());
    set_close_on_exec(fd, true);
    inherited.sockets.emplace_back(fd);
  }
  return inherited;
}

}  // namespace

Result<UniqueFd> write_handover(const ListenSockets& sockets) {
  UniqueFd fd(memfd_create("weir-handover", 0));
  if (!fd.valid()) return net::system_error("make a memory file", errno);
  const std::string text = sockets_json(sockets).dump();
  if (pwrite(fd.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
    return net::system_error("write a memory file", errno);
  }
  for (const auto& [endpoint, entry] : sockets.entries()) {
    for (const UniqueFd& socket : entry.sockets) set_close_on_exec(socket.get(), false);
  }
  return fd;
}

void cancel_handover(const ListenSockets& sockets) {
  for (const auto& [endpoint, entry] : sockets.entries()) {
    for (const UniqueFd& socket : entry.sockets) set_close_on_exec(socket.get(), true);
  }
}

std::vector<InheritedSockets> take_handover() {
  std::vector<InheritedSockets> all;
  const char* const number = std::getenv(kHandoverVariable);
  if (number == nullptr) return all;
  int value = -1;
  const std::string_view digits(number);
  const auto parsed = std::from_chars(digits.begin(), digits.end(), value);
  unsetenv(kHandoverVariable);
  if (parsed.ec != std::errc() || value < 3) return all;
  const UniqueFd fd(value);
  const Result<Json> list = parse_json(whole_file(fd.get()), body_limits());
  if (!list || !list->is_array()) {
    log::error("the list of inherited sockets cannot be read");
    return all;
  }
  for (const Json& item : list->as_array()) all.push_back(inherited_of(item));
  return all;
}

}  // namespace weir::agent
