#include "model/text_rules.h"

#include <algorithm>
#include <charconv>

#include "base/printable.h"
#include "model/health_check.h"
#include "model/utc.h"
#include "net/address.h"

namespace weir::model {
namespace {

bool is_letter_or_digit(char32_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_hex(char32_t c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// Source: Unicode 15, blocks of CJK unified and compatibility ideographs.
bool is_chinese(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || c == 0x3007 ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x20000 && c <= 0x323AF);
}

/// Control characters, line separators, and those that change the direction of text.
bool is_invisible(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0x061C || c == 0x200E || c == 0x200F ||
         (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF ||
         (c >= 0xFFF9 && c <= 0xFFFB);
}

std::string check_name(std::u32string_view text) {
  for (const char32_t c : text) {
    if (!is_letter_or_digit(c) && !is_chinese(c) && c != '_' && c != '-') {
      return "may hold Chinese characters, letters, digits, _ and - only";
    }
  }
  return "";
}

std::string check_server_name(std::u32string_view text) {
  if (text.size() < 2) return "must have at least 2 characters";
  if (text.front() == '.' || text.back() == '.') return "may not begin or end with .";
  std::u32string dotless(text);
  std::erase(dotless, U'.');
  if (check_name(dotless).empty()) return "";
  return "may hold Chinese characters, letters, digits, _, - and . only";
}

std::string check_domain(std::string_view text) {
  if (text.empty()) return "";
  const std::string problem = "must be a domain or an IPv4 address of letters, digits, - and .";
  char before = '.';
  for (const char c : text) {
    const bool is_mark = c == '-' || c == '.';
    if (!is_mark && !is_letter_or_digit(static_cast<unsigned char>(c))) return problem;
    if (is_mark && before == '.') return problem;
    if (c == '.' && before == '-') return problem;
    before = c;
  }
  return before == '.' || before == '-' ? problem : "";
}

/// Whether a segment of a path is "." or "..", escaped or not.
bool is_dot_segment(std::string_view segment) {
  std::string plain;
  for (std::size_t i = 0; i < segment.size(); ++i) {
    const bool is_escaped_dot = segment[i] == '%' && i + 2 < segment.size() &&
                                segment[i + 1] == '2' && (segment[i + 2] | 0x20) == 'e';
    plain += is_escaped_dot ? '.' : segment[i];
    if (is_escaped_dot) i += 2;
  }
  return plain == "." || plain == "..";
}

// Units: levels of a check's path. Source: product.md A.7. Reached: 400 with the field;
// weir_api_requests_total counts it by operation and code.
constexpr int kPathLevelsMax = 5;

std::string check_levels(std::string_view path) {
  int levels = 0;
  path = path.substr(0, path.find('?'));
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::string_view segment = path.substr(0, path.find('/'));
    if (!segment.empty()) ++levels;
    if (is_dot_segment(segment)) return "may not hold . or .. as a level";
    path.remove_prefix(segment.size());
  }
  return levels > kPathLevelsMax ? "may have at most 5 levels, found " + std::to_string(levels)
                                 : "";
}

std::string check_http_path(std::string_view text, std::u32string_view characters) {
  static constexpr std::string_view kMarks = "-/.%?#&_;~!()*[]@^:',+=<>{}";
  if (!text.starts_with('/')) return "must start with /";
  for (std::size_t i = 0; i < characters.size(); ++i) {
    const char32_t c = characters[i];
    const bool is_mark = c < 0x80 && kMarks.contains(static_cast<char>(c));
    if (!is_mark && !is_letter_or_digit(c) && !is_chinese(c)) {
      return "may hold letters, digits, Chinese characters and " + std::string(kMarks) + " only";
    }
    if (c == '%' &&
        (i + 2 >= characters.size() || !is_hex(characters[i + 1]) || !is_hex(characters[i + 2]))) {
      return "must have two hexadecimal digits after %";
    }
  }
  return check_levels(text);
}

std::string check_special(std::string_view text, std::u32string_view characters, TextRule rule) {
  switch (rule) {
    case TextRule::kName:
      return check_name(characters);
    case TextRule::kServerName:
      return check_server_name(characters);
    case TextRule::kAddress: {
      if (text.contains(':')) return "IPv6 is not supported yet";
      const auto address = net::IpAddress::parse(text);
      return address ? "" : "must be a canonical IPv4 address, found " + quoted(text);
    }
    case TextRule::kPrefix: {
      if (text.contains(':')) return "IPv6 is not supported yet";
      const auto prefix = net::Prefix::parse(text);
      return prefix ? "" : "must be a canonical IPv4 prefix, found " + quoted(text);
    }
    case TextRule::kDomain:
      return check_domain(text);
    case TextRule::kHttpPath:
      return check_http_path(text, characters);
    case TextRule::kHttpCodes:
      return http_code_ranges({std::string(text)}).empty()
                 ? "must be 2xx, 3xx, 4xx, codes or ranges in 200..499, found " + quoted(text)
                 : "";
    case TextRule::kTime:
      return parse_utc(text) ? "" : "must be a time such as 2026-01-31T12:00:00Z";
    case TextRule::kNone:
    case TextRule::kDescription:
      return "";
  }
  return "";
}

}  // namespace

std::optional<std::u32string> decode_utf8(std::string_view text) {
  std::u32string out;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t size = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : 4;
    if ((lead & 0xC0) == 0x80 || lead >= 0xF8 || text.size() - i < size) return std::nullopt;
    char32_t c = size == 1 ? lead : lead & (0x7Fu >> size);
    for (std::size_t k = 1; k < size; ++k) {
      const auto byte = static_cast<unsigned char>(text[i + k]);
      if ((byte & 0xC0) != 0x80) return std::nullopt;
      c = c << 6 | (byte & 0x3F);
    }
    static constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (c < kSmallest[size] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) return std::nullopt;
    out += c;
    i += size;
  }
  return out;
}

std::string quoted(std::string_view text) {
  // Chosen because it shows the mistake and keeps a message on one line.
  constexpr std::size_t kShownBytes = 40;
  return "'" + printable(text, kShownBytes) + "'";
}

std::string check_text(std::string_view text, TextRule rule, std::size_t characters_max) {
  const auto characters = decode_utf8(text);
  if (!characters) return "is not valid UTF-8";
  if (std::ranges::any_of(*characters, is_invisible)) {
    return "may not hold control or direction characters";
  }
  if (characters->size() > characters_max) {
    return "may have at most " + std::to_string(characters_max) + " characters, found " +
           std::to_string(characters->size());
  }
  return check_special(text, *characters, rule);
}

}  // namespace weir::model
