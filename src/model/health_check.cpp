#include "model/health_check.h"

#include <charconv>
#include <optional>

namespace weir::model {
namespace {

// Units: HTTP status code. Source: product.md A.7. Reached: 400 with the field;
// weir_api_requests_total counts it by operation and code.
constexpr int kCodeMin = 200;
constexpr int kCodeMax = 499;

std::optional<int> code_of(std::string_view text) {
  int code = 0;
  if (text.size() != 3) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + 3, code);
  if (error != std::errc() || end != text.data() + 3 || code < kCodeMin || code > kCodeMax) {
    return std::nullopt;
  }
  return code;
}

std::optional<std::pair<int, int>> range_of(std::string_view text) {
  if (text.size() == 3 && text.ends_with("xx") && text[0] >= '2' && text[0] <= '4') {
    const int low = (text[0] - '0') * 100;
    return std::pair(low, low + 99);
  }
  const auto dash = text.find('-');
  const auto low = code_of(text.substr(0, dash));
  if (dash == std::string_view::npos)
    return low ? std::optional(std::pair(*low, *low)) : std::nullopt;
  const auto high = code_of(text.substr(dash + 1));
  if (!low || !high || *low >= *high) return std::nullopt;
  return std::pair(*low, *high);
}

}  // namespace

std::vector<std::pair<int, int>> http_code_ranges(const std::vector<std::string>& items) {
  std::vector<std::pair<int, int>> ranges;
  for (const std::string& item : items) {
    const std::size_t before = ranges.size();
    for (std::string_view rest = item;;) {
      const auto comma = rest.find(',');
      const auto range = range_of(rest.substr(0, comma));
      if (!range) {
        ranges.resize(before);
        break;
      }
      ranges.push_back(*range);
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  return ranges;
}

std::string_view probe_path(const HealthCheck& check) {
  return check.http_path ? std::string_view(*check.http_path) : "/";
}

}  // namespace weir::model
