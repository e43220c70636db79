#include "http/h1_target.h"

#include <arpa/inet.h>

#include <array>
#include <cstddef>
#include <string_view>

#include "http/h1_fields.h"
#include "http/h1_scan.h"

namespace weir::http {
namespace {

constexpr std::string_view kHttp = "http://";
constexpr std::string_view kHttps = "https://";

Slice part(Slice whole, std::size_t from, std::size_t to) {
  return {static_cast<std::uint16_t>(whole.offset + from), static_cast<std::uint16_t>(to - from)};
}

/// Bytes of "[" IPv6address "]" at the start of `text`, or 0. Zone ids and future versions are no
/// addresses.
std::size_t ip_literal_size(std::string_view text) {
  const std::size_t close = text.find(']');
  std::array<char, INET6_ADDRSTRLEN> address{};
  if (close == std::string_view::npos || close - 1 >= address.size()) return 0;
  text.substr(1, close - 1).copy(address.data(), close - 1);
  in6_addr ignored;
  return inet_pton(AF_INET6, address.data(), &ignored) == 1 ? close + 1 : 0;
}

/// Bytes of a reg-name (which IPv4 addresses are too) at the start of `text`, or 0.
std::size_t reg_name_size(std::string_view text) {
  const char* const end = text.data() + text.size();
  auto at = static_cast<std::size_t>(scan::class_end<kHostChar>(text.data(), end) - text.data());
  while (at < text.size() && text[at] != ':') {
    if (is_char(text[at], kHostChar)) {
      ++at;
    } else if (text[at] == '%' && at + 2 < text.size() && is_char(text[at + 1], kHexChar) &&
               is_char(text[at + 2], kHexChar)) {
      at += 3;
    } else {
      return 0;
    }
  }
  return at;
}

/// Reads 1..65535 in at most five digits; 0 for anything else.
std::uint16_t parse_port(std::string_view digits) {
  if (digits.empty() || digits.size() > 5) return 0;
  unsigned port = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return 0;
    port = port * 10 + static_cast<unsigned>(c - '0');
  }
  return port <= 0xffff ? static_cast<std::uint16_t>(port) : 0;
}

bool has_prefix(std::string_view text, std::string_view prefix) {
  return equals_ignoring_case(text.substr(0, prefix.size()), prefix);
}

ParseError parse_absolute(const char* bytes, std::size_t query_at, RequestHead& head,
                          Authority& authority) {
  const std::string_view target = head.target.in(bytes);
  const std::size_t start = has_prefix(target, kHttp)    ? kHttp.size()
                            : has_prefix(target, kHttps) ? kHttps.size()
                                                         : 0;
  if (start == 0 || query_at < start) return ParseError::kBadTarget;
  const std::size_t slash = target.substr(0, query_at).find('/', start);
  const std::size_t path_at = slash == std::string_view::npos ? query_at : slash;
  if (!parse_authority(bytes, part(head.target, start, path_at), authority)) {
    return ParseError::kBadTarget;
  }
  head.form = TargetForm::kAbsolute;
  head.path = part(head.target, path_at, query_at);
  head.query = part(head.target, query_at, target.size());
  return ParseError::kNone;
}

}  // namespace

bool parse_authority(const char* bytes, Slice text, Authority& authority) {
  const std::string_view chars = text.in(bytes);
  const std::size_t name_size =
      chars.starts_with('[') ? ip_literal_size(chars) : reg_name_size(chars);
  if (name_size == 0) return false;
  authority = {text, part(text, 0, name_size), 0};
  if (name_size == chars.size()) return true;
  if (chars[name_size] != ':') return false;
  authority.port = parse_port(chars.substr(name_size + 1));
  return authority.port != 0;
}

ParseError parse_target(const char* bytes, std::uint16_t query_at, RequestHead& head,
                        Authority& authority) {
  const std::string_view target = head.target.in(bytes);
  const std::size_t query = query_at - head.target.offset;
  if (target.front() == '/') {
    head.form = TargetForm::kOrigin;
    head.path = part(head.target, 0, query);
    head.query = part(head.target, query, target.size());
    return ParseError::kNone;
  }
  if (target == "*") {
    head.form = TargetForm::kAsterisk;
    head.path = head.target;
    head.query = part(head.target, target.size(), target.size());
    return head.method == Method::kOptions ? ParseError::kNone : ParseError::kBadTarget;
  }
  return parse_absolute(bytes, query, head, authority);
}

bool same_authority(const char* bytes, const RequestHead& head, const Authority& authority,
                    const Authority& host) {
  const std::uint16_t scheme_port = has_prefix(head.target.in(bytes), kHttps) ? 443 : 80;
  const auto port = [&](const Authority& of) { return of.port == 0 ? scheme_port : of.port; };
  return port(authority) == port(host) &&
         equals_ignoring_case(authority.name.in(bytes), host.name.in(bytes));
}

}  // namespace weir::http
