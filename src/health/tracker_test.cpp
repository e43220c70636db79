#include "health/tracker.h"

#include <gtest/gtest.h>

namespace weir::health {
namespace {

using snapshot::HealthState;

const ProbeOutcome kSuccess{};
const ProbeOutcome kFailure{.reason = ProbeReason::kConnectFailed, .detail = "refused"};

void observe_times(Tracker& tracker, const ProbeOutcome& outcome, int times) {
  for (int i = 0; i < times; ++i) static_cast<void>(tracker.observe(outcome, Instant()));
}

TEST(Tracker, M58_TurnsUnhealthyAfterExactlyThresholdFailuresInARow) {
  for (int threshold = 1; threshold <= 5; ++threshold) {
    Tracker tracker({.healthy = 3, .unhealthy = threshold}, HealthState::kHealthy);
    observe_times(tracker, kFailure, threshold - 1);
    EXPECT_EQ(tracker.state(), HealthState::kHealthy) << threshold;
    const auto transition = tracker.observe(kFailure, Instant(std::chrono::seconds(9)));
    EXPECT_EQ(tracker.state(), HealthState::kUnhealthy) << threshold;
    EXPECT_TRUE(transition.changed());
    EXPECT_EQ(transition.from, HealthState::kHealthy);
    EXPECT_EQ(transition.because, kFailure);
    EXPECT_EQ(transition.at, Instant(std::chrono::seconds(9)));
  }
}

TEST(Tracker, M58_OneSuccessInBetweenRestartsTheCountOfFailures) {
  Tracker tracker({.healthy = 2, .unhealthy = 3}, HealthState::kHealthy);
  for (int round = 0; round < 10; ++round) {
    observe_times(tracker, kFailure, 2);
    observe_times(tracker, kSuccess, 1);
  }
  EXPECT_EQ(tracker.state(), HealthState::kHealthy);
  observe_times(tracker, kFailure, 3);
  EXPECT_EQ(tracker.state(), HealthState::kUnhealthy);
}

TEST(Tracker, M59_TurnsHealthyAfterExactlyThresholdSuccessesInARow) {
  for (int threshold = 1; threshold <= 5; ++threshold) {
    Tracker tracker({.healthy = threshold, .unhealthy = 1}, HealthState::kUnhealthy);
    observe_times(tracker, kSuccess, threshold - 1);
    EXPECT_EQ(tracker.state(), HealthState::kUnhealthy) << threshold;
    EXPECT_TRUE(tracker.observe(kSuccess, Instant()).changed());
    EXPECT_EQ(tracker.state(), HealthState::kHealthy) << threshold;
  }
}

TEST(Tracker, M59_OneFailureInBetweenRestartsTheCountOfSuccesses) {
  Tracker tracker({.healthy = 3, .unhealthy = 3}, HealthState::kUnhealthy);
  for (int round = 0; round < 10; ++round) {
    observe_times(tracker, kSuccess, 2);
    observe_times(tracker, kFailure, 1);
  }
  EXPECT_EQ(tracker.state(), HealthState::kUnhealthy);
  observe_times(tracker, kSuccess, 3);
  EXPECT_EQ(tracker.state(), HealthState::kHealthy);
}

TEST(Tracker, StaysInitialUntilAThresholdIsReached) {
  Tracker tracker({.healthy = 3, .unhealthy = 2});
  EXPECT_EQ(tracker.state(), HealthState::kInitial);
  observe_times(tracker, kSuccess, 2);
  observe_times(tracker, kFailure, 1);
  EXPECT_EQ(tracker.state(), HealthState::kInitial);
  observe_times(tracker, kFailure, 1);
  EXPECT_EQ(tracker.state(), HealthState::kUnhealthy);
}

TEST(Tracker, ReportsNoChangeWhileTheStateStays) {
  Tracker tracker({.healthy = 1, .unhealthy = 1});
  EXPECT_TRUE(tracker.observe(kSuccess, Instant()).changed());
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(tracker.observe(kSuccess, Instant()).changed());
  EXPECT_TRUE(tracker.observe(kFailure, Instant()).changed());
}

TEST(Tracker, CountsTheCurrentRowAgainstNewThresholds) {
  Tracker tracker({.healthy = 3, .unhealthy = 5}, HealthState::kHealthy);
  observe_times(tracker, kFailure, 2);
  tracker.set_thresholds({.healthy = 3, .unhealthy = 3});
  EXPECT_EQ(tracker.state(), HealthState::kHealthy);
  observe_times(tracker, kFailure, 1);
  EXPECT_EQ(tracker.state(), HealthState::kUnhealthy);
}

}  // namespace
}  // namespace weir::health
