// The seam between an exchange and the protocol of a connection to a target: a codec turns requests
// into bytes of the connection, and its bytes into events of streams. HTTP/1 carries one stream at
// a time; another protocol may carry many. It does no IO and knows neither sockets nor exchanges.
// Thread: one worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/proxy/buffer.h"
#include "http/h1_head.h"

namespace weir::dataplane::proxy {

/// Number of a stream on its connection.
using StreamId = std::uint32_t;

/// What a codec must know of a request before its head.
struct StreamRequest {
  bool answers_head = false;    // the method is HEAD
  bool is_chunked = false;      // the body's length is not known beforehand
  bool allows_upgrade = false;  // the head asks to switch protocols
};

struct UpstreamEvent {
  enum class Kind : std::uint8_t {
    kMore,  // all of it needs more bytes; those after `consumed` come again, with more behind them
    kHead,  // `head`, interim heads too, parsed from `head_bytes`; with 101, `payload` is all that
            // follows
    kPayload,           // a part of the body
    kEnd,               // the response is complete
    kStreamFailed,      // this stream only
    kConnectionFailed,  // the bytes make no sense, or belong to no stream
  };
  Kind kind = Kind::kMore;
  StreamId stream = 0;
  std::size_t consumed = 0;
  std::span<const char> payload;
  const http::ResponseHead* head = nullptr;
  const char* head_bytes = nullptr;
};

class UpstreamCodec {
 public:
  virtual ~UpstreamCodec() = default;

  /// Streams that may be opened now, beside those that are open.
  virtual std::uint32_t vacancies() const = 0;
  virtual StreamId open(const StreamRequest& request) = 0;

  /// `head` is a request head of HTTP/1.1 that stays in place until the send, as do the payloads.
  virtual void write_head(StreamId stream, std::span<const char> head, Output& output) = 0;
  virtual void write_payload(StreamId stream, std::span<const char> payload, Output& output) = 0;
  virtual void write_end(StreamId stream, Output& output) = 0;

  /// The next event in `bytes`. The caller goes on with the bytes after `consumed` until kMore or
  /// kConnectionFailed, also when none are left, since an end may take none.
  virtual UpstreamEvent next(std::span<const char> bytes) = 0;
  /// The target closed its side (`is_clean`) or reset: kEnd for a stream that is complete by that,
  /// else kConnectionFailed.
  virtual UpstreamEvent closed(bool is_clean) = 0;
  /// Gives up a stream before its request or its response ended. False when the connection cannot
  /// go on without it.
  virtual bool cancel(StreamId stream) = 0;
};

/// Makes the codecs of a worker's connections.
class UpstreamCodecs {
 public:
  virtual ~UpstreamCodecs() = default;
  virtual UpstreamCodec& make() = 0;
  virtual void give_back(UpstreamCodec& codec) = 0;
};

}  // namespace weir::dataplane::proxy
