// HTTP/1.1 towards a target: one stream at a time, strict (http/h1_parser.h). Bytes that belong to
// no response end the connection, so that they can never become the next one. Trailers are checked
// and dropped (RFC 9112, 7.1.2). Thread: one worker.
#pragma once

#include "dataplane/proxy/slab.h"
#include "dataplane/proxy/upstream_codec.h"
#include "http/h1_body.h"
#include "http/h1_head.h"

namespace weir::dataplane::proxy {

class H1Upstream final : public UpstreamCodec, public SlabObject {
 public:
  /// `head` is where response heads are parsed into; all codecs of a worker may share it.
  explicit H1Upstream(http::ResponseHead& head) : head_(head), body_(http::Framing::kNone) {}

  std::uint32_t vacancies() const override { return phase_ == Phase::kFree ? 1 : 0; }
  StreamId open(const StreamRequest& request) override;
  void write_head(StreamId stream, std::span<const char> head, Output& output) override;
  void write_payload(StreamId stream, std::span<const char> payload, Output& output) override;
  void write_end(StreamId stream, Output& output) override;
  UpstreamEvent next(std::span<const char> bytes) override;
  UpstreamEvent closed(bool is_clean) override;
  bool cancel(StreamId stream) override;

 private:
  // kFree -> kHead -> kBody -> kFree or kSpent; kHead -> kSpent after 101 or an error.
  enum class Phase : std::uint8_t { kFree, kHead, kBody, kSpent };

  UpstreamEvent next_head(std::span<const char> bytes);
  UpstreamEvent next_body(std::span<const char> bytes);
  UpstreamEvent end();
  UpstreamEvent fail();

  http::ResponseHead& head_;
  http::BodyReader body_;
  std::uint32_t scanned_ = 0;
  Phase phase_ = Phase::kFree;
  StreamRequest request_;
  bool keeps_alive_ = false;
};

class H1Upstreams final : public UpstreamCodecs {
 public:
  UpstreamCodec& make() override { return codecs_.make(head_); }
  void give_back(UpstreamCodec& codec) override { codecs_.retire(static_cast<H1Upstream&>(codec)); }
  void sweep() { codecs_.sweep(); }

 private:
  http::ResponseHead head_;
  Slab<H1Upstream> codecs_;
};

}  // namespace weir::dataplane::proxy
