// Bytes of a slot table or of a difference, from a peer or a damaged store: whatever comes, what is
// accepted encodes to the very same bytes and can be used. The checksum is put right first, so that
// the rest is reached; a difference is also applied to a table it claims to begin at.
#include <cstddef>
#include <cstdint>
#include <string>

#include "balancing/table_codec.h"
#include "base/check.h"
#include "base/checksum.h"

namespace {

using namespace weir;
using namespace weir::balancing;

std::string with_checksum(const std::uint8_t* data, std::size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  const std::uint32_t checksum = crc32(bytes);
  for (int shift = 0; shift < 32; shift += 8) {
    bytes += static_cast<char>((checksum >> shift) & 0xFF);
  }
  return bytes;
}

const SlotTable& first_table() {
  static const SlotTable table =
      *slot_table(std::vector<WeightedSlot>{{Slot(1), 10}, {Slot(2), 20}, {Slot(3), 30}}, nullptr);
  return table;
}

void fuzz_table(const std::string& bytes) {
  const auto table = decode_table(bytes);
  if (!table) return;
  WEIR_CHECK(encode(*table) == bytes);
  WEIR_CHECK(bytes.size() <= kTableBytesMax);
  // What can be done with it walks over all rows many times: it is tried for some generations only.
  if (table->generation.value % 4 != 0) return;
  const std::vector<WeightedSlot> members = {{Slot(1), 10}, {Slot(7), 3}};
  const auto next = slot_table(members, &*table);
  WEIR_CHECK(next.ok());
  const auto change = difference(*table, *next);
  if (change) WEIR_CHECK(*apply(*table, *change) == *next);
}

void fuzz_difference(const std::string& bytes) {
  auto change = decode_difference(bytes);
  if (!change) return;
  WEIR_CHECK(encode(*change) == bytes);
  change->previous_generation = first_table().generation;
  change->previous_checksum = first_table().checksum;
  const auto refused = apply(first_table(), *change);
  WEIR_CHECK(refused || refused.error().code == ErrorCode::kInvalidArgument);
}

/// Logarithms of row counts that are tried: a table of one member has no bytes for its rows, so
/// that a few bytes would make the largest one, in the same loops, a hundred times as slowly.
constexpr std::uint8_t kRowBitsTried = 13;
constexpr std::uint8_t kRowBitsMax = 18;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 5 && data[5] > kRowBitsTried && data[5] <= kRowBitsMax) return -1;
  const std::string bytes = with_checksum(data, size);
  fuzz_table(bytes);
  fuzz_difference(bytes);
  return 0;
}
