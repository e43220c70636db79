#include "model/frame.h"

#include "base/check.h"
#include "base/checksum.h"

namespace weir::model {
namespace {

// The layout of docs/formats/frames.md. Units: bytes. Source: that page.
constexpr std::string_view kMagic = "WFRM";
constexpr std::size_t kFormatAt = 4;
constexpr std::size_t kFlagsAt = 5;
constexpr std::size_t kKindSizeAt = 6;
constexpr std::size_t kIdSizeAt = 7;
constexpr std::size_t kBodySizeAt = 8;
constexpr std::size_t kEpochAt = 12;
constexpr std::size_t kRevisionAt = 20;
constexpr std::size_t kHeaderSize = 28;
constexpr std::size_t kChecksumSize = 4;
constexpr std::uint8_t kTombstoneFlag = 1;

// Chosen because it keeps moving of bytes rare while a reader's buffer stays small.
constexpr std::size_t kCompactBytes = 1 << 16;

void put(std::string& out, std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) out += static_cast<char>(value >> (8 * i) & 0xFF);
}

std::uint64_t get(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) {
    value |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[at + i])) << (8 * i);
  }
  return value;
}

Error damaged(std::string message) { return {ErrorCode::kInvalidArgument, std::move(message), ""}; }

/// Judges what is there of a header: a wrong first byte is told at once.
Result<void> check_header(std::string_view bytes) {
  const std::string_view magic = bytes.substr(0, kMagic.size());
  if (magic != kMagic.substr(0, magic.size())) return damaged("not a frame: wrong magic");
  if (bytes.size() > kFormatAt && get(bytes, kFormatAt, 1) != kFrameFormat) {
    return damaged("unknown frame format " + std::to_string(get(bytes, kFormatAt, 1)) +
                   ", this build reads " + std::to_string(kFrameFormat));
  }
  if (bytes.size() < kHeaderSize) return {};
  if ((get(bytes, kFlagsAt, 1) & ~std::uint64_t{kTombstoneFlag}) != 0) {
    return damaged("unknown frame flags");
  }
  if (get(bytes, kKindSizeAt, 1) == 0) return damaged("frame without a kind");
  if (get(bytes, kBodySizeAt, 4) > kFrameBodyBytesMax) {
    return damaged("frame body over " + std::to_string(kFrameBodyBytesMax) + " bytes");
  }
  const bool is_tombstone = get(bytes, kFlagsAt, 1) != 0;
  if (is_tombstone && get(bytes, kBodySizeAt, 4) != 0) return damaged("tombstone with a body");
  return {};
}

std::size_t frame_size(std::string_view header) {
  return kHeaderSize + get(header, kKindSizeAt, 1) + get(header, kIdSizeAt, 1) +
         get(header, kBodySizeAt, 4) + kChecksumSize;
}

/// `bytes` is one whole frame with a good header and checksum.
Frame cut(std::string_view bytes) {
  Frame frame;
  frame.format = static_cast<std::uint8_t>(get(bytes, kFormatAt, 1));
  frame.version = {Epoch(get(bytes, kEpochAt, 8)), Revision(get(bytes, kRevisionAt, 8))};
  frame.is_tombstone = get(bytes, kFlagsAt, 1) != 0;
  const std::size_t kind_size = get(bytes, kKindSizeAt, 1);
  const std::size_t id_size = get(bytes, kIdSizeAt, 1);
  frame.kind = bytes.substr(kHeaderSize, kind_size);
  frame.id = bytes.substr(kHeaderSize + kind_size, id_size);
  frame.body = bytes.substr(kHeaderSize + kind_size + id_size, get(bytes, kBodySizeAt, 4));
  return frame;
}

}  // namespace

std::string encode(const Frame& frame) {
  // Broken limits would corrupt the replica of every reader.
  WEIR_CHECK(!frame.kind.empty() && frame.kind.size() <= kFrameWordBytesMax);
  WEIR_CHECK(frame.id.size() <= kFrameWordBytesMax);
  WEIR_CHECK(frame.body.size() <= kFrameBodyBytesMax);
  WEIR_CHECK(!frame.is_tombstone || frame.body.empty());
  std::string out(kMagic);
  put(out, kFrameFormat, 1);
  put(out, frame.is_tombstone ? kTombstoneFlag : 0, 1);
  put(out, frame.kind.size(), 1);
  put(out, frame.id.size(), 1);
  put(out, frame.body.size(), 4);
  put(out, frame.version.epoch.value, 8);
  put(out, frame.version.revision.value, 8);
  out += frame.kind;
  out += frame.id;
  out += frame.body;
  put(out, crc32(out), kChecksumSize);
  return out;
}

void FrameDecoder::feed(std::string_view bytes) {
  if (offset_ >= kCompactBytes) {
    buffer_.erase(0, offset_);
    offset_ = 0;
  }
  buffer_.append(bytes);
}

Result<std::optional<Frame>> FrameDecoder::next() {
  const std::string_view bytes = std::string_view(buffer_).substr(offset_);
  WEIR_TRY(check_header(bytes));
  if (bytes.size() < kHeaderSize) return std::optional<Frame>();
  const std::size_t size = frame_size(bytes);
  if (bytes.size() < size) return std::optional<Frame>();
  const std::string_view whole = bytes.substr(0, size - kChecksumSize);
  if (crc32(whole) != get(bytes, size - kChecksumSize, kChecksumSize)) {
    return damaged("frame checksum does not match");
  }
  std::optional<Frame> frame = cut(whole);
  offset_ += size;
  consumed_ += size;
  return frame;
}

}  // namespace weir::model
