// Who gets the traffic of a backend service that fails open, and when it does.
#include "snapshot/fail_open.h"

#include <algorithm>
#include <set>

#include "base/random.h"
#include "model/resources.h"
#include "snapshot/compile_fixture.h"

namespace weir::snapshot {
namespace {

using Slots = std::vector<int>;

/// A load balancer on one node; b1 is served by tg-1, whose targets in slots 0, 1, ... a test
/// makes.
class FailOpenTest : public CompileFixture {
 protected:
  void SetUp() override {
    put_front();
    put_group({10, 10, 10});
    put_backend({});
  }

  struct Settings {
    bool fails_open = true;
    bool is_check_closed = false;
    std::string group = "tg-1";
  };
  void put_backend(const Settings& settings) {
    model::Backend backend;
    backend.load_balancer_id = "alb-1";
    backend.protocol = model::Protocol::kTcp;
    backend.port = 8080;
    backend.health_check.protocol = model::Protocol::kTcp;
    backend.target_group_ids = {settings.group};
    backend.fail_open = settings.fails_open;
    put("b1", backend, {.close_health_check = settings.is_check_closed});
  }
  void put_group(const std::vector<int>& weights, const std::string& id = "tg-1") {
    model::TargetGroup group;
    group.load_balancer_id = "alb-1";
    model::TargetGroupAdmin slots;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const std::string number = std::to_string(i);
      group.targets.push_back({.target_id = "t-" + number,
                               .ip_address = "10.0.1." + std::to_string(20 + i),
                               .weight = weights[i]});
      slots.slots.push_back({"t-" + number, static_cast<std::uint16_t>(i)});
    }
    put(id, group, slots);
  }

