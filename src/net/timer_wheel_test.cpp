#include "net/timer_wheel.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <random>
#include <set>
#include <vector>

#include "base/random.h"

namespace weir::net {
namespace {

using namespace std::chrono_literals;

struct Timer : TimerNode {
  int number = 0;
};

/// What the wheel promises, spelled out: a map from timer to the first tick at which it may fire.
class NaiveWheel {
 public:
  NaiveWheel(std::size_t count, Instant start) : start_(start), ticks_(count) {}

  void arm(std::size_t timer, Instant deadline) {
    const auto passed = std::max(deadline, start_) - start_;
    const std::int64_t tick = (passed + TimerWheel::kTick - Clock::Duration(1)) / TimerWheel::kTick;
    ticks_[timer] = std::max(tick, current_ + 1);
  }
  void disarm(std::size_t timer) { ticks_[timer].reset(); }
  std::set<int> advance(Instant now) {
    current_ = (now - start_) / TimerWheel::kTick;
    std::set<int> fired;
    for (std::size_t i = 0; i < ticks_.size(); ++i) {
      if (!ticks_[i] || *ticks_[i] > current_) continue;
      fired.insert(static_cast<int>(i));
      ticks_[i].reset();
    }
    return fired;
  }

 private:
  Instant start_;
  std::int64_t current_ = 0;
  std::vector<std::optional<std::int64_t>> ticks_;
};

class TimerWheelTest : public ::testing::Test {
 protected:
  std::size_t advance(Clock::Duration by) {
    now_ += by;
    return wheel_.advance(now_, [](TimerNode&) {});
  }

  Instant now_{1h};
  TimerWheel wheel_{now_};
};

TEST_F(TimerWheelTest, FiresNeverEarlyAndAtMostOneTickLate) {
  Timer timer;
  wheel_.arm(timer, now_ + 100ms);
  EXPECT_EQ(advance(99ms), 0U);
  EXPECT_TRUE(timer.is_armed());
  EXPECT_EQ(advance(17ms), 1U);
  EXPECT_FALSE(timer.is_armed());
  EXPECT_EQ(advance(10h), 0U);
}

TEST_F(TimerWheelTest, ActivityThatMovesTheDeadlineBackKeepsTheTimerQuiet) {
  Timer timer;
  for (int i = 0; i < 1000; ++i) {
    wheel_.arm(timer, now_ + 1s);
    ASSERT_EQ(advance(500ms), 0U);
  }
  EXPECT_EQ(advance(516ms), 1U);
}

TEST_F(TimerWheelTest, ADeadlineThatComesNearerIsKept) {
  Timer timer;
  wheel_.arm(timer, now_ + 1h);
  wheel_.arm(timer, now_ + 50ms);
  EXPECT_EQ(advance(66ms), 1U);
}

TEST_F(TimerWheelTest, ADeadlineOfThePastFiresAtTheNextTick) {
  Timer timer;
  wheel_.arm(timer, now_ - 30min);
  EXPECT_EQ(advance(0ms), 0U);
  EXPECT_EQ(advance(16ms), 1U);
  wheel_.arm(timer, Instant::min());
  EXPECT_EQ(advance(16ms), 1U);
}

TEST_F(TimerWheelTest, ADeadlineBeyondTheReachOfTheWheelIsHeldUntilItComes) {
  Timer days;
  Timer never;
  wheel_.arm(days, now_ + 24h * 20);
  wheel_.arm(never, Instant::max());
  for (int day = 0; day < 20; ++day) ASSERT_EQ(advance(24h - 1ms), 0U);
  EXPECT_EQ(advance(20ms + 16ms), 1U);
  EXPECT_FALSE(days.is_armed());
  EXPECT_TRUE(never.is_armed());
}

TEST_F(TimerWheelTest, TellsWhenItWantsToBeAskedNext) {
  EXPECT_EQ(wheel_.next_event(), Instant::max());
  Timer near;
  Timer far;
  wheel_.arm(far, now_ + 10s);
  EXPECT_LE(wheel_.next_event(), now_ + 10s + 16ms);
  wheel_.arm(near, now_ + 160ms);
  EXPECT_EQ(wheel_.next_event(), now_ + 160ms);
  wheel_.disarm(near);
  wheel_.disarm(near);
  EXPECT_GT(wheel_.next_event(), now_ + 160ms);
  wheel_.disarm(far);
  EXPECT_EQ(wheel_.next_event(), Instant::max());
}

TEST_F(TimerWheelTest, AFiredTimerMayArmItselfAndDestroyOrDisarmOthersOfItsSlot) {
  Timer again;
  Timer disarmed;
  auto destroyed = std::make_unique<Timer>();
  again.number = 1;
  wheel_.arm(again, now_ + 32ms);
  wheel_.arm(disarmed, now_ + 32ms);
  wheel_.arm(*destroyed, now_ + 32ms);
  now_ += 40ms;
  const std::size_t fired = wheel_.advance(now_, [&](TimerNode& node) {
    EXPECT_EQ(static_cast<Timer&>(node).number, 1);
    wheel_.disarm(disarmed);
    destroyed.reset();
    wheel_.arm(node, now_ + 1s);
  });
  EXPECT_EQ(fired, 1U);
  EXPECT_EQ(advance(900ms), 0U);
  EXPECT_EQ(advance(200ms), 1U);
}

TEST_F(TimerWheelTest, AnArmedTimerThatGoesAwayIsForgotten) {
  {
    Timer timer;
    wheel_.arm(timer, now_ + 1s);
  }
  EXPECT_EQ(advance(1h), 0U);
}

/// Steps of every size from below a tick to several turns of the top level.
Clock::Duration random_time(Random& random) {
  const auto magnitude = random.below(49);
  return std::chrono::nanoseconds(random.below(std::uint64_t{1} << magnitude) +
                                  (magnitude < 20 ? 0 : 1));
}

TEST(TimerWheel, FiresExactlyWhatANaiveModelFires) {
  const std::uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  constexpr std::size_t kTimers = 40;
  Instant now(1h);
  TimerWheel wheel(now);
  NaiveWheel naive(kTimers, now);
  std::vector<Timer> timers(kTimers);
  for (std::size_t i = 0; i < kTimers; ++i) timers[i].number = static_cast<int>(i);
  for (int step = 0; step < 30'000; ++step) {
    const std::size_t i = random.below(kTimers);
    const auto choice = random.below(10);
    if (choice < 6) {
      const Instant deadline = now + random_time(random) - random_time(random) / 8;
      wheel.arm(timers[i], deadline);
      naive.arm(i, deadline);
    } else if (choice < 7) {
      wheel.disarm(timers[i]);
      naive.disarm(i);
    } else {
      // Half the time exactly to where the wheel says it has work: it must never say too late.
      const Instant next = wheel.next_event();
      const bool to_next = choice == 7 && next != Instant::max();
      now = to_next ? std::max(now, next) : now + random_time(random);
      std::set<int> fired;
      wheel.advance(now, [&](TimerNode& node) {
        ASSERT_TRUE(fired.insert(static_cast<Timer&>(node).number).second);
      });
      ASSERT_EQ(fired, naive.advance(now)) << "step " << step;
    }
  }
}

}  // namespace
}  // namespace weir::net
