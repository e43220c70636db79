#include "dataplane/proxy/upstream_connection.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "dataplane/proxy/upstream_pool.h"
#include "http/h1_limits.h"

namespace weir::dataplane::proxy {
namespace {

/// Reads in a row before others get their turn. Chosen because 256 KB keep a bulk transfer
/// efficient.
constexpr int kReadsPerTurn = 4;

/// Bytes. A codec that needs more than this to understand its peer is not fed further. Chosen
/// because a whole head fits, with room for what follows it. Reached: 502,
/// weir_listener_failures_total{reason="bad_response"}.
constexpr std::size_t kInputMax = http::kMaxResponseHead + 1024;

}  // namespace

UpstreamConnection::UpstreamConnection(UpstreamPool& pool, TargetEntry& target,
                                       UpstreamCodec& codec, int fd)
    : Timed(TimerKind::kUpstream),
      pool_(pool),
      codec_(codec),
      target_(Ref<TargetEntry>::of(target)),
      fd_(fd) {}

UpstreamConnection::~UpstreamConnection() { pool_.dismantle(*this); }

Tag UpstreamConnection::tag() const { return {TagKind::kUpstream, slab_index, slab_generation}; }

void UpstreamConnection::on_events(std::uint32_t events) {
  if (state_ == State::kConnecting) {
    if ((events & (EPOLLERR | EPOLLHUP)) != 0) return fail({.kind = FailureKind::kConnectFailed});
    if ((events & EPOLLOUT) == 0) return;
    connected();
    if (is_retired) return;
  }
  if ((events & (EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) reads_to_end_ = true;
  if ((events & (EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) is_readable_ = true;
  if ((events & EPOLLOUT) != 0 && is_blocked()) {
    std::uint64_t sent = 0;
    // A broken socket shows in the read that follows.
    if (pending_.flush(fd_, pool_.reactor().buffers(), sent) == SendState::kBroken) {
      pending_.clear(pool_.reactor().buffers());
      is_readable_ = true;
    }
    if (sent > 0) streams_.for_each([](StreamOwner& owner) { owner.stream_took(); });
    if (!is_blocked()) streams_.for_each([](StreamOwner& owner) { owner.stream_writable(); });
  }
  if (!is_retired) read();
}

void UpstreamConnection::on_again() {
  if (state_ == State::kOpen) read();
}

void UpstreamConnection::connected() {
  state_ = State::kOpen;
  pool_.established(*this);
  streams_.for_each([](StreamOwner& owner) { owner.stream_ready(); });
}

void UpstreamConnection::on_timer() {
  if (state_ == State::kConnecting) return fail({.kind = FailureKind::kConnectTimeout});
  if (is_idle()) return pool_.close(*this);
  // It was armed when the connection was idle; its exchanges have timers of their own.
}

void UpstreamConnection::cut(FailureKind why) {
  // Before the connection stands, nothing was written: the request may go elsewhere.
  const bool is_established = is_connected();
  fail({.kind = why, .is_connected = is_established, .was_answered = is_established});
}

void UpstreamConnection::close_if_idle() {
  if (is_idle()) pool_.close(*this);
}

SendState UpstreamConnection::send(Output& output) {
  std::uint64_t sent = 0;
  const SendState state = pending_.send(fd_, output, pool_.reactor().buffers(), sent);
  if (state == SendState::kBroken) {
    // The answer may have come before the reset; the read tells, later in this turn.
    is_readable_ = true;
    pool_.reactor().again(tag());
  }
  return state;
}

void UpstreamConnection::resume() {
  if (is_readable_) pool_.reactor().again(tag());
}

bool UpstreamConnection::is_paused() {
  bool paused = false;
  streams_.for_each([&](StreamOwner& owner) { paused = paused || owner.stream_paused(); });
  return paused;
}

/// Receives behind what is kept, else into the scratch; `bytes` is all there is to cut.
Arrival UpstreamConnection::receive(std::span<char>& bytes) {
  if (input_ == nullptr) {
    const Arrival received = Reactor::receive(fd_, pool_.reactor().scratch());
    bytes = pool_.reactor().scratch().first(received.size);
    if (received.size < pool_.reactor().scratch().size()) is_readable_ = reads_to_end_;
    return received;
  }
  const std::span<char> room = input_->room();
  const Arrival received = Reactor::receive(fd_, room);
  input_->end += static_cast<std::uint32_t>(received.size);
  bytes = input_->content();
  if (received.size < room.size()) is_readable_ = reads_to_end_;
  return received;
}

void UpstreamConnection::read() {
  for (int reads = 0; is_readable_; ++reads) {
    // Nothing was asked: whatever comes ends the connection, be it FIN or bytes.
    if (is_idle()) return pool_.close(*this);
    if (is_paused()) return;
    if (reads == kReadsPerTurn) return pool_.reactor().again(tag());
    std::span<char> bytes;
    const Arrival received = receive(bytes);
    switch (received.state) {
      case Arrival::State::kBytes:
        feed(bytes);
        break;
      case Arrival::State::kNothing:
        is_readable_ = false;
        break;
      case Arrival::State::kEnd:
      case Arrival::State::kBroken:
        ended(received.state == Arrival::State::kEnd);
        return;
    }
    if (is_retired) return;
  }
}

void UpstreamConnection::feed(std::span<char> bytes) {
  was_answered_ = true;
  StreamOwner* writing = nullptr;
  for (;;) {
    const UpstreamEvent event = codec_.next(bytes);
    bytes = bytes.subspan(event.consumed);
    if (event.kind == UpstreamEvent::Kind::kMore) break;
    if (!dispatch(event, writing)) break;
    // A switch of protocols takes the rest along.
    if (state_ == State::kClosed) return;
  }
  if (writing != nullptr) writing->stream_flush();
  if (!is_retired) keep(bytes);
}

/// False when the connection ends with this event.
bool UpstreamConnection::dispatch(const UpstreamEvent& event, StreamOwner*& writing) {
  if (event.kind == UpstreamEvent::Kind::kConnectionFailed) {
    if (writing != nullptr) writing->stream_flush();
    writing = nullptr;
    fail({.kind = FailureKind::kBadResponse,
          .is_connected = true,
          .was_reused = was_reused_,
          .was_answered = true});
    return false;
  }
  StreamOwner* owner = owner_of(event.stream);
  if (owner == nullptr) return true;
  // What came before a failure is the client's.
  const bool is_failed = event.kind == UpstreamEvent::Kind::kStreamFailed;
  if (writing != nullptr && (writing != owner || is_failed)) {
    writing->stream_flush();
    writing = nullptr;
    owner = owner_of(event.stream);  // a client that is gone gives up its stream
    if (owner == nullptr) return true;
  }
  const bool is_last =
      event.kind == UpstreamEvent::Kind::kEnd || event.kind == UpstreamEvent::Kind::kStreamFailed;
  writing = is_last ? nullptr : owner;
  owner->stream_event(event);
  return true;
}

/// Bytes that mean nothing yet wait for more.
void UpstreamConnection::keep(std::span<const char> rest) {
  BufferPool& buffers = pool_.reactor().buffers();
  if (rest.empty()) {
    buffers.give(input_);
    input_ = nullptr;
    return;
  }
  if (rest.size() >= kInputMax) {
    return fail({.kind = FailureKind::kBadResponse, .is_connected = true, .was_answered = true});
  }
  if (input_ != nullptr && !input_->room().empty()) {
    input_->begin = static_cast<std::uint32_t>(rest.data() - input_->bytes());
    return;
  }
  Buffer* larger = buffers.take(std::max<std::size_t>(2 * rest.size(), 2048));
  std::memcpy(larger->bytes(), rest.data(), rest.size());
  larger->end = static_cast<std::uint32_t>(rest.size());
  buffers.give(input_);
  input_ = larger;
}

void UpstreamConnection::ended(bool is_clean) {
  const UpstreamEvent event = codec_.closed(is_clean);
  StreamOwner* writing = nullptr;
  if (event.kind == UpstreamEvent::Kind::kEnd) dispatch(event, writing);
  if (is_retired) return;
  fail({.kind = FailureKind::kUpstreamClosed,
        .is_connected = true,
        .was_reused = was_reused_,
        .was_answered = was_answered_});
}

void UpstreamConnection::fail(StreamFailure failure) {
  if (is_retired) return;
  if (failure.kind == FailureKind::kConnectFailed || failure.kind == FailureKind::kConnectTimeout)
    pool_.connect_failed(*this);
  pool_.close(*this);
  streams_.for_each([&](StreamOwner& owner) {
    target_->end_use();
    owner.unlink();
    owner.stream_failed(failure);
  });
}

StreamOwner* UpstreamConnection::owner_of(StreamId stream) {
  StreamOwner* found = nullptr;
  streams_.for_each([&](StreamOwner& owner) {
    if (owner.stream == stream) found = &owner;
  });
  return found;
}

}  // namespace weir::dataplane::proxy
