// What the fuzzers of the HTTP/1 codec share: a violation of a property aborts. Thread: the
// fuzzer's.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace weir::http::fuzz {

inline std::string_view text_of(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

/// Aborts when `violation` says something.
inline void demand_none(const std::string& violation) {
  if (violation.empty()) return;
  std::fprintf(stderr, "violation: %s\n", violation.c_str());
  std::abort();
}

/// Two places to split `text` at, chosen by its last bytes, so that seeds are plain messages.
inline std::vector<std::size_t> cuts(std::string_view text) {
  if (text.size() < 2) return {};
  const auto at = [&](char by) { return text.size() * static_cast<unsigned char>(by) / 256; };
  return {at(text.back()), at(text[text.size() / 2])};
}

}  // namespace weir::http::fuzz
