#include "health/socket_probe.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "net/socket.h"

namespace weir::health {
namespace {

std::string text_of(int error) { return std::generic_category().message(error); }

/// The node, not the target, is at fault: no descriptor, memory, port or source address.
bool is_local(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM ||
         error == EADDRNOTAVAIL || error == EADDRINUSE || error == EAGAIN;
}

ProbeOutcome connect_failure(int error) {
  if (is_local(error)) return {ProbeReason::kNotRun, text_of(error)};
  if (error == ETIMEDOUT) return {ProbeReason::kConnectTimeout, text_of(error)};
  return {ProbeReason::kConnectFailed, text_of(error)};
}

bool is_broken(int error) { return error == ECONNRESET || error == EPIPE; }

/// Ends a connection by FIN: bytes left unread would make the kernel send a reset instead.
void close_gently(int fd) {
  static_cast<void>(::shutdown(fd, SHUT_WR));  // fails only when the peer is gone already
  std::array<char, 4096> unread;
  for (std::size_t taken = 0; taken < kAnswerBytesMax;) {
    const ssize_t size = ::recv(fd, unread.data(), unread.size(), MSG_DONTWAIT);
    if (size <= 0) return;
    taken += static_cast<std::size_t>(size);
  }
}

}  // namespace

struct SocketProbe::Attempt {
  enum class Phase { kConnect, kSend, kReceive };

  ProbeTarget target;
  ProbeDone done;
  UniqueFd fd{};
  net::TimerId timer = 0;  // the deadline, or the end that start() already knew
  Phase phase = Phase::kConnect;
  std::string request{};
  std::size_t sent = 0;  // bytes of the request
  std::string answer{};

  ProbeOutcome timeout() const {
    const std::string within = "within " + std::to_string(target.check.timeout.count()) + " s";
    switch (phase) {
      case Phase::kConnect:
        return {ProbeReason::kConnectTimeout, "no connection " + within};
      case Phase::kSend:
        return {ProbeReason::kRequestTimeout, "the request was not taken " + within};
      case Phase::kReceive:
        return {ProbeReason::kReceiveResponseTimeout, "no answer " + within};
    }
    return {};
  }
};

SocketProbe::SocketProbe(net::EventLoop& loop, std::optional<Dialogue> dialogue)
    : loop_(loop), dialogue_(std::move(dialogue)) {}

SocketProbe::~SocketProbe() {
  for (auto& [id, attempt] : attempts_) release(*attempt);
}

ProbeId SocketProbe::start(const ProbeTarget& target, Instant deadline, ProbeDone done) {
  const ProbeId id = ++last_id_;
  auto& attempt = attempts_[id];
  attempt = std::make_unique<Attempt>(Attempt{.target = target, .done = std::move(done)});
  attempt->timer =
      loop_.run_at(deadline, [this, id, timed = attempt.get()] { finish(id, timed->timeout()); });
  connect(id, *attempt);
  return id;
}

void SocketProbe::connect(ProbeId id, Attempt& attempt) {
  const net::SocketAddress target = net::socket_address(attempt.target.endpoint);
  net::SocketAddress source;
  if (attempt.target.source) source = net::socket_address({*attempt.target.source, 0});
  auto connecting = net::start_connect(target, attempt.target.source ? &source : nullptr);
  if (connecting.fd.valid()) {
    attempt.fd = std::move(connecting.fd);
    return watch(id, attempt, EPOLLOUT);
  }
  loop_.cancel(attempt.timer);
  attempt.timer = loop_.run_after(
      {}, [this, id, outcome = connect_failure(connecting.error)] { finish(id, outcome); });
}

void SocketProbe::watch(ProbeId id, const Attempt& attempt, std::uint32_t events) {
  loop_.watch(attempt.fd.get(), events, [this, id](std::uint32_t) { ready(id); });
}

void SocketProbe::ready(ProbeId id) {
  const auto found = attempts_.find(id);
  if (found == attempts_.end()) return;
  const auto outcome = advance(id, *found->second);
  if (outcome) finish(id, *outcome);
}

std::optional<ProbeOutcome> SocketProbe::advance(ProbeId id, Attempt& attempt) {
  if (attempt.phase == Attempt::Phase::kConnect) {
    if (auto outcome = finish_connect(attempt)) return outcome;
  }
  if (attempt.phase == Attempt::Phase::kSend) return send(id, attempt);
  return receive(attempt);
}

std::optional<ProbeOutcome> SocketProbe::finish_connect(Attempt& attempt) {
  const int error = net::socket_error(attempt.fd.get());
  if (error != 0) return connect_failure(error);
  // Connecting to a free port of this machine, the kernel may pick that very port as the source:
  // the socket is then connected to itself and nobody serves there.
  const auto local = net::local_endpoint(attempt.fd.get());
  if (local && *local == attempt.target.endpoint) {
    return ProbeOutcome{ProbeReason::kConnectFailed, text_of(ECONNREFUSED)};
  }
  if (!dialogue_) return ProbeOutcome{};
  attempt.request = dialogue_->request(attempt.target);
  attempt.phase = Attempt::Phase::kSend;
  return std::nullopt;
}

std::optional<ProbeOutcome> SocketProbe::send(ProbeId id, Attempt& attempt) {
  while (attempt.sent < attempt.request.size()) {
    const ssize_t size = ::send(attempt.fd.get(), attempt.request.data() + attempt.sent,
                                attempt.request.size() - attempt.sent, MSG_NOSIGNAL);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) return std::nullopt;
    if (size < 0) return ProbeOutcome{ProbeReason::kRequestFailed, text_of(errno)};
    attempt.sent += static_cast<std::size_t>(size);
  }
  attempt.phase = Attempt::Phase::kReceive;
  watch(id, attempt, EPOLLIN);
  return std::nullopt;
}

std::optional<ProbeOutcome> SocketProbe::receive(Attempt& attempt) {
  std::array<char, 4096> bytes;
  while (attempt.answer.size() < kAnswerBytesMax) {
    const std::size_t room = std::min(bytes.size(), kAnswerBytesMax - attempt.answer.size());
    const ssize_t size = ::recv(attempt.fd.get(), bytes.data(), room, 0);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) return std::nullopt;
    if (size < 0 && is_broken(errno)) {
      return ProbeOutcome{ProbeReason::kConnectInterrupt, text_of(errno)};
    }
    if (size < 0) return ProbeOutcome{ProbeReason::kReceiveResponseFailed, text_of(errno)};
    if (size == 0) {
      return ProbeOutcome{ProbeReason::kConnectInterrupt, "closed before the answer was complete"};
    }
    attempt.answer.append(bytes.data(), static_cast<std::size_t>(size));
    if (auto outcome = dialogue_->judge(attempt.target, attempt.answer)) return outcome;
  }
  return ProbeOutcome{ProbeReason::kResponseFormatError, "the answer has no end"};
}

void SocketProbe::finish(ProbeId id, const ProbeOutcome& outcome) {
  const auto ended = attempts_.extract(id);
  Attempt& attempt = *ended.mapped();
  if (outcome.success()) close_gently(attempt.fd.get());
  release(attempt);
  attempt.done(outcome);
}

void SocketProbe::release(Attempt& attempt) {
  loop_.cancel(std::exchange(attempt.timer, 0));
  if (attempt.fd.valid()) loop_.unwatch(attempt.fd.get());
  attempt.fd.reset();
}

void SocketProbe::cancel(ProbeId id) {
  const auto found = attempts_.find(id);
  if (found == attempts_.end()) return;
  release(*found->second);
  attempts_.erase(found);
}

}  // namespace weir::health
