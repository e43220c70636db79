// The bytes of an exchange: the request to its target, the response to its client. No decision
// about its life is made here.
#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "dataplane/proxy/exchange.h"
#include "dataplane/proxy/forwarding.h"
#include "dataplane/proxy/parts.h"

namespace weir::dataplane::proxy {

/// The request as it goes to a target, with the part of its body that came along.
void Exchange::keep_request(const http::RequestHead& head, std::span<const char> bytes) {
  const ForwardingText text(*listener_->plan, client_.peer(), service_->plan->service->forwarded);
  const http::RequestOptions options = text.options();
  request_ =
      parts_.reactor->buffers().take(http::request_bound(head, options) + bytes.size() - head.size);
  request_->end = static_cast<std::uint32_t>(
      http::write_request_head(head, bytes.data(), options, request_->room()));
  head_size_ = request_->end;
  // Half a head would let the body be read as one.
  WEIR_CHECK(head_size_ > 0);
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
      if (!is_too_large) count_parse_error(body_.error(), listener_->counters, parts_.counters);
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
  if (!write_head(event, options)) return fail({FailureKind::kBadResponse});
  listener_->counters.count_status(head.status);
  is_answered_ = true;
  parts_.reactor->buffers().give(std::exchange(request_, nullptr));
  return Phase::kRespond;
}

/// RFC 9110, 15.2: passed on, but not to a client that may not know them.
Exchange::Phase Exchange::pass_interim(const UpstreamEvent& event) {
  const http::ResponseHead& head = *event.head;
  if (++interim_count_ > kInterimMax) {
    parts_.counters.interim_excesses.add();
    return fail({FailureKind::kBadResponse});
  }
  if (head.status == 101) {
    return tunnel(event);
  }
  if (head.status == 100) {
    is_window_open_ = true;
    open_window();
    arm();
  }
  if (version_ == http::Version::kHttp10) return Phase::kForward;
  return write_head(event, response_options()) ? Phase::kForward
                                               : fail({FailureKind::kBadResponse});
}

/// False when nothing was written: without a head the body must not be.
bool Exchange::write_head(const UpstreamEvent& event, const http::ResponseOptions& options) {
  Output& output = parts_.reactor->output();
  const std::size_t size = http::write_response_head(
      *event.head, event.head_bytes, options, output.room(http::response_bound(*event.head)));
  output.commit(size);
  return !WEIR_BUG(size == 0);
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
Exchange::Phase Exchange::tunnel(const UpstreamEvent& event) {
  if (!write_head(event, response_options())) return fail({FailureKind::kBadResponse});
  Output& output = parts_.reactor->output();
  output.refer(event.payload);
  listener_->counters.count_status(101);
  client_.send(output);  // a broken client shows in the relay's first read
  is_tunnel_ = true;
  TcpRelay::Tunnel tunnel{Ref<TargetEntry>::of(*target_), listener_, {}, {}};
  tunnel.target_fd =
      parts_.pool.detach(*std::exchange(upstream_, nullptr), *this, tunnel.to_target);
  tunnel.client_fd = client_.detach(tunnel.to_client, tunnel.to_target);
  parts_.relays.make(parts_).adopt(std::move(tunnel));
  return Phase::kDone;
}

}  // namespace weir::dataplane::proxy
