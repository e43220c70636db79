// Where a thread that wants samples of the proxies meets the agent loop, which asks the children.
// Thread: ask() any but the loop's own; the rest by the loop.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/mutex.h"

namespace weir::agent {

/// How long an answer of the children is waited for; then the last one known is given. Chosen
/// because a scrape waits for it. Reached: /metrics shows the last answer of the proxies.
inline constexpr std::chrono::milliseconds kStatsPatience{500};

class StatsBoard {
 public:
  /// `post_question` makes the loop ask the children and call answer() with the number it got.
  std::vector<Sample> ask(const std::function<void(std::uint64_t)>& post_question);
  void answer(std::uint64_t question, std::vector<Sample> samples);

 private:
  Mutex mutex_;
  Condition answered_;
  std::uint64_t asked_ WEIR_GUARDED_BY(mutex_) = 0;
  std::uint64_t answered_up_to_ WEIR_GUARDED_BY(mutex_) = 0;
  std::vector<Sample> samples_ WEIR_GUARDED_BY(mutex_);
};

}  // namespace weir::agent
