// Blocking sockets for the test programs: connect, listen, send all, read a line or a number of
// bytes, each with a deadline. Thread: any; a Connection belongs to one thread.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace tools {

inline std::optional<sockaddr_in> parse_endpoint(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) return std::nullopt;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(text.c_str() + colon + 1)));
  if (inet_pton(AF_INET, text.substr(0, colon).c_str(), &address.sin_addr) != 1) {
    return std::nullopt;
  }
  return address;
}

/// What ended a call: nothing (all well), the peer's orderly end, a reset or error, or the
/// deadline.
enum class Outcome { kOk, kEnd, kReset, kTimeout };

class Connection {
 public:
  Connection() = default;
  explicit Connection(int fd) : fd_(fd) {}
  Connection(Connection&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), buffer_(std::move(other.buffer_)) {}
  Connection& operator=(Connection&& other) noexcept {
    if (this != &other) {
      close();
      fd_ = std::exchange(other.fd_, -1);
      buffer_ = std::move(other.buffer_);
    }
    return *this;
  }
  ~Connection() { close(); }

  /// Ends without a FIN, so that the kernel forgets both ports at once.
  void reset() {
    const linger now{1, 0};
    if (fd_ >= 0) setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close();
  }

  bool is_open() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
    buffer_.clear();
  }

  /// The error number of a failed connect, 0 when connected. `from`: the own end, or null.
  int connect(const sockaddr_in& to, std::chrono::milliseconds limit,
              const sockaddr_in* from = nullptr) {
    close();
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd_ < 0) return errno;
    const int on = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (from != nullptr) {
      setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
      // Many addresses with any port each: the port is chosen when the other end is known.
      if (from->sin_port == 0) {
        setsockopt(fd_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
      }
      if (::bind(fd_, reinterpret_cast<const sockaddr*>(from), sizeof(*from)) != 0) return errno;
    }
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0) return 0;
    if (errno != EINPROGRESS) return errno;
    if (!wait(POLLOUT, limit)) return ETIMEDOUT;
    int error = 0;
    socklen_t size = sizeof(error);
    getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
    return error;
  }

  Outcome send_all(std::string_view bytes, std::chrono::milliseconds limit) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent > 0) {
        bytes.remove_prefix(static_cast<std::size_t>(sent));
      } else if (errno == EAGAIN) {
        if (!wait(POLLOUT, limit)) return Outcome::kTimeout;
      } else {
        return Outcome::kReset;
      }
    }
    return Outcome::kOk;
  }

  /// Reads until the buffer holds `size` bytes and moves them to `out`.
  Outcome read_bytes(std::size_t size, std::string& out, std::chrono::milliseconds limit) {
    while (buffer_.size() < size) {
      if (const Outcome outcome = fill(limit); outcome != Outcome::kOk) return outcome;
    }
    out.assign(buffer_, 0, size);
    buffer_.erase(0, size);
    return Outcome::kOk;
  }

  /// Reads up to and including `end`, of at most 64 KiB.
  Outcome read_until(std::string_view end, std::string& out, std::chrono::milliseconds limit) {
    for (;;) {
      if (const auto found = buffer_.find(end); found != std::string::npos) {
        return read_bytes(found + end.size(), out, limit);
      }
      if (buffer_.size() > 65536) return Outcome::kReset;
      if (const Outcome outcome = fill(limit); outcome != Outcome::kOk) return outcome;
    }
  }

 private:
  bool wait(short events, std::chrono::milliseconds limit) {
    pollfd entry{fd_, events, 0};
    return ::poll(&entry, 1, static_cast<int>(limit.count())) > 0;
  }

  Outcome fill(std::chrono::milliseconds limit) {
    char chunk[65536];
    for (;;) {
      const ssize_t got = ::recv(fd_, chunk, sizeof(chunk), MSG_DONTWAIT);
      if (got > 0) {
        buffer_.append(chunk, static_cast<std::size_t>(got));
        return Outcome::kOk;
      }
      if (got == 0) return Outcome::kEnd;
      if (errno != EAGAIN && errno != EINTR) return Outcome::kReset;
      if (!wait(POLLIN, limit)) return Outcome::kTimeout;
    }
  }

  int fd_ = -1;
  std::string buffer_;
};

}  // namespace tools
