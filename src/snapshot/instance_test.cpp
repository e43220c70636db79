// Targets that are instances: where their address comes from, and what happens while one stands
// still.
#include "model/resources.h"
#include "snapshot/compile_fixture.h"

namespace weir::snapshot {
namespace {

/// A load balancer on one node whose group has the instances i-0 (10.0.1.30) and i-1 (10.0.1.31).
class InstanceTargets : public CompileFixture {
 protected:
  void SetUp() override {
    put_front();
    put_group();
    put_backend(false);
    put_instance(0);
    put_instance(1);
    for (const int slot : {0, 1}) judge(slot, HealthState::kHealthy);
  }

  void put_group() {
    model::TargetGroup group;
    group.load_balancer_id = "alb-1";
    group.type = model::TargetGroupType::kInstance;
    model::TargetGroupAdmin slots;
    for (const std::uint16_t slot : {std::uint16_t{0}, std::uint16_t{1}}) {
      const std::string number = std::to_string(slot);
      group.targets.push_back({.target_id = "t-" + number, .instance_id = "i-" + number});
      slots.slots.push_back({"t-" + number, slot});
    }
    put("tg-1", group, slots);
  }
  void put_backend(bool is_check_closed) {
    model::Backend backend;
    backend.load_balancer_id = "alb-1";
    backend.protocol = model::Protocol::kTcp;
    backend.port = 8080;
    backend.algorithm = model::Algorithm::kRoundRobin;
    backend.health_check.protocol = model::Protocol::kTcp;
    backend.target_group_ids = {"tg-1"};
    model::BackendAdmin admin;
    admin.close_health_check = is_check_closed;
    put("b1", backend, admin);
  }
  void put_instance(int number, model::InstanceState state = model::InstanceState::kRunning) {
    model::Instance instance;
    instance.subnet_id = "subnet-1";
    instance.az = "local-1a";
    model::InstanceAdmin admin;
    admin.state = state;
    instance.ip_address = "10.0.1.3" + std::to_string(number);
    admin.ip_address = instance.ip_address;
    put("i-" + std::to_string(number), instance, admin);
  }
  const std::vector<Target>& targets_now() {
    compile_now();
    return last_->services.at(0)->targets;
  }
};

TEST_F(InstanceTargets, HaveTheAddressOfTheirInstanceAndThePortOfTheBackendService) {
  const auto& targets = targets_now();
  ASSERT_EQ(targets.size(), 2u);
  EXPECT_EQ(targets[0].endpoint.text(), "10.0.1.30:8080");
  EXPECT_EQ(targets[1].endpoint.text(), "10.0.1.31:8080");
  EXPECT_TRUE(targets[0].takes_new);
  EXPECT_TRUE(last_->errors.empty());
}

TEST_F(InstanceTargets, M72_AStoppedInstanceTakesNothingNewWhateverItsCheckSays) {
  put_instance(1, model::InstanceState::kStopped);
  EXPECT_TRUE(targets_now()[0].takes_new);
  EXPECT_FALSE(targets_now()[1].takes_new);
  EXPECT_EQ(targets_now()[1].excluded, "instance stopped");
  EXPECT_TRUE(targets_now()[1].keeps_old);
}

TEST_F(InstanceTargets, M72_WhileTheCheckIsClosedAllThatRunGetTrafficAndNoOther) {
  verdicts_.clear();
  put_backend(true);
  put_instance(1, model::InstanceState::kStopped);
  EXPECT_TRUE(targets_now()[0].takes_new);
  EXPECT_EQ(targets_now()[1].excluded, "instance stopped");
  put_instance(1);
  EXPECT_TRUE(targets_now()[1].takes_new);
}

TEST_F(InstanceTargets, AreLeftOutUntilTheirInstanceHasArrived) {
  apply({.version = {}, .kind = "instance", .id = "i-0", .is_tombstone = true, .body = ""});
  const auto& targets = targets_now();
  ASSERT_EQ(targets.size(), 1u);
  EXPECT_EQ(targets[0].instance_id, "i-1");
}

}  // namespace
}  // namespace weir::snapshot
