#include "snapshot/compile.h"

#include <algorithm>

#include "balancing/table_codec.h"
#include "base/base64.h"
#include "model/resources.h"
#include "snapshot/compile_fixture.h"

namespace weir::snapshot {
namespace {

using model::Kind;

model::Backend backend_spec(std::string group) {
  model::Backend spec;
  spec.load_balancer_id = "alb-1";
  spec.protocol = model::Protocol::kHttp;
  spec.port = 8080;
  spec.health_check.protocol = model::Protocol::kHttp;
  if (!group.empty()) spec.target_group_ids = {std::move(group)};
  return spec;
}

model::Listener listener_spec(std::uint16_t port, std::string backend) {
  model::Listener spec;
  spec.load_balancer_id = "alb-1";
  spec.protocol = model::Protocol::kHttp;
  spec.port = port;
  spec.backend_id = std::move(backend);
  return spec;
}

/// A group whose targets are 10.0.<number>.<slot>, with those slots.
struct Group {
  model::TargetGroup spec;
  model::TargetGroupAdmin admin;
};
Group group_of(int number, const std::vector<int>& slots) {
  Group group;
  group.spec.load_balancer_id = "alb-1";
  for (const int slot : slots) {
    const std::string id = "t-" + std::to_string(number) + "-" + std::to_string(slot);
    group.spec.targets.push_back(
        {.target_id = id,
         .ip_address = "10.0." + std::to_string(number) + "." + std::to_string(slot)});
    group.admin.slots.push_back({.target_id = id, .slot = static_cast<std::uint16_t>(slot)});
  }
  return group;
}

/// The objects of one load balancer on one node, put through frames as a node receives them.
class CompileTest : public CompileFixture {
 protected:
  void SetUp() override {
    put_load_balancer(model::LoadBalancerState::kStarted);
    local_.source_addresses["subnet-1"] = {net::IpAddress::v4(0x0a0000f1)};
    put_placement("placement-1", "alb-1");
    put("b1", backend_spec("tg-1"));
    put_group("tg-1", group_of(1, {0, 1}));
    put("l1", listener_spec(80, "b1"));
  }

