// Remembers which signed calls were accepted, so that a captured one is refused when it comes
// again. Asked after check_signature() only: who has no secret cannot fill it. Bounded: when full,
// the access key with most entries forgets its oldest second, and from then on no call of that key
// dated in or before it is accepted. So a flood narrows the window of the flooding key alone and
// never lets a repeat through. Source: product.md B.7.1, G3. Thread: any (locks inside).
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <map>
#include <set>
#include <string>

#include "api/signature.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "base/result.h"

namespace weir::api {

struct ReplayLimits {
  /// How long after its date a call is remembered.
  /// Range: at least twice SignatureRules::skew_max. Source: product.md G3. Reached: 401 to a call
  /// that is older.
  std::chrono::seconds memory = std::chrono::minutes(30);
  /// Calls, about 100 bytes each. Chosen because it holds 580 signed calls a second for half an
  /// hour in 100 MiB. Reached: the oldest calls of the busiest key are forgotten, further ones of
  /// their date get 429; weir_api_limit_reached_total{limit="replay_memory"}.
  std::size_t capacity = std::size_t{1} << 20;
};

class ReplayGuard {
 public:
  /// Counts in weir_api_limit_reached_total{limit="replay_memory"}; `metrics` may be null.
  explicit ReplayGuard(ReplayLimits limits = {}, Metrics* metrics = nullptr)
      : limits_(limits), metrics_(metrics) {}

  /// Remembers the call. Errors: kUnauthenticated when it was seen before, or is older than what is
  /// remembered; kRateLimited when the key made so many calls that this date was given up
  Result<void> admit(const SignatureClaims& claims, WallTime now) WEIR_EXCLUDES(mutex_);

  /// Calls remembered now.
  std::size_t size() const WEIR_EXCLUDES(mutex_);

 private:
  /// First half of the SHA-256 of nonce and signature.
  using Mark = std::array<unsigned char, 16>;
  struct KeyMemory {
    std::map<WallTime, std::set<Mark>> seconds;  // by the date of the call
    std::size_t size = 0;
    WallTime given_up = WallTime::min();  // newest date that was forgotten to make room
  };

  static Mark mark_of(const SignatureClaims& claims);
  Result<void> check_unseen(const SignatureClaims& claims, const Mark& mark) const
      WEIR_REQUIRES(mutex_);
  void expire(WallTime now) WEIR_REQUIRES(mutex_);
  void make_room() WEIR_REQUIRES(mutex_);
  void drop_oldest(KeyMemory& key) WEIR_REQUIRES(mutex_);

  // Constant after construction.
  const ReplayLimits limits_;
  Metrics* const metrics_;
  // Guarded by mutex_.
  mutable Mutex mutex_;
  std::map<std::string, KeyMemory> keys_ WEIR_GUARDED_BY(mutex_);  // by access key
  std::size_t size_ WEIR_GUARDED_BY(mutex_) = 0;
  WallTime swept_ WEIR_GUARDED_BY(mutex_);
  // Newest date that expired: still refused when the wall clock is set back.
  WallTime expired_ WEIR_GUARDED_BY(mutex_) = WallTime::min();
};

}  // namespace weir::api
