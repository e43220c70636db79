#include "http/h1_fields.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace weir::http {
namespace {

constexpr std::array<std::uint8_t, 256> char_classes() {
  std::array<std::uint8_t, 256> classes{};
  const auto add = [&](std::string_view chars, CharClass as) {
    for (const char c : chars) classes[static_cast<unsigned char>(c)] |= as;
  };
  constexpr std::string_view kAlnum =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  add(kAlnum, kTokenChar);
  add("!#$%&'*+-.^_`|~", kTokenChar);
  add(kAlnum, kHostChar);
  add("-._~!$&'()*+,;=", kHostChar);
  add("0123456789abcdefABCDEF", kHexChar);
  for (std::size_t c = 0; c < 256; ++c) {
    if (c == '\t' || (c >= 0x20 && c != 0x7f)) classes[c] |= kValueChar;
    if (c > 0x20 && c < 0x7f && c != '#') classes[c] |= kTargetChar;
  }
  return classes;
}

FieldId classify_exactly(std::string_view name) {
  using enum FieldId;
  switch (name.size()) {
    case 2:
      return is(name, "te") ? kTe : kOther;
    case 4:
      return is(name, "host") ? kHost : kOther;
    case 6:
      return is(name, "expect") ? kExpect : kOther;
    case 7:
      return is(name, "upgrade") ? kUpgrade : is(name, "trailer") ? kTrailer : kOther;
    case 10:
      return is(name, "connection") ? kConnection : is(name, "keep-alive") ? kKeepAlive : kOther;
    case 14:
      return is(name, "content-length")   ? kContentLength
             : is(name, "http2-settings") ? kHttp2Settings
                                          : kOther;
    case 15:
      return is(name, "x-forwarded-for") ? kXForwardedFor : kOther;
    case 16:
      return is(name, "x-forwarded-port")   ? kXForwardedPort
             : is(name, "x-forwarded-host") ? kXForwardedHost
             : is(name, "x-forwarded-lbip") ? kXForwardedLbip
             : is(name, "proxy-connection") ? kProxyConnection
                                            : kOther;
    case 17:
      return is(name, "transfer-encoding")   ? kTransferEncoding
             : is(name, "x-forwarded-proto") ? kXForwardedProto
                                             : kOther;
    case 23:
      return is(name, "x-forwarded-client-port") ? kXForwardedClientPort : kOther;
    default:
      return kOther;
  }
}

constexpr std::uint32_t letters(std::string_view of) {
  std::uint32_t bits = 0;
  for (const char c : of) bits |= 1U << (c - 'a');
  return bits;
}

/// Length of the longest name that has an underscore alias.
constexpr std::size_t kLongestAlias = 23;

bool has_alias(FieldId id) {
  return id == FieldId::kContentLength || id == FieldId::kTransferEncoding ||
         id >= FieldId::kXForwardedFor;
}

FieldId classify_alias(std::string_view name) {
  std::array<char, kLongestAlias> dashed;
  std::ranges::replace_copy(name, dashed.begin(), '_', '-');
  return has_alias(classify_exactly({dashed.data(), name.size()})) ? FieldId::kUnderscoreAlias
                                                                   : FieldId::kOther;
}

}  // namespace

constinit const std::array<std::uint8_t, 256> kCharClasses = char_classes();

namespace fields_internal {

// The letters of classify_exactly(), by length.
constinit const std::array<std::uint32_t, 24> kFirstLetters = [] {
  std::array<std::uint32_t, 24> table{};
  table[2] = letters("t");
  table[4] = letters("h");
  table[6] = letters("e");
  table[7] = letters("tu");
  table[10] = letters("ck");
  table[14] = letters("ch");
  table[15] = letters("x");
  table[16] = letters("px");
  table[17] = letters("tx");
  table[23] = letters("x");
  return table;
}();

FieldId classify(std::string_view name) {
  const FieldId id = classify_exactly(name);
  if (id != FieldId::kOther || std::memchr(name.data(), '_', name.size()) == nullptr) return id;
  return classify_alias(name);
}

}  // namespace fields_internal

std::string_view forwarding_name(FieldId id) {
  switch (id) {
    case FieldId::kXForwardedFor:
      return "X-Forwarded-For";
    case FieldId::kXForwardedProto:
      return "X-Forwarded-Proto";
    case FieldId::kXForwardedPort:
      return "X-Forwarded-Port";
    case FieldId::kXForwardedLbip:
      return "X-Forwarded-LBIP";
    case FieldId::kXForwardedHost:
      return "X-Forwarded-Host";
    case FieldId::kXForwardedClientPort:
      return "X-Forwarded-Client-Port";
    default:
      return {};
  }
}

bool equals_ignoring_case(std::string_view left, std::string_view right) {
  const auto lower = [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  };
  return left.size() == right.size() &&
         std::equal(left.begin(), left.end(), right.begin(),
                    [&](char a, char b) { return lower(a) == lower(b); });
}

const Field* FieldTable::find(FieldId id) const {
  for (const Field& field : list()) {
    if (field.id == id) return &field;
  }
  return nullptr;
}

const Field* FieldTable::find(std::string_view name, const char* bytes) const {
  for (const Field& field : list()) {
    if (field.name.length == name.size() && equals_ignoring_case(field.name.in(bytes), name)) {
      return &field;
    }
  }
  return nullptr;
}

}  // namespace weir::http