  void put_load_balancer(model::LoadBalancerState state) {
    model::LoadBalancer lb;
    lb.subnet_id = "subnet-1";
    model::LoadBalancerAdmin admin;
    admin.state = state;
    admin.vip = "10.0.0.100";
    put("alb-1", lb, admin);
  }
  void put_load_balancer_created(const std::string& id, const std::string& created) {
    model::LoadBalancer lb;
    lb.subnet_id = "subnet-1";
    model::LoadBalancerAdmin admin;
    admin.vip = "10.0.0.100";
    put(id, lb, admin, created);
  }
  void put_group(const std::string& id, const Group& group) { put(id, group.spec, group.admin); }
};

std::vector<int> taking(const std::vector<Target>& targets) {
  std::vector<int> slots;
  for (const auto& target : targets) {
    if (target.takes_new) slots.push_back(target.slot.value);
  }
  return slots;
}

TEST_F(CompileTest, JoinsListenerBackendGroupAndAddress) {
  judge("tg-1", 0, HealthState::kHealthy);
  const Snapshot& snapshot = compile_now();
  EXPECT_EQ(snapshot.version, (Version{Epoch(1), Revision(revision_)}));
  EXPECT_TRUE(snapshot.errors.empty());
  ASSERT_EQ(snapshot.listeners.size(), 1U);
  const Listener& listener = *snapshot.listeners[0];
  EXPECT_EQ(listener.id, "l1");
  EXPECT_EQ(listener.name, "name-of-l1");
  EXPECT_EQ(listener.endpoint.text(), "10.0.0.100:80");
  EXPECT_EQ(listener.protocol, Protocol::kHttp);
  EXPECT_EQ(listener.idle_timeout, std::chrono::seconds(60));
  ASSERT_EQ(listener.route.size(), 1U);
  EXPECT_EQ(listener.route[0].service, snapshot.services.at(0));
  const Service& service = *snapshot.services[0];
  EXPECT_EQ(service.id, "b1");
  EXPECT_EQ(service.group_id, "tg-1");
  EXPECT_EQ(service.load_balancer_id, "alb-1");
  EXPECT_EQ(service.source_addresses, local_.source_addresses["subnet-1"]);
  EXPECT_EQ(service.check.protocol, CheckProtocol::kHttp);
  EXPECT_EQ(service.check.http_codes, (std::vector<std::pair<int, int>>{{200, 299}, {300, 399}}));
  ASSERT_EQ(service.targets.size(), 2U);
  EXPECT_EQ(service.targets[0].endpoint.text(), "10.0.1.0:8080") << "port of the backend service";
  EXPECT_EQ(service.targets[1].slot, Slot(1));
  ASSERT_EQ(snapshot.addresses.size(), 1U);
  EXPECT_EQ(snapshot.addresses[0].address.text(), "10.0.0.100");
  EXPECT_EQ(snapshot.addresses[0].subnet_id, "subnet-1");
}

TEST_F(CompileTest, PrefersThePortOfTheTargetAndOrdersTargetsBySlot) {
  Group group = group_of(1, {9, 4});
  group.spec.targets[0].port = 81;
  put_group("tg-1", group);
  const Service& service = service_now();
  ASSERT_EQ(service.targets.size(), 2U);
  EXPECT_EQ(service.targets[0].slot, Slot(4));
  EXPECT_EQ(service.targets[1].endpoint.port, 81);
}

TEST_F(CompileTest, GivesTcpListenersTheirOwnIdleTimeout) {
  model::Listener spec = listener_spec(90, "b1");
  spec.protocol = model::Protocol::kTcp;
  put("l2", spec);
  spec.connection_idle_time_seconds = 7;
  spec.port = 91;
  put("l3", spec);
  const Snapshot& snapshot = compile_now();
  EXPECT_EQ(snapshot.listeners.at(1)->idle_timeout, std::chrono::seconds(1800));
  EXPECT_EQ(snapshot.listeners.at(2)->idle_timeout, std::chrono::seconds(7));
}

TEST_F(CompileTest, M68_GivesNewTrafficToHealthyTargetsOnlyAndSaysWhyOthersGetNone) {
  put_group("tg-1", group_of(1, {0, 1, 2}));
  judge("tg-1", 0, HealthState::kHealthy);
  judge("tg-1", 1, HealthState::kUnhealthy, "CONNECT_FAILED");
  const Service& service = service_now();
  EXPECT_EQ(taking(service.targets), (std::vector<int>{0}));
  EXPECT_EQ(service.targets[0].excluded, "");
  EXPECT_EQ(service.targets[1].excluded, "unhealthy CONNECT_FAILED");
  EXPECT_EQ(service.targets[2].excluded, "initial");
}

TEST_F(CompileTest, GivesNoNewTrafficToWeightZero) {
  Group group = group_of(1, {0, 1});
  group.spec.targets[0].weight = 0;
  put_group("tg-1", group);
  judge("tg-1", 0, HealthState::kHealthy);
  judge("tg-1", 1, HealthState::kHealthy);
  const Service& service = service_now();
  EXPECT_EQ(taking(service.targets), (std::vector<int>{1}));
  EXPECT_EQ(service.targets[0].excluded, "weight 0");
}

TEST_F(CompileTest, M72_GivesTrafficToAllTargetsWhileTheCheckIsClosed) {
  judge("tg-1", 0, HealthState::kUnhealthy, "CONNECT_FAILED");
  put("b1", backend_spec("tg-1"), {.close_health_check = true});
  const Service& service = service_now();
  EXPECT_TRUE(service.is_check_closed);
  EXPECT_EQ(taking(service.targets), (std::vector<int>{0, 1}));
}

TEST_F(CompileTest, H7_AfterTheOpeningOfACheckTargetsTakeTrafficUntilTheirFirstVerdict) {
  judge("tg-1", 0, HealthState::kInitial, std::string(kCheckClosed));
  judge("tg-1", 1, HealthState::kUnhealthy, "CONNECT_FAILED");
  EXPECT_EQ(taking(service_now().targets), (std::vector<int>{0}));
  judge("tg-1", 0, HealthState::kInitial);
  EXPECT_EQ(taking(service_now().targets), (std::vector<int>{})) << "another target since";
}

TEST_F(CompileTest, TakesOnlyWhatIsPlacedOnThisNode) {
  local_.node_id = "node-2";
  const Snapshot& snapshot = compile_now();
  EXPECT_TRUE(snapshot.listeners.empty());
  EXPECT_TRUE(snapshot.services.empty());
  EXPECT_TRUE(snapshot.addresses.empty());
  EXPECT_TRUE(snapshot.errors.empty());
}

TEST_F(CompileTest, LeavesAnAddressOfOverlappingVpcsToTheOlderLoadBalancer) {
  put_load_balancer_created("alb-1", "2026-01-01T00:00:02Z");
  put_load_balancer_created("alb-0", "2026-01-01T00:00:03Z");
  put_placement("placement-0", "alb-0");
  model::Listener twin = listener_spec(80, "b0");
  twin.load_balancer_id = "alb-0";
  put("l0", twin);
  model::Backend backend = backend_spec("");
  backend.load_balancer_id = "alb-0";
  put("b0", backend);
  const Snapshot& snapshot = compile_now();
  ASSERT_EQ(snapshot.listeners.size(), 1U) << "two listeners on one endpoint share its traffic";
  EXPECT_EQ(snapshot.listeners[0]->id, "l1");
  ASSERT_EQ(snapshot.addresses.size(), 1U);
  EXPECT_EQ(snapshot.addresses[0].load_balancer_id, "alb-1");
  ASSERT_EQ(snapshot.errors.size(), 1U);
  EXPECT_EQ(snapshot.errors[0].kind, "lb");
  EXPECT_EQ(snapshot.errors[0].id, "alb-0");
  EXPECT_EQ(snapshot.errors[0].detail,
            "admin.vip: 10.0.0.100 is served for another load balancer already");
  remove("lb", "alb-1");
  const Snapshot& after = compile_now();
  ASSERT_EQ(after.addresses.size(), 1U);
  EXPECT_EQ(after.addresses[0].load_balancer_id, "alb-0");
}

TEST_F(CompileTest, TargetsAreForbiddenByTheLoadBalancerOfTheirServiceWhoeverListens) {
  model::Backend spec = backend_spec("tg-1");
  spec.load_balancer_id = "alb-2";
  put("b1", spec);
  Group group = group_of(1, {0});
  group.spec.load_balancer_id = "alb-2";
  put_group("tg-1", group);
  EXPECT_FALSE(service_now().targets.at(0).is_forbidden);
  model::LoadBalancerAdmin admin;
  admin.vip = "127.0.0.9";
  model::LoadBalancer other;
  other.subnet_id = "subnet-1";
  put("alb-2", other, admin);
  EXPECT_TRUE(service_now().targets.at(0).is_forbidden);
}

TEST_F(CompileTest, ListsNoListenerOfAStoppedLoadBalancerButGoesOnChecking) {
  put_load_balancer(model::LoadBalancerState::kStopped);
  const Snapshot& snapshot = compile_now();
  EXPECT_TRUE(snapshot.listeners.empty());
  EXPECT_EQ(snapshot.services.size(), 1U);
  EXPECT_EQ(snapshot.addresses.size(), 1U);
}

TEST_F(CompileTest, ListsNoListenerThatIsOffButItsServiceStaysUnderCheck) {
  put("l1", listener_spec(80, "b1"), {.status = model::ListenerStatus::kOff});
  put("b2", backend_spec("tg-1"));
  const Snapshot& snapshot = compile_now();
  EXPECT_TRUE(snapshot.listeners.empty());
  ASSERT_EQ(snapshot.services.size(), 1U) << "b2 is referred to by no listener";
  EXPECT_EQ(snapshot.services[0]->id, "b1");
}

TEST_F(CompileTest, ListsDrainsOfItsLoadBalancers) {
  model::Drain drain;
  drain.load_balancer_id = "alb-1";
  drain.group_id = "tg-1";
  drain.draining_seconds = 300;
  drain.deadline = "2026-01-31T12:00:00Z";
  drain.services = {{"b1", 8080}, {"b2", 8081}};
  drain.targets = {{"target-4", 4, "10.0.1.4", 0}, {"target-3", 3, "10.0.1.3", 8080}};
  put("drain-1", drain);
  drain.load_balancer_id = "alb-of-others";
  put("drain-2", drain);
  const Snapshot& snapshot = compile_now();
  ASSERT_EQ(snapshot.drains.size(), 1U);
  const Drain& read = *snapshot.drains[0];
  EXPECT_EQ(read.id, "drain-1");
  EXPECT_EQ(read.group_id, "tg-1");
  EXPECT_EQ(read.services, (std::vector<std::string>{"b1", "b2"}));
  EXPECT_EQ(read.slots, (std::vector<Slot>{Slot(3), Slot(4)}));
  EXPECT_EQ(read.time, std::chrono::seconds(300));
  EXPECT_EQ(utc_text(read.deadline), "2026-01-31T12:00:00Z");
}

TEST_F(CompileTest, ServesAListenerWithoutGroupWithNoTarget) {
  put("b1", backend_spec(""));
  EXPECT_TRUE(service_now().targets.empty());
  EXPECT_EQ(last_->listeners.size(), 1U);
}

// --- objects that cannot be used

TEST_F(CompileTest, PutsOnlyAnObjectOfUnknownKindIntoError) {
  put_text("quantum", "q1", "{}");
  const Snapshot& snapshot = compile_now();
  ASSERT_EQ(snapshot.errors.size(), 1U);
  EXPECT_EQ(snapshot.errors[0].kind, "quantum");
  EXPECT_EQ(snapshot.errors[0].id, "q1");
  EXPECT_EQ(snapshot.errors[0].reason, "unsupported");
  EXPECT_EQ(snapshot.errors[0].revision, Revision(revision_));
  EXPECT_EQ(snapshot.listeners.size(), 1U);
}

TEST_F(CompileTest, KeepsTheLastGoodVersionOfAnObjectWithAnUnknownField) {
  compile_now();
  Json spec = model::to_json(listener_spec(80, "b1"));
  spec["warpFactor"] = 9;
  put_text("listener", "l1",
           Json::object({{"name", "new"}, {"spec", spec}, {"admin", Json::object()}}).dump());
  put("l2", listener_spec(82, "b1"));
  const Snapshot& snapshot = compile_now();
  ASSERT_EQ(snapshot.errors.size(), 1U);
  EXPECT_EQ(snapshot.errors[0].id, "l1");
  EXPECT_EQ(snapshot.errors[0].reason, "unsupported");
  EXPECT_NE(snapshot.errors[0].detail.find("warpFactor"), std::string::npos);
  ASSERT_EQ(snapshot.listeners.size(), 2U);
  EXPECT_EQ(snapshot.listeners[0]->name, "name-of-l1") << "the last good version";
  put("l1", listener_spec(83, "b1"));
  EXPECT_TRUE(compile_now().errors.empty());
  EXPECT_EQ(last_->listeners[0]->endpoint.port, 83);
}

TEST_F(CompileTest, CallsAnUnknownEnvelopeMemberOrWordUnsupported) {
  Json spec = model::to_json(backend_spec("tg-1"));
  spec["algorithm"] = "Telepathy";
  put_text("backend", "b1", Json::object({{"spec", spec}}).dump());
  put_text("tg", "tg-9", R"({"spec":{"loadBalancerId":"alb-1"},"colour":"blue"})");
  const Snapshot& snapshot = compile_now();
  std::vector<std::string> found;
  for (const auto& error : snapshot.errors) {
    found.push_back(error.kind + " " + error.id + " " + error.reason);
  }
  EXPECT_EQ(found, (std::vector<std::string>{"backend b1 unsupported", "tg tg-9 unsupported",
                                             "listener l1 invalid"}));
}

TEST_F(CompileTest, CallsABrokenBodyInvalidAndKeepsItsLastGoodVersion) {
  compile_now();
  for (const char* body : {"", "{", "[]", R"({"spec":1})",
                           R"({"spec":{"loadBalancerId":"alb-1","targets":[{"ipAddress":"x"}]}})",
                           R"({"spec":{"loadBalancerId":"alb-1","targets":[)"
                           R"({"targetId":"t","ipAddress":"10.0.0.1"}]}})"}) {
    put_text("tg", "tg-1", body);
    const Snapshot& snapshot = compile_now();
    ASSERT_EQ(snapshot.errors.size(), 1U) << body;
    EXPECT_EQ(snapshot.errors[0].reason, "invalid") << body;
    EXPECT_EQ(snapshot.services.at(0)->targets.size(), 2U) << body;
  }
}

TEST_F(CompileTest, ForgetsTheLastGoodVersionOfARemovedObject) {
  compile_now();
  remove("tg", "tg-1");
  EXPECT_TRUE(service_now().targets.empty());
  remove("listener", "l1");
  EXPECT_TRUE(compile_now().listeners.empty());
}

TEST_F(CompileTest, SaysThatAListenerHasNoUsableBackendAndServesTheOthers) {
  put("l2", listener_spec(82, "nowhere"));
  const Snapshot& snapshot = compile_now();
  ASSERT_EQ(snapshot.errors.size(), 1U);
  EXPECT_EQ(snapshot.errors[0].id, "l2");
  EXPECT_EQ(snapshot.errors[0].reason, "invalid");
  EXPECT_EQ(snapshot.listeners.size(), 1U);
}

// --- a group that replaces another

TEST_F(CompileTest, TheOldGroupServesUntilOneTargetOfTheNewOneIsHealthy) {
  put_group("tg-2", group_of(2, {0, 1}));
  judge("tg-1", 0, HealthState::kHealthy);
  put("b1", backend_spec("tg-2"));
  const Service& waiting = service_now();
  EXPECT_EQ(waiting.group_id, "tg-1");
  EXPECT_EQ(taking(waiting.targets), (std::vector<int>{0}));
  EXPECT_EQ(waiting.next_group_id, "tg-2");
  EXPECT_EQ(waiting.next_targets.size(), 2U);
  judge("tg-2", 1, HealthState::kUnhealthy, "CONNECT_FAILED");
  EXPECT_EQ(service_now().group_id, "tg-1");
  judge("tg-2", 0, HealthState::kHealthy);
  const Service& replaced = service_now();
  EXPECT_EQ(replaced.group_id, "tg-2");
  EXPECT_EQ(taking(replaced.targets), (std::vector<int>{0}));
  EXPECT_EQ(replaced.next_group_id, "");
  EXPECT_TRUE(replaced.next_targets.empty());
}

TEST_F(CompileTest, TheOldGroupServesUntilAllTargetsOfTheNewOneHaveVerdicts) {
  put_group("tg-2", group_of(2, {0, 1}));
  judge("tg-1", 0, HealthState::kHealthy);
  put("b1", backend_spec("tg-2"));
  judge("tg-2", 0, HealthState::kUnhealthy);
  judge("tg-2", 1, HealthState::kInitial);
  EXPECT_EQ(service_now().group_id, "tg-1");
  judge("tg-2", 1, HealthState::kUnhealthy);
  EXPECT_EQ(service_now().group_id, "tg-2");
}

TEST_F(CompileTest, ReplacesAtOnceWhenThereIsNothingToWaitFor) {
  put_group("tg-2", group_of(2, {0}));
  put_group("tg-3", group_of(3, {}));
  put("b1", backend_spec("tg-2"));
  EXPECT_EQ(service_now().group_id, "tg-2") << "the old group serves nobody";
  judge("tg-1", 0, HealthState::kHealthy);
  put("b1", backend_spec("tg-3"));
  EXPECT_EQ(service_now().group_id, "tg-3") << "the new group has no target to wait for";
  put("b1", backend_spec("tg-2"), {.close_health_check = true});
  EXPECT_EQ(service_now().group_id, "tg-2") << "without checks all targets take traffic";
  put("b1", backend_spec(""));
  EXPECT_EQ(service_now().group_id, "") << "taken away, not replaced";
}

TEST_F(CompileTest, WithTheCheckClosedAGroupThatTakesNothingNewReplacesTheOldOneToo) {
  Group idle = group_of(2, {0});
  idle.spec.targets[0].weight = 0;
  put_group("tg-2", idle);
  judge("tg-1", 0, HealthState::kHealthy);
  put("b1", backend_spec("tg-2"), {.close_health_check = true});
  EXPECT_EQ(service_now().group_id, "tg-2") << "no verdict will ever come";
}

TEST_F(CompileTest, AGroupOfForbiddenAddressesReplacesNobodyAndIsReported) {
  Group forbidden = group_of(2, {0, 1});
  for (auto& target : forbidden.spec.targets) target.ip_address = "169.254.169.254";
  put_group("tg-2", forbidden);
  judge("tg-1", 0, HealthState::kHealthy);
  put("b1", backend_spec("tg-2"));
  EXPECT_EQ(service_now().group_id, "tg-1");
  ASSERT_EQ(last_->errors.size(), 1u);
  EXPECT_EQ(last_->errors[0].id, "tg-2");
  forbidden.spec.targets[1].ip_address = "10.0.2.1";
  put_group("tg-2", forbidden);
  EXPECT_EQ(service_now().group_id, "tg-1") << "one is still to be judged";
  judge("tg-2", 1, HealthState::kUnhealthy);
  EXPECT_EQ(service_now().group_id, "tg-2");
}

TEST_F(CompileTest, AGroupWhoseInstancesHaveNotArrivedReplacesNobody) {
  Group group;
  group.spec.load_balancer_id = "alb-1";
  group.spec.type = model::TargetGroupType::kInstance;
  group.spec.targets.push_back({.target_id = "t-0", .instance_id = "i-0"});
  group.admin.slots.push_back({.target_id = "t-0", .slot = 0});
  put_group("tg-2", group);
  judge("tg-1", 0, HealthState::kHealthy);
  put("b1", backend_spec("tg-2"));
  EXPECT_EQ(service_now().group_id, "tg-1");
  put("b1", backend_spec("tg-9"));
  EXPECT_EQ(service_now().group_id, "tg-1") << "the group itself has not arrived";
}

TEST_F(CompileTest, AProcessThatStartsDuringAReplacementServesTheOldGroupToo) {
  put_group("tg-2", group_of(2, {0}));
  judge("tg-1", 1, HealthState::kHealthy);
  put("b1", backend_spec("tg-2"));
  compiled_.reset();
  EXPECT_EQ(service_now().group_id, "tg-1");
}

TEST_F(CompileTest, AGroupThatIsGoneIsNotWaitedWith) {
  put_group("tg-2", group_of(2, {0}));
  judge("tg-1", 1, HealthState::kHealthy);
  put("b1", backend_spec("tg-2"));
  remove("tg", "tg-1");
  EXPECT_EQ(service_now().group_id, "tg-2");
}

TEST_F(CompileTest, ReusesThePartsThatDidNotChange) {
  put("b2", backend_spec("tg-1"));
  put("l2", listener_spec(82, "b2"));
  compile_now();
  const auto before = last_;
  put("b2", backend_spec(""));
  compile_now();
  EXPECT_EQ(last_->services.at(0), before->services.at(0));
  EXPECT_EQ(last_->listeners.at(0), before->listeners.at(0));
  EXPECT_NE(last_->services.at(1), before->services.at(1));
  EXPECT_NE(last_->listeners.at(1), before->listeners.at(1));
}

/// Counts what is read and built, not time: 500 listeners with a backend service and a group each.
class CompileCostTest : public CompileTest {
 protected:
  static constexpr int kServices = 500;

