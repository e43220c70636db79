// Delays after wrong passwords: by user and address, by address, and by user. Each has some
// attempts free, then a delay that doubles. An attempt within a delay is refused and not counted,
// so that nobody makes it longer by asking. Where a user logged in before, only that user's own
// wrong passwords from there count: nobody locks a user out from elsewhere, or by guessing at
// others. Bounded memory.
// Source: docs/adr/0023-logging-in.md. Thread: any (locks inside).
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "api/login_limits.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/mutex.h"

namespace weir::api {

class LoginThrottle {
 public:
  explicit LoginThrottle(Metrics& metrics, ThrottleLimits limits = {})
      : limits_(limits), metrics_(metrics) {}

  /// `user`: account and name as they were given, whether or not there is such a user. `address`
  /// without port. `is_known`: this user logged in from there before.
  struct Attempt {
    std::string user;
    std::string address;
    bool is_known = false;
  };

  /// Counts an attempt as a wrong one until it turns out right, so that many at once are counted
  /// too. Zero: it may go on; else how long it has to wait, and it is not counted.
  std::chrono::milliseconds begin(const Attempt& attempt, Instant now) WEIR_EXCLUDES(mutex_);
  /// The password was right, or was never looked at.
  void take_back(const Attempt& attempt, bool was_right) WEIR_EXCLUDES(mutex_);

  std::size_t size() const WEIR_EXCLUDES(mutex_);

 private:
  struct Wrong {
    int count = 0;
    Instant newest{};  // when the last one came
  };
  using Table = std::map<std::string, Wrong>;
  struct Rule {
    int free = 0;
    std::chrono::milliseconds delay_min;
    std::chrono::milliseconds delay_max;
  };

  static std::chrono::milliseconds delay_after(int wrong, const Rule& rule);
  std::chrono::milliseconds left(const Table& table, const std::string& key, const Rule& rule,
                                 Instant now) const WEIR_REQUIRES(mutex_);
  void count(Table& table, const std::string& key, Instant now) WEIR_REQUIRES(mutex_);
  static void uncount(Table& table, const std::string& key);
  void note_size() WEIR_REQUIRES(mutex_);

  // Constant after construction.
  const ThrottleLimits limits_;
  Metrics& metrics_;
  // Guarded by mutex_.
  mutable Mutex mutex_;
  Table pairs_ WEIR_GUARDED_BY(mutex_);
  Table addresses_ WEIR_GUARDED_BY(mutex_);
  Table users_ WEIR_GUARDED_BY(mutex_);
};

/// What an attempt's address counts as: all of an IPv6 network of 64 bits is one.
std::string throttled_address(std::string_view address);

}  // namespace weir::api
