// Delays after wrong passwords, on virtual time.
#include "api/login_throttle.h"

#include <gtest/gtest.h>

#include <string>

#include "testing/virtual_clock.h"

namespace weir::api {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

class LoginThrottleTest : public ::testing::Test {
 protected:
  using Attempt = LoginThrottle::Attempt;

  using Verdict = LoginThrottle::Verdict;

  milliseconds attempt(Attempt one, Verdict verdict) {
    one.at = clock.now();
    const milliseconds wait = throttle.begin(one);
    if (wait.count() == 0) throttle.end(one, verdict);
    return wait;
  }
  milliseconds wrong(const Attempt& one) { return attempt(one, Verdict::kWrong); }
  milliseconds right(const Attempt& one) { return attempt(one, Verdict::kRight); }
  /// Wrong passwords as fast as they are let through; how many were in `time`.
  int wrong_in(const Attempt& attempt, seconds time) {
    int count = 0;
    const Instant end = clock.now() + time;
    while (clock.now() < end) {
      const milliseconds wait = wrong(attempt);
      if (wait.count() == 0) {
        ++count;
      } else {
        clock.advance(wait);
      }
    }
    return count;
  }

  Metrics metrics;
  testing::VirtualClock clock;
  LoginThrottle throttle{metrics};
};

TEST_F(LoginThrottleTest, TheDelayDoublesFromASecondToFiveMinutes) {
  const Attempt ann{"shop/ann", "10.0.0.1"};
  for (int i = 0; i < 5; ++i) EXPECT_EQ(wrong(ann).count(), 0);
  for (int expected = 1; expected <= 512; expected *= 2) {
    EXPECT_EQ(wrong(ann), std::min(milliseconds(seconds(expected)), milliseconds(minutes(5))));
    clock.advance(seconds(std::min(expected, 300)));
    EXPECT_EQ(wrong(ann).count(), 0);
  }
}

TEST_F(LoginThrottleTest, AnAttemptWithinADelayDoesNotLengthenIt) {
  const Attempt ann{"shop/ann", "10.0.0.1"};
  for (int i = 0; i < 5; ++i) wrong(ann);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(wrong(ann), seconds(1));
  clock.advance(milliseconds(999));
  EXPECT_EQ(wrong(ann), milliseconds(1));
  clock.advance(milliseconds(1));
  EXPECT_EQ(wrong(ann).count(), 0);
}

TEST_F(LoginThrottleTest, OneAddressIsSlowedDownWhateverNamesItTries) {
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(wrong({"shop/u" + std::to_string(i), "10.0.0.1"}).count(), 0);
  EXPECT_EQ(wrong({"shop/next", "10.0.0.1"}), seconds(1));
  EXPECT_EQ(wrong({"shop/next", "10.0.0.2"}).count(), 0) << "others are not";
}

TEST_F(LoginThrottleTest, ManyAddressesAtOneUserGetAGuessAMinute) {
  int count = 0;
  const Instant end = clock.now() + minutes(60);
  for (int i = 0; clock.now() < end; ++i) {
    const milliseconds wait =
        wrong({"shop/ann", "10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250)});
    if (wait.count() == 0) {
      ++count;
    } else {
      EXPECT_LE(wait, minutes(1));
      clock.advance(wait);
    }
  }
  EXPECT_LT(count, 100);
  EXPECT_GT(count, 60);
}

TEST_F(LoginThrottleTest, AUserIsNotLockedOutFromElsewhere) {
  for (int i = 0; i < 1'000; ++i) wrong({"shop/ann", "10.1.0." + std::to_string(i % 250)});
  EXPECT_GT(wrong({"shop/ann", "10.9.9.9"}).count(), 0) << "from a new place";
  EXPECT_EQ(wrong({"shop/ann", "10.0.0.1", true}).count(), 0) << "where ann logged in before";
}

TEST_F(LoginThrottleTest, ANeighbourWhoGuessesAtOthersDoesNotDelayAUserWhoWasHereBefore) {
  for (int i = 0; i < 200; ++i) wrong({"shop/u" + std::to_string(i), "10.0.0.1"});
  EXPECT_GT(wrong({"shop/bob", "10.0.0.1"}).count(), 0);
  EXPECT_EQ(wrong({"shop/ann", "10.0.0.1", true}).count(), 0);
}

TEST_F(LoginThrottleTest, ARightPasswordForgivesThePairAndNothingElse) {
  for (int i = 0; i < 19; ++i) wrong({"shop/u" + std::to_string(i), "10.0.0.1"});
  for (int i = 0; i < 10; ++i) {
    const Attempt own{"shop/mallory", "10.0.0.1"};
    EXPECT_EQ(right(own).count(), 0);
  }
  EXPECT_EQ(wrong({"shop/ann", "10.0.0.1"}).count(), 0);
  EXPECT_GT(wrong({"shop/ann", "10.0.0.1"}).count(), 0)
      << "whoever knows one password does not guess at others for nothing";
}

TEST_F(LoginThrottleTest, ManyAtOnceAreCountedBeforeTheyAreJudged) {
  int admitted = 0;
  for (int i = 0; i < 100; ++i) {
    admitted += throttle.begin({"shop/ann", "10.0.0.1", false, clock.now()}).count() == 0 ? 1 : 0;
  }
  EXPECT_EQ(admitted, 5);
}

TEST_F(LoginThrottleTest, ARightLoginProlongsNobodysDelayAndQuietIsReckonedFromTheLastWrongOne) {
  for (int i = 0; i < 29; ++i) {
    while (wrong({"shop/u" + std::to_string(i), "10.0.0.1"}).count() > 0) clock.advance(seconds(1));
  }
  const Instant last = clock.now();
  const Attempt stranger{"shop/new", "10.0.0.1"};
  milliseconds before = minutes(6);
  for (int i = 0; i < 4; ++i) {
    clock.advance(minutes(1));
    EXPECT_EQ(right({"shop/ann", "10.0.0.1", true}).count(), 0);
    const milliseconds now = wrong(stranger);
    EXPECT_LT(now, before) << i;
    before = now;
  }
  while (clock.now() - last < minutes(60)) {
    clock.advance(minutes(1));
    EXPECT_EQ(right({"shop/ann", "10.0.0.1", true}).count(), 0);
  }
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(wrong({"shop/v" + std::to_string(i), "10.0.0.1"}).count(), 0) << i;
  }
}

TEST_F(LoginThrottleTest, WhatWasNeverLookedAtProlongsNoDelayEither) {
  const Attempt ann{"shop/ann", "10.0.0.1"};
  for (int i = 0; i < 8; ++i) {
    while (wrong(ann).count() > 0) clock.advance(seconds(1));
  }
  clock.advance(seconds(8));
  EXPECT_EQ(attempt(ann, Verdict::kNone).count(), 0);
  EXPECT_EQ(attempt(ann, Verdict::kNone).count(), 0);
}

TEST_F(LoginThrottleTest, OneThatIsBeingJudgedIsStillCountedWhenAnotherTurnsOutRight) {
  Attempt ann{"shop/ann", "10.0.0.1", true, clock.now()};
  for (int i = 0; i < 5; ++i) EXPECT_EQ(throttle.begin(ann).count(), 0);
  throttle.end(ann, Verdict::kRight);
  EXPECT_EQ(throttle.begin(ann).count(), 0);
  EXPECT_GT(throttle.begin(ann).count(), 0) << "five of them wait";
}

TEST_F(LoginThrottleTest, RightPasswordsHaveARateByUserWhereverTheyComeFrom) {
  for (int i = 0; i < 30; ++i) {
    EXPECT_EQ(right({"shop/ann", "10.0.0." + std::to_string(i), true}).count(), 0);
  }
  clock.advance(seconds(20));
  EXPECT_EQ(right({"shop/ann", "10.0.0.1", true}), seconds(40));
  EXPECT_EQ(right({"shop/bob", "10.0.0.1", true}).count(), 0);
  clock.advance(seconds(40));
  EXPECT_EQ(right({"shop/ann", "10.0.0.1", true}).count(), 0);
}

TEST_F(LoginThrottleTest, OneAddressHasAQuarterOfTheQueue) {
  for (int i = 0; i < 16; ++i) {
    EXPECT_EQ(
        throttle.begin({"shop/u" + std::to_string(i), "10.0.0.1", false, clock.now()}).count(), 0);
  }
  EXPECT_EQ(wrong({"shop/next", "10.0.0.1"}), seconds(1));
  EXPECT_EQ(wrong({"shop/next", "10.0.0.2"}).count(), 0);
}

TEST_F(LoginThrottleTest, AnHourOfQuietForgets) {
  const Attempt ann{"shop/ann", "10.0.0.1"};
  EXPECT_GT(wrong_in(ann, minutes(30)), 5);
  clock.advance(std::chrono::hours(1));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(wrong(ann).count(), 0);
}

TEST_F(LoginThrottleTest, MemoryIsBoundedAndWhoWasQuietLongestIsForgotten) {
  LoginThrottle small(metrics, {.entries_max = 50});
  const auto wrong_of_small = [&](Attempt one) {
    one.at = clock.now();
    if (small.begin(one).count() == 0) small.end(one, Verdict::kWrong);
  };
  for (int i = 0; i < 10; ++i) wrong_of_small({"shop/ann", "10.0.0.1"});
  for (int i = 0; i < 10'000; ++i) {
    clock.advance(milliseconds(1));
    wrong_of_small({"shop/u" + std::to_string(i),
                    "10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250)});
    if (i % 10 == 0) wrong_of_small({"shop/ann", "10.0.0.1"});
  }
  EXPECT_LE(small.size(), 150U);
  EXPECT_GT(metrics.value(Metric::kApiLimitReached, {"login_memory"}).get(), 0);
  EXPECT_EQ(metrics.value(Metric::kLoginDelays).get(), static_cast<double>(small.size()));
}

TEST(ThrottledAddress, IsANetworkOf64BitsForIpv6) {
  EXPECT_EQ(throttled_address("10.0.0.1"), "10.0.0.1");
  EXPECT_EQ(throttled_address("[2001:db8:1:2:3:4:5:6]"), throttled_address("[2001:db8:1:2::9]"));
  EXPECT_NE(throttled_address("[2001:db8:1:2::9]"), throttled_address("[2001:db8:1:3::9]"));
  EXPECT_EQ(throttled_address("[::1]"), "::1");
  EXPECT_EQ(throttled_address("unix"), "unix");
}

}  // namespace
}  // namespace weir::api
