#include "dataplane/proxy/exchange.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "dataplane/proxy/forwarding.h"
#include "dataplane/proxy/parts.h"
#include "dataplane/proxy/router.h"

namespace weir::dataplane::proxy {
namespace {

using Kind = UpstreamEvent::Kind;

/// RFC 9110, 9.2.2. An unknown method may do anything.
bool is_idempotent(http::Method method) {
  switch (method) {
    case http::Method::kGet:
    case http::Method::kHead:
    case http::Method::kPut:
    case http::Method::kDelete:
    case http::Method::kOptions:
    case http::Method::kTrace:
      return true;
    case http::Method::kPost:
    case http::Method::kPatch:
    case http::Method::kOther:
      return false;
  }
  return false;
}

Retry retry_after(const StreamFailure& failure, bool was_written) {
  if (!failure.is_connected) return Retry::kAlways;
  if (failure.was_answered) return Retry::kNever;
  return was_written ? Retry::kIfIdempotent : Retry::kAlways;
}

}  // namespace

Exchange::Exchange(Parts& parts, Connection& client)
    : Timed(TimerKind::kExchange),
      parts_(parts),
      client_(client),
      listener_(Ref<ListenerEntry>::of(client.listener())),
      body_(http::Framing::kNone),
      progress_(parts.reactor->now()),
      window_start_(progress_) {}

Exchange::~Exchange() { parts_.reactor->buffers().give(request_); }

std::size_t Exchange::begin(const http::RequestHead& head, std::span<const char> bytes) {
  step({.kind = Signal::Kind::kBegin, .bytes = bytes, .head = &head});
  return used_;
}

std::size_t Exchange::request_bytes(std::span<const char> bytes) {
  used_ = 0;
  progress_ = parts_.reactor->now();
  step({.kind = Signal::Kind::kBody, .bytes = bytes});
  return used_;
}

void Exchange::stream_ready() { step({.kind = Signal::Kind::kReady, .bytes = {}}); }

void Exchange::stream_event(const UpstreamEvent& event) {
  progress_ = parts_.reactor->now();
  step({.kind = Signal::Kind::kEvent, .bytes = {}, .event = &event});
}

void Exchange::stream_failed(const StreamFailure& failure) {
  upstream_ = nullptr;
  may_retry_same_ = failure.was_reused;
  const FailureKind kind = failure.kind == FailureKind::kUpstreamClosed && is_answered_
                               ? FailureKind::kUpstreamAborted
                               : failure.kind;
  step({.kind = Signal::Kind::kFailed,
        .bytes = {},
        .failure = {kind, retry_after(failure, was_written_)}});
}

void Exchange::on_timer() { step({.kind = Signal::Kind::kTimer, .bytes = {}}); }

void Exchange::step(Signal signal) {
  for (;;) {
    const Phase before = phase_;
    switch (phase_) {
      case Phase::kRoute:
        phase_ = route(signal);
        break;
      case Phase::kPick:
        phase_ = pick();
        break;
      case Phase::kConnect:
        phase_ = connect(signal);
        break;
      case Phase::kForward:
        phase_ = forward(signal);
        break;
      case Phase::kRespond:
        phase_ = respond(signal);
        break;
      case Phase::kDone:
        return finish();
    }
    if (phase_ == before) return;
    signal = Signal{};
  }
}

Exchange::Phase Exchange::route(const Signal& signal) {
  const http::RequestHead& head = *signal.head;
  version_ = head.version;
  client_keeps_alive_ = head.keep_alive;
  answers_head_ = head.method == http::Method::kHead;
  is_idempotent_ = is_idempotent(head.method);
  is_chunked_ = head.framing == http::Framing::kChunked;
  allows_upgrade_ = !head.upgrade.empty();
  expects_continue_ = head.expects_continue;
  body_ = http::BodyReader(head.framing, head.content_length);
  used_ = head.size;
  if (head.framing == http::Framing::kLength && head.content_length > parts_.limits.body_size) {
    return fail({FailureKind::kBodyTooLarge});
  }
  const char* text = signal.bytes.data();
  ServiceEntry* service = proxy::route(*listener_, head.host_name.in(text), head.path.in(text));
  if (service == nullptr) return fail({FailureKind::kNoTarget});
  service_ = Ref<ServiceEntry>::of(*service);
  keep_request(head, signal.bytes);
  return take_body(signal.bytes.subspan(head.size)) ? Phase::kPick : Phase::kDone;
}

Exchange::Phase Exchange::pick() {
  target_ = Directory::pick(*service_, tried_);
  if (target_ == nullptr && is_retried_ && may_retry_same_ && tried_->state->takes_new())
    target_ = tried_;
  if (target_ != nullptr) return Phase::kConnect;
  return fail({is_retried_ ? first_failure_ : FailureKind::kNoTarget});
}

Exchange::Phase Exchange::connect(const Signal& signal) {
  switch (signal.kind) {
    case Signal::Kind::kReady:
      return Phase::kForward;
    case Signal::Kind::kFailed:
      return fail(signal.failure);
    case Signal::Kind::kEntered:
      break;
    default:
      return Phase::kConnect;
  }
  const StreamRequest request{answers_head_, is_chunked_, allows_upgrade_};
  const Opened opened = parts_.pool.open({*target_, *service_, request, needs_fresh_}, *this);
  upstream_ = opened.connection;
  client_.upstream_opened();
  if (opened.state == Opened::State::kFailed) return fail({opened.failure, Retry::kAlways});
  return opened.state == Opened::State::kReady ? Phase::kForward : Phase::kConnect;
}

Exchange::Phase Exchange::forward(const Signal& signal) {
  switch (signal.kind) {
    case Signal::Kind::kEntered:
      send_request();
      return Phase::kForward;
    case Signal::Kind::kBody:
      return take_body(signal.bytes) ? Phase::kForward : Phase::kDone;
    case Signal::Kind::kEvent:
      if (signal.event->kind == Kind::kHead) return take_head(*signal.event);
      return fail({FailureKind::kBadResponse});
    case Signal::Kind::kFailed:
      return fail(signal.failure);
    case Signal::Kind::kTimer:
      return timed_out();
    default:
      return Phase::kForward;
  }
}

Exchange::Phase Exchange::respond(const Signal& signal) {
  switch (signal.kind) {
    case Signal::Kind::kBody:
      return take_body(signal.bytes) ? Phase::kRespond : Phase::kDone;
    case Signal::Kind::kEvent:
      if (signal.event->kind == Kind::kPayload) {
        pass_payload(signal.event->payload);
        return Phase::kRespond;
      }
      if (signal.event->kind != Kind::kEnd) return fail({FailureKind::kUpstreamAborted});
      if (plan_.framing == http::Framing::kChunked) parts_.reactor->output().copy(http::kLastChunk);
      after_ = !plan_.close ? After::kKeep : is_request_complete() ? After::kClose : After::kLinger;
      return Phase::kDone;
    case Signal::Kind::kFailed:
      return fail(signal.failure);
    case Signal::Kind::kTimer:
      return timed_out();
    default:
      return Phase::kRespond;
  }
}

/// The client first, because the bytes may lie in the scratch.
void Exchange::finish() {
  if (is_retired) return;
  parts_.reactor->wheel().disarm(*this);
  parts_.exchanges.retire(*this);
  if (is_tunnel_) return;
  if (!parts_.reactor->output().empty() &&
      client_.send(parts_.reactor->output()) == SendState::kBroken) {
    after_ = After::kReset;
  }
  leave_upstream(is_request_complete() && is_answered_ && after_ != After::kReset);
  client_.exchange_ended(after_);
}

void Exchange::leave_upstream(bool is_complete) {
  if (upstream_ == nullptr) return;
  UpstreamConnection& upstream = *std::exchange(upstream_, nullptr);
  parts_.pool.release(upstream, *this, is_complete && !upstream.is_blocked());
}

void Exchange::client_gone(FailureKind why) {
  if (is_retired) return;
  listener_->counters.count(why);
  leave_upstream(false);
  parts_.reactor->wheel().disarm(*this);
  phase_ = Phase::kDone;
  parts_.exchanges.retire(*this);
}

void Exchange::client_writable() {
  progress_ = parts_.reactor->now();
  if (upstream_ != nullptr) upstream_->resume();
}

Exchange::Phase Exchange::fail(ExchangeFailure failure) {
  leave_upstream(false);
  parts_.reactor->output().clear();
  if (may_retry(failure)) {
    parts_.counters.retries.add();
    first_failure_ = failure.kind;
    is_retried_ = true;
    tried_ = target_;
    needs_fresh_ = may_retry_same_;
    was_written_ = is_broken_ = false;
    return Phase::kPick;
  }
  listener_->counters.count(failure.kind);
  after_ = is_request_complete() ? After::kClose : After::kLinger;
  if (is_answered_) {
    // Without framing of its own, only a reset tells the client that its answer is cut short.
    if (plan_.framing == http::Framing::kUntilClose) after_ = After::kReset;
  } else if (failure.facts().status != 0) {
    answer(failure.facts());
  }
  return Phase::kDone;
}

bool Exchange::may_retry(const ExchangeFailure& failure) const {
  if (is_retried_ || is_answered_ || interim_count_ > 0 || !is_replayable_ || target_ == nullptr)
    return false;
  return failure.retry == Retry::kAlways ||
         (failure.retry == Retry::kIfIdempotent && is_idempotent_);
}

void Exchange::answer(const FailureFacts& facts) {
  http::ErrorResponse response;
  response.status = facts.status;
  response.reason = facts.name;
  response.close = must_close();
  response.answers_head = answers_head_;
  response.client_version = version_;
  Output& output = parts_.reactor->output();
  output.commit(http::write_error_response(
      response, output.room(http::kMaxErrorResponse + facts.name.size())));
  listener_->counters.count_status(facts.status);
  is_answered_ = true;
  if (!response.close) after_ = After::kKeep;
}

bool Exchange::must_close() const {
  return !client_keeps_alive_ || !is_request_complete() || parts_.is_stopping ||
         listener_->is_removed;
}

/// The request as it goes to a target, with the part of its body that came along.
void Exchange::keep_request(const http::RequestHead& head, std::span<const char> bytes) {
  const ForwardingText text(*listener_->plan, client_.peer(), service_->plan->service->forwarded);
  const http::RequestOptions options = text.options();
  request_ =
      parts_.reactor->buffers().take(http::request_bound(head, options) + bytes.size() - head.size);
  request_->end = static_cast<std::uint32_t>(
      http::write_request_head(head, bytes.data(), options, request_->room()));
  head_size_ = request_->end;
}

/// Takes what belongs to this request: into request_ before it is sent, then to the target. False
/// when the body is refused; the exchange has failed then.
bool Exchange::take_body(std::span<const char> bytes) {
  const bool is_sending = phase_ != Phase::kRoute;
  Output& output = parts_.reactor->output();
  while (!bytes.empty() && !body_.is_done()) {
    const http::BodyStep part = body_.next(bytes);
    body_size_ += part.payload.size();
    const bool is_too_large = body_size_ > parts_.limits.body_size;
    if (part.state == http::BodyState::kFailed || is_too_large) {
      if (!is_too_large)
        listener_->counters.parse_errors[static_cast<std::size_t>(body_.error())].add();
      fail({is_too_large ? FailureKind::kBodyTooLarge : FailureKind::kBadRequest});
      return false;
    }
    if (is_sending) {
      upstream_->codec().write_payload(stream, part.payload, output);
    } else if (!part.payload.empty()) {
      std::memcpy(request_->room().data(), part.payload.data(), part.payload.size());
      request_->end += static_cast<std::uint32_t>(part.payload.size());
    }
    used_ += part.consumed;
    window_bytes_ += static_cast<std::uint32_t>(part.consumed);
    bytes = bytes.subspan(part.consumed);
  }
  if (!is_sending) return true;
  is_replayable_ = false;
  is_window_open_ = true;
  if (body_.is_done()) upstream_->codec().write_end(stream, output);
  send_upstream();
  return true;
}

void Exchange::send_request() {
  UpstreamCodec& codec = upstream_->codec();
  Output& output = parts_.reactor->output();
  const std::span<const char> kept = request_->content();
  codec.write_head(stream, kept.first(head_size_), output);
  codec.write_payload(stream, kept.subspan(head_size_), output);
  if (is_request_complete()) codec.write_end(stream, output);
  send_upstream();
  progress_ = parts_.reactor->now();
  open_window();
  is_window_open_ = !expects_continue_;
  arm();
  if (!is_request_complete()) client_.resume();
}

void Exchange::send_upstream() {
  const SendState state = upstream_->send(parts_.reactor->output());
  if (state == SendState::kBroken) {
    is_broken_ = true;
  } else {
    was_written_ = true;
  }
}

bool Exchange::wants_body() const {
  const bool is_moving = phase_ == Phase::kForward || phase_ == Phase::kRespond;
  return is_moving && !body_.is_done() && !is_broken_ && !upstream_->is_blocked();
}

http::ResponseOptions Exchange::response_options() const {
  http::ResponseOptions options;
  options.client_version = version_;
  options.client_keep_alive = client_keeps_alive_;
  options.close = must_close();
  options.pass_upgrade = allows_upgrade_;
  return options;
}

Exchange::Phase Exchange::take_head(const UpstreamEvent& event) {
  const http::ResponseHead& head = *event.head;
  if (head.status < 200) return pass_interim(event);
  const http::ResponseOptions options = response_options();
  plan_ = http::plan_response(head, options);
  Output& output = parts_.reactor->output();
  output.commit(http::write_response_head(head, event.head_bytes, options,
                                          output.room(http::response_bound(head))));
  listener_->counters.count_status(head.status);
  is_answered_ = true;
  parts_.reactor->buffers().give(std::exchange(request_, nullptr));
  return Phase::kRespond;
}

/// RFC 9110, 15.2: passed on, but not to a client that may not know them.
Exchange::Phase Exchange::pass_interim(const UpstreamEvent& event) {
  const http::ResponseHead& head = *event.head;
  if (++interim_count_ > kInterimMax) return fail({FailureKind::kBadResponse});
  if (head.status == 101) {
    tunnel(event);
    return Phase::kDone;
  }
  if (head.status == 100) {
    is_window_open_ = true;
    open_window();
    arm();
  }
  if (version_ == http::Version::kHttp10) return Phase::kForward;
  Output& output = parts_.reactor->output();
  output.commit(http::write_response_head(head, event.head_bytes, response_options(),
                                          output.room(http::response_bound(head))));
  return Phase::kForward;
}

void Exchange::pass_payload(std::span<const char> payload) {
  if (payload.empty() || plan_.framing == http::Framing::kNone) return;
  Output& output = parts_.reactor->output();
  if (plan_.framing != http::Framing::kChunked) return output.refer(payload);
  output.copy(http::chunk_line(payload.size()).view());
  output.refer(payload);
  output.copy(http::kChunkEnd);
}

void Exchange::stream_flush() {
  if (is_retired || parts_.reactor->output().empty()) return;
  if (client_.send(parts_.reactor->output()) == SendState::kBroken)
    client_.cut(FailureKind::kClientAborted);
}

/// 101: from here on the bytes belong to another protocol.
void Exchange::tunnel(const UpstreamEvent& event) {
  Output& output = parts_.reactor->output();
  output.commit(http::write_response_head(*event.head, event.head_bytes, response_options(),
                                          output.room(http::response_bound(*event.head))));
  output.refer(event.payload);
  listener_->counters.count_status(101);
  client_.send(output);  // a broken client shows in the relay's first read
  is_tunnel_ = true;
  TcpRelay::Tunnel tunnel{Ref<TargetEntry>::of(*target_), listener_, {}, {}};
  tunnel.target_fd =
      parts_.pool.detach(*std::exchange(upstream_, nullptr), *this, tunnel.to_target);
  tunnel.client_fd = client_.detach(tunnel.to_client, tunnel.to_target);
  parts_.relays.make(parts_).adopt(std::move(tunnel));
}

Exchange::Phase Exchange::timed_out() {
  const Instant now = parts_.reactor->now();
  if (!is_request_complete() && now - window_start_ >= parts_.limits.body_window) {
    if (is_window_open_ && wants_body() && window_bytes_ < kBodyWindowBytes)
      return fail({FailureKind::kBodyTimeout});
    open_window();
  }
  if (now - progress_ < listener_->idle_timeout()) {
    arm();
    return phase_;
  }
  if (client_.is_blocked()) return fail({FailureKind::kClientStalled});
  return fail({is_answered_ ? FailureKind::kUpstreamStalled : FailureKind::kResponseTimeout});
}

void Exchange::open_window() {
  window_start_ = parts_.reactor->now();
  window_bytes_ = 0;
}

/// Time in which the target took nothing does not count against the client.
void Exchange::stream_writable() {
  progress_ = parts_.reactor->now();
  open_window();
  client_.resume();
}

Instant Exchange::deadline() const {
  const Instant idle = progress_ + listener_->idle_timeout();
  if (is_request_complete()) return idle;
  return std::min(
      idle, window_start_ + std::chrono::duration_cast<Clock::Duration>(parts_.limits.body_window));
}

void Exchange::arm() { parts_.reactor->wheel().arm(*this, deadline()); }

}  // namespace weir::dataplane::proxy
