// Non-blocking TCP sockets for the programs of `./dev bench`, IPv4 only. Every call is a plain
// system call, so that what a program costs can be read off its source.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>

#include "../tools/net.h"

namespace bench {

/// As HAProxy, nginx and the product ask for; the kernel caps it at net.core.somaxconn.
inline constexpr int kBacklog = 4096;

using tools::parse_endpoint;

inline void set_no_delay(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/// A listening socket; what it accepts inherits TCP_NODELAY. -1 when the address is taken.
inline int listen_on(const sockaddr_in& address) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  set_no_delay(fd);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      listen(fd, kBacklog) != 0) {
    close(fd);
    return -1;
  }
  return fd;
}

/// A socket whose connection is on its way; a refusal shows up as EPOLLERR. -1 when there is no
/// port or no descriptor left.
inline int start_connect(const sockaddr_in& to) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  set_no_delay(fd);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) != 0 &&
      errno != EINPROGRESS) {
    close(fd);
    return -1;
  }
  return fd;
}

/// Watches a socket for its whole life, edge-triggered.
inline void watch(int poll, int fd, void* owner) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = owner;
  epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
}

}  // namespace bench
