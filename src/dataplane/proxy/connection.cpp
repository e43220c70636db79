#include "dataplane/proxy/connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "dataplane/proxy/exchange.h"
#include "dataplane/proxy/parts.h"
#include "http/h1_limits.h"
#include "http/h1_parser.h"
#include "http/h1_writer.h"

namespace weir::dataplane::proxy {
namespace {

/// Reads in a row before others get their turn. Chosen because 256 KB keep a bulk transfer
/// efficient.
constexpr int kReadsPerTurn = 4;

/// Bytes a first buffer for an incomplete head has room for. Chosen because most heads are smaller.
constexpr std::size_t kFirstInput = 960;

}  // namespace

Connection::Connection(Parts& parts, int fd, ListenerEntry& listener, const net::Endpoint& peer)
    : Timed(TimerKind::kConnection),
      parts_(parts),
      listener_(Ref<ListenerEntry>::of(listener)),
      peer_(peer),
      fd_(fd) {}

Connection::~Connection() {
  parts_.reactor->buffers().give(input_);
  pending_.clear(parts_.reactor->buffers());
}

Tag Connection::tag() const { return {TagKind::kConnection, slab_index, slab_generation}; }

void Connection::start() {
  parts_.counters.clients.add();
  listener_->counters.connections.add();
  listener_->counters.active.add();
  parts_.reactor->reserve();
  is_reserving_ = true;
  parts_.reactor->watch(fd_, tag());
  parts_.reactor->arm(*this, parts_.limits.header_timeout);
  // Clients speak first: mostly the request is here already.
  is_readable_ = true;
  advance();
}

void Connection::on_events(std::uint32_t events) {
  const bool is_gone = (events & (EPOLLERR | EPOLLHUP)) != 0;
  if (is_gone && state_ != State::kLingering) return cut(FailureKind::kClientAborted);
  if ((events & (EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) reads_to_end_ = true;
  if ((events & (EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) is_readable_ = true;
  if ((events & EPOLLOUT) != 0 && is_blocked()) {
    std::uint64_t sent = 0;
    const SendState flushed = pending_.flush(fd_, parts_.reactor->buffers(), sent);
    listener_->counters.bytes_out.add(sent);
    if (flushed == SendState::kBroken) return cut(FailureKind::kClientAborted);
    // A client that takes its bytes slowly is not a stalled one.
    if (sent > 0 && exchange_ != nullptr) exchange_->client_took();
    if (sent > 0 && exchange_ == nullptr) parts_.reactor->arm(*this, listener_->idle_timeout());
    if (flushed == SendState::kSent && exchange_ != nullptr) exchange_->client_writable();
    if (flushed == SendState::kSent && state_ == State::kFlushing) finish_closing();
  }
  advance();
}

void Connection::on_again() { advance(); }

void Connection::advance() {
  is_advancing_ = true;
  for (int reads = 0; !is_retired; ++reads) {
    if (reads == kReadsPerTurn) {
      parts_.reactor->again(tag());
      break;
    }
    bool is_moving = false;
    if (state_ == State::kReading) is_moving = exchange_ == nullptr ? read_head() : read_body();
    if (state_ == State::kLingering) is_moving = discard();
    if (!is_moving) break;
  }
  is_advancing_ = false;
}

/// Receives behind what is kept, else into the scratch; `bytes` is all there is. False when nothing
/// came; the end of the connection has been dealt with then.
bool Connection::receive(std::span<char>& bytes) {
  if (!is_readable_) return false;
  std::span<char> room = parts_.reactor->scratch();
  if (input_ != nullptr) {
    if (input_->room().empty()) keep(input_->content());
    // One byte beyond the limit of a head is enough for the parser to refuse it.
    room = input_->room().first(
        std::min<std::size_t>(input_->room().size(), http::kMaxRequestHead + 1 - input_->size()));
  }
  const Arrival received = Reactor::receive(fd_, room);
  if (received.state == Arrival::State::kBytes) {
    if (received.size < room.size()) is_readable_ = reads_to_end_;
    listener_->counters.bytes_in.add(received.size);
    bytes = room.first(received.size);
    if (input_ == nullptr) return true;
    input_->end += static_cast<std::uint32_t>(received.size);
    bytes = input_->content();
    return true;
  }
  is_readable_ = false;
  if (received.state == Arrival::State::kNothing) return false;
  if (exchange_ != nullptr) {
    cut(FailureKind::kClientAborted);
  } else {
    close();
  }
  return false;
}

bool Connection::read_head() {
  if (is_blocked()) return false;  // the last answer first
  std::span<char> bytes;
  if (input_ != nullptr && !is_partial_) {
    bytes = input_->content();
  } else if (!receive(bytes)) {
    return false;
  }
  parse(bytes);
  // Of an incomplete head there may be more, or its end.
  return !is_retired && (is_readable_ || !is_partial_);
}

void Connection::parse(std::span<char> bytes) {
  http::RequestHead& head = parts_.request_head;
  const http::ParseResult parsed = http::parse_request_head(bytes, scanned_, head);
  scanned_ = parsed.scanned;
  if (parsed.state == http::ParseState::kNeedMore) {
    if (!is_partial_ && !is_fresh_) parts_.reactor->arm(*this, parts_.limits.header_timeout);
    is_partial_ = true;
    return keep(bytes);
  }
  scanned_ = 0;
  is_partial_ = is_fresh_ = false;
  if (parsed.state == http::ParseState::kFailed) return refuse(parsed.error);
  if (head.fields.alias_count > 0) listener_->counters.fields_aliased.add(head.fields.alias_count);
  if (head.h2c_ignored) listener_->counters.fields_h2c.add();
  exchange_ = &parts_.exchanges.make(parts_, *this);
  const std::size_t used = exchange_->begin(head, bytes);
  keep(bytes.subspan(used));
  if (exchange_ == nullptr) settle();
}

bool Connection::read_body() {
  if (!exchange_->wants_body()) return false;
  std::span<char> bytes;
  if (input_ != nullptr) {
    bytes = input_->content();
  } else if (!receive(bytes)) {
    return false;
  }
  const std::size_t used = exchange_->request_bytes(bytes);
  keep(bytes.subspan(used));
  if (exchange_ == nullptr && !is_retired) settle();
  return !is_retired;
}

bool Connection::discard() {
  if (!is_readable_) return false;
  const Arrival received = Reactor::receive(fd_, parts_.reactor->scratch());
  is_readable_ = received.state == Arrival::State::kBytes;
  if (received.state == Arrival::State::kEnd || received.state == Arrival::State::kBroken) close();
  if (is_readable_) {
    parts_.reactor->wheel().arm(
        *this, std::min(parts_.reactor->now() + parts_.limits.linger_idle, linger_end_));
  }
  return is_readable_;
}

/// Unparsed bytes outlive the scratch in a buffer. `rest` is the end of what was received, or of
/// input_.
void Connection::keep(std::span<const char> rest) {
  BufferPool& buffers = parts_.reactor->buffers();
  const bool is_kept = input_ != nullptr && !rest.empty() && !input_->room().empty();
  if (is_kept) {
    input_->begin = static_cast<std::uint32_t>(rest.data() - input_->bytes());
    return;
  }
  Buffer* larger = nullptr;
  if (!rest.empty()) {
    larger = buffers.take(std::clamp(2 * rest.size(), kFirstInput, BufferPool::kLargest));
    std::memcpy(larger->bytes(), rest.data(), rest.size());
    larger->end = static_cast<std::uint32_t>(rest.size());
  }
  buffers.give(input_);
  input_ = larger;
}

SendState Connection::send(Output& output) {
  std::uint64_t sent = 0;
  const SendState state = pending_.send(fd_, output, parts_.reactor->buffers(), sent);
  listener_->counters.bytes_out.add(sent);
  return state;
}

void Connection::resume() {
  if (is_readable_ || input_ != nullptr) parts_.reactor->again(tag());
}

void Connection::upstream_opened() {
  if (is_reserving_) parts_.reactor->unreserve();
  is_reserving_ = false;
}

void Connection::exchange_ended(After after) {
  exchange_ = nullptr;
  after_ = after;
  // Within begin() or request_bytes() the caller still holds bytes that must be kept first.
  if (!is_advancing_) settle();
}

/// Does what the exchange left to do.
void Connection::settle() {
  if (after_ == After::kKeep) {
    parts_.reactor->arm(*this, listener_->idle_timeout());
    if (!is_advancing_) resume();
    return;
  }
  if (after_ == After::kReset) {
    Reactor::prepare_reset(fd_);
    return close();
  }
  if (!is_blocked()) return finish_closing();
  state_ = State::kFlushing;
  parts_.reactor->arm(*this, listener_->idle_timeout());
}

/// Everything is sent. Bytes that nobody read would turn the close into a reset, which can overtake
/// the answer.
void Connection::finish_closing() {
  if (after_ != After::kLinger && input_ == nullptr && !is_readable_) return close();
  ::shutdown(fd_, SHUT_WR);
  state_ = State::kLingering;
  is_readable_ = true;
  linger_end_ = parts_.reactor->now() + parts_.limits.linger_total;
  parts_.reactor->wheel().disarm(*this);
  parts_.reactor->arm(*this, parts_.limits.linger_idle);
  if (!is_advancing_) parts_.reactor->again(tag());
}

void Connection::refuse(http::ParseError error) {
  count_parse_error(error, listener_->counters, parts_.counters);
  listener_->counters.count(FailureKind::kBadRequest);
  http::ErrorResponse response;
  response.status = http::error_status(error);
  response.reason = http::error_name(error);
  Output& output = parts_.reactor->output();
  output.commit(http::write_error_response(
      response, output.room(http::kMaxErrorResponse + response.reason.size())));
  listener_->counters.count_status(response.status);
  send(output);
  after_ = After::kLinger;
  settle();
}

void Connection::answer(FailureKind why, std::string_view reason) {
  http::ErrorResponse response;
  response.status = ExchangeFailure{why}.facts().status;
  response.reason = reason;
  Output& output = parts_.reactor->output();
  output.commit(
      http::write_error_response(response, output.room(http::kMaxErrorResponse + reason.size())));
  listener_->counters.count_status(response.status);
  send(output);
}

void Connection::on_timer() {
  if (exchange_ != nullptr) return parts_.reactor->arm(*this, listener_->idle_timeout());
  if (state_ != State::kReading || is_blocked()) {
    if (state_ != State::kLingering) listener_->counters.count(FailureKind::kClientStalled);
    return close();
  }
  if (is_partial_ || is_fresh_) listener_->counters.count(FailureKind::kHeaderTimeout);
  if (!is_partial_) return close();
  answer(FailureKind::kHeaderTimeout, ExchangeFailure{FailureKind::kHeaderTimeout}.facts().name);
  after_ = After::kLinger;
  settle();
}

void Connection::cut(FailureKind why) {
  if (is_retired) return;
  if (exchange_ != nullptr) {
    Exchange* exchange = std::exchange(exchange_, nullptr);
    exchange->client_gone(why);
    // An answer that has no length of its own would look whole.
    Reactor::prepare_reset(fd_);
  }
  close();
}

int Connection::detach(Pending& unsent, Pending& unread) {
  unsent = std::exchange(pending_, {});
  if (input_ != nullptr) unread.append(input_->content(), parts_.reactor->buffers());
  exchange_ = nullptr;
  state_ = State::kClosed;
  parts_.reactor->wheel().disarm(*this);
  parts_.connections.retire(*this);
  return std::exchange(fd_, -1);
}

void Connection::close() {
  if (is_retired) return;
  upstream_opened();
  parts_.counters.clients.remove();
  listener_->counters.active.remove();
  parts_.reactor->wheel().disarm(*this);
  if (is_blocked()) Reactor::prepare_reset(fd_);
  parts_.reactor->close_descriptor(fd_);
  state_ = State::kClosed;
  parts_.connections.retire(*this);
}

}  // namespace weir::dataplane::proxy
