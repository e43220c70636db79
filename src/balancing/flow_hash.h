// The keyed hash of what identifies a flow, and the row of a slot table it falls into: the same on
// every node that has the seed, in every engine. Not a secret and no checksum. Thread: immutable.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "balancing/mix.h"
#include "balancing/picker.h"

namespace weir::balancing {

/// An address as everywhere inside: 16 bytes, network order, IPv4 mapped.
using AddressBytes = std::span<const std::uint8_t, 16>;

struct FiveTuple {
  std::uint8_t protocol = 0;  // number of IANA: 6 is TCP, 17 UDP
  AddressBytes source;
  std::uint16_t source_port = 0;  // ports in host order
  AddressBytes destination;
  std::uint16_t destination_port = 0;
};

/// Sums of products of 32-bit halves, each keyed, then mixed. Without the seed nobody can choose
/// flows that share a hash: two different ones do so with probability 2^-32. IPv4 addresses never
/// share the hash of a source.
/// Source: NH of Black, Halevi, Krawczyk, Krovetz and Rogaway, "UMAC: fast and secure message
///         authentication" (1999), whose products are independent of each other; mix.h behind it
class FlowHasher {
 public:
  /// `seed` comes from a keyring that control hands out.
  explicit FlowHasher(std::uint64_t seed);

  FlowHash source(AddressBytes address) const;
  FlowHash five_tuple(const FiveTuple& flow) const;

 private:
  static constexpr std::size_t kWords = 5;  // two per address, one for ports and protocol

  std::array<std::uint64_t, kWords> keys_{};
  std::uint64_t source_key_ = 0;
  std::uint64_t five_tuple_key_ = 0;
};

/// Another hash of the same flow; salt 0 is `hash` itself.
constexpr FlowHash rehash(FlowHash hash, std::uint64_t salt) {
  return salt == 0 ? hash : mix(hash + salt * kGolden);
}

/// By the high bits, so that a table of twice the rows has the same flows in rows 2r and 2r+1.
/// Range:   row_count 1 to 2^32
constexpr std::size_t row_of(FlowHash hash, std::size_t row_count) {
  return scaled(hash, row_count);
}

}  // namespace weir::balancing
