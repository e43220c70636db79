// Small functions over TCP and Unix stream sockets, each descriptor non-blocking and
// close-on-exec. Not a socket class: the proxy worker and the channels keep descriptors and their
// own state machines.
// Thread: any.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "net/address.h"

namespace weir::net {

/// Connections that may wait for accept. Chosen because it is the kernel's own ceiling by default
/// (net.core.somaxconn) and a burst of new connections during the restart of a proxy child (at most
/// 200 ms) must fit; reaching it shows as TcpExtListenOverflows, and clients see their SYN
/// repeated, not refused.
inline constexpr int kListenBacklog = 4096;

struct ListenOptions {
  /// Several sockets share the endpoint, one per worker.
  bool reuse_port = false;
  /// The address need not be on this machine (yet): binding `external`.
  bool free_bind = false;
  /// Accept only once the client has sent something, or after this time; 0 = at once. Never for
  /// protocols in which the server speaks first.
  std::chrono::seconds defer_accept{0};
};

/// A listening TCP socket; accepted sockets inherit TCP_NODELAY. Port 0 picks one, see
/// local_endpoint().
/// Errors:  kAlreadyExists when the endpoint is taken, kNotFound when the address is not on this
///          machine, kPermissionDenied for a low port, kUnavailable
Result<UniqueFd> tcp_listen(const Endpoint& endpoint, const ListenOptions& options = {});

/// A connection attempt without an allocation, for the request path. `error` is an errno: 0 when
/// connected, EINPROGRESS when the descriptor becomes writable later (then ask socket_error()),
/// else the attempt failed and `fd` is empty.
struct ConnectAttempt {
  UniqueFd fd;
  int error = 0;
};

/// TCP_NODELAY is set. `source` (port 0) is bound with IP_BIND_ADDRESS_NO_PORT, so that ports are
/// shared between targets; null leaves the choice to the kernel.
ConnectAttempt start_connect(const SocketAddress& target, const SocketAddress* source);

/// The same for callers off the request path: a descriptor that is connected or on its way.
/// Errors:  kUnavailable, kNotFound when `source` is not on this machine, kPermissionDenied
Result<UniqueFd> tcp_connect(const Endpoint& target, const std::optional<IpAddress>& source);

/// Whether the address is one of this machine's own, so that answers to it come here.
bool has_address(const IpAddress& address);

/// The pending error of a socket as errno, 0 = none; reading clears it.
int socket_error(int fd);

/// Errors:  kInvalidArgument, kUnavailable
Result<Endpoint> local_endpoint(int fd);
/// Errors:  kUnavailable when not connected
Result<Endpoint> peer_endpoint(int fd);

/// Finds a dead peer within 30 s of silence.
/// Errors:  kInvalidArgument
Result<void> enable_keepalive(int fd);

/// Errors:  kUnavailable when the process has no descriptor left
Result<std::pair<UniqueFd, UniqueFd>> unix_pair();

/// Listens on `path` with mode 0600. A socket file nobody answers on is replaced.
/// Errors:  kAlreadyExists when somebody answers, or when a file of another kind is there;
/// kInvalidArgument for a path that is
///          too long (107 bytes); kPermissionDenied, kNotFound
Result<UniqueFd> unix_listen(const std::string& path);

/// Errors:  kUnavailable when nobody answers, kNotFound, kPermissionDenied, kInvalidArgument
Result<UniqueFd> unix_connect(const std::string& path);

/// Who made the other end of a Unix socket.
struct PeerCredentials {
  pid_t process = 0;
  uid_t user = 0;
  gid_t group = 0;
};
/// Errors:  kInvalidArgument when `fd` is no Unix socket
Result<PeerCredentials> peer_credentials(int fd);

/// Waits until one of the poll() `events` holds (or the peer hung up): true; or until `deadline`:
/// false. A deadline in the past asks without waiting.
/// Errors:  kUnavailable when poll fails
Result<bool> wait_ready(int fd, short events, Instant deadline);

}  // namespace weir::net
