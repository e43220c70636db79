#include "dataplane/proxy/upstream_pool.h"

#include <cerrno>

#include "base/check.h"
#include "net/socket.h"

namespace weir::dataplane::proxy {
namespace {

/// Between two reports of a target's failed connects. Chosen because a probe follows each, and a
/// target under load can fail thousands of times per second.
constexpr std::chrono::milliseconds kReportInterval{100};

bool is_shortage(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

UpstreamPool::~UpstreamPool() {
  connections_.for_each([this](UpstreamConnection& connection) { close(connection); });
}

Opened UpstreamPool::open(const Request& request, StreamOwner& owner) {
  TargetEntry& target = request.target;
  if (!request.fresh && !target.available.empty()) {
    UpstreamConnection& connection = target.available.front();
    connection.was_reused_ = true;
    attach(connection, owner, request.stream);
    return {.state = Opened::State::kReady, .connection = &connection};
  }
  bool is_connected = false;
  FailureKind failure = FailureKind::kConnectFailed;
  const int fd = connect(target, request.service, is_connected, failure);
  if (fd < 0) {
    if (failure == FailureKind::kConnectFailed) report_failure(target);
    return {.state = Opened::State::kFailed, .failure = failure};
  }
  UpstreamConnection& connection = connections_.make(*this, target, codecs_.make(), fd);
  target.add_user(connection);
  reactor_.watch(fd, connection.tag());
  attach(connection, owner, request.stream);
  if (is_connected) {
    connection.state_ = UpstreamConnection::State::kOpen;
    established(connection);
    return {.state = Opened::State::kReady, .connection = &connection};
  }
  reactor_.arm(connection, limits_.connect_timeout);
  return {.state = Opened::State::kConnecting, .connection = &connection};
}

int UpstreamPool::connect(const TargetEntry& target, ServiceEntry& service, bool& is_connected,
                          FailureKind& failure) {
  const auto& sources = service.plan->sources;
  for (std::size_t tries = std::max<std::size_t>(sources.size(), 1); tries > 0; --tries) {
    if (!reactor_.has_descriptor() && !make_room()) {
      failure = FailureKind::kNoDescriptor;
      break;
    }
    const net::SocketAddress* source =
        sources.empty() ? nullptr : &sources[service.source_cursor++ % sources.size()];
    net::ConnectAttempt attempt = net::start_connect(target.state->address, source);
    if (attempt.fd.valid()) {
      is_connected = attempt.error == 0;
      reactor_.add_descriptor();
      return attempt.fd.release();
    }
    failure = is_shortage(attempt.error) ? FailureKind::kNoDescriptor : FailureKind::kConnectFailed;
    if (attempt.error != EADDRNOTAVAIL) break;
    failure = FailureKind::kNoLocalPort;
  }
  if (failure == FailureKind::kNoDescriptor) counters_.connect_refusals.add();
  return -1;
}

void UpstreamPool::attach(UpstreamConnection& connection, StreamOwner& owner,
                          const StreamRequest& request) {
  owner.stream = connection.codec_.open(request);
  connection.was_answered_ = false;
  connection.streams_.push_front(owner);
  static_cast<Link<IdleTag>&>(connection).unlink();
  TargetEntry& target = *connection.target_;
  target.counters.requests.add();
  target.begin_use();
  if (connection.codec_.vacancies() == 0) withdraw(connection);
}

void UpstreamPool::release(UpstreamConnection& connection, StreamOwner& owner, bool is_complete) {
  TargetEntry& target = *connection.target_;
  target.end_use();
  const bool goes_on = is_complete || connection.codec_.cancel(owner.stream);
  owner.unlink();
  if (!goes_on)
    return connection.fail(
        {.kind = FailureKind::kUpstreamAborted, .is_connected = true, .was_answered = true});
  const bool is_offered = connection.codec_.vacancies() > 0 && target.is_reusable();
  if (is_offered) offer(connection);
  if (!connection.is_idle()) return;
  if (!is_offered) return close(connection);
  idle_.push_front(connection);
  reactor_.arm(connection, limits_.upstream_idle);
  if (target.available_count > limits_.idle_per_target) evict(target, connection);
}

/// The longest unused goes, unless it carries streams; `latest` is idle for sure.
void UpstreamPool::evict(TargetEntry& target, UpstreamConnection& latest) {
  counters_.idle_evictions.add();
  UpstreamConnection& oldest = target.available.back();
  close(oldest.is_idle() ? oldest : latest);
}

void UpstreamPool::offer(UpstreamConnection& connection) {
  TargetEntry& target = *connection.target_;
  if (static_cast<Link<AvailableTag>&>(connection).is_linked()) withdraw(connection);
  target.available.push_front(connection);
  ++target.available_count;
}

void UpstreamPool::withdraw(UpstreamConnection& connection) {
  Link<AvailableTag>& link = connection;
  if (!link.is_linked()) return;
  link.unlink();
  --connection.target_->available_count;
}

void UpstreamPool::established(UpstreamConnection& connection) {
  if (connection.codec_.vacancies() > 0) offer(connection);
}

int UpstreamPool::detach(UpstreamConnection& connection, StreamOwner& owner, Pending& unsent) {
  owner.unlink();
  const int fd = std::exchange(connection.fd_, -1);
  unsent = std::exchange(connection.pending_, {});
  close(connection);
  return fd;
}

void UpstreamPool::close(UpstreamConnection& connection) {
  if (connection.is_retired) return;
  connection.state_ = UpstreamConnection::State::kClosed;
  withdraw(connection);
  static_cast<Link<IdleTag>&>(connection).unlink();
  static_cast<Link<UserTag>&>(connection).unlink();
  connection.target_->note_oldest();
  reactor_.wheel().disarm(connection);
  if (connection.fd_ >= 0) reactor_.close_descriptor(connection.fd_);
  connection.fd_ = -1;
  connections_.retire(connection);
}

void UpstreamPool::dismantle(UpstreamConnection& connection) {
  reactor_.buffers().give(connection.input_);
  connection.pending_.clear(reactor_.buffers());
  codecs_.give_back(connection.codec_);
}

void UpstreamPool::connect_failed(UpstreamConnection& connection) {
  report_failure(*connection.target_);
}

void UpstreamPool::report_failure(TargetEntry& target) {
  target.counters.connect_failures.add();
  target.state->note_connect_failure(reactor_.now());
  if (reactor_.now() - target.failure_reported < kReportInterval) return;
  target.failure_reported = reactor_.now();
  if (connect_failed_) connect_failed_(target.state->key);
}

bool UpstreamPool::make_room() {
  if (idle_.empty() || WEIR_BUG(!idle_.back().is_idle())) return false;
  close(idle_.back());
  return true;
}

}  // namespace weir::dataplane::proxy
