#include "agent/stats_board.h"

#include <algorithm>
#include <utility>

namespace weir::agent {

std::vector<Sample> StatsBoard::ask(const std::function<void(std::uint64_t)>& post_question) {
  std::uint64_t question = 0;
  {
    const MutexLock lock(mutex_);
    question = ++asked_;
  }
  post_question(question);
  const Instant deadline = SystemClock().now() + kStatsPatience;
  const MutexLock lock(mutex_);
  while (answered_up_to_ < question && answered_.wait_until(mutex_, deadline)) {
  }
  return samples_;
}

void StatsBoard::answer(std::uint64_t question, std::vector<Sample> samples) {
  const MutexLock lock(mutex_);
  answered_up_to_ = std::max(answered_up_to_, question);
  samples_ = std::move(samples);
  answered_.notify_all();
}

}  // namespace weir::agent
