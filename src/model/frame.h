// The frame: the one unit in which control speaks to nodes, a node to its proxy child, and both to
// the replica on disk. {format, version = (epoch, revision), kind, id, body or tombstone},
// checksummed. docs/formats/frames.md has the bytes. Thread: values; a FrameDecoder belongs to one
// reader.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/strong_type.h"

namespace weir::model {

/// Newest format this build writes; it reads this one and the one before.
inline constexpr std::uint8_t kFrameFormat = 1;
/// Source: a stored document is at most 1 MiB; the rest is room for the envelope. Reached: a
/// damaged frame: the stream ends and begins anew.
inline constexpr std::size_t kFrameBodyBytesMax = (1 << 20) + (1 << 16);
/// Chosen because kinds and ids are short words; bounds a hostile length. Reached: a damaged frame:
/// the stream ends and begins anew.
inline constexpr std::size_t kFrameWordBytesMax = 255;

struct Frame {
  std::uint8_t format = kFrameFormat;
  Version version;
  std::string
      kind;  // a kind name (model/kind.h) or a message of the protocol that carries the frame
  std::string id;
  bool is_tombstone = false;
  std::string body;  // JSON text; empty for a tombstone

  friend bool operator==(const Frame&, const Frame&) = default;
};

std::string encode(const Frame& frame);

/// Cuts a byte stream into frames.
class FrameDecoder {
 public:
  void feed(std::string_view bytes);
  /// The next whole frame, or nothing yet. After an error the stream is unusable.
  /// Errors:  kInvalidArgument: bad magic, unknown format, length over the limit, checksum mismatch
  Result<std::optional<Frame>> next();
  /// Bytes of the input that made up the frames returned so far: where a damaged log may be cut.
  std::uint64_t consumed() const { return consumed_; }
  /// Bytes fed but not yet part of a returned frame.
  std::size_t pending() const { return buffer_.size() - offset_; }

 private:
  std::string buffer_;
  std::size_t offset_ = 0;
  std::uint64_t consumed_ = 0;
};

}  // namespace weir::model
