#include "dataplane/proxy/exchange.h"

#include <algorithm>
#include <utility>

#include "base/mutant.h"
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
  parts_.retries.earn();
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
  const FlowEnds flow{client_.peer(), listener_->plan->listener->endpoint};
  // What was chosen before may have left the configuration since.
  if (is_retried_) service_ = parts_.directory.in_force(*service_);
  target_ = Directory::pick(*service_, flow, tried_.get());
  if (target_ == nullptr && is_retried_ && may_retry_same_ && tried_->is_current &&
      tried_->state->takes_new())
    target_ = tried_.get();
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

void Exchange::note_progress() { progress_ = parts_.reactor->now(); }

void Exchange::client_writable() {
  note_progress();
  if (upstream_ != nullptr) upstream_->resume();
}

Exchange::Phase Exchange::fail(ExchangeFailure failure) {
  leave_upstream(false);
  parts_.reactor->output().clear();
  if (may_retry(failure) && parts_.take_retry()) {
    first_failure_ = failure.kind;
    is_retried_ = true;
    tried_ = Ref<TargetEntry>::of(*target_);
    needs_fresh_ = may_retry_same_;
    was_written_ = is_broken_ = false;
    return Phase::kPick;
  }
  listener_->counters.count(failure.kind);
  if (failure.kind == FailureKind::kBodyTooLarge) parts_.counters.bodies_too_large.add();
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
         (failure.retry == Retry::kIfIdempotent && (is_idempotent_ || mutant("post-replayed")));
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
