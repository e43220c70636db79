// Time as an argument: everything that waits or stamps takes a Clock, so that tests run on virtual
// time (testing/virtual_clock.h). Timers and deadlines use Instant; wall time is only for stored
// times, logs and certificates. Thread: any.
#pragma once

#include <chrono>
#include <string>

namespace weir {

using Instant = std::chrono::steady_clock::time_point;
using WallTime = std::chrono::system_clock::time_point;

class Clock {
 public:
  using Duration = std::chrono::steady_clock::duration;

  virtual ~Clock() = default;
  /// Monotonic; never moves back.
  virtual Instant now() const = 0;
  virtual WallTime wall_now() const = 0;
};

class SystemClock final : public Clock {
 public:
  Instant now() const override;
  WallTime wall_now() const override;
};

/// "2026-01-31T12:00:00Z".
std::string utc_text(WallTime time);

}  // namespace weir