  Slots taking_now() {
    Slots slots;
    for (const Target& target : service_now().targets) {
      EXPECT_EQ(target.takes_new, target.excluded.empty());
      if (target.takes_new) slots.push_back(target.slot.value);
    }
    return slots;
  }
  bool keeps_traffic(const TargetKey& target, const std::set<TargetKey>& marked = {}) const {
    return snapshot::keeps_traffic({*last_, marked}, verdicts_, target);
  }
  bool raises_alarm() const { return last_->services.at(0)->raises_alarm; }
  bool is_failing_open() const { return last_->services.at(0)->is_failing_open; }
};

TEST_F(FailOpenTest, B12_AServiceThatDoesNotAskForItRefuses) {
  put_backend({.fails_open = false});
  for (const int slot : {0, 1, 2}) judge(slot, HealthState::kUnhealthy);
  EXPECT_EQ(taking_now(), Slots());
  EXPECT_FALSE(is_failing_open());
}

TEST_F(FailOpenTest, B12_WithNoUsableTargetAllThatRunGetTrafficAlsoThoseNotJudgedYet) {
  EXPECT_EQ(taking_now(), (Slots{0, 1, 2})) << "before the first verdicts";
  EXPECT_TRUE(is_failing_open());
  judge(0, HealthState::kUnhealthy);
  judge(1, HealthState::kInitial);
  EXPECT_EQ(taking_now(), (Slots{0, 1, 2}));
  EXPECT_TRUE(is_failing_open());
}

TEST_F(FailOpenTest, B12_AsSoonAsATargetIsUsableOnlyUsableOnesGetTraffic) {
  for (const int slot : {0, 1, 2}) judge(slot, HealthState::kUnhealthy);
  ASSERT_EQ(taking_now(), (Slots{0, 1, 2}));
  judge(1, HealthState::kHealthy);
  EXPECT_EQ(taking_now(), Slots{1});
  EXPECT_FALSE(is_failing_open());
  EXPECT_EQ(last_->services[0]->targets[0].excluded, "unhealthy");
  judge(1, HealthState::kUnhealthy);
  EXPECT_EQ(taking_now(), (Slots{0, 1, 2}));
}

TEST_F(FailOpenTest, B12_ATargetOfWeightZeroIsNeitherUsableNorGetsTraffic) {
  put_group({0, 10, 0});
  judge(0, HealthState::kHealthy);
  judge(1, HealthState::kUnhealthy);
  EXPECT_EQ(taking_now(), Slots{1});
  EXPECT_TRUE(is_failing_open());
  EXPECT_EQ(last_->services[0]->targets[0].excluded, "weight 0");
  put_group({0, 0, 0});
  EXPECT_EQ(taking_now(), Slots());
  EXPECT_FALSE(is_failing_open()) << "nothing gets traffic";
}

TEST_F(FailOpenTest, B12_AStoppedInstanceAndAForbiddenAddressNeverGetTraffic) {
  model::Instance instance;
  instance.subnet_id = "subnet-1";
  instance.az = "local-1a";
  instance.ip_address = "10.0.1.30";
  model::InstanceAdmin stopped;
  stopped.state = model::InstanceState::kStopped;
  stopped.ip_address = instance.ip_address;
  put("i-0", instance, stopped);
  model::TargetGroup group;
  group.load_balancer_id = "alb-1";
  group.targets = {{.target_id = "t-0", .instance_id = "i-0"},
                   {.target_id = "t-1", .ip_address = "127.0.0.1"},
                   {.target_id = "t-2", .ip_address = "10.0.1.22"}};
  model::TargetGroupAdmin slots;
  slots.slots = {{"t-0", 0}, {"t-1", 1}, {"t-2", 2}};
  put("tg-1", group, slots);
  EXPECT_EQ(taking_now(), Slots{2});
  EXPECT_TRUE(is_failing_open());
  group.targets.pop_back();
  slots.slots.pop_back();
  put("tg-1", group, slots);
  EXPECT_EQ(taking_now(), Slots());
  EXPECT_FALSE(is_failing_open());
}

TEST_F(FailOpenTest, WhileTheCheckIsClosedNothingFailsOpen) {
  put_backend({.is_check_closed = true});
  judge(0, HealthState::kUnhealthy);
  EXPECT_EQ(taking_now(), (Slots{0, 1, 2}));
  EXPECT_FALSE(is_failing_open());
}

TEST_F(FailOpenTest, AGroupThatWorksServesOnWhileNoTargetOfItsReplacementIsUsable) {
  judge(0, HealthState::kHealthy);
  judge(1, HealthState::kUnhealthy);
  judge(2, HealthState::kUnhealthy);
  ASSERT_EQ(taking_now(), Slots{0});
  put_group({10, 10}, "tg-2");
  put_backend({.group = "tg-2"});
  judge("tg-2", 0, HealthState::kUnhealthy);
  EXPECT_EQ(taking_now(), Slots{0});
  EXPECT_EQ(last_->services[0]->group_id, "tg-1");
  EXPECT_FALSE(is_failing_open());
  judge("tg-2", 1, HealthState::kUnhealthy);
  EXPECT_EQ(taking_now(), (Slots{0, 1})) << "all are judged: the replacement is what there is";
  EXPECT_EQ(last_->services[0]->group_id, "tg-2");
  EXPECT_TRUE(is_failing_open());
}

TEST_F(FailOpenTest, ATargetKeepsItsTrafficUntilTheNextSnapshotWhenNoOtherIsUsable) {
  for (const int slot : {0, 1}) judge(slot, HealthState::kHealthy);
  service_now();
  judge(0, HealthState::kUnhealthy);
  EXPECT_FALSE(keeps_traffic(key(0))) << "target 1 is usable";
  judge(1, HealthState::kUnhealthy);
  EXPECT_TRUE(keeps_traffic(key(1), {key(0)}));
  EXPECT_FALSE(keeps_traffic(key(1, "tg-9"))) << "of a group not in force";
  EXPECT_FALSE(keeps_traffic({"b9", "tg-1", Slot(1)}));
  put_backend({.fails_open = false});
  service_now();
  EXPECT_FALSE(keeps_traffic(key(1)));
}

class KeepsTraffic : public FailOpenTest, public ::testing::WithParamInterface<bool> {
 protected:
  void SetUp() override {
    FailOpenTest::SetUp();
    put_backend_again();
  }
  void put_backend_again(const std::string& group = "tg-1") {
    put_backend({.fails_open = GetParam(), .group = group});
  }
};

TEST_P(KeepsTraffic, B12_WhileTheOnlyUsableTargetIsOneThatComesWithTheNextSnapshot) {
  judge(0, HealthState::kUnhealthy);
  judge(1, HealthState::kHealthy);
  judge(2, HealthState::kUnhealthy);
  ASSERT_EQ(taking_now(), Slots{1});
  judge(0, HealthState::kHealthy);
  judge(1, HealthState::kUnhealthy);
  EXPECT_TRUE(keeps_traffic(key(1))) << "target 0 is usable, but has no traffic yet";
  EXPECT_EQ(taking_now(), Slots{0});
  EXPECT_FALSE(keeps_traffic(key(1)));
}

TEST_P(KeepsTraffic, B12_WhileTheOnlyUsableTargetWasMarkedAndIsBack) {
  for (const int slot : {0, 1}) judge(slot, HealthState::kHealthy);
  ASSERT_EQ(taking_now(), (Slots{0, 1}));
  judge(0, HealthState::kUnhealthy);
  ASSERT_FALSE(keeps_traffic(key(0)));
  judge(0, HealthState::kHealthy);
  judge(1, HealthState::kUnhealthy);
  EXPECT_TRUE(keeps_traffic(key(1), {key(0)}));
  EXPECT_FALSE(keeps_traffic(key(1))) << "without the mark";
}

TEST_P(KeepsTraffic, WhileTheOnlyUsableTargetIsOfTheGroupThatReplacesItsOwn) {
  judge(0, HealthState::kHealthy);
  ASSERT_EQ(service_now().group_id, "tg-1");
  put_group({10, 10}, "tg-2");
  put_backend_again("tg-2");
  judge("tg-2", 0, HealthState::kUnhealthy);
  ASSERT_EQ(service_now().next_group_id, "tg-2");
  judge("tg-2", 1, HealthState::kHealthy);
  judge(0, HealthState::kUnhealthy);
  EXPECT_TRUE(keeps_traffic(key(0)));
  EXPECT_EQ(service_now().group_id, "tg-2");
}

INSTANTIATE_TEST_SUITE_P(FailsOpen, KeepsTraffic, ::testing::Bool());

TEST_F(FailOpenTest, AServiceWhoseTargetsAreNotJudgedYetRaisesNoAlarm) {
  service_now();
  EXPECT_TRUE(is_failing_open());
  EXPECT_FALSE(raises_alarm());
  judge(0, HealthState::kInitial);
  service_now();
  EXPECT_FALSE(raises_alarm());
  judge(1, HealthState::kUnhealthy);
  service_now();
  EXPECT_TRUE(raises_alarm());
  put_group({10, 0, 10});
  service_now();
  EXPECT_TRUE(is_failing_open());
  EXPECT_FALSE(raises_alarm()) << "the unhealthy target may not serve";
  judge(2, HealthState::kHealthy);
  service_now();
  EXPECT_FALSE(raises_alarm());
}

TEST_F(FailOpenTest, AGroupThatFailsOpenServesOnWhileItsReplacementHasNobodyWhoMayServe) {
  for (const int slot : {0, 1, 2}) judge(slot, HealthState::kUnhealthy);
  put_backend({.group = "tg-2"});
  EXPECT_EQ(taking_now(), (Slots{0, 1, 2})) << "the replacement has not arrived";
  EXPECT_EQ(last_->services[0]->group_id, "tg-1");
  EXPECT_TRUE(raises_alarm());
  put_group({0, 0}, "tg-2");
  EXPECT_EQ(taking_now(), (Slots{0, 1, 2}));
  put_group({0, 10}, "tg-2");
  EXPECT_EQ(taking_now(), Slots{1}) << "not judged yet, which is better than judged unhealthy";
  EXPECT_EQ(last_->services[0]->group_id, "tg-2");
  put_backend({.fails_open = false, .group = "tg-3"});
  EXPECT_EQ(taking_now(), Slots());
}

TEST_F(FailOpenTest, UsableTargetsGetAllTrafficOrAllThatMayServeGetItWhateverHappens) {
  Random random(20261120);
  for (int round = 0; round < 300; ++round) {
    std::vector<int> weights(1 + random.below(5));
    Slots may_serve;
    Slots usable;
    for (int slot = 0; slot < static_cast<int>(weights.size()); ++slot) {
      const auto state = static_cast<HealthState>(random.below(3));
      judge(slot, state);
      weights[static_cast<std::size_t>(slot)] = random.below(3) == 0 ? 0 : 10;
      if (weights[static_cast<std::size_t>(slot)] == 0) continue;
      may_serve.push_back(slot);
      if (state == HealthState::kHealthy) usable.push_back(slot);
    }
    const bool fails_open = random.below(2) == 0;
    put_group(weights);
    put_backend({.fails_open = fails_open});
    const bool is_open = fails_open && usable.empty();
    ASSERT_EQ(taking_now(), is_open ? may_serve : usable);
    ASSERT_EQ(is_failing_open(), is_open && !may_serve.empty());
  }
}

}  // namespace
}  // namespace weir::snapshot
