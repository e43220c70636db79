#include "dataplane/proxy/tcp_relay.h"

#include <sys/socket.h>

#include "base/mutant.h"
#include "dataplane/proxy/parts.h"
#include "dataplane/proxy/router.h"

namespace weir::dataplane::proxy {
namespace {

/// Reads in a row before others get their turn. Chosen because 256 KB keep a bulk transfer
/// efficient.
constexpr int kReadsPerTurn = 4;

}  // namespace

TcpRelay::TcpRelay(Parts& parts) : Timed(TimerKind::kRelay), parts_(parts) {}

TcpRelay::~TcpRelay() {
  client_.unsent.clear(parts_.reactor->buffers());
  upstream_.unsent.clear(parts_.reactor->buffers());
}

void TcpRelay::start(int fd, ListenerEntry& listener, const net::Endpoint& peer) {
  client_.fd = fd;
  peer_ = peer;
  listener_ = Ref<ListenerEntry>::of(listener);
  parts_.counters.clients.add();
  listener.counters.connections.add();
  listener.counters.active.add();
  parts_.reactor->watch(fd, tag(TagKind::kRelayClient));
  parts_.retries.earn();
  choose();
}

void TcpRelay::choose() {
  ServiceEntry* service = route(*listener_, {}, {});
  if (service == nullptr) return no_target();
  service_ = Ref<ServiceEntry>::of(*service);
  connect();
}

void TcpRelay::adopt(Tunnel tunnel) {
  target_ = std::move(tunnel.target);
  listener_ = std::move(tunnel.listener);
  client_.fd = tunnel.client_fd;
  upstream_.fd = tunnel.target_fd;
  client_.unsent = std::exchange(tunnel.to_client, {});
  upstream_.unsent = std::exchange(tunnel.to_target, {});
  target_->add_user(*this);
  // The descriptor changes its owner; what is readable or writable now is told again.
  parts_.reactor->watch_as(client_.fd, tag(TagKind::kRelayClient));
  parts_.reactor->watch_as(upstream_.fd, tag(TagKind::kRelayTarget));
  established();
}

void TcpRelay::connect() {
  const FlowEnds flow{
      .client = peer_, .vip = listener_->plan->listener->endpoint, .binds = !is_our_failure_};
  TargetEntry* target = Directory::pick(*service_, flow, target_.get());
  if (target == nullptr) return is_retried_ ? cut(FailureKind::kConnectFailed) : no_target();
  if (is_silent_) end_silence();
  target_ = Ref<TargetEntry>::of(*target);
  FailureKind failure = FailureKind::kConnectFailed;
  bool is_connected = false;
  const int fd = parts_.pool.connect(*target, *service_, is_connected, failure);
  if (fd < 0) return connect_failed(failure);
  upstream_.fd = fd;
  target->add_user(*this);
  target->counters.requests.add();
  target->begin_use();
  parts_.reactor->watch(fd, tag(TagKind::kRelayTarget));
  if (is_connected) return established();
  parts_.reactor->arm(*this, parts_.limits.connect_timeout);
}

/// A reset, unless the listener drops what nobody can serve. The kernel has taken the connection,
/// so it is kept without a word and the choice made again: as if the client's packets were lost, it
/// is served when somebody can, or gives up.
void TcpRelay::no_target() {
  if (!is_silent_ && !begin_silence()) return cut(FailureKind::kNoTarget);
  if (parts_.reactor->now() >= silent_until_) return reset();
  parts_.reactor->arm(*this, parts_.limits.silence_pause);
}

bool TcpRelay::begin_silence() {
  if (!listener_->drops() || mutant("reset-instead-of-silence")) return false;
  if (parts_.counters.silent.get() >= parts_.limits.silent_max) {
    parts_.counters.silence_refusals.add();
    return false;
  }
  if (parts_.is_stopping) return false;
  listener_->counters.count(FailureKind::kNoTarget);
  parts_.counters.silent.add();
  is_silent_ = true;
  silent_until_ = parts_.reactor->now() + parts_.limits.silence;
  return true;
}

void TcpRelay::end_silence() {
  is_silent_ = false;
  parts_.counters.silent.remove();
}

/// Nothing was written, so another target may be tried, once.
void TcpRelay::connect_failed(FailureKind why) {
  if (why == FailureKind::kConnectFailed || why == FailureKind::kConnectTimeout)
    parts_.pool.report_failure(*target_);
  // Without a port or descriptor of ours the target is no worse than before: its client comes back.
  is_our_failure_ = why == FailureKind::kNoLocalPort || why == FailureKind::kNoDescriptor;
  if (is_retried_ || !parts_.take_retry()) {
    is_retried_ = true;
    return cut(why);
  }
  is_retried_ = true;
  close_target();
  // What was chosen before may have left the configuration since.
  service_ = parts_.directory.in_force(*service_);
  connect();
}

void TcpRelay::established() {
  is_connected_ = true;
  service_.reset();
  progress_ = parts_.reactor->now();
  parts_.reactor->wheel().disarm(*this);
  parts_.reactor->arm(*this, listener_->idle_timeout());
  move();
}

void TcpRelay::on_events(TagKind kind, std::uint32_t events) {
  const bool is_over = (events & (EPOLLERR | EPOLLHUP)) != 0;
  // Who has only ended its side may have asked already, and waits for the answer.
  if (is_silent_ && is_over) return reset();
  Side& side = kind == TagKind::kRelayClient ? client_ : upstream_;
  if (!is_connected_) {
    if (is_over && &side == &client_) return cut(FailureKind::kClientAborted);
    if (is_over) return connect_failed(FailureKind::kConnectFailed);
  }
  if (is_over || (events & (EPOLLPRI | EPOLLRDHUP)) != 0) side.reads_to_end = true;
  if (is_over || (events & (EPOLLIN | EPOLLPRI | EPOLLRDHUP)) != 0) side.is_readable = true;
  if (!is_connected_) {
    if (&side == &upstream_ && (events & EPOLLOUT) != 0) established();
    return;
  }
  if ((events & EPOLLOUT) != 0) flush(side);
  move();
}

/// Moves what can be moved in both directions, and ends what has ended.
void TcpRelay::move() {
  if (is_retired || !is_connected_) return;
  const Moved up = pass(client_, upstream_);
  if (up == Moved::kBroken) return cut(FailureKind::kClientAborted);
  const Moved down = pass(upstream_, client_);
  if (down == Moved::kBroken) return cut(FailureKind::kUpstreamAborted);
  if (client_.is_shut && upstream_.is_shut) return close();
  if (up == Moved::kMore || down == Moved::kMore) parts_.reactor->again(tag(TagKind::kRelayClient));
}

TcpRelay::Moved TcpRelay::pass(Side& from, Side& to) {
  const std::span<char> scratch = parts_.reactor->scratch();
  for (int reads = 0; from.is_readable && to.unsent.empty() && !from.is_finished; ++reads) {
    if (reads == kReadsPerTurn) return Moved::kMore;
    const Arrival received = Reactor::receive(from.fd, scratch);
    if (received.state == Arrival::State::kBroken) return Moved::kBroken;
    from.is_finished = received.state == Arrival::State::kEnd;
    if (received.size < scratch.size()) from.is_readable = from.reads_to_end;
    if (received.state == Arrival::State::kNothing) from.is_readable = false;
    if (received.state != Arrival::State::kBytes) break;
    Output& output = parts_.reactor->output();
    output.refer(scratch.first(received.size));
    std::uint64_t sent = 0;
    const SendState state = to.unsent.send(to.fd, output, parts_.reactor->buffers(), sent);
    count(to, received.size, sent);
    if (state == SendState::kBroken) stop_sending(from, to);
  }
  if (from.is_finished && to.unsent.empty() && !to.is_shut) {
    ::shutdown(to.fd, SHUT_WR);
    to.is_shut = true;
  }
  return Moved::kAll;
}

void TcpRelay::flush(Side& side) {
  if (side.unsent.empty()) return;
  std::uint64_t sent = 0;
  const SendState state = side.unsent.flush(side.fd, parts_.reactor->buffers(), sent);
  count(side, 0, sent);
  if (state == SendState::kBroken) stop_sending(&side == &client_ ? upstream_ : client_, side);
}

/// `to` takes nothing more. What it sent before that is still read, up to its reset.
void TcpRelay::stop_sending(Side& from, Side& to) {
  to.unsent.clear(parts_.reactor->buffers());
  from.is_finished = true;
  to.is_shut = true;
  to.is_readable = to.reads_to_end = true;
}

void TcpRelay::count(const Side& to, std::uint64_t received, std::uint64_t sent) {
  progress_ = parts_.reactor->now();
  if (&to == &upstream_) listener_->counters.bytes_in.add(received);
  if (&to == &client_) listener_->counters.bytes_out.add(sent);
}

void TcpRelay::on_timer() {
  if (is_silent_) return listener_->is_removed ? reset() : choose();
  if (!is_connected_) return connect_failed(FailureKind::kConnectTimeout);
  const Instant end = progress_ + listener_->idle_timeout();
  if (parts_.reactor->now() < end) return parts_.reactor->wheel().arm(*this, end);
  listener_->counters.count(FailureKind::kIdleTimeout);
  close();
}

/// The process ends: who is served may finish, who waits for a target has nothing to finish.
void TcpRelay::end_waiting() {
  if (is_silent_ && !is_retired) reset();
}

/// Both sides see a reset, unless only the choice of a target has to be made again.
void TcpRelay::cut(FailureKind why) {
  if (is_retired) return;
  const bool is_free = !is_connected_ && !is_retried_ && upstream_.fd >= 0;
  if (why == FailureKind::kDrainEnded && is_free) return connect_failed(why);
  listener_->counters.count(why);
  reset();
}

void TcpRelay::reset() {
  Reactor::prepare_reset(client_.fd);
  if (upstream_.fd >= 0) Reactor::prepare_reset(upstream_.fd);
  close();
}

void TcpRelay::close_target() {
  if (upstream_.fd < 0) return;
  parts_.reactor->close_descriptor(upstream_.fd);
  upstream_.fd = -1;
  static_cast<Link<UserTag>&>(*this).unlink();
  target_->end_use();
}

void TcpRelay::close() {
  if (is_retired) return;
  if (is_silent_) end_silence();
  close_target();
  parts_.reactor->close_descriptor(client_.fd);
  parts_.counters.clients.remove();
  listener_->counters.active.remove();
  parts_.reactor->wheel().disarm(*this);
  parts_.relays.retire(*this);
}

}  // namespace weir::dataplane::proxy
