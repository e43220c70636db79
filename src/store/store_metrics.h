// What every store counts and shows, and the epoch a new one starts with.
// Thread: any.
#pragma once

#include <algorithm>
#include <string>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/result.h"
#include "base/strong_type.h"

namespace weir::store {

/// Wall-clock seconds, so that a store made anew is later than the one it replaces.
inline Epoch fresh_epoch(const Clock& clock) {
  const auto since = clock.wall_now().time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since).count();
  return Epoch(static_cast<std::uint64_t>(std::max<std::int64_t>(seconds, 1)));
}

inline void count_commit(Metrics& metrics, const Result<Revision>& result) {
  const std::string_view name = result ? "ok" : error_code_name(result.error().code);
  metrics.value(Metric::kStoreCommits, {std::string(name)}).add();
}

}  // namespace weir::store
