// What the agent loop tells one worker: the newest plan, listening sockets that come and go, and
// the end. One slot for the plan, so that a slow worker takes only the newest. The worker reads it
// once per turn; the mutex is taken only when the revision has moved. Thread: post and wait on the
// agent loop, take on the worker.
#pragma once

#include <atomic>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/unique_fd.h"
#include "dataplane/proxy/plan.h"
#include "net/address.h"

namespace weir::dataplane::proxy {

struct ListenerChange {
  net::Endpoint endpoint;
  std::vector<UniqueFd> sockets;  // empty: removed
};

struct Mail {
  PlanPtr plan;  // null: no new one
  std::vector<ListenerChange> listeners;
  std::optional<Instant> stop_at;
};

class Mailbox {
 public:
  /// Errors:  kUnavailable
  static Result<std::unique_ptr<Mailbox>> open();

  void post(Mail mail);
  void wake();
  /// True when the worker has worked on all that was posted before; false at `deadline` or when it
  /// has ended.
  bool wait_taken(Instant deadline);

  // Worker.
  int wake_descriptor() const { return wake_.get(); }
  /// Resets the wake-up.
  void drain();
  std::optional<Mail> take();
  /// What take() returned last is in force.
  void done();

 private:
  explicit Mailbox(UniqueFd wake) : wake_(std::move(wake)) {}

  const UniqueFd wake_;
  std::atomic<std::uint64_t> posted_{0};
  std::uint64_t seen_ = 0;  // of the worker
  Mutex mutex_;
  Condition condition_;
  Mail mail_ WEIR_GUARDED_BY(mutex_);
  std::uint64_t done_ WEIR_GUARDED_BY(mutex_) = 0;
};

}  // namespace weir::dataplane::proxy
