#include "dataplane/proxy/h1_upstream.h"

#include "http/h1_parser.h"
#include "http/h1_writer.h"

namespace weir::dataplane::proxy {

using Kind = UpstreamEvent::Kind;

StreamId H1Upstream::open(const StreamRequest& request) {
  request_ = request;
  phase_ = Phase::kHead;
  scanned_ = 0;
  return 0;
}

void H1Upstream::write_head(StreamId, std::span<const char> head, Output& output) {
  output.refer(head);
}

void H1Upstream::write_payload(StreamId, std::span<const char> payload, Output& output) {
  if (payload.empty()) return;  // an empty chunk would end the body
  if (!request_.is_chunked) return output.refer(payload);
  output.copy(http::chunk_line(payload.size()).view());
  output.refer(payload);
  output.copy(http::kChunkEnd);
}

void H1Upstream::write_end(StreamId, Output& output) {
  if (request_.is_chunked) output.copy(http::kLastChunk);
}

UpstreamEvent H1Upstream::next(std::span<const char> bytes) {
  switch (phase_) {
    case Phase::kHead:
      return next_head(bytes);
    case Phase::kBody:
      return next_body(bytes);
    case Phase::kFree:
    case Phase::kSpent:
      return bytes.empty() ? UpstreamEvent{} : fail();
  }
  return fail();
}

UpstreamEvent H1Upstream::next_head(std::span<const char> bytes) {
  if (bytes.empty()) return {};
  const http::ParseResult parsed =
      http::parse_response_head(bytes, scanned_, request_.answers_head, head_);
  scanned_ = parsed.scanned;
  if (parsed.state == http::ParseState::kNeedMore) return {};
  if (parsed.state == http::ParseState::kFailed) return fail();
  scanned_ = 0;
  if (head_.status == 101) {
    if (!request_.allows_upgrade || head_.upgrade.empty()) return fail();
    phase_ = Phase::kSpent;
    return {.kind = Kind::kHead,
            .consumed = bytes.size(),
            .payload = bytes.subspan(head_.size),
            .head = &head_,
            .head_bytes = bytes.data()};
  } else if (!head_.is_interim()) {
    body_ = http::BodyReader(head_.framing, head_.content_length);
    keeps_alive_ = head_.keep_alive;
    phase_ = Phase::kBody;
  }
  return {.kind = Kind::kHead,
          .consumed = head_.size,
          .payload = {},
          .head = &head_,
          .head_bytes = bytes.data()};
}

UpstreamEvent H1Upstream::next_body(std::span<const char> bytes) {
  if (body_.is_done()) return end();
  if (bytes.empty()) return {};
  const http::BodyStep step = body_.next(bytes);
  if (step.state == http::BodyState::kFailed) return fail();
  return {.kind = Kind::kPayload, .consumed = step.consumed, .payload = step.payload};
}

UpstreamEvent H1Upstream::closed(bool is_clean) {
  if (phase_ == Phase::kBody && is_clean && body_.finish()) return end();
  return fail();
}

UpstreamEvent H1Upstream::end() {
  phase_ = keeps_alive_ ? Phase::kFree : Phase::kSpent;
  return {.kind = Kind::kEnd, .payload = {}};
}

UpstreamEvent H1Upstream::fail() {
  phase_ = Phase::kSpent;
  return {.kind = Kind::kConnectionFailed, .payload = {}};
}

bool H1Upstream::cancel(StreamId) {
  phase_ = Phase::kSpent;
  return false;
}

}  // namespace weir::dataplane::proxy
