#include "app/notify.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <utility>

#include "base/unique_fd.h"

namespace weir::app {

ServiceNotifier ServiceNotifier::from_environment() {
  const char* const socket = std::getenv("NOTIFY_SOCKET");
  return {socket == nullptr ? "" : socket, std::getenv("WATCHDOG_USEC") != nullptr};
}

ServiceNotifier::ServiceNotifier(std::string socket, bool wants_pulse)
    : socket_(std::move(socket)), wants_pulse_(wants_pulse && !socket_.empty()) {}

void ServiceNotifier::starting(std::string_view status) const {
  send("STATUS=" + std::string(status));
}

void ServiceNotifier::ready(std::string_view status) const {
  send("READY=1\nSTATUS=" + std::string(status));
}

void ServiceNotifier::reloading(Instant now) const {
  const auto since = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch());
  send("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(since.count()) +
       "\nSTATUS=checks a new program");
}

void ServiceNotifier::stopping() const { send("STOPPING=1\nSTATUS=stops"); }

void ServiceNotifier::pulse() const {
  if (wants_pulse_) send("WATCHDOG=1");
}

void ServiceNotifier::send(const std::string& lines) const {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_.empty() || socket_.size() >= sizeof address.sun_path) return;
  std::ranges::copy(socket_, address.sun_path);
  // The kernel's mark of an abstract name is a zero byte.
  if (socket_.front() == '@') address.sun_path[0] = '\0';
  const UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  // Nobody can be told when this fails, and the role works all the same.
  static_cast<void>(::sendto(fd.get(), lines.data(), lines.size(), MSG_NOSIGNAL,
                             reinterpret_cast<const sockaddr*>(&address), size));
}

}  // namespace weir::app
