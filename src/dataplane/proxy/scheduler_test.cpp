// The choice of a target by itself: what a failed connect changes, and what it does not.
#include "dataplane/proxy/scheduler.h"

#include <gtest/gtest.h>

#include <set>

#include "balancing/slot_table.h"

namespace weir::dataplane::proxy {
namespace {

using snapshot::Algorithm;

/// Three targets, one TCP service.
class SchedulerTest : public ::testing::Test {
 protected:
  ServicePlanPtr plan(Algorithm algorithm, std::chrono::seconds persistence = {},
                      const std::set<int>& taking = {1, 2, 3}) {
    snapshot::Service service;
    service.id = "web";
    service.algorithm = algorithm;
    service.persistence = persistence;
    std::vector<balancing::WeightedSlot> members;
    for (int i = 1; i <= 3; ++i) {
      snapshot::Target target;
      target.slot = Slot(static_cast<std::uint16_t>(i));
      target.endpoint = *net::Endpoint::parse("10.1.0." + std::to_string(i) + ":80");
      target.weight = 10;
      target.takes_new = taking.contains(i);
      service.targets.push_back(target);
      members.push_back({target.slot, 10});
    }
    if (algorithm == Algorithm::kSourceHash) {
      service.flow_table = {std::make_shared<const balancing::SlotTable>(
                                balancing::slot_table(members, nullptr).value()),
                            0x5eed};
    }
    auto made = std::make_shared<snapshot::Snapshot>();
    made->services.push_back(std::make_shared<const snapshot::Service>(service));
    plan_ = planner_.plan(made, plan_.get());
    return plan_->services.front();
  }
  FlowEnds flow(Instant now) const { return {.client = client_, .vip = vip_, .now = now}; }

  static constexpr auto any = [](balancing::TargetIndex) { return true; };
  const Instant now_ = Instant{} + std::chrono::hours(10);
  const net::Endpoint client_ = *net::Endpoint::parse("10.9.8.7:6543");
  const net::Endpoint vip_ = *net::Endpoint::parse("10.0.0.1:80");

 private:
  Planner planner_{1};
  PlanPtr plan_;
};

class ByTurns : public SchedulerTest, public ::testing::WithParamInterface<Algorithm> {};

TEST_P(ByTurns, B1_PassOverATargetForOneSecondAfterItsConnectFailed) {
  const ServicePlanPtr service = plan(GetParam());
  Scheduler scheduler(*service, {}, nullptr);
  service->targets[1]->note_connect_failure(now_);
  const auto picks = [&](Instant now) {
    std::vector<int> counts(3, 0);
    for (int i = 0; i < 12; ++i) ++counts[scheduler.pick(flow(now), any)->value];
    return counts;
  };
  EXPECT_EQ(picks(now_), (std::vector<int>{6, 0, 6}));
  EXPECT_EQ(picks(now_ + kPassedOver - std::chrono::milliseconds(1)), (std::vector<int>{6, 0, 6}));
  EXPECT_EQ(picks(now_ + kPassedOver), (std::vector<int>{4, 4, 4}));
  for (const auto& target : service->targets) target->note_connect_failure(now_);
  EXPECT_EQ(picks(now_), (std::vector<int>{4, 4, 4})) << "better than nobody";
}

TEST_P(ByTurns, B12_FindATargetThatTookOverSinceTheirPlanWasMade) {
  const ServicePlanPtr service = plan(GetParam(), {}, {2});
  Scheduler scheduler(*service, {}, nullptr);
  const auto usable = [&](balancing::TargetIndex index) {
    return service->targets[index.value]->takes_new();
  };
  EXPECT_EQ(scheduler.pick(flow(now_), usable), balancing::TargetIndex(1));
  const ServicePlanPtr next = plan(GetParam(), {}, {3});
  EXPECT_EQ(scheduler.pick(flow(now_), usable), balancing::TargetIndex(2));
  plan(GetParam(), {}, {});
  EXPECT_EQ(scheduler.pick(flow(now_), usable), std::nullopt);
}

INSTANTIATE_TEST_SUITE_P(Algorithms, ByTurns,
                         ::testing::Values(Algorithm::kRoundRobin, Algorithm::kLeastConnections));

TEST_F(SchedulerTest, M32_AFailedConnectDoesNotMoveTheClientsThatAHashGivesToTheTarget) {
  const ServicePlanPtr service = plan(Algorithm::kSourceHash);
  Scheduler scheduler(*service, {}, nullptr);
  const auto before = scheduler.pick(flow(now_), any);
  ASSERT_TRUE(before.has_value());
  service->targets[before->value]->note_connect_failure(now_);
  EXPECT_EQ(scheduler.pick(flow(now_), any), before);
}

TEST_F(SchedulerTest, M40_AFailedConnectMovesTheConnectionThatFailedAndNoOtherClient) {
  const ServicePlanPtr service = plan(Algorithm::kRoundRobin, std::chrono::seconds(1440));
  Scheduler scheduler(*service, {}, nullptr);
  const auto home = scheduler.pick(flow(now_), any);
  ASSERT_TRUE(home.has_value());
  service->targets[home->value]->note_connect_failure(now_);
  EXPECT_EQ(scheduler.pick(flow(now_), any), home) << "it may have been another one's connect";
}

TEST_F(SchedulerTest, M40_AFailureOfOurOwnSendsAClientElsewhereOnce) {
  const ServicePlanPtr service = plan(Algorithm::kRoundRobin, std::chrono::seconds(1440));
  Scheduler scheduler(*service, {}, nullptr);
  const auto home = scheduler.pick(flow(now_), any);
  ASSERT_TRUE(home.has_value());
  FlowEnds retry = flow(now_);
  retry.binds = false;
  const auto elsewhere =
      scheduler.pick(retry, [&](balancing::TargetIndex index) { return index != *home; });
  ASSERT_TRUE(elsewhere.has_value());
  EXPECT_NE(elsewhere, home);
  EXPECT_EQ(scheduler.pick(flow(now_), any), home);
}

}  // namespace
}  // namespace weir::dataplane::proxy
