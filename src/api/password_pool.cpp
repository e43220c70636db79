#include "api/password_pool.h"

#include <chrono>
#include <utility>

namespace weir::api {

PasswordPool::PasswordPool(Metrics& metrics, PasswordPoolLimits limits)
    : metrics_(metrics), limits_(limits) {
  for (std::size_t i = 0; i < limits_.threads; ++i) {
    threads_.emplace_back([this] { run(); });
  }
}

PasswordPool::~PasswordPool() {
  std::deque<Work> left;
  {
    const MutexLock lock(mutex_);
    is_stopping_ = true;
    left.swap(queue_);  // destroyed without the lock: it answers callers
  }
  changed_.notify_all();
  threads_.clear();
}

std::unique_ptr<http::Reply> PasswordPool::post(Answer answer, std::unique_ptr<http::Reply> reply) {
  {
    const MutexLock lock(mutex_);
    if (is_stopping_) return reply;
    if (queue_.size() >= limits_.queue_max) {
      metrics_.value(Metric::kApiLimitReached, {"password_queue"}).add();
      return reply;
    }
    queue_.push_back({std::move(answer), std::move(reply)});
  }
  changed_.notify_all();
  return nullptr;
}

void PasswordPool::run() {
  for (;;) {
    Work work;
    {
      const MutexLock lock(mutex_);
      while (queue_.empty() && !is_stopping_) {
        changed_.wait_until(mutex_, std::chrono::steady_clock::now() + std::chrono::hours(1));
      }
      if (is_stopping_) return;
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    work.reply->send(work.answer());
  }
}

}  // namespace weir::api
