// The threads that hash passwords and answer the calls that wait for it: few, with a short queue,
// so that a flood of logins leaves the machine and the API's other threads free. Thread: any.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "api/login_limits.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "http/server.h"

namespace weir::api {

class PasswordPool {
 public:
  using Answer = std::function<http::Response()>;

  explicit PasswordPool(Metrics& metrics, PasswordPoolLimits limits = {});
  /// Who still waits is given up: 503.
  ~PasswordPool();

  /// Sends what `answer` says, later. Gives the reply back when too many wait.
  std::unique_ptr<http::Reply> post(Answer answer, std::unique_ptr<http::Reply> reply)
      WEIR_EXCLUDES(mutex_);

 private:
  struct Work {
    Answer answer;
    std::unique_ptr<http::Reply> reply;
  };
  void run() WEIR_EXCLUDES(mutex_);

  // Constant after construction.
  Metrics& metrics_;
  const PasswordPoolLimits limits_;

  Mutex mutex_;
  Condition changed_;
  bool is_stopping_ WEIR_GUARDED_BY(mutex_) = false;
  std::deque<Work> queue_ WEIR_GUARDED_BY(mutex_);
  std::vector<std::jthread> threads_;
};

}  // namespace weir::api
