#include "balancing/flow_hash.h"

namespace weir::balancing {
namespace {

/// Little-endian on every machine; compilers make one load of it.
std::uint64_t word_at(AddressBytes bytes, std::size_t offset) {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < 8; ++i) word |= std::uint64_t{bytes[offset + i]} << (8 * i);
  return word;
}

/// One term of NH: both halves keyed modulo 2^32, multiplied to 64 bits.
std::uint64_t product(std::uint64_t word, std::uint64_t key) {
  const auto low = static_cast<std::uint32_t>(word) + static_cast<std::uint32_t>(key);
  const auto high = static_cast<std::uint32_t>(word >> 32) + static_cast<std::uint32_t>(key >> 32);
  return std::uint64_t{low} * high;
}

}  // namespace

FlowHasher::FlowHasher(std::uint64_t seed) {
  // The sequence of SplitMix64: the seed's successors in steps of kGolden, mixed.
  const auto next = [&seed] { return mix(seed += kGolden); };
  for (std::uint64_t& key : keys_) key = next();
  source_key_ = next();
  five_tuple_key_ = next();
}

FlowHash FlowHasher::source(AddressBytes address) const {
  return mix(source_key_ + product(word_at(address, 0), keys_[0]) +
             product(word_at(address, 8), keys_[1]));
}

FlowHash FlowHasher::five_tuple(const FiveTuple& flow) const {
  const std::uint64_t rest = std::uint64_t{flow.protocol} << 32 |
                             std::uint64_t{flow.destination_port} << 16 | flow.source_port;
  return mix(five_tuple_key_ + product(word_at(flow.source, 0), keys_[0]) +
             product(word_at(flow.source, 8), keys_[1]) +
             product(word_at(flow.destination, 0), keys_[2]) +
             product(word_at(flow.destination, 8), keys_[3]) + product(rest, keys_[4]));
}

}  // namespace weir::balancing
