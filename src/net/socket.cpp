#include "net/socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "net/system_error.h"

namespace weir::net {
namespace {

constexpr int kSocketFlags = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
/// Silence before the first keepalive probe, time between probes (s), and lost probes that end a
/// connection. Chosen because 15 + 3 * 5 = 30 s is how long a vanished peer may hold a stream.
constexpr int kKeepaliveIdle = 15;
constexpr int kKeepaliveInterval = 5;
constexpr int kKeepaliveProbes = 3;

/// For a route without a packet. Chosen because any port but 0 does.
constexpr std::uint16_t kDiscardPort = 9;

bool set_option(int fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

bool apply(int fd, const ListenOptions& options, bool is_v4) {
  const int defer = static_cast<int>(options.defer_accept.count());
  return set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) &&
         (!options.reuse_port || set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1)) &&
         // Linux takes IP_FREEBIND on IPv6 sockets too.
         (!options.free_bind || set_option(fd, IPPROTO_IP, IP_FREEBIND, 1)) &&
         (is_v4 || set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)) &&
         set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1) &&
         (defer == 0 || set_option(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, defer));
}

using NameCall = int (*)(int, sockaddr*, socklen_t*);

Result<Endpoint> endpoint_by(NameCall call, const char* what, int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (call(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return system_error(what, errno);
  return endpoint_of(storage);
}

Result<SocketAddress> unix_address(const std::string& path) {
  sockaddr_un address{};
  if (path.empty() || path.size() >= sizeof address.sun_path ||
      path.find('\0') != std::string::npos) {
    return Error{
        ErrorCode::kInvalidArgument,
        "the path of a Unix socket must have 1 to 107 bytes, found " + std::to_string(path.size()),
        {}};
  }
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  SocketAddress result;
  std::memcpy(&result.storage, &address, sizeof address);
  result.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return result;
}

/// Removes a socket file on which nobody answers.
Result<void> remove_stale(const std::string& path, const SocketAddress& address) {
  struct stat status{};
  if (lstat(path.c_str(), &status) != 0) return {};  // bind tells what is wrong, if anything
  const Error taken{ErrorCode::kAlreadyExists, path + " exists and is in use", {}};
  if (!S_ISSOCK(status.st_mode)) return taken;
  const UniqueFd probe(socket(AF_UNIX, kSocketFlags, 0));
  if (!probe.valid()) return system_error("open a Unix socket", errno);
  // EAGAIN means that somebody listens and is merely busy: only a refusal proves a stale file.
  if (connect(probe.get(), address.get(), address.size) == 0 || errno != ECONNREFUSED) return taken;
  if (unlink(path.c_str()) != 0 && errno != ENOENT) return system_error("remove " + path, errno);
  return {};
}

}  // namespace

Result<UniqueFd> tcp_listen(const Endpoint& endpoint, const ListenOptions& options) {
  const std::string what = "listen on " + endpoint.text();
  const SocketAddress address = socket_address(endpoint);
  UniqueFd fd(socket(address.storage.ss_family, kSocketFlags, 0));
  if (!fd.valid() || !apply(fd.get(), options, endpoint.address.is_v4()) ||
      bind(fd.get(), address.get(), address.size) != 0 || listen(fd.get(), kListenBacklog) != 0) {
    return system_error(what, errno);
  }
  return fd;
}

ConnectAttempt start_connect(const SocketAddress& target, const SocketAddress* source) {
  ConnectAttempt attempt;
  UniqueFd fd(socket(target.storage.ss_family, kSocketFlags, 0));
  if (!fd.valid() || !set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1)) {
    attempt.error = errno;
    return attempt;
  }
  // Without the option, bind would take a port for itself alone: 28 000 connections per source
  // instead of per target.
  if (source != nullptr && (!set_option(fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1) ||
                            bind(fd.get(), source->get(), source->size) != 0)) {
    attempt.error = errno;
    return attempt;
  }
  if (connect(fd.get(), target.get(), target.size) != 0) attempt.error = errno;
  if (attempt.error == EINTR) attempt.error = EINPROGRESS;
  if (attempt.error == 0 || attempt.error == EINPROGRESS) attempt.fd = std::move(fd);
  return attempt;
}

