// Field names and characters of HTTP/1: which names the codec knows, which bytes a name or value
// may hold. Used by the parser, the body reader and the writer. Thread: any (pure functions).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "http/h1_head.h"

namespace weir::http {

/// Id of a field name in any case; kUnderscoreAlias when only '_' in place of '-' keeps it from
/// being a forwarding or framing name.
FieldId classify_field(std::string_view name);

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
  return (kCharClasses[static_cast<unsigned char>(c)] & wanted) != 0;
}

}  // namespace weir::http
