#include "api/signature_canonical.h"

#include <algorithm>

#include "http/request_target.h"

namespace weir::api {
namespace {

using http::decode_tolerantly;
using http::is_unreserved;

bool is_space(char c) { return c == ' ' || c == '\t'; }

std::string path_by_segments(std::string_view raw) {
  std::string path;
  for (;;) {
    const std::size_t end = raw.find('/');
    path += encode_strictly(decode_tolerantly(raw.substr(0, end), false), false);
    if (end == std::string_view::npos) return path;
    path += '/';
    raw.remove_prefix(end + 1);
  }
}

std::string collapsed_path(std::string_view raw) {
  std::string path = decode_tolerantly(raw, true);
  const auto repeated =
      std::ranges::unique(path, [](char left, char right) { return left == '/' && right == '/'; });
  path.erase(repeated.begin(), repeated.end());
  return encode_strictly(path, true);
}

}  // namespace

std::string encode_strictly(std::string_view text, bool keeps_slash) {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    if (is_unreserved(c) || (keeps_slash && c == '/')) {
      encoded += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    encoded += '%';
    encoded += kDigits[byte >> 4];
    encoded += kDigits[byte & 15];
  }
  return encoded;
}

std::string canonical_path(std::string_view raw_path, SignatureVersion version) {
  const bool collapses = version == SignatureVersion::kJdcloud3;
  const std::string path = collapses ? collapsed_path(raw_path) : path_by_segments(raw_path);
  return path.starts_with('/') ? path : "/" + path;
}

std::string canonical_query(std::string_view raw_query) {
  auto pairs = http::query_pairs(raw_query);
  for (auto& [name, value] : pairs) {
    name = encode_strictly(name, false);
    value = encode_strictly(value, false);
  }
  std::ranges::sort(pairs);
  std::string query;
  for (const auto& [name, value] : pairs) {
    if (!query.empty()) query += '&';
    query.append(name).append("=").append(value);
  }
  return query;
}

std::string canonical_value(std::string_view value, SignatureVersion version) {
  while (!value.empty() && is_space(value.front())) value.remove_prefix(1);
  while (!value.empty() && is_space(value.back())) value.remove_suffix(1);
  if (version == SignatureVersion::kJdcloud3) return std::string(value);
  std::string text;
  for (const char c : value) {
    if (!is_space(c)) {
      text += c;
    } else if (!text.ends_with(' ')) {
      text += ' ';
    }
  }
  return text;
}

}  // namespace weir::api
