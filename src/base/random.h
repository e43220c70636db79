// Randomness as an argument: the product draws from the kernel, tests from a printed seed.
// Thread: owner (a Random belongs to one thread).
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>

namespace weir {

class Random {
 public:
  /// Seeded by the kernel's generator.
  Random();
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  std::uint64_t next() { return engine_(); }
  /// 0 <= result < bound; bound 0 gives 0.
  std::uint64_t below(std::uint64_t bound);
  /// `length` characters of [a-z0-9], for identifiers (not for secrets).
  std::string word(std::size_t length);

 private:
  std::mt19937_64 engine_;
};

/// `size` bytes from the kernel's generator, as lower-case hex; for keys and tokens.
std::string secret_hex(std::size_t size);

}  // namespace weir
