#include "health/checker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "health/fake_probe.h"
#include "testing/virtual_clock.h"

namespace weir::health {
namespace {

using snapshot::HealthState;
using snapshot::Service;
using snapshot::TargetKey;
using snapshot::Verdict;
using std::chrono::milliseconds;
using std::chrono::seconds;

const ProbeOutcome kFailure{.reason = ProbeReason::kConnectFailed, .detail = "refused"};

net::Endpoint endpoint(int slot, std::uint16_t port = 80) {
  return {net::IpAddress::v4(0x0a000000U + static_cast<std::uint32_t>(slot)), port};
}

snapshot::Target target(int slot, std::uint16_t port = 80) {
  return {.id = "t" + std::to_string(slot),
          .slot = Slot(static_cast<std::uint16_t>(slot)),
          .endpoint = endpoint(slot, port)};
}

Service service_of(int target_count) {
  Service service{.id = "b1", .group_id = "g1"};
  for (int slot = 0; slot < target_count; ++slot) service.targets.push_back(target(slot));
  return service;
}

TargetKey key(int slot, std::string group = "g1") {
  return {"b1", std::move(group), Slot(static_cast<std::uint16_t>(slot))};
}

class CheckerTest : public ::testing::Test {
 protected:
  void SetUp() override { restart(); }

  void restart(std::size_t running_max = kProbesRunningMax) {
    checker_ = std::make_unique<Checker>(
        *loop_, metrics_, Probes{tcp_, http_},
        CheckerOptions{
            .prober = "node-1",
            .running_max = running_max,
            .verdict = [this](const Verdict& v) { verdicts_.push_back(v); },
            .gone = [this](const TargetKey& k) { gone_.push_back(k); },
        });
  }

  void configure(const std::vector<Service>& services) {
    std::vector<std::shared_ptr<const Service>> list;
    for (const auto& service : services) list.push_back(std::make_shared<const Service>(service));
    checker_->configure(list);
  }

  void run(Clock::Duration duration, milliseconds step = milliseconds(10)) {
    const Instant end = clock_.now() + duration;
    settle();
    while (clock_.now() < end) {
      clock_.advance(std::min<Clock::Duration>(step, end - clock_.now()));
      settle();
    }
  }
  void settle() {
    while (loop_->turn(milliseconds(0))) {
    }
  }

  /// State of the last record of a slot, or nothing.
  std::optional<HealthState> state(const TargetKey& wanted) const {
    std::optional<HealthState> found;
    for (const auto& verdict : verdicts_) {
      if (verdict.target == wanted) found = verdict.state;
    }
    return found;
  }