  void SetUp() override {
    CompileTest::SetUp();
    for (int i = 2; i <= kServices; ++i) {
      const std::string number = std::to_string(i);
      put_group("tg-" + number, group_of(i % 200, {0, 1}));
      put("b" + number, backend_spec("tg-" + number));
      put("l" + number, listener_spec(static_cast<std::uint16_t>(1000 + i), "b" + number));
    }
    compile_now();
  }
  CompileWork work_now() {
    compile_now();
    return work_of(*compiled_);
  }
  static std::string text(const CompileWork& work) {
    return std::to_string(work.objects_read) + " read, " + std::to_string(work.services_built) +
           " services, " + std::to_string(work.listeners_built) + " listeners";
  }
};

TEST_F(CompileCostTest, AChangeCostsWhatItConcernsAndNotWhatThereIs) {
  EXPECT_EQ(work_of(*compiled_).services_built, static_cast<std::size_t>(kServices));
  EXPECT_EQ(text(work_now()), "0 read, 0 services, 0 listeners");
  put_group("tg-7", group_of(7, {0}));
  EXPECT_EQ(text(work_now()), "1 read, 1 services, 1 listeners");
  judge("tg-1", 0, HealthState::kHealthy);
  EXPECT_EQ(text(work_now()), "0 read, 1 services, 1 listeners");
  put("l9", listener_spec(9, "b8"));
  EXPECT_EQ(text(work_now()), "1 read, 1 services, 1 listeners");
  put("l-new", listener_spec(7, "b7"));
  EXPECT_EQ(text(work_now()), "1 read, 1 services, 1 listeners");
  remove("backend", "b4");
  EXPECT_EQ(text(work_now()), "0 read, 0 services, 1 listeners");
  put_text("lb", "lb-elsewhere", "{}");
  EXPECT_EQ(text(work_now()), "1 read, 0 services, 0 listeners");
}

/// A backend service that hashes, the seed, and the table of its group.
class HashTest : public CompileTest {
 protected:
  void SetUp() override {
    CompileTest::SetUp();
    put_hashed();
    put_seed();
    put_table(10);
    judge("tg-1", 0, HealthState::kHealthy);
  }
  void put_hashed() {
    model::Backend spec = backend_spec("tg-1");
    spec.algorithm = model::Algorithm::kIpHash;
    put("b1", spec);
  }
  void put_seed() {
    model::Keyring seeds;
    seeds.current = "00000000000000ff";
    put("hash-seed", seeds);
  }
  void put_table(std::uint16_t weight) {
    const balancing::WeightedSlot members[] = {{Slot(0), 10}, {Slot(1), weight}};
    const balancing::SlotTable slots = balancing::slot_table(members, nullptr).value();
    model::Table table;
    table.load_balancer_id = "alb-1";
    table.group_id = "tg-1";
    table.generation = static_cast<std::int64_t>(slots.generation.value);
    table.checksum = slots.checksum;
    table.rows = to_base64(balancing::encode(slots));
    put("table-1", table);
    checksum_ = slots.checksum;
  }

