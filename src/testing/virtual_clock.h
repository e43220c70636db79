// A clock that moves only when a test says so.
// Thread: any.
#pragma once

#include <atomic>

#include "base/clock.h"

namespace weir::testing {

class VirtualClock final : public Clock {
 public:
  Instant now() const override { return Instant(std::chrono::nanoseconds(elapsed_.load())); }
  /// Starts at 2026-01-01T00:00:00Z and moves with now(), but for set_wall_forward().
  WallTime wall_now() const override {
    return WallTime(std::chrono::seconds(1767225600)) +
           std::chrono::duration_cast<WallTime::duration>(
               std::chrono::nanoseconds(elapsed_.load() + wall_jump_.load()));
  }
  void advance(std::chrono::nanoseconds by) { elapsed_.fetch_add(by.count()); }
  /// As when somebody sets the time of day.
  void set_wall_forward(std::chrono::nanoseconds by) { wall_jump_.fetch_add(by.count()); }

 private:
  // One hour, so that "before the start" is a valid instant.
  std::atomic<std::int64_t> elapsed_{3'600'000'000'000};
  std::atomic<std::int64_t> wall_jump_{0};
};

}  // namespace weir::testing
