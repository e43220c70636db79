#include "net/channel_listener.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "net/socket.h"
#include "net/system_error.h"

namespace weir::net {
namespace {

/// Peers that have connected and not proved the key. Chosen because it is far more than nodes that
/// connect within one handshake, and bounds what strangers can hold; beyond it the oldest is
/// dropped, told as an error of accept(). Reached: the oldest is dropped;
/// weir_stream_refused_total{reason="key"} at control.
constexpr std::size_t kUnprovenPeers = 64;
/// Rest after the process ran out of descriptors. Chosen because the listening socket stays ready
/// all the while.
constexpr std::chrono::milliseconds kExhaustedPause{100};

using Accepted = Result<std::unique_ptr<Channel>>;

/// A peer in its handshake.
struct Unproven {
  UniqueFd fd;
  std::unique_ptr<TlsSession> session;
  std::string peer;
  Instant limit;
  short events = POLLIN;
};

std::string peer_name(int fd) {
  if (const auto credentials = peer_credentials(fd); credentials.ok()) {
    return "process " + std::to_string(credentials->process) + " of user " +
           std::to_string(credentials->user);
  }
  const auto endpoint = peer_endpoint(fd);
  return endpoint.ok() ? endpoint->text() : "unknown";
}

Error unauthenticated(const std::string& peer, const std::string& why) {
  return Error{ErrorCode::kUnauthenticated, peer + " did not prove the key: " + why, {}};
}

class SocketListener final : public ChannelListener {
 public:
  /// `tls` is null for a Unix socket.
  SocketListener(UniqueFd fd, UniqueFd wake, std::unique_ptr<TlsPsk> tls, std::string address)
      : fd_(std::move(fd)),
        wake_(std::move(wake)),
        tls_(std::move(tls)),
        address_(std::move(address)) {}
  ~SocketListener() override { close(); }

  Accepted accept(Instant deadline) override;
  void close() override;
  std::string address() const override { return address_; }

 private:
  std::vector<pollfd> poll_entries() const;
  Result<std::vector<pollfd>> wait(Instant deadline);
  std::optional<Accepted> advance_handshakes(const std::vector<pollfd>& entries);
  std::optional<Accepted> advance(Unproven& peer);
  std::optional<Accepted> take_connection();
  std::optional<Accepted> begin_handshake(UniqueFd fd);

