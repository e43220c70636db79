#include "net/channel.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "base/mutex.h"
#include "net/channel_listener.h"
#include "net/socket.h"
#include "net/system_error.h"

namespace weir::net {
namespace {

constexpr std::string_view kUnixScheme = "unix:";

IoStep plain_step(ssize_t count) {
  if (count > 0) return {IoStatus::kDone, static_cast<std::size_t>(count)};
  if (count == 0) return {IoStatus::kEnded};
  return {errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? IoStatus::kWantRead
                                                                    : IoStatus::kBroken};
}

IoStep read_plain(int fd, std::span<char> into) {
  return plain_step(recv(fd, into.data(), into.size(), MSG_DONTWAIT));
}

IoStep write_plain(int fd, std::string_view bytes) {
  IoStep step = plain_step(send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
  if (step.status == IoStatus::kWantRead) step.status = IoStatus::kWantWrite;
  return step;
}

class SocketChannel final : public Channel {
 public:
  /// `tls` may be null.
  SocketChannel(UniqueFd fd, std::unique_ptr<TlsSession> tls, std::string peer)
      : fd_(std::move(fd)), peer_(std::move(peer)), tls_(std::move(tls)) {}
  ~SocketChannel() override { close(); }

  Result<std::size_t> read(std::span<char> into, Instant deadline) override;
  Result<void> write(std::string_view bytes, Instant deadline) override;
  void close() override;
  std::string peer() const override { return peer_; }

 private:
  IoStep read_step(std::span<char> into) WEIR_EXCLUDES(mutex_);
  IoStep write_step(std::string_view bytes) WEIR_EXCLUDES(mutex_);
  Result<void> wait(IoStatus status, Instant deadline) const;
  Result<void> write_all(std::string_view bytes, Instant deadline);
  Error broken() const;

  // Constant after construction.
  UniqueFd fd_;
  std::string peer_;
  // The session is not thread-safe: the mutex is held only around its non-blocking calls, so that
  // a reader that waits never holds up a writer.
  Mutex mutex_;
  std::unique_ptr<TlsSession> tls_ WEIR_GUARDED_BY(mutex_);
  std::atomic<bool> is_closed_{false};
};

IoStep SocketChannel::read_step(std::span<char> into) {
  const MutexLock lock(mutex_);
  return tls_ == nullptr ? read_plain(fd_.get(), into) : tls_->read(into);
}

IoStep SocketChannel::write_step(std::string_view bytes) {
  const MutexLock lock(mutex_);
  return tls_ == nullptr ? write_plain(fd_.get(), bytes) : tls_->write(bytes);
}

Error SocketChannel::broken() const {
  const char* what = is_closed_.load() ? "closed" : "broken";
  return Error{ErrorCode::kUnavailable, "the stream with " + peer_ + " is " + what, {}};
}

Result<void> SocketChannel::wait(IoStatus status, Instant deadline) const {
  const short events = status == IoStatus::kWantRead ? POLLIN : POLLOUT;
  WEIR_ASSIGN_OR_RETURN(const bool is_ready, wait_ready(fd_.get(), events, deadline));
  if (is_ready) return {};
  return Error{ErrorCode::kDeadlineExceeded, "no progress with " + peer_ + " in time", {}};
}

Result<std::size_t> SocketChannel::read(std::span<char> into, Instant deadline) {
  while (true) {
    const IoStep step = read_step(into);
    // Asked after the step: close() makes a running read end as if the peer had ended the stream.
    if (is_closed_.load()) return broken();
    if (step.status == IoStatus::kDone) return step.count;
    if (step.status == IoStatus::kEnded) return std::size_t{0};
    if (step.status == IoStatus::kBroken || step.status == IoStatus::kRefused) return broken();
    WEIR_TRY(wait(step.status, deadline));
  }
}

Result<void> SocketChannel::write(std::string_view bytes, Instant deadline) {
  Result<void> written = write_all(bytes, deadline);
  // The peer may have got a part: nothing that comes after it could be understood.
  if (!written.ok()) close();
  return written;
}

Result<void> SocketChannel::write_all(std::string_view bytes, Instant deadline) {
  while (!bytes.empty()) {
    if (is_closed_.load()) return broken();
    const IoStep step = write_step(bytes);
    if (step.status == IoStatus::kDone) {
      bytes.remove_prefix(step.count);
    } else if (step.status == IoStatus::kWantRead || step.status == IoStatus::kWantWrite) {
      WEIR_TRY(wait(step.status, deadline));
    } else {
      return broken();
    }
  }
  return {};
}

void SocketChannel::close() {
  if (is_closed_.exchange(true)) return;
  {
    const MutexLock lock(mutex_);
    if (tls_ != nullptr) tls_->end();
  }
  // Wakes whoever waits in poll; the descriptor itself stays until nobody can be using it. Fails
  // when the peer was faster.
  static_cast<void>(shutdown(fd_.get(), SHUT_RDWR));
}

Error unavailable(const Error& error) { return Error{ErrorCode::kUnavailable, error.message, {}}; }

Result<std::unique_ptr<Channel>> connect_unix(const std::string& path) {
  auto fd = unix_connect(path);
  if (fd.ok()) return make_channel(*std::move(fd), nullptr, std::string(kUnixScheme) + path);
  if (fd.error().code == ErrorCode::kInvalidArgument) return fd.error();
  return unavailable(fd.error());
}

Result<UniqueFd> connect_tcp(const Endpoint& endpoint, Instant deadline) {
  auto fd = tcp_connect(endpoint, std::nullopt);
  if (!fd.ok()) return unavailable(fd.error());
  const std::string what = "connect to " + endpoint.text();
  WEIR_ASSIGN_OR_RETURN(const bool is_ready, wait_ready(fd->get(), POLLOUT, deadline));
  if (!is_ready) return Error{ErrorCode::kDeadlineExceeded, what + ": no answer in time", {}};
  const int number = socket_error(fd->get());
  if (number != 0) return unavailable(system_error(what, number));
  WEIR_TRY(enable_keepalive(fd->get()));
  return fd;
}

Result<void> shake_hands(TlsSession& session, int fd, const std::string& peer, Instant deadline) {
  while (true) {
    const IoStep step = session.handshake();
    if (step.status == IoStatus::kDone) return {};
    if (step.status == IoStatus::kRefused) {
      return Error{ErrorCode::kUnauthenticated,
                   peer + " does not hold the same key: " + session.reason(),
                   {}};
    }
    if (step.status == IoStatus::kBroken) {
      return Error{ErrorCode::kUnavailable, peer + " left: " + session.reason(), {}};
    }
    const short events = step.status == IoStatus::kWantRead ? POLLIN : POLLOUT;
    WEIR_ASSIGN_OR_RETURN(const bool is_ready, wait_ready(fd, events, deadline));
    if (!is_ready) {
      return Error{
          ErrorCode::kDeadlineExceeded, peer + " did not answer the handshake in time", {}};
    }
  }
}

}  // namespace

std::unique_ptr<Channel> make_channel(UniqueFd fd, std::unique_ptr<TlsSession> tls,
                                      std::string peer) {
  return std::make_unique<SocketChannel>(std::move(fd), std::move(tls), std::move(peer));
}

std::optional<std::string> unix_path(const ChannelAddress& address) {
  if (!address.text.starts_with(kUnixScheme)) return std::nullopt;
  return address.text.substr(kUnixScheme.size());
}

Result<std::unique_ptr<Channel>> connect_channel(const ChannelAddress& address, Instant deadline) {
  if (const auto path = unix_path(address)) return connect_unix(*path);
  WEIR_ASSIGN_OR_RETURN(const Endpoint endpoint, Endpoint::parse(address.text));
  WEIR_ASSIGN_OR_RETURN(const auto tls, TlsPsk::open(TlsPsk::Role::kClient, address.key));
  WEIR_ASSIGN_OR_RETURN(UniqueFd fd, connect_tcp(endpoint, deadline));
  WEIR_ASSIGN_OR_RETURN(auto session, tls->start(fd.get()));
  const Instant limit = std::min(deadline, SystemClock().now() + kHandshakeLimit);
  WEIR_TRY(shake_hands(*session, fd.get(), endpoint.text(), limit));
  return make_channel(std::move(fd), std::move(session), endpoint.text());
}

}  // namespace weir::net