Result<UniqueFd> tcp_connect(const Endpoint& target, const std::optional<IpAddress>& source) {
  SocketAddress source_address;
  if (source) source_address = socket_address(Endpoint{*source, 0});
  ConnectAttempt attempt =
      start_connect(socket_address(target), source ? &source_address : nullptr);
  if (!attempt.fd.valid()) return system_error("connect to " + target.text(), attempt.error);
  return std::move(attempt.fd);
}

/// By the kernel's own routes: what is local is reached from itself (on loopback from anything of
/// it). Not by bind(), which takes every address where net.ipv4.ip_nonlocal_bind is set, and not by
/// netlink, which a node without interfaces to manage is not allowed. Nothing is sent.
bool has_address(const IpAddress& address) {
  const SocketAddress there = socket_address({address, kDiscardPort});
  const UniqueFd fd(socket(there.get()->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd.valid() || connect(fd.get(), there.get(), there.size) != 0) return false;
  const Result<Endpoint> from = local_endpoint(fd.get());
  if (!from) return false;
  return from->address == address || (address.is_loopback() && from->address.is_loopback());
}

int socket_error(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

Result<Endpoint> local_endpoint(int fd) {
  return endpoint_by(getsockname, "read a local address", fd);
}

Result<Endpoint> peer_endpoint(int fd) {
  return endpoint_by(getpeername, "read a peer's address", fd);
}

Result<void> enable_keepalive(int fd) {
  if (set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1) &&
      set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, kKeepaliveIdle) &&
      set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, kKeepaliveInterval) &&
      set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, kKeepaliveProbes)) {
    return {};
  }
  return system_error("turn keepalive on", errno);
}

Result<std::pair<UniqueFd, UniqueFd>> unix_pair() {
  int fds[2];
  if (socketpair(AF_UNIX, kSocketFlags, 0, fds) != 0)
    return system_error("make a socket pair", errno);
  return std::pair(UniqueFd(fds[0]), UniqueFd(fds[1]));
}

Result<UniqueFd> unix_listen(const std::string& path) {
  WEIR_ASSIGN_OR_RETURN(const SocketAddress address, unix_address(path));
  WEIR_TRY(remove_stale(path, address));
  UniqueFd fd(socket(AF_UNIX, kSocketFlags, 0));
  // The mode is set before bind: the file never exists with another one (and umask is the whole
  // process's).
  if (!fd.valid() || fchmod(fd.get(), S_IRUSR | S_IWUSR) != 0 ||
      bind(fd.get(), address.get(), address.size) != 0 || listen(fd.get(), kListenBacklog) != 0) {
    return system_error("listen on " + path, errno);
  }
  return fd;
}

Result<UniqueFd> unix_connect(const std::string& path) {
  WEIR_ASSIGN_OR_RETURN(const SocketAddress address, unix_address(path));
  UniqueFd fd(socket(AF_UNIX, kSocketFlags, 0));
  if (!fd.valid() || connect(fd.get(), address.get(), address.size) != 0) {
    return system_error("connect to " + path, errno);
  }
  return fd;
}

Result<PeerCredentials> peer_credentials(int fd) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0 || credentials.pid == 0) {
    return Error{ErrorCode::kInvalidArgument, "no peer credentials: not a Unix socket", {}};
  }
  return PeerCredentials{credentials.pid, credentials.uid, credentials.gid};
}

Result<bool> wait_ready(int fd, short events, Instant deadline) {
  while (true) {
    const Instant now = SystemClock().now();
    const auto left = std::max(deadline, now) - now;  // Instant::min() must not overflow
    // Rounded up, so that the wait does not end just before the deadline; the cap only makes it
    // turn again.
    const auto wait = std::clamp(std::chrono::ceil<std::chrono::milliseconds>(left),
                                 std::chrono::milliseconds(0), std::chrono::milliseconds(60'000));
    pollfd entry{fd, events, 0};
    const int count = poll(&entry, 1, static_cast<int>(wait.count()));
    if (count > 0) return true;
    if (count < 0 && errno != EINTR) return system_error("wait for a socket", errno);
    if (count == 0 && left == Clock::Duration(0)) return false;
  }
}

}  // namespace weir::net
