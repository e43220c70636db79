#include "health/schedule.h"

#include <gtest/gtest.h>

#include <array>

namespace weir::health {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Instant at(int ms) { return Instant(milliseconds(ms)); }

TEST(Schedule, FindsTheFirstTickThatIsNotEarlier) {
  EXPECT_EQ(next_tick(at(0), milliseconds(10), at(0)), at(0));
  EXPECT_EQ(next_tick(at(0), milliseconds(10), at(1)), at(10));
  EXPECT_EQ(next_tick(at(3), milliseconds(10), at(23)), at(23));
  EXPECT_EQ(next_tick(at(3), milliseconds(10), at(24)), at(33));
  EXPECT_EQ(next_tick(at(100), milliseconds(10), at(-5)), at(0));
  EXPECT_EQ(next_tick(at(100), milliseconds(10), at(91)), at(100));
}

TEST(Schedule, SpreadsAThousandTargetsEvenlyOverTheInterval) {
  std::array<int, 5> per_second{};
  for (std::uint16_t slot = 0; slot < 1000; ++slot) {
    const auto share = spread({"backend-1", "tg-1", Slot(slot)}, seconds(5));
    ASSERT_GE(share, Clock::Duration::zero());
    ASSERT_LT(share, seconds(5));
    ++per_second[static_cast<std::size_t>(share / seconds(1))];
  }
  for (const int count : per_second) EXPECT_NEAR(count, 200, 60);
}

TEST(Schedule, GivesATargetTheSameShareEveryTime) {
  const snapshot::TargetKey key{"b", "g", Slot(3)};
  EXPECT_EQ(spread(key, seconds(5)), spread(key, seconds(5)));
  EXPECT_NE(spread(key, seconds(5)), spread({"b", "g", Slot(4)}, seconds(5)));
}

}  // namespace
}  // namespace weir::health
