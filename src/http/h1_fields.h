// Field names and characters of HTTP/1: which names the codec knows, which bytes a name or value
// may hold. Used by the parser, the body reader and the writer. Thread: any (pure functions).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "http/h1_head.h"

namespace weir::http {

namespace fields_internal {

template <class Word>
Word load(const char* at) {
  Word word;
  std::memcpy(&word, at, sizeof(word));
  return word;
}

/// Bits in which `text` and `lower` differ once letters of `text` are made small; both have `size`
/// >= sizeof(Word) bytes, of which the last word may overlap the one before.
template <class Word>
Word difference(const char* text, const char* lower, std::size_t size) {
  constexpr auto kSmall = static_cast<Word>(0x2020'2020'2020'2020ULL);
  Word bits = 0;
  for (std::size_t i = 0; i + sizeof(Word) <= size; i += sizeof(Word)) {
    bits |= (load<Word>(text + i) | kSmall) ^ load<Word>(lower + i);
  }
  const std::size_t last = size - sizeof(Word);
  return bits | ((load<Word>(text + last) | kSmall) ^ load<Word>(lower + last));
}

FieldId classify(std::string_view name);

/// For each length of a name, bit i is set when the codec knows such a name that begins with letter
/// i.
extern const std::array<std::uint32_t, 24> kFirstLetters;

}  // namespace fields_internal

/// Whether `text`, made of value characters, is `lower` in any case; `lower` holds small letters,
/// digits, '-' and '/'.
template <std::size_t kSize>
bool is(std::string_view text, const char (&lower)[kSize]) {
  constexpr std::size_t kLength = kSize - 1;
  if (text.size() != kLength) return false;
  using fields_internal::difference;
  if constexpr (kLength >= 8) {
    return difference<std::uint64_t>(text.data(), lower, kLength) == 0;
  } else if constexpr (kLength >= 4) {
    return difference<std::uint32_t>(text.data(), lower, kLength) == 0;
  } else {
    return difference<std::uint16_t>(text.data(), lower, kLength) == 0;
  }
}

/// Id of a field name, given as a token in any case; kUnderscoreAlias when only '_' in place of '-'
/// keeps it from being a forwarding or framing name.
inline FieldId classify_field(std::string_view name) {
  if (name.size() >= fields_internal::kFirstLetters.size()) return FieldId::kOther;
  const unsigned letter = static_cast<unsigned char>(name.data()[0] | 0x20) - unsigned{'a'};
  const std::uint32_t letters = fields_internal::kFirstLetters.data()[name.size()];
  return letter < 32 && (letters >> letter & 1U) != 0 ? fields_internal::classify(name)
                                                      : FieldId::kOther;
}

/// Name of a forwarding field as Weir writes it, e.g. "X-Forwarded-For".
std::string_view forwarding_name(FieldId id);

/// ASCII comparison in any case.
bool equals_ignoring_case(std::string_view left, std::string_view right);

enum CharClass : std::uint8_t {
  kTokenChar = 1,   // RFC 9110, 5.6.2
  kValueChar = 2,   // RFC 9110, 5.5: HTAB, SP, VCHAR, obs-text
  kTargetChar = 4,  // VCHAR without '#'
  kHostChar = 8,    // RFC 3986, 3.2.2: unreserved, sub-delims
  kHexChar = 16,
};
extern const std::array<std::uint8_t, 256> kCharClasses;

inline bool is_char(char c, CharClass wanted) {
  return (kCharClasses.data()[static_cast<unsigned char>(c)] & wanted) != 0;
}

}  // namespace weir::http