  testing::VirtualClock clock_;
  std::unique_ptr<net::EventLoop> loop_ = std::move(net::EventLoop::open(clock_)).value();
  Metrics metrics_;
  FakeProbe tcp_{*loop_};
  FakeProbe http_{*loop_};
  std::vector<Verdict> verdicts_;
  std::vector<TargetKey> gone_;
  std::unique_ptr<Checker> checker_;
};

std::vector<milliseconds> pauses(const std::vector<Instant>& starts) {
  std::vector<milliseconds> out;
  for (std::size_t i = 1; i < starts.size(); ++i) {
    out.push_back(std::chrono::round<milliseconds>(starts[i] - starts[i - 1]));
  }
  return out;
}

TEST_F(CheckerTest, ProbesANewTargetEvery200MillisecondsUntilItsFirstVerdict) {
  configure({service_of(1)});
  run(milliseconds(450));
  EXPECT_EQ(pauses(tcp_.starts(endpoint(0))),
            (std::vector<milliseconds>{kBackToBackPause, kBackToBackPause}));
  ASSERT_EQ(verdicts_.size(), 1U);
  EXPECT_EQ(verdicts_[0].state, HealthState::kHealthy);
  EXPECT_EQ(verdicts_[0].target, key(0));
  EXPECT_EQ(verdicts_[0].prober, "node-1");
  EXPECT_EQ(verdicts_[0].scope, "node");
  EXPECT_EQ(verdicts_[0].reason, "");
  EXPECT_EQ(verdicts_[0].since, utc_text(clock_.wall_now()));
}

TEST_F(CheckerTest, M57_ProbesOncePerIntervalAfterTheFirstVerdict) {
  configure({service_of(1)});
  run(milliseconds(450));
  tcp_.forget_attempts();
  run(seconds(60));
  const auto starts = tcp_.starts(endpoint(0));
  ASSERT_EQ(starts.size(), 12U);
  for (const auto pause : pauses(starts)) EXPECT_EQ(pause, seconds(5));
}

TEST_F(CheckerTest, NeverPausesLongerThanTheIntervalAfterTheFirstVerdict) {
  configure({service_of(50)});
  run(seconds(11));
  for (int slot = 0; slot < 50; ++slot) {
    for (const auto pause : pauses(tcp_.starts(endpoint(slot)))) EXPECT_LE(pause, seconds(5));
  }
}

TEST_F(CheckerTest, SpreadsTheProbesOfManyTargetsOverTheInterval) {
  configure({service_of(1000)});
  run(seconds(2), milliseconds(50));
  tcp_.forget_attempts();
  const Instant begin = clock_.now();
  run(seconds(20), milliseconds(50));
  std::array<int, 20> per_second{};
  for (const auto& attempt : tcp_.attempts()) {
    ++per_second.at(
        static_cast<std::size_t>((attempt.start - begin - Clock::Duration(1)) / seconds(1)));
  }
  for (const int count : per_second) EXPECT_LT(count, 400) << "twice the mean is the limit";
  EXPECT_EQ(tcp_.attempts().size(), 4000U);
}

TEST_F(CheckerTest, M58_M68_ReportsATargetUnhealthyAfterThresholdFailures) {
  configure({service_of(1)});
  run(seconds(1));
  tcp_.set(endpoint(0), {.outcome = kFailure});
  tcp_.forget_attempts();
  verdicts_.clear();
  while (tcp_.attempts().size() < 2) run(milliseconds(10));
  run(milliseconds(10));
  EXPECT_TRUE(verdicts_.empty());
  run(seconds(5));
  ASSERT_EQ(verdicts_.size(), 1U);
  EXPECT_EQ(verdicts_[0].state, HealthState::kUnhealthy);
  EXPECT_EQ(verdicts_[0].reason, "CONNECT_FAILED");
  EXPECT_EQ(verdicts_[0].detail, "refused");
}

TEST_F(CheckerTest, M69_ReportsATargetHealthyAgainByItself) {
  tcp_.set(endpoint(0), {.outcome = kFailure});
  configure({service_of(1)});
  run(seconds(1));
  EXPECT_EQ(state(key(0)), HealthState::kUnhealthy);
  tcp_.set(endpoint(0), {});
  run(seconds(16));
  EXPECT_EQ(state(key(0)), HealthState::kHealthy);
}

TEST_F(CheckerTest, SaysSoWhenTheTroubleOfAnUnhealthyTargetIsAnotherOne) {
  tcp_.set(endpoint(0), {.outcome = kFailure});
  configure({service_of(1)});
  run(seconds(1));
  ASSERT_EQ(verdicts_.size(), 1U);
  run(seconds(10));
  ASSERT_EQ(verdicts_.size(), 1U) << "the same trouble is no news";
  tcp_.set(endpoint(0), {.outcome = {ProbeReason::kConnectTimeout, "no answer"}});
  run(seconds(5));
  ASSERT_EQ(verdicts_.size(), 2U);
  EXPECT_EQ(verdicts_[1].reason, "CONNECT_TIMEOUT");
  EXPECT_EQ(verdicts_[1].since, verdicts_[0].since);
  EXPECT_GT(verdicts_[1].sequence, verdicts_[0].sequence);
}

TEST_F(CheckerTest, NeverRunsTwoProbesOfOneTargetWhenTheTimeoutExceedsTheInterval) {
  Service service = service_of(1);
  service.check.timeout = seconds(60);
  tcp_.set(endpoint(0), {.takes = std::chrono::hours(1)});
  configure({service});
  run(seconds(600), milliseconds(100));
  EXPECT_EQ(tcp_.overlap_max(), 1U);
  EXPECT_EQ(state(key(0)), HealthState::kUnhealthy);
  const auto gaps = pauses(tcp_.starts(endpoint(0)));
  ASSERT_GE(gaps.size(), 8U);
  // Three back to back, then from interval tick to interval tick.
  for (std::size_t i = 4; i < gaps.size(); ++i) EXPECT_EQ(gaps[i], seconds(60));
}

TEST_F(CheckerTest, StartsAtTheFirstTickAfterAProbeThatOutlastedTheInterval) {
  Service service = service_of(1);
  service.check.timeout = seconds(8);
  service.check.unhealthy_threshold = 1;
  tcp_.set(endpoint(0), {.takes = std::chrono::hours(1)});
  configure({service});
  run(seconds(30), milliseconds(100));
  tcp_.forget_attempts();
  run(seconds(60), milliseconds(100));
  for (const auto pause : pauses(tcp_.starts(endpoint(0)))) EXPECT_EQ(pause, seconds(10));
}

TEST_F(CheckerTest, ProbesAtOnceAfterAFailedConnectInTrafficButNotMoreThanEvery200Milliseconds) {
  configure({service_of(1)});
  run(seconds(11));
  tcp_.set(endpoint(0), {.outcome = kFailure});
  tcp_.forget_attempts();
  const Instant begin = clock_.now();
  for (int i = 0; i < 100 && state(key(0)) != HealthState::kUnhealthy; ++i) {
    checker_->connect_failed(key(0));
    run(milliseconds(10));
  }
  const auto starts = tcp_.starts(endpoint(0));
  ASSERT_EQ(starts.size(), 3U);
  EXPECT_LE(starts[0] - begin, milliseconds(200));
  for (const auto pause : pauses(starts)) EXPECT_GE(pause, milliseconds(200));
  EXPECT_LE(clock_.now() - begin, milliseconds(700));
  checker_->connect_failed({"nobody", "knows", Slot(1)});
}

TEST_F(CheckerTest, RunsAtMostTheAllowedNumberOfProbesAtOnceAndForgetsNone) {
  restart(4);
  Service service = service_of(20);
  for (int slot = 0; slot < 20; ++slot) tcp_.set(endpoint(slot), {.takes = milliseconds(100)});
  configure({service});
  std::size_t running_max = 0;
  for (int i = 0; i < 300; ++i) {
    run(milliseconds(10));
    running_max = std::max(running_max, tcp_.running());
  }
  EXPECT_EQ(running_max, 4U);
  for (int slot = 0; slot < 20; ++slot) EXPECT_EQ(state(key(slot)), HealthState::kHealthy) << slot;
  EXPECT_GT(metrics_.value(Metric::kHealthLimitReached, {"probes_running"}).get(), 0);
}

TEST_F(CheckerTest, KeepsTheStateOfUnchangedTargetsWhenSettingsChange) {
  configure({service_of(2)});
  run(seconds(1));
  verdicts_.clear();
  Service changed = service_of(3);
  changed.check.interval = seconds(10);
  changed.check.unhealthy_threshold = 2;
  changed.check.protocol = snapshot::CheckProtocol::kHttp;
  configure({changed});
  run(seconds(2));
  ASSERT_EQ(verdicts_.size(), 1U) << "only the new target has news";
  EXPECT_EQ(verdicts_[0].target, key(2));
  http_.set(endpoint(0), {.outcome = kFailure});
  run(seconds(20));
  EXPECT_EQ(state(key(0)), HealthState::kUnhealthy);
  EXPECT_TRUE(gone_.empty());
}

TEST_F(CheckerTest, ChecksATargetAnewWhenItsPortChanges) {
  configure({service_of(1)});
  run(seconds(1));
  Service changed = service_of(1);
  changed.targets = {target(0, 8080)};
  configure({changed});
  EXPECT_EQ(state(key(0)), HealthState::kInitial);
  run(milliseconds(450));
  EXPECT_EQ(state(key(0)), HealthState::kHealthy);
  EXPECT_EQ(tcp_.starts(endpoint(0, 8080)).size(), 3U);
}

TEST_F(CheckerTest, M54_ProbesTheCheckPortOnlyWhenOneIsGiven) {
  Service service = service_of(1);
  service.check.port = 9000;
  configure({service});
  run(seconds(1));
  EXPECT_TRUE(tcp_.starts(endpoint(0)).empty());
  EXPECT_GE(tcp_.starts(endpoint(0, 9000)).size(), 3U);
}

TEST_F(CheckerTest, ServicesComeStayAndGoInOneStep) {
  const auto named = [](const char* id) {
    Service service = service_of(1);
    service.id = id;
    return service;
  };
  configure({named("b1"), named("b3"), named("b5")});
  run(seconds(1));
  verdicts_.clear();
  configure({named("b2"), named("b3"), named("b6")});
  run(seconds(1));
  std::vector<std::string> gone;
  for (const TargetKey& target : gone_) gone.push_back(target.service);
  std::vector<std::string> judged;
  for (const Verdict& verdict : verdicts_) judged.push_back(verdict.target.service);
  std::ranges::sort(judged);
  EXPECT_EQ(gone, (std::vector<std::string>{"b1", "b5"}));
  EXPECT_EQ(judged, (std::vector<std::string>{"b2", "b6"}));
}

TEST_F(CheckerTest, ReportsTargetsThatAreNoLongerCheckedAndStopsTheirProbes) {
  tcp_.set(endpoint(1), {.takes = seconds(2)});
  configure({service_of(2)});
  run(seconds(1));
  configure({service_of(1)});
  EXPECT_EQ(gone_, (std::vector<TargetKey>{key(1)}));
  EXPECT_EQ(tcp_.cancelled(), 1);
  configure({});
  EXPECT_EQ(gone_, (std::vector<TargetKey>{key(1), key(0)}));
  tcp_.forget_attempts();
  run(seconds(20));
  EXPECT_TRUE(tcp_.attempts().empty());
  EXPECT_EQ(checker_->running(), 0U);
}

TEST_F(CheckerTest, ChecksTheGroupThatShallReplaceAnotherAtOnceBesideTheOldOne) {
  configure({service_of(1)});
  run(seconds(1));
  Service replacing = service_of(1);
  replacing.next_group_id = "g2";
  replacing.next_targets = {target(7)};
  configure({replacing});
  run(milliseconds(450));
  EXPECT_EQ(state(key(7, "g2")), HealthState::kHealthy);
  EXPECT_TRUE(gone_.empty());
  Service replaced = service_of(0);
  replaced.group_id = "g2";
  replaced.targets = {target(7)};
  verdicts_.clear();
  configure({replaced});
  run(seconds(6));
  EXPECT_EQ(gone_, (std::vector<TargetKey>{key(0)}));
  EXPECT_TRUE(verdicts_.empty()) << "the new group keeps what was found out about it";
}

TEST_F(CheckerTest, M70_DoesNotProbeWhileTheCheckIsClosedAndForgetsWhatWasBefore) {
  tcp_.set(endpoint(1), {.outcome = kFailure});
  configure({service_of(2)});
  run(seconds(1));
  ASSERT_EQ(state(key(1)), HealthState::kUnhealthy);
  Service closed = service_of(2);
  closed.is_check_closed = true;
  configure({closed});
  EXPECT_TRUE(verdicts_.back().is_check_closed() && verdicts_.back().lets_traffic());
  EXPECT_EQ(state(key(0)), HealthState::kInitial);
  EXPECT_EQ(state(key(1)), HealthState::kInitial);
  tcp_.forget_attempts();
  verdicts_.clear();
  run(seconds(60), milliseconds(100));
  EXPECT_TRUE(tcp_.attempts().empty());
  closed.check.interval = seconds(7);
  configure({closed});
  EXPECT_TRUE(verdicts_.empty()) << "no news";
  EXPECT_TRUE(gone_.empty());
}

TEST_F(CheckerTest, H7_AfterTheOpeningProbesBackToBackAndLetsTrafficUntilTheFirstVerdict) {
  tcp_.set(endpoint(1), {.outcome = kFailure});
  configure({service_of(2)});
  run(seconds(1));
  Service closed = service_of(3);  // one joins meanwhile
  closed.is_check_closed = true;
  configure({closed});
  EXPECT_TRUE(verdicts_.back().lets_traffic());
  EXPECT_EQ(verdicts_.back().target, key(2));
  run(seconds(60), milliseconds(100));
  tcp_.set(endpoint(0), {.outcome = kFailure});
  tcp_.set(endpoint(1), {});
  tcp_.forget_attempts();
  verdicts_.clear();
  configure({service_of(3)});
  run(milliseconds(350));
  EXPECT_TRUE(verdicts_.empty()) << "no verdict yet: all take traffic as before";
  run(milliseconds(100));
  EXPECT_EQ(pauses(tcp_.starts(endpoint(1))),
            (std::vector<milliseconds>{kBackToBackPause, kBackToBackPause}));
  EXPECT_EQ(state(key(0)), HealthState::kUnhealthy);
  EXPECT_EQ(state(key(1)), HealthState::kHealthy);
  EXPECT_EQ(state(key(2)), HealthState::kHealthy);
}

TEST_F(CheckerTest, H7_ARestartWhileTheCheckIsClosedOrJustOpenedChangesNothingOfThat) {
  const Verdict unhealthy{.target = key(0), .state = HealthState::kUnhealthy, .sequence = 17};
  checker_->seed({{key(0), unhealthy}});
  Service closed = service_of(1);
  closed.is_check_closed = true;
  configure({closed});
  ASSERT_EQ(verdicts_.size(), 1U);
  EXPECT_TRUE(verdicts_.back().lets_traffic());
  const Verdict held = verdicts_.back();
  restart();
  checker_->seed({{key(0), held}});
  configure({service_of(1)});
  EXPECT_EQ(verdicts_.size(), 1U);
  run(milliseconds(450));
  EXPECT_EQ(state(key(0)), HealthState::kHealthy);
}

TEST_F(CheckerTest, HoldsVerdictsFromBeforeARestartUntilTheFirstNewOne) {
  const Verdict healthy{.target = key(0), .state = HealthState::kHealthy, .sequence = 17};
  const Verdict unhealthy{.target = key(1), .state = HealthState::kUnhealthy, .sequence = 18};
  const Verdict stale{.target = key(5), .state = HealthState::kHealthy, .sequence = 3};
  checker_->seed({{key(0), healthy}, {key(1), unhealthy}, {key(5), stale}});
  tcp_.set(endpoint(0), {.outcome = kFailure});
  configure({service_of(2)});
  EXPECT_EQ(gone_, (std::vector<TargetKey>{key(5)}));
  run(seconds(1));
  EXPECT_TRUE(verdicts_.empty()) << "one outcome is no verdict";
  EXPECT_EQ(tcp_.attempts().size(), 2U) << "back within a second";
  run(seconds(15));
  EXPECT_EQ(state(key(0)), HealthState::kUnhealthy);
  EXPECT_EQ(state(key(1)), HealthState::kHealthy);
  EXPECT_GT(verdicts_.front().sequence, 18U);
}

TEST_F(CheckerTest, DrawsNoConclusionFromAProbeThatCouldNotRun) {
  configure({service_of(1)});
  run(seconds(1));
  verdicts_.clear();
  tcp_.set(endpoint(0), {.outcome = {ProbeReason::kNotRun, "too many open files"}});
  run(seconds(60), milliseconds(100));
  EXPECT_TRUE(verdicts_.empty());
  EXPECT_GE(metrics_.value(Metric::kHealthChecks, {"b1", "not_run"}).get(), 11);
}

TEST_F(CheckerTest, LetsItsOwnerReconfigureFromInsideAVerdict) {
  checker_ = std::make_unique<Checker>(
      *loop_, metrics_, Probes{tcp_, http_},
      CheckerOptions{.verdict = [this](const Verdict&) { configure({}); },
                     .gone = [this](const TargetKey& k) { gone_.push_back(k); }});
  configure({service_of(3)});
  run(seconds(10));
  EXPECT_EQ(gone_.size(), 3U);
  EXPECT_EQ(checker_->running(), 0U);
}

TEST_F(CheckerTest, ProbesFromTheSourceAddressesOfTheService) {
  Service service = service_of(2);
  service.source_addresses = {net::IpAddress::v4(0x0a0000f1), net::IpAddress::v4(0x0a0000f2)};
  configure({service});
  run(milliseconds(100));
  ASSERT_EQ(tcp_.attempts().size(), 2U);
  EXPECT_EQ(tcp_.attempts()[0].target.source, service.source_addresses[0]);
  EXPECT_EQ(tcp_.attempts()[1].target.source, service.source_addresses[1]);
}

TEST_F(CheckerTest, M73_ProbesFromTheCheckSourceOfTheServiceAsSoonAsThereIsOne) {
  Service service = service_of(1);
  service.source_addresses = {net::IpAddress::v4(0x0a0000f1)};
  configure({service});
  run(milliseconds(100));
  EXPECT_EQ(tcp_.attempts().back().target.source, service.source_addresses[0]);
  service.check_source = net::IpAddress::v4(0xA9FEA96E);
  configure({service});
  run(milliseconds(300));
  EXPECT_EQ(tcp_.attempts().back().target.source, service.check_source);
}

TEST_F(CheckerTest, NeverProbesATargetThatNothingMayBeSentToAndItsRecordIsVoid) {
  Service service = service_of(2);
  configure({service});
  run(milliseconds(100));
  ASSERT_EQ(tcp_.attempts().size(), 2U);
  service.targets[1].is_forbidden = true;
  configure({service});
  EXPECT_EQ(gone_, std::vector<TargetKey>{key(1)});
  run(seconds(30));
  EXPECT_EQ(std::ranges::count(tcp_.attempts(), endpoint(1),
                               [](const auto& attempt) { return attempt.target.endpoint; }),
            1);
}

Service denied_service(const std::string& denied) {
  Service service = service_of(1);
  service.targets[0].denied = denied;
  return service;
}

TEST_F(CheckerTest, M8_ATargetThatSecurityGroupsDenyIsUnhealthyAtOnceWithoutAProbe) {
  configure({denied_service("rule r of security group sg denies TCP to 10.0.0.0:80")});
  ASSERT_EQ(verdicts_.size(), 1U);
  EXPECT_EQ(verdicts_[0].state, HealthState::kUnhealthy);
  EXPECT_EQ(verdicts_[0].reason, "CONNECT_FAILED");
  EXPECT_EQ(verdicts_[0].detail, "rule r of security group sg denies TCP to 10.0.0.0:80");
  run(seconds(30));
  EXPECT_TRUE(tcp_.attempts().empty());
  EXPECT_EQ(verdicts_.size(), 1U) << "it is said once";
}

TEST_F(CheckerTest, M8_AHealthyTargetThatIsDeniedTurnsUnhealthyAtOnceAndIsProbedAnewAfterwards) {
  configure({service_of(1)});
  run(seconds(1));
  ASSERT_EQ(state(key(0)), HealthState::kHealthy);
  configure({denied_service("r1")});
  EXPECT_EQ(state(key(0)), HealthState::kUnhealthy);
  const std::size_t probes = tcp_.attempts().size();
  checker_->connect_failed(key(0));
  run(seconds(10));
  EXPECT_EQ(tcp_.attempts().size(), probes);
  configure({denied_service("r2")});
  EXPECT_EQ(verdicts_.back().detail, "r2") << "the rule that is named is the one in force";
  configure({service_of(1)});
  EXPECT_EQ(state(key(0)), HealthState::kInitial);
  run(seconds(1));
  EXPECT_EQ(state(key(0)), HealthState::kHealthy) << "back to back, as a new target";
}

TEST_F(CheckerTest, AClosedCheckSaysNothingOfDenialsUntilItIsOpened) {
  Service service = denied_service("r1");
  service.is_check_closed = true;
  configure({service});
  EXPECT_TRUE(verdicts_.back().is_check_closed());
  service.is_check_closed = false;
  configure({service});
  EXPECT_EQ(state(key(0)), HealthState::kUnhealthy);
  run(seconds(10));
  EXPECT_TRUE(tcp_.attempts().empty());
}

TEST_F(CheckerTest, ADenialFromBeforeARestartIsNotSaidAgain) {
  configure({denied_service("r1")});
  const Verdict said = verdicts_.back();
  restart();
  verdicts_.clear();
  checker_->seed({{said.target, said}});
  configure({denied_service("r1")});
  EXPECT_TRUE(verdicts_.empty());
}

}  // namespace
}  // namespace weir::health
