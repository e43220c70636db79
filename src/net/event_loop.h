// The loop of the agent threads (node, proxy's own agent, health): descriptors, timers and posted
// work on one thread. Not the loop of the proxy workers, which have their own without allocation
// or std::function. Timers follow the Clock given, so that a test moves a VirtualClock and calls
// turn().
// Thread: owner loop, except post() and stop(), which any thread may call.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "base/clock.h"
#include "base/result.h"

namespace weir::net {

using TimerId = std::uint64_t;  // 0 = none

class EventLoop {
 public:
  /// `clock` must outlive the loop.
  /// Errors:  kUnavailable when the kernel gives no descriptor.
  static Result<std::unique_ptr<EventLoop>> open(const Clock& clock);
  ~EventLoop();

  using Ready = std::function<void(std::uint32_t events)>;
  /// Calls `ready` with EPOLL* bits whenever one of `events` holds (level triggered). One entry per
  /// descriptor: a second call replaces events and callback.
  void watch(int fd, std::uint32_t events, Ready ready);
  /// Safe inside a callback, also for the descriptor that is being called. Call before closing the
  /// descriptor.
  void unwatch(int fd);

  TimerId run_at(Instant when, std::function<void()> task);
  TimerId run_after(Clock::Duration delay, std::function<void()> task) {
    return run_at(clock().now() + delay, std::move(task));
  }
  void cancel(TimerId id);

  /// Runs `task` on the loop's thread at its next turn.
  /// Thread:  any
  void post(std::function<void()> task);

  /// Runs what is due now (a timer or task added meanwhile waits for the next turn), waiting at
  /// most `wait` (real time) for descriptors when nothing is. True when anything ran.
  bool turn(std::chrono::milliseconds wait);
  /// Turns until stop(); then the tasks that were posted before it still run. Needs a clock that
  /// moves by itself.
  void run();
  /// Also when called before run().
  /// Thread:  any
  void stop();

  const Clock& clock() const;

 private:
  struct State;

 public:
  /// For open() alone: no other caller can name the argument.
  explicit EventLoop(std::unique_ptr<State> state);

 private:
  std::unique_ptr<State> state_;
};

}  // namespace weir::net
