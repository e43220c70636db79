// Finds the first byte that ends a field value or a request target, 16 bytes at a time where SSE2
// exists (every x86-64), else one by one. Reads nothing outside [at, end). Internal to the parser.
// Thread: any (pure functions).
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "http/h1_fields.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace weir::http::scan {

#if defined(__SSE2__)
inline __m128i load(const char* at) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
}

/// Bit i is set when byte i is no part of a field value: CTL but HTAB.
inline unsigned value_ends(__m128i block) {
  const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(0x1f)), block);
  const __m128i tab = _mm_cmpeq_epi8(block, _mm_set1_epi8('\t'));
  const __m128i del = _mm_cmpeq_epi8(block, _mm_set1_epi8(0x7f));
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(_mm_andnot_si128(tab, low), del)));
}

/// Bit i is set when byte i is not a letter, a digit or '-', the token characters that names are
/// made of in practice.
inline unsigned rare_in_names(__m128i block) {
  const __m128i lower = _mm_or_si128(block, _mm_set1_epi8(0x20));
  const __m128i letter = _mm_sub_epi8(lower, _mm_set1_epi8('a'));
  const __m128i digit = _mm_sub_epi8(block, _mm_set1_epi8('0'));
  const __m128i is_letter = _mm_cmpeq_epi8(_mm_min_epu8(letter, _mm_set1_epi8(25)), letter);
  const __m128i is_digit = _mm_cmpeq_epi8(_mm_min_epu8(digit, _mm_set1_epi8(9)), digit);
  const __m128i dash = _mm_sub_epi8(block, _mm_set1_epi8('-'));  // '.' follows '-'
  const __m128i is_dash = _mm_cmpeq_epi8(_mm_min_epu8(dash, _mm_set1_epi8(1)), dash);
  const __m128i common = _mm_or_si128(_mm_or_si128(is_letter, is_digit), is_dash);
  return static_cast<unsigned>(_mm_movemask_epi8(common)) ^ 0xffffU;
}

/// Bit i is set when byte i is no part of a target: everything but VCHAR, and '#'; with kQuery also
/// '?'.
template <bool kQuery>
unsigned target_ends(__m128i block) {
  const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(0x20)), block);
  const __m128i high = _mm_cmpeq_epi8(_mm_max_epu8(block, _mm_set1_epi8(0x7f)), block);
  __m128i ends = _mm_or_si128(low, high);
  ends = _mm_or_si128(ends, _mm_cmpeq_epi8(block, _mm_set1_epi8('#')));
  if constexpr (kQuery) ends = _mm_or_si128(ends, _mm_cmpeq_epi8(block, _mm_set1_epi8('?')));
  return static_cast<unsigned>(_mm_movemask_epi8(ends));
}
#endif

/// Bit i is set when byte i of the `size` (at most 64) bytes is no part of a field value.
inline std::uint64_t value_end_bits(const char* at, std::size_t size) {
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < size; ++i) {
    bits |= std::uint64_t{!is_char(at[i], kValueChar)} << i;
  }
  return bits;
}

/// Walks over the bytes of [at, end) that are no part of a field value, that is, over line ends and
/// forbidden bytes. Works ahead in blocks, so that the next line's start does not wait for the
/// names and values of this one.
class LineEnds {
 public:
  /// `at` lies in [begin, end); all of it may be read.
  LineEnds(const char* begin, const char* at, const char* end)
      : begin_(begin), block_(at), end_(end), bits_(bits(at)) {}

  /// Forgets the next such byte.
  void skip() { (void)next(); }

  /// The next such byte, or `end`.
  const char* next() {
    while (bits_ == 0) {
      if (end_ - block_ <= kBlock) return end_;
      block_ += kBlock;
      bits_ = bits(block_);
    }
    const char* const found = block_ + std::countr_zero(bits_);
    bits_ &= bits_ - 1;
    return found;
  }

 private:
  static constexpr std::ptrdiff_t kBlock = 64;

  std::uint64_t bits(const char* at) const {
#if defined(__SSE2__)
    const std::ptrdiff_t size = end_ - at;
    if (size >= kBlock) return full_bits(at);
    // The last block is read as the last 64 bytes there are.
    if (size > 0 && end_ - begin_ >= kBlock) return full_bits(end_ - kBlock) >> (kBlock - size);
#endif
    return value_end_bits(at, static_cast<std::size_t>(std::min(kBlock, end_ - at)));
  }

#if defined(__SSE2__)
  static std::uint64_t full_bits(const char* at) {
    const auto bits = [at](int i) {
      return std::uint64_t{value_ends(load(at + 16 * i))} << 16 * i;
    };
    return bits(0) | bits(1) | bits(2) | bits(3);
  }
#endif

  const char* begin_;
  const char* block_;
  const char* end_;
  std::uint64_t bits_;
};

/// First byte at or after `at` that is no target character (with kQuery: or a '?'), or `end`.
template <bool kQuery>
const char* target_end(const char* at, const char* end) {
#if defined(__SSE2__)
  for (; end - at >= 16; at += 16) {
    if (const unsigned ends = target_ends<kQuery>(load(at)); ends != 0) {
      return at + std::countr_zero(ends);
    }
  }
#endif
  while (at != end && is_char(*at, kTargetChar) && !(kQuery && *at == '?')) ++at;
  return at;
}

/// First byte at or after `at` that is not of `wanted`, a class that has letters, digits, '-' and
/// '.'; or `end`.
template <CharClass kWanted>
const char* class_end(const char* at, const char* end) {
#if defined(__SSE2__)
  for (; end - at >= 16; at += 16) {
    if (const unsigned rare = rare_in_names(load(at)); rare != 0) {
      at += std::countr_zero(rare);
      break;
    }
  }
#endif
  while (at != end && is_char(*at, kWanted)) ++at;
  return at;
}

}  // namespace weir::http::scan
