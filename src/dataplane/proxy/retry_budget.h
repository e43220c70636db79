// How many exchanges may try again: each that begins earns a part of a retry, so that retries never
// multiply the load of targets that are in trouble; a small rate in time lets light load retry
// always. One per worker. Thread: one worker.
#pragma once

#include <algorithm>
#include <chrono>

#include "base/clock.h"
#include "dataplane/proxy/limits.h"

namespace weir::dataplane::proxy {

class RetryBudget {
 public:
  explicit RetryBudget(Instant now) : last_(now) {}

  /// An exchange or a relayed connection begins.
  void earn() { tokens_ = std::min(tokens_ + kRetryShare, kRetryTokens); }
  /// False when no retry is left.
  bool spend(Instant now) {
    const double seconds = std::chrono::duration<double>(now - last_).count();
    last_ = now;
    tokens_ = std::min(tokens_ + seconds * kRetriesPerSecond, kRetryTokens);
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }

 private:
  double tokens_ = kRetryTokens;
  Instant last_;
};

}  // namespace weir::dataplane::proxy
