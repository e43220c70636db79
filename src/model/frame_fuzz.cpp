// Bytes from a peer or a damaged replica: whatever comes, frames are either whole and encode to the
// very bytes they came from, or the stream ends. The first byte says how large the pieces are.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "model/frame.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = std::size_t{data[0]} + 1;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  weir::model::FrameDecoder decoder;
  std::string again;
  bool is_damaged = false;
  for (std::size_t at = 0; at < bytes.size() && !is_damaged; at += piece) {
    decoder.feed(bytes.substr(at, piece));
    while (true) {
      const auto next = decoder.next();
      is_damaged = !next;
      if (!next || !*next) break;
      again += weir::model::encode(**next);
    }
  }
  WEIR_CHECK(decoder.consumed() == again.size());
  WEIR_CHECK(bytes.starts_with(again));
  WEIR_CHECK(is_damaged || decoder.pending() == bytes.size() - again.size());
  return 0;
}
