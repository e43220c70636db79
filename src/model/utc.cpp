#include "model/utc.h"

#include <charconv>

namespace weir::model {
namespace {

/// Digits at a place of the fixed form; -1 when there is something else.
int digits(std::string_view text, std::size_t at, std::size_t count) {
  int value = 0;
  for (const char c : text.substr(at, count)) {
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  return value;
}

}  // namespace

Result<WallTime> parse_utc(std::string_view text) {
  const Error error{ErrorCode::kInvalidArgument,
                    "wanted a time such as 2026-01-31T12:00:00Z, found another form", ""};
  if (text.size() != 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' ||
      text[16] != ':' || text[19] != 'Z') {
    return error;
  }
  const int parts[] = {digits(text, 0, 4),  digits(text, 5, 2),  digits(text, 8, 2),
                       digits(text, 11, 2), digits(text, 14, 2), digits(text, 17, 2)};
  for (const int part : parts) {
    if (part < 0) return error;
  }
  const std::chrono::year_month_day day{std::chrono::year(parts[0]),
                                        std::chrono::month(static_cast<unsigned>(parts[1])),
                                        std::chrono::day(static_cast<unsigned>(parts[2]))};
  // Chosen because the clock's 64 bits of nanoseconds hold no more.
  const bool is_in_range = parts[0] >= 1970 && parts[0] <= 2200;
  if (!day.ok() || !is_in_range || parts[3] > 23 || parts[4] > 59 || parts[5] > 59) return error;
  return WallTime(std::chrono::sys_days(day)) + std::chrono::hours(parts[3]) +
         std::chrono::minutes(parts[4]) + std::chrono::seconds(parts[5]);
}

}  // namespace weir::model
