#include "http/server.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstring>
#include <thread>

#include "base/log.h"
#include "base/unique_fd.h"
#include "http/h1_fields.h"
#include "http/server_connection.h"
#include "net/address.h"

namespace weir::http {

const std::string* Request::header(std::string_view name) const {
  for (const HeaderLine& line : headers) {
    if (equals_ignoring_case(line.name, name)) return &line.value;
  }
  return nullptr;
}

const std::string* Request::parameter(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return &value;
  }
  return nullptr;
}

ServerCore::ServerCore(ServerOptions o, Handler h)
    : options(std::move(o)),
      handler(std::move(h)),
      pool(static_cast<std::size_t>(options.handler_threads)) {}

void ServerCore::count_limit(std::string_view limit) const {
  if (options.metrics) options.metrics->value(Metric::kApiLimitReached, {std::string(limit)}).add();
}

void ServerCore::connections_changed() {
  if (options.metrics) {
    options.metrics->value(Metric::kApiConnections).set(static_cast<double>(connections.size()));
  }
  if (!is_stopping || !connections.empty()) return;
  const MutexLock lock(mutex);
  is_drained = true;
  changed.notify_all();
}

namespace {

namespace asio = boost::asio;

using Acceptor = asio::basic_socket_acceptor<asio::generic::stream_protocol>;

/// Pause after a failed accept (no descriptors left), so that it does not spin.
constexpr std::chrono::milliseconds kAcceptPause{100};
constexpr int kListenBacklog = 512;

struct ListeningSocket {
  UniqueFd fd;
  int family = AF_UNSPEC;
  std::string address;      // with the real port
  std::string socket_path;  // of a Unix socket, removed at the end
};

Error system_failure(const std::string& what) {
  return Error{ErrorCode::kUnavailable, what + ": " + std::strerror(errno), ""};
}

Result<ListeningSocket> listen_tcp(const std::string& address) {
  WEIR_ASSIGN_OR_RETURN(const net::Endpoint endpoint, net::Endpoint::parse(address));
  const net::SocketAddress to = net::socket_address(endpoint);
  ListeningSocket made;
  made.family = to.storage.ss_family;
  made.fd.reset(::socket(made.family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  if (!made.fd.valid() ||
      ::setsockopt(made.fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      ::bind(made.fd.get(), to.get(), to.size) != 0 ||
      ::listen(made.fd.get(), kListenBacklog) != 0) {
    return system_failure("cannot listen on " + address);
  }
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  if (::getsockname(made.fd.get(), reinterpret_cast<sockaddr*>(&bound), &size) != 0) {
    return system_failure("cannot listen on " + address);
  }
  made.address = net::endpoint_of(bound).text();
  return made;
}

/// True when a server answers on this path.
bool is_in_use(const sockaddr_un& to) {
  const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
}

Result<ListeningSocket> listen_unix(const std::string& path) {
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof to.sun_path) {
    return Error{ErrorCode::kInvalidArgument,
                 "a socket path has 1 to " + std::to_string(sizeof to.sun_path - 1) +
                     " bytes, found " + std::to_string(path.size()),
                 ""};
  }
  path.copy(to.sun_path, path.size());
  if (is_in_use(to)) {
    return Error{ErrorCode::kUnavailable, "somebody else listens on " + path, ""};
  }
  ::unlink(path.c_str());
  ListeningSocket made;
  made.family = AF_UNIX;
  made.fd.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  // On Linux the file gets the mode of the socket's own inode: there is no moment with a wider one.
  if (!made.fd.valid() || ::fchmod(made.fd.get(), 0600) != 0 ||
      ::bind(made.fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0 ||
      ::listen(made.fd.get(), kListenBacklog) != 0) {
    return system_failure("cannot listen on " + path);
  }
  made.address = "unix:" + path;
  made.socket_path = path;
  return made;
}

Result<ListeningSocket> listen_on(const std::string& address) {
  if (address.starts_with("unix:")) return listen_unix(address.substr(5));
  return listen_tcp(address);
}

Peer peer_of(StreamSocket& socket) {
  sockaddr_storage from{};
  socklen_t size = sizeof from;
  if (::getpeername(socket.native_handle(), reinterpret_cast<sockaddr*>(&from), &size) != 0 ||
      from.ss_family == AF_UNIX) {
    return {"unix", from.ss_family == AF_UNIX, from.ss_family == AF_UNIX};
  }
  const net::Endpoint endpoint = net::endpoint_of(from);
  return {endpoint.text(), false, endpoint.address.is_loopback()};
}

/// The library accepts without it: a program started by this process must not inherit connections.
void close_on_exec(int descriptor) { ::fcntl(descriptor, F_SETFD, FD_CLOEXEC); }

asio::awaitable<void> serve(ServerCore& core, StreamSocket socket) {
  Peer peer = peer_of(socket);
  Connection connection(core, std::move(socket), std::move(peer));
  co_await connection.run();
}

void ended(const std::exception_ptr& failure) {
  if (!failure) return;
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& e) {
    log::error("an API connection ended by an exception", {{"what", e.what()}});
  }
}

asio::awaitable<void> accept_all(ServerCore& core, Acceptor& acceptor) {
  asio::steady_timer pause(core.io);
  while (!core.is_stopping) {
    auto [error, socket] = co_await acceptor.async_accept(asio::as_tuple(asio::use_awaitable));
    if (core.is_stopping) co_return;
    if (error) {
      core.count_limit("accept");
      pause.expires_after(kAcceptPause);
      co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
      continue;
    }
    close_on_exec(socket.native_handle());
    if (core.connections.size() >= core.options.limits.connections_max) {
      core.count_limit("connections");
      continue;  // closed by its destructor
    }
    asio::co_spawn(core.io, serve(core, std::move(socket)), ended);
  }
}

/// Looks at the files of the certificate now and then, until the server stops.
asio::awaitable<void> follow_certificate(ServerCore& core) {
  asio::steady_timer pause(core.io);
  while (!core.is_stopping) {
    pause.expires_after(core.options.limits.certificate_pause);
    co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
    if (!core.is_stopping) core.tls->reload(false);
  }
}

class BeastServer final : public Server {
 public:
  BeastServer(ServerOptions options, Handler handler)
      : core_(std::move(options), std::move(handler)) {}
  ~BeastServer() override { stop(Instant::min()); }

  void add(ListeningSocket listening) {
    addresses_.push_back(listening.address);
    if (!listening.socket_path.empty()) socket_paths_.push_back(listening.socket_path);
    acceptors_.push_back(std::make_unique<Acceptor>(core_.io));
    acceptors_.back()->assign(asio::generic::stream_protocol(listening.family, 0),
                              listening.fd.release());
    asio::co_spawn(core_.io, accept_all(core_, *acceptors_.back()), asio::detached);
  }
  Result<void> prepare_tls() {
    if (!core_.options.tls) return {};
    WEIR_ASSIGN_OR_RETURN(core_.tls, ServerTls::open(*core_.options.tls, core_.options.metrics));
    asio::co_spawn(core_.io, follow_certificate(core_), asio::detached);
    return {};
  }
  void run() {
    io_thread_ = std::thread([this] { core_.io.run(); });
  }

  const std::vector<std::string>& addresses() const override { return addresses_; }
  void reload_certificate() override {
    if (!core_.tls) return;
    asio::post(core_.io, [this] { core_.tls->reload(true); });
  }
  void stop(Instant deadline) override;

 private:
  void drain(Instant deadline);

  ServerCore core_;
  std::vector<std::string> addresses_;
  std::vector<std::string> socket_paths_;
  std::vector<std::unique_ptr<Acceptor>> acceptors_;
  std::thread io_thread_;
};

void BeastServer::drain(Instant deadline) {
  asio::post(core_.io, [this] {
    core_.is_stopping = true;
    boost::system::error_code ignored;  // nothing is left to do with a socket that fails to close
    for (auto& acceptor : acceptors_) acceptor->close(ignored);
    std::vector<Connection*> open;
    for (const auto& [id, connection] : core_.connections) open.push_back(connection);
    for (Connection* connection : open) connection->stop();
    core_.connections_changed();
  });
  const MutexLock lock(core_.mutex);
  while (!core_.is_drained && core_.changed.wait_until(core_.mutex, deadline)) {
  }
}

void BeastServer::stop(Instant deadline) {
  if (!io_thread_.joinable()) return;
  drain(deadline);
  core_.io.stop();
  io_thread_.join();
  for (const auto& [id, connection] : core_.connections) connection->detach();
  core_.pool.stop();
  core_.pool.join();
  for (const std::string& path : socket_paths_) ::unlink(path.c_str());
}

}  // namespace

Result<std::unique_ptr<Server>> Server::start(ServerOptions options, Handler handler) {
  const std::vector<std::string> wanted = options.listen;
  try {
    auto server = std::make_unique<BeastServer>(std::move(options), std::move(handler));
    WEIR_TRY(server->prepare_tls());
    for (const std::string& address : wanted) {
      WEIR_ASSIGN_OR_RETURN(ListeningSocket listening, listen_on(address));
      server->add(std::move(listening));
    }
    server->run();
    return std::unique_ptr<Server>(std::move(server));
  } catch (const std::exception& e) {
    return Error{ErrorCode::kUnavailable, std::string("cannot start the server: ") + e.what(), ""};
  }
}

}  // namespace weir::http
