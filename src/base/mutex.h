// Mutex with clang's thread-safety annotations: a member marked WEIR_GUARDED_BY(mutex_) that is
// touched without the lock does not compile. Lock order: no function of the project takes two of
// these at once.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define WEIR_ANNOTATE(x) __attribute__((x))
#else
#define WEIR_ANNOTATE(x)
#endif
#define WEIR_GUARDED_BY(x) WEIR_ANNOTATE(guarded_by(x))
#define WEIR_REQUIRES(...) WEIR_ANNOTATE(requires_capability(__VA_ARGS__))
#define WEIR_EXCLUDES(...) WEIR_ANNOTATE(locks_excluded(__VA_ARGS__))

namespace weir {

class WEIR_ANNOTATE(capability("mutex")) Mutex {
 public:
  void lock() WEIR_ANNOTATE(acquire_capability()) { mutex_.lock(); }
  void unlock() WEIR_ANNOTATE(release_capability()) { mutex_.unlock(); }

 private:
  friend class Condition;
  std::mutex mutex_;
};

class WEIR_ANNOTATE(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) WEIR_ANNOTATE(acquire_capability(mutex)) : mutex_(mutex) {
    mutex_.lock();
  }
  ~MutexLock() WEIR_ANNOTATE(release_capability()) { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

/// Condition variable for a Mutex; the caller holds the mutex and loops over its own predicate.
class Condition {
 public:
  void notify_all() { condition_.notify_all(); }
  /// Returns false when `deadline` has passed.
  bool wait_until(Mutex& mutex, std::chrono::steady_clock::time_point deadline)
      WEIR_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    const bool signalled = condition_.wait_until(lock, deadline) == std::cv_status::no_timeout;
    lock.release();
    return signalled;
  }

 private:
  std::condition_variable condition_;
};

}  // namespace weir