  std::uint32_t checksum_ = 0;
};

TEST_F(HashTest, GivesTheServiceItsTableAndTheSeed) {
  const Service& service = service_now();
  EXPECT_EQ(service.algorithm, Algorithm::kSourceHash);
  ASSERT_NE(service.flow_table.slots, nullptr);
  EXPECT_EQ(service.flow_table.slots->checksum, checksum_);
  EXPECT_EQ(service.flow_table.seed, 0xffU);
  EXPECT_TRUE(last_->errors.empty());
}

TEST_F(HashTest, ComparesTablesByWhatTheySay) {
  const Service once = service_now();
  compiled_.reset();
  EXPECT_EQ(service_now(), once);
  put_table(20);
  EXPECT_NE(service_now(), once);
}

TEST_F(HashTest, HealthDoesNotTouchTheTable) {
  const auto before = service_now().flow_table.slots;
  judge("tg-1", 0, HealthState::kUnhealthy, "TIMEOUT");
  EXPECT_EQ(service_now().flow_table.slots, before);
}

TEST_F(HashTest, ServesWithoutATableOrSeedAndSaysSo) {
  remove("table", "table-1");
  EXPECT_EQ(service_now().flow_table.slots, nullptr);
  EXPECT_EQ(taking(last_->services[0]->targets), (std::vector<int>{0}));
  ASSERT_EQ(last_->errors.size(), 1U);
  EXPECT_EQ(last_->errors[0].id, "b1");
  EXPECT_EQ(last_->errors[0].detail, "the slot table of group tg-1 has not arrived");
  put_table(10);
  EXPECT_NE(service_now().flow_table.slots, nullptr);
  remove("keyring", "hash-seed");
  EXPECT_EQ(service_now().flow_table.slots, nullptr);
  EXPECT_EQ(last_->errors[0].detail, "the seed of the hash has not arrived");
}

TEST_F(HashTest, KeepsTheLastGoodTableWhenTheNextIsBroken) {
  const auto before = service_now().flow_table.slots;
  put_text("table", "table-1",
           R"({"spec":{"loadBalancerId":"alb-1","groupId":"tg-1","rows":"AA=="}})");
  EXPECT_EQ(service_now().flow_table.slots, before);
  ASSERT_EQ(last_->errors.size(), 1U);
  EXPECT_EQ(last_->errors[0].kind, "table");
}

}  // namespace
}  // namespace weir::snapshot
