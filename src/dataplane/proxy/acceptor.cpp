#include "dataplane/proxy/acceptor.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "base/mutant.h"

namespace weir::dataplane::proxy {
namespace {

/// Connections taken from one socket in one turn at most, so that established ones get their turn.
/// Chosen because 64 accepts take under a millisecond. Reached: the others wait for the next turn.
constexpr std::uint32_t kBatchMax = 64;

/// Until a paused socket is looked at again when no descriptor came free here. Chosen because other
/// workers and the agent loop free descriptors too.
constexpr std::chrono::milliseconds kPause{100};

bool is_shortage(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/// Accepted sockets inherit it.
void set_no_delay(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

void Acceptor::add(const net::Endpoint& endpoint, std::vector<UniqueFd> sockets) {
  remove(endpoint);
  for (UniqueFd& fd : sockets) {
    auto at =
        std::ranges::find_if(sockets_, [](const Socket& socket) { return !socket.fd.valid(); });
    if (at == sockets_.end()) at = sockets_.emplace(sockets_.end());
    set_no_delay(fd.get());
    parts_.reactor->add_descriptor();
    at->endpoint = endpoint;
    at->fd = std::move(fd);
    at->batch = 1;
    at->is_paused = parts_.directory.listener_at(endpoint) == nullptr;
    if (at->is_paused) ++paused_;
    parts_.reactor->watch_level(
        at->fd.get(), tag(static_cast<std::uint32_t>(at - sockets_.begin())), true, !at->is_paused);
  }
}

void Acceptor::remove(const net::Endpoint& endpoint) {
  for (Socket& socket : sockets_) {
    if (!socket.fd.valid() || socket.endpoint != endpoint) continue;
    if (socket.is_paused) --paused_;
    if (socket.is_short) --short_;
    socket.is_paused = socket.is_short = false;
    // A descriptor shared with another process stays in the epoll set until it is taken out.
    parts_.reactor->unwatch(socket.fd.get());
    parts_.reactor->close_descriptor(socket.fd.release());
    socket.generation = (socket.generation + 1) & 0xff'ffff;
  }
}

void Acceptor::remove_all() {
  for (std::size_t i = 0; i < sockets_.size(); ++i) {
    if (sockets_[i].fd.valid()) remove(net::Endpoint(sockets_[i].endpoint));
  }
}

void Acceptor::on_event(const Tag& event) {
  if (event.index >= sockets_.size()) return;
  Socket& socket = sockets_[event.index];
  if (socket.fd.valid() && socket.generation == event.generation && !socket.is_paused)
    accept(socket);
}

/// Takes one, and more only while the last turn was busy: that spares the call that finds nothing.
void Acceptor::accept(Socket& socket) {
  ListenerEntry* listener = parts_.directory.listener_at(socket.endpoint);
  if (listener == nullptr) return pause(socket, false);
  std::uint32_t taken = 0;
  while (taken < socket.batch && !socket.is_paused && accept_one(socket, *listener)) ++taken;
  socket.batch =
      taken == socket.batch ? std::min(2 * socket.batch, kBatchMax) : std::max(taken, 1U);
}

bool Acceptor::accept_one(Socket& socket, ListenerEntry& listener) {
  // Idle connections to targets only save time: they give way to clients.
  while (!parts_.reactor->may_accept() && parts_.pool.make_room()) {
  }
  if (!parts_.reactor->may_accept()) {
    pause(socket, true);
    return false;
  }
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  const int fd = ::accept4(socket.fd.get(), reinterpret_cast<sockaddr*>(&peer), &size,
                           SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) {
    if (is_shortage(errno)) pause(socket, true);
    return false;
  }
  parts_.reactor->add_descriptor();
  const net::Endpoint client = net::endpoint_of(peer);
  if (listener.admits(client.address) || mutant("security-groups-ignored")) {
    serve(fd, listener, client);
  } else {
    refuse(fd, listener);
  }
  return true;
}

/// Who security groups do not let in is told by a reset.
void Acceptor::refuse(int fd, ListenerEntry& listener) {
  listener.counters.count(FailureKind::kDenied);
  Reactor::prepare_reset(fd);
  parts_.reactor->close_descriptor(fd);
}

void Acceptor::serve(int fd, ListenerEntry& listener, const net::Endpoint& peer) {
  if (listener.is_http()) {
    parts_.connections.make(parts_, fd, listener, peer).start();
  } else {
    parts_.relays.make(parts_).start(fd, listener, peer);
  }
}

/// The waiting connections stay with the kernel.
void Acceptor::pause(Socket& socket, bool is_short) {
  const auto index = static_cast<std::uint32_t>(&socket - sockets_.data());
  parts_.reactor->watch_level(socket.fd.get(), tag(index), false, false);
  socket.is_paused = true;
  ++paused_;
  if (!is_short) return;
  socket.is_short = true;
  ++short_;
  parts_.counters.accept_pauses.add();
  parts_.reactor->arm(*this, kPause);
}

void Acceptor::restart(Socket& socket) {
  const auto index = static_cast<std::uint32_t>(&socket - sockets_.data());
  if (socket.is_short) --short_;
  --paused_;
  socket.is_paused = socket.is_short = false;
  parts_.reactor->watch_level(socket.fd.get(), tag(index), false, true);
}

void Acceptor::resume() {
  if (paused_ == 0) return;
  while (short_ > 0 && !parts_.reactor->has_room_again() && parts_.pool.make_room()) {
  }
  for (Socket& socket : sockets_) {
    if (!socket.is_paused || !socket.fd.valid()) continue;
    if (parts_.directory.listener_at(socket.endpoint) == nullptr) continue;
    if (!socket.is_short || parts_.reactor->has_room_again()) restart(socket);
  }
  if (short_ > 0) parts_.reactor->arm(*this, kPause);
}

}  // namespace weir::dataplane::proxy
