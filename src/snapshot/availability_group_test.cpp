// Services whose targets are the members of an availability group.
#include <algorithm>

#include "model/resources.h"
#include "snapshot/compile_fixture.h"

namespace weir::snapshot {
namespace {

/// The service b1 of alb-1 on node-1 over group ag-1 with members i-0 (10.0.1.30) and i-1.
class GroupMembers : public CompileFixture {
 protected:
  void SetUp() override {
    put_front();
    put_members({0, 1});
    put_backend();
    for (const int number : {0, 1, 2}) put_instance(number);
    for (const int slot : {0, 1}) judge("ag-1", slot, HealthState::kHealthy);
  }

  /// Slots are the numbers of the instances.
  void put_members(const std::vector<int>& numbers) {
    model::AvailabilityGroup group;
    group.azs = {"local-1a"};
    model::TargetGroupAdmin slots;
    for (const int number : numbers) {
      slots.slots.push_back({"i-" + std::to_string(number), static_cast<std::uint16_t>(number)});
    }
    put("ag-1", group, slots);
  }
  void put_backend(const std::string& id = "b1", const std::string& lb = "alb-1", int port = 8080) {
    model::Backend backend;
    backend.load_balancer_id = lb;
    backend.protocol = model::Protocol::kTcp;
    backend.port = static_cast<std::uint16_t>(port);
    backend.algorithm = model::Algorithm::kRoundRobin;
    backend.health_check.protocol = model::Protocol::kTcp;
    backend.ag_ids = {"ag-1"};
    put(id, backend);
  }
  void put_target_group() {
    model::TargetGroup group;
    group.load_balancer_id = "alb-1";
    group.targets = {{.target_id = "t-0", .ip_address = "10.0.1.40", .port = 80}};
    model::TargetGroupAdmin slots;
    slots.slots = {{"t-0", 0}};
    put("tg-1", group, slots);
    model::Backend backend;
    backend.load_balancer_id = "alb-1";
    backend.protocol = model::Protocol::kTcp;
    backend.port = 8080;
    backend.algorithm = model::Algorithm::kRoundRobin;
    backend.health_check.protocol = model::Protocol::kTcp;
    backend.target_group_ids = {"tg-1"};
    put("b1", backend);
  }
  void put_instance(int number, model::InstanceState state = model::InstanceState::kRunning) {
    model::Instance instance;
    instance.subnet_id = "subnet-1";
    instance.az = "local-1a";
    instance.ip_address = "10.0.1.3" + std::to_string(number);
    instance.ag_id = "ag-1";
    model::InstanceAdmin admin;
    admin.state = state;
    admin.ip_address = instance.ip_address;
    put("i-" + std::to_string(number), instance, admin);
  }
  /// A second load balancer on this node whose service b2 has the same group.
  void put_second_front() {
    model::LoadBalancer lb;
    lb.subnet_id = "subnet-1";
    model::LoadBalancerAdmin address;
    address.vip = "10.0.0.101";
    put("alb-2", lb, address);
    put_placement("placement-2", "alb-2");
    model::Listener listener;
    listener.load_balancer_id = "alb-2";
    listener.protocol = model::Protocol::kTcp;
    listener.port = 80;
    listener.backend_id = "b2";
    put("l2", listener);
    put_backend("b2", "alb-2", 9090);
  }
  static std::vector<std::string> endpoints(const Service& service) {
    std::vector<std::string> found;
    for (const Target& target : service.targets) found.push_back(target.endpoint.text());
    return found;
  }
};

using Texts = std::vector<std::string>;

TEST_F(GroupMembers, M79_AreReachedOnThePortOfTheBackendServiceWithEqualWeight) {
  const Service& service = service_now();
  EXPECT_EQ(service.group_id, "ag-1");
  EXPECT_EQ(endpoints(service), (Texts{"10.0.1.30:8080", "10.0.1.31:8080"}));
  for (const Target& target : service.targets) {
    EXPECT_EQ(target.weight, 10);
    EXPECT_TRUE(target.takes_new);
    EXPECT_EQ(target.id, target.instance_id);
  }
  EXPECT_TRUE(last_->errors.empty());
}

TEST_F(GroupMembers, M81_JoinAndLeaveEveryServiceOfEveryLoadBalancerThatNamesTheGroup) {
  put_second_front();
  compile_now();
  ASSERT_EQ(last_->services.size(), 2U);
  EXPECT_EQ(endpoints(*last_->services[1]), (Texts{"10.0.1.30:9090", "10.0.1.31:9090"}));
  put_members({1, 2});
  compile_now();
  EXPECT_EQ(endpoints(*last_->services[0]), (Texts{"10.0.1.31:8080", "10.0.1.32:8080"}));
  EXPECT_EQ(endpoints(*last_->services[1]), (Texts{"10.0.1.31:9090", "10.0.1.32:9090"}));
  EXPECT_EQ(last_->services[0]->targets[1].excluded, "initial");
}

TEST_F(GroupMembers, AChangeOfAnotherGroupBuildsNothing) {
  compile_now();
  model::AvailabilityGroup other;
  other.azs = {"local-1a"};
  put("ag-2", other);
  compile_now();
  EXPECT_EQ(work_of(*compiled_).services_built, 0U);
  put_instance(1, model::InstanceState::kStopped);
  compile_now();
  EXPECT_EQ(work_of(*compiled_).services_built, 1U);
  EXPECT_EQ(last_->services[0]->targets[1].excluded, "instance stopped");
}

TEST_F(GroupMembers, M25_ServeUntilTheTargetGroupThatReplacesThemCan) {
  compile_now();
  put_target_group();
  EXPECT_EQ(service_now().group_id, "ag-1");
  EXPECT_EQ(last_->services[0]->next_group_id, "tg-1");
  judge("tg-1", 0, HealthState::kHealthy);
  EXPECT_EQ(service_now().group_id, "tg-1");
  verdicts_.erase(key(0, "ag-1"));
  verdicts_.erase(key(1, "ag-1"));
  put_backend();
  EXPECT_EQ(service_now().group_id, "tg-1") << "and back";
  judge("ag-1", 1, HealthState::kHealthy);
  EXPECT_EQ(service_now().group_id, "ag-1");
}

TEST_F(GroupMembers, AForbiddenAddressIsToldAsAnErrorOfTheGroup) {
  model::Instance instance;
  instance.subnet_id = "subnet-1";
  instance.az = "local-1a";
  instance.ip_address = "127.0.0.1";
  instance.ag_id = "ag-1";
  model::InstanceAdmin admin;
  admin.ip_address = "127.0.0.1";
  put("i-1", instance, admin);
  EXPECT_FALSE(service_now().targets[1].takes_new);
  ASSERT_EQ(last_->errors.size(), 1U);
  EXPECT_EQ(last_->errors[0].kind, "ag");
  EXPECT_EQ(last_->errors[0].id, "ag-1");
}

TEST_F(GroupMembers, TwoMembersInOneSlotAreRefusedAndTheLastGoodGroupStays) {
  compile_now();
  model::AvailabilityGroup group;
  group.azs = {"local-1a"};
  model::TargetGroupAdmin slots;
  slots.slots = {{"i-0", 4}, {"i-2", 4}};
  put("ag-1", group, slots);
  EXPECT_EQ(endpoints(service_now()), (Texts{"10.0.1.30:8080", "10.0.1.31:8080"}));
  ASSERT_EQ(last_->errors.size(), 1U);
  EXPECT_EQ(last_->errors[0].reason, "invalid");
}

}  // namespace
}  // namespace weir::snapshot
