// The one mixer of bits behind flow hashes, the order in which rows move, and samples. Low 64-bit
// products only: a packet program without 128-bit arithmetic computes the same. Not for secrets.
// Thread: any.
#pragma once

#include <cstdint>

namespace weir::balancing {

/// 2^64 divided by the golden ratio, odd: multiples of it spread evenly over all 64 bits.
/// Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (SplitMix64)
inline constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15;

/// A bijection in which each input bit changes each output bit with probability one half.
/// Source: Pelle Evensen, "moremur" (2019): the finalizer of MurmurHash3 with better constants
constexpr std::uint64_t mix(std::uint64_t bits) {
  bits = (bits ^ (bits >> 27)) * 0x3C79AC492BA7B653;
  bits = (bits ^ (bits >> 33)) * 0x1C69B3F74AC4AE35;
  return bits ^ (bits >> 27);
}

/// The high half of `bits` as a number below `bound`: multiply-shift, no division.
/// Range:   bound up to 2^32
/// Source:  Lemire, "Fast random integer generation in an interval" (2019)
constexpr std::uint64_t scaled(std::uint64_t bits, std::uint64_t bound) {
  return ((bits >> 32) * bound) >> 32;
}

}  // namespace weir::balancing
