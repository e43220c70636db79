#include "agent/rendezvous.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/log.h"
#include "net/socket.h"
#include "net/system_error.h"

namespace weir::agent {
namespace {

constexpr std::string_view kSocketName = "proxy-rendezvous.sock";
constexpr std::string_view kProxyLockName = "proxy.lock";
constexpr std::string_view kNodeLockName = "node.lock";

/// The socket by way of an open folder, because the path of a socket may have 107 bytes only.
struct SocketPath {
  UniqueFd folder;
  std::string text;
};

Result<SocketPath> socket_path(const std::string& folder) {
  SocketPath path;
  path.folder.reset(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!path.folder.valid()) return net::system_error("open " + folder, errno);
  path.text = "/proc/self/fd/" + std::to_string(path.folder.get()) + "/" + std::string(kSocketName);
  return path;
}

Result<UniqueFd> open_lock(const std::string& folder, std::string_view name) {
  const std::string path = folder + "/" + std::string(name);
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.valid()) return net::system_error("open " + path, errno);
  return fd;
}

}  // namespace

Result<std::unique_ptr<Rendezvous>> Rendezvous::open(net::EventLoop& loop,
                                                     const std::string& folder, Arrived arrived) {
  WEIR_ASSIGN_OR_RETURN(const SocketPath path, socket_path(folder));
  WEIR_ASSIGN_OR_RETURN(UniqueFd listener, net::unix_listen(path.text));
  return std::unique_ptr<Rendezvous>(new Rendezvous(loop, std::move(listener), std::move(arrived)));
}

Rendezvous::Rendezvous(net::EventLoop& loop, UniqueFd listener, Arrived arrived)
    : loop_(loop), listener_(std::move(listener)), arrived_(std::move(arrived)) {
  loop_.watch(listener_.get(), EPOLLIN, [this](std::uint32_t) { accept_all(); });
}

Rendezvous::~Rendezvous() { loop_.unwatch(listener_.get()); }

void Rendezvous::accept_all() {
  while (true) {
    UniqueFd socket(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket.valid()) return;
    const auto peer = net::peer_credentials(socket.get());
    const bool is_trusted = peer && (peer->user == geteuid() || peer->user == 0);
    if (!is_trusted) {
      log::warning("somebody of another user called at the rendezvous of proxies");
      continue;
    }
    arrived_(std::move(socket), peer->process);
  }
}

Result<UniqueFd> call_at_rendezvous(const std::string& folder) {
  WEIR_ASSIGN_OR_RETURN(const SocketPath path, socket_path(folder));
  Result<UniqueFd> socket = net::unix_connect(path.text);
  if (!socket) return Error{ErrorCode::kUnavailable, socket.error().message, {}};
  return socket;
}

Result<UniqueFd> hold_proxy_lock(const std::string& folder) {
  WEIR_ASSIGN_OR_RETURN(UniqueFd fd, open_lock(folder, kProxyLockName));
  // Waits only while a node takes its look, which is over at once.
  while (flock(fd.get(), LOCK_SH) != 0) {
    if (errno != EINTR) return net::system_error("lock the proxy lock", errno);
  }
  return fd;
}

bool is_proxy_lock_held(const std::string& folder) {
  const Result<UniqueFd> fd = open_lock(folder, kProxyLockName);
  return fd.ok() && flock(fd->get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

Result<UniqueFd> hold_node_lock(const std::string& folder) {
  WEIR_ASSIGN_OR_RETURN(UniqueFd fd, open_lock(folder, kNodeLockName));
  if (flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
  if (errno != EWOULDBLOCK) return net::system_error("lock " + folder, errno);
  return Error{ErrorCode::kAlreadyExists, folder + " is in use by another weir node", {}};
}

}  // namespace weir::agent
