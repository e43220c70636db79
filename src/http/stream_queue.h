// The bounded queue between whoever feeds a streamed response (any thread) and the connection that
// sends it (the server's IO thread). Shared by both, since either may end first; its members change
// only under its own lock, which is what makes a shared const handle to it sound. Thread: any.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/mutex.h"
#include "http/server.h"

namespace weir::http {

class StreamQueue {
 public:
  /// `wake` tells the connection that something changed; it is called with the lock held and must
  /// only post.
  StreamQueue(std::size_t bytes_max, std::function<void()> wake);

  bool push(std::string bytes) const WEIR_EXCLUDES(mutex_);
  /// The writer has no more.
  void finish() const WEIR_EXCLUDES(mutex_);
  /// The connection reads no more: later pushes fail, `wake` is never called again.
  void detach() const WEIR_EXCLUDES(mutex_);
  bool is_open() const WEIR_EXCLUDES(mutex_);
  std::size_t waiting() const WEIR_EXCLUDES(mutex_);

  struct Taken {
    std::string bytes;
    bool is_finished = false;    // nothing follows `bytes`
    bool is_overflowed = false;  // the reader was too slow: drop it
  };
  Taken take() const WEIR_EXCLUDES(mutex_);

 private:
  const std::size_t bytes_max_;
  mutable Mutex mutex_;
  mutable std::string bytes_ WEIR_GUARDED_BY(mutex_);
  mutable bool is_finished_ WEIR_GUARDED_BY(mutex_) = false;
  mutable bool is_overflowed_ WEIR_GUARDED_BY(mutex_) = false;
  mutable std::function<void()> wake_ WEIR_GUARDED_BY(mutex_);  // empty once detached
};

/// The writer's end of `queue`.
std::unique_ptr<ResponseStream> stream_writer(std::shared_ptr<const StreamQueue> queue);

}  // namespace weir::http