  // Constant after construction.
  UniqueFd fd_;
  UniqueFd wake_;
  std::unique_ptr<TlsPsk> tls_;
  std::string address_;
  // Owned by the thread that accepts. Oldest first.
  std::vector<Unproven> unproven_;
  std::atomic<bool> is_closed_{false};
};

constexpr std::size_t kListenEntry = 1;
constexpr std::size_t kFirstPeerEntry = 2;

std::vector<pollfd> SocketListener::poll_entries() const {
  std::vector<pollfd> entries{{wake_.get(), POLLIN, 0}, {fd_.get(), POLLIN, 0}};
  for (const Unproven& peer : unproven_) entries.push_back({peer.fd.get(), peer.events, 0});
  return entries;
}

/// Waits for anything to do until `deadline` or the limit of the oldest handshake; the entries say
/// what.
Result<std::vector<pollfd>> SocketListener::wait(Instant deadline) {
  std::vector<pollfd> entries = poll_entries();
  const Instant until = unproven_.empty() ? deadline : std::min(deadline, unproven_.front().limit);
  const Instant now = SystemClock().now();
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(std::max(until, now) - now);
  const auto wait = static_cast<int>(std::min(left, std::chrono::milliseconds(60'000)).count());
  if (poll(entries.data(), entries.size(), wait) < 0 && errno != EINTR) {
    return system_error("wait for peers", errno);
  }
  return entries;
}

Accepted SocketListener::accept(Instant deadline) {
  while (true) {
    WEIR_ASSIGN_OR_RETURN(const std::vector<pollfd> entries, wait(deadline));
    if (is_closed_.load()) return Error{ErrorCode::kUnavailable, "the listener is closed", {}};
    if (auto result = advance_handshakes(entries)) return *std::move(result);
    if (entries[kListenEntry].revents != 0) {
      if (auto result = take_connection()) return *std::move(result);
    }
    if (SystemClock().now() >= deadline) {
      return Error{ErrorCode::kDeadlineExceeded, "no peer came in time", {}};
    }
  }
}

/// Steps every handshake that can go on. A slow peer holds up nobody: each call of the session
/// returns at once.
std::optional<Accepted> SocketListener::advance_handshakes(const std::vector<pollfd>& entries) {
  for (std::size_t i = 0; i < unproven_.size(); ++i) {
    const bool is_late = SystemClock().now() >= unproven_[i].limit;
    if (entries[kFirstPeerEntry + i].revents == 0 && !is_late) continue;
    std::optional<Accepted> result = advance(unproven_[i]);
    if (!result && is_late) result = unauthenticated(unproven_[i].peer, "handshake took over 5 s");
    if (!result) continue;
    unproven_.erase(unproven_.begin() + static_cast<std::ptrdiff_t>(i));
    return result;
  }
  return std::nullopt;
}

/// The end of a peer's handshake, or nullopt while it goes on.
std::optional<Accepted> SocketListener::advance(Unproven& peer) {
  const IoStep step = peer.session->handshake();
  switch (step.status) {
    case IoStatus::kDone:
      return make_channel(std::move(peer.fd), std::move(peer.session), std::move(peer.peer));
    case IoStatus::kWantRead:
      peer.events = POLLIN;
      return std::nullopt;
    case IoStatus::kWantWrite:
      peer.events = POLLOUT;
      return std::nullopt;
    default:
      return unauthenticated(peer.peer, peer.session->reason());
  }
}

std::optional<Accepted> SocketListener::take_connection() {
  UniqueFd fd(accept4(fd_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (fd.valid()) {
    if (tls_ != nullptr) return begin_handshake(std::move(fd));
    std::string peer = peer_name(fd.get());
    return make_channel(std::move(fd), nullptr, std::move(peer));
  }
  if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM) {
    return std::nullopt;  // The peer left before it was taken; also a listener that is being
                          // closed.
  }
  const Error error{ErrorCode::kQuotaExceeded, system_error("accept a peer", errno).message, {}};
  WEIR_TRY(wait_ready(wake_.get(), POLLIN, SystemClock().now() + kExhaustedPause));
  return error;
}

std::optional<Accepted> SocketListener::begin_handshake(UniqueFd fd) {
  std::string peer = peer_name(fd.get());
  WEIR_TRY(enable_keepalive(fd.get()));
  WEIR_ASSIGN_OR_RETURN(auto session, tls_->start(fd.get()));
  unproven_.push_back({std::move(fd), std::move(session), std::move(peer),
                       SystemClock().now() + kHandshakeLimit, POLLIN});
  if (unproven_.size() <= kUnprovenPeers) return std::nullopt;
  const std::string oldest = std::move(unproven_.front().peer);
  unproven_.erase(unproven_.begin());
  return unauthenticated(oldest, "too many unfinished handshakes (limit 64)");
}

void SocketListener::close() {
  if (is_closed_.exchange(true)) return;
  const std::uint64_t one = 1;
  // Cannot fail: nobody else writes, so the counter has room.
  [[maybe_unused]] const ssize_t written = write(wake_.get(), &one, sizeof one);
  // New peers are refused from here on; the descriptor stays until nobody can be using it.
  static_cast<void>(shutdown(fd_.get(), SHUT_RDWR));
}

std::unique_ptr<ChannelListener> make_listener(UniqueFd fd, UniqueFd wake,
                                               std::unique_ptr<TlsPsk> tls, std::string address) {
  return std::make_unique<SocketListener>(std::move(fd), std::move(wake), std::move(tls),
                                          std::move(address));
}

}  // namespace

Result<std::unique_ptr<ChannelListener>> ChannelListener::open(const ChannelAddress& address) {
  UniqueFd wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.valid()) return system_error("open a listener", errno);
  if (const auto path = unix_path(address)) {
    WEIR_ASSIGN_OR_RETURN(UniqueFd fd, unix_listen(*path));
    return make_listener(std::move(fd), std::move(wake), nullptr, address.text);
  }
  WEIR_ASSIGN_OR_RETURN(const Endpoint endpoint, Endpoint::parse(address.text));
  WEIR_ASSIGN_OR_RETURN(auto tls, TlsPsk::open(TlsPsk::Role::kServer, address.key));
  WEIR_ASSIGN_OR_RETURN(UniqueFd fd, tcp_listen(endpoint));
  WEIR_ASSIGN_OR_RETURN(const Endpoint real, local_endpoint(fd.get()));
  return make_listener(std::move(fd), std::move(wake), std::move(tls), real.text());
}

}  // namespace weir::net
