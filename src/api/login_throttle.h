// Delays after wrong passwords: by user and address, by address, and by user. Each has some
// attempts free, then a delay that doubles. An attempt within a delay is refused and not counted,
// and a right one leaves the delays of others as they were. Where a user logged in before, only
// wrong passwords for that user from there count: nobody delays a user from elsewhere, or by
// guessing at others. Right passwords have a rate, and attempts that are being judged a number, so
// that nobody keeps the threads that judge them. Bounded memory.
// Source: docs/adr/0023-logging-in.md. Thread: any (locks inside).
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

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
    Instant at{};
  };
  enum class Verdict { kRight, kWrong, kNone };

  /// Counts an attempt as a wrong one until it is judged, so that many at once are counted too.
  /// Zero: it may go on, and end() follows; else how long it has to wait, and it is not counted.
  std::chrono::milliseconds begin(const Attempt& attempt) WEIR_EXCLUDES(mutex_);
  /// kNone: the password was never looked at.
  void end(const Attempt& attempt, Verdict verdict) WEIR_EXCLUDES(mutex_);

  std::size_t size() const WEIR_EXCLUDES(mutex_);

 private:
  struct Wrong {
    int count = 0;              // with those that are being judged
    Instant newest{};           // when the last one came that was judged wrong
    std::vector<Instant> open;  // when those came that are being judged

    Instant latest() const;
  };
  using Table = std::map<std::string, Wrong>;
  /// Those of one user in the minute after `begin`.
  struct Right {
    int count = 0;
    Instant begin{};
  };
  struct Rule {
    int free = 0;
    std::size_t open_max = 0;
    std::chrono::milliseconds delay_min;
    std::chrono::milliseconds delay_max;
  };

  static std::chrono::milliseconds delay_after(int wrong, const Rule& rule);
  std::chrono::milliseconds left(const Table& table, const std::string& key, const Rule& rule,
                                 Instant now) const WEIR_REQUIRES(mutex_);
  void count(Table& table, const std::string& key, Instant now) WEIR_REQUIRES(mutex_);
  static void settle(Table& table, const std::string& key, const Attempt& attempt, Verdict verdict);
  std::chrono::milliseconds left_of_right(const Attempt& attempt) const WEIR_REQUIRES(mutex_);
  void count_right(const Attempt& attempt) WEIR_REQUIRES(mutex_);
  void note_size() WEIR_REQUIRES(mutex_);

  // Constant after construction.
  const ThrottleLimits limits_;
  Metrics& metrics_;
  // Guarded by mutex_.
  mutable Mutex mutex_;
  Table pairs_ WEIR_GUARDED_BY(mutex_);
  Table addresses_ WEIR_GUARDED_BY(mutex_);
  Table users_ WEIR_GUARDED_BY(mutex_);
  std::map<std::string, Right> rights_ WEIR_GUARDED_BY(mutex_);  // by user
};

/// What an attempt's address counts as: all of an IPv6 network of 64 bits is one.
std::string throttled_address(std::string_view address);

}  // namespace weir::api
