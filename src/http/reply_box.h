// Where a call that waits for something puts its answer (any thread) and its connection finds it
// (the server's IO thread). Shared by both, since either may end first; its members change only
// under its own lock, which is what makes a shared const handle to it sound. Thread: any.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "base/mutex.h"
#include "http/server.h"

namespace weir::http {

class ReplyBox {
 public:
  /// `wake` tells the connection that something changed; it is called with the lock held and must
  /// only post.
  explicit ReplyBox(std::function<void()> wake);

  /// The first one counts; without a response the call was given up.
  void put(std::optional<Response> response) const WEIR_EXCLUDES(mutex_);
  /// The connection waits no more: `wake` is never called again.
  void detach() const WEIR_EXCLUDES(mutex_);

  struct Taken {
    bool is_there = false;
    std::optional<Response> response;  // absent when the call was given up
  };
  Taken take() const WEIR_EXCLUDES(mutex_);

 private:
  mutable Mutex mutex_;
  mutable bool is_there_ WEIR_GUARDED_BY(mutex_) = false;
  mutable std::optional<Response> response_ WEIR_GUARDED_BY(mutex_);
  mutable std::function<void()> wake_ WEIR_GUARDED_BY(mutex_);  // empty once detached
};

/// The end of `box` for whoever answers.
std::unique_ptr<Reply> reply_to(std::shared_ptr<const ReplyBox> box);

}  // namespace weir::http
