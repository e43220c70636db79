#include "base/random.h"

#include <sys/random.h>

#include "base/check.h"

namespace weir {
namespace {

void kernel_random(void* out, std::size_t size) {
  // Up to 256 bytes are delivered whole (getrandom(2)).
  WEIR_CHECK(size <= 256);
  WEIR_CHECK(getrandom(out, size, 0) == static_cast<ssize_t>(size));
}

std::uint64_t kernel_seed() {
  std::uint64_t seed = 0;
  kernel_random(&seed, sizeof(seed));
  return seed;
}

}  // namespace

Random::Random() : engine_(kernel_seed()) {}

std::uint64_t Random::below(std::uint64_t bound) {
  if (bound == 0) return 0;
  return std::uniform_int_distribution<std::uint64_t>(0, bound - 1)(engine_);
}

std::string Random::word(std::size_t length) {
  static constexpr std::string_view kAlphabet = "abcdefghijklmnopqrstuvwxyz0123456789";
  std::string text(length, 'a');
  for (char& c : text) c = kAlphabet[below(kAlphabet.size())];
  return text;
}

std::string secret_hex(std::size_t size) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string bytes(size, '\0');
  kernel_random(bytes.data(), size);
  std::string text;
  text.reserve(size * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace weir
