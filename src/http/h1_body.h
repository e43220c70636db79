// Finds the payload of an HTTP/1 body in the bytes as they arrive, for every framing, and its end.
// No IO, no copy: the payload is a part of the caller's bytes. Called by proxy workers and the
// health probe. Strict: chunk sizes are hex digits only, every line ends in CRLF, extensions are
// bounded and dropped, trailers obey the grammar of fields. Thread: owner loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "http/h1_error.h"
#include "http/h1_head.h"

namespace weir::http {

enum class BodyState : std::uint8_t {
  kMore,    // the body goes on
  kDone,    // complete; bytes after `consumed` belong to the next message
  kFailed,  // BodyReader::error() says why; no further byte may be used
};

/// One step of a body: `payload` and `trailers` lie within the first `consumed` bytes given.
struct [[nodiscard]] BodyStep {
  BodyState state;
  std::size_t consumed;
  std::span<const char> payload;   // may be empty
  std::span<const char> trailers;  // checked bytes of the trailer section, its empty line included
};

class BodyReader {
 public:
  /// A body of `framing`; `length` counts only for Framing::kLength.
  explicit BodyReader(Framing framing, std::uint64_t length = 0);

  /// Takes the next bytes. Returns at the end of a run of payload, so the caller repeats with the
  /// bytes after `consumed` until they are used up or the state is not kMore. At least one byte is
  /// consumed per call while kMore.
  BodyStep next(std::span<const char> bytes);

  /// Tells that the peer closed its side: true when the body is complete by that, false when it was
  /// cut short.
  bool finish();

  bool is_done() const { return state_ == BodyState::kDone; }
  ParseError error() const { return error_; }
  /// Bytes still to come, as far as the framing tells (the rest of a length, or of the current
  /// chunk).
  std::uint64_t remaining() const { return remaining_; }

 private:
  // clang-format off
  // kSize -> (extension phases) -> kSizeLf -> kPayload -> kPayloadCr -> kPayloadLf -> kSize ...
  //                                  | size 0
  //                                  +-> kTrailerStart -> kTrailerName -> kTrailerValue -> kTrailerLf -+
  //                                       |  ^                                                         |
  //                                       |  +---------------------------------------------------------+
  //                                       +-> kEndLf -> done
  // clang-format on
  enum class Phase : std::uint8_t {
    kSize,
    kExtensionName,
    kExtensionValue,
    kExtensionToken,
    kExtensionQuoted,
    kExtensionEscape,
    kExtensionEnd,
    kSizeLf,
    kPayload,
    kPayloadCr,
    kPayloadLf,
    kTrailerStart,
    kTrailerName,
    kTrailerValue,
    kTrailerLf,
    kEndLf,
  };

  BodyStep next_raw(std::span<const char> bytes);
  BodyStep next_chunked(std::span<const char> bytes);
  std::size_t take_lines(std::span<const char> bytes, std::size_t at);
  std::size_t take_trailers(std::span<const char> bytes, std::size_t at);
  void take_line_char(char c);
  void take_size(char c);
  void take_extension(char c);
  void take_trailer_char(char c);
  void end_extension_part(char c);
  void end_size_line();
  void expect(char c, char wanted, Phase then, ParseError otherwise);
  void fail(ParseError error);

  std::uint64_t remaining_;
  std::uint32_t extension_size_ = 0;  // of all chunks
  std::uint16_t section_size_ = 0;    // of the current chunk-size line, or of the trailer section
  std::uint8_t part_size_ = 0;        // digits of the size, or whether a name or value has begun
  std::uint8_t trailer_count_ = 0;
  Framing framing_;
  Phase phase_ = Phase::kSize;
  BodyState state_ = BodyState::kMore;
  ParseError error_ = ParseError::kNone;
};

}  // namespace weir::http
