// Signals as events of a loop. Blocked in main before any thread starts, so that no handler ever
// runs. Thread: owner loop; block_signals() by main.
#pragma once

#include <functional>
#include <memory>

#include "base/result.h"
#include "base/unique_fd.h"
#include "net/event_loop.h"

namespace weir::app {

/// Blocks SIGINT, SIGTERM, SIGQUIT, SIGHUP and SIGCHLD for this thread and those it starts, and
/// ignores SIGPIPE.
void block_signals();

class Signals {
 public:
  using Caught = std::function<void(int signal)>;

  /// Errors: kUnavailable
  static Result<std::unique_ptr<Signals>> open(net::EventLoop& loop, Caught caught);
  ~Signals();

 private:
  Signals(net::EventLoop& loop, UniqueFd fd, Caught caught);
  void read_all();

  net::EventLoop& loop_;
  const UniqueFd fd_;
  const Caught caught_;
};

/// Calls `ended` for every child process that has ended.
void reap_children(const std::function<void(pid_t pid, int wait_status)>& ended);

/// Lets this process open as many descriptors as the system allows it.
void raise_descriptor_limit();

}  // namespace weir::app
