// Instances and the target groups that name them, on the native face and in the store.
#include "api/fake_node.h"
#include "api/v1_fixture.h"

namespace weir::api {
namespace {

class InstanceTest : public V1Test {
 protected:
  void SetUp() override {
    start();
    subnet =
        api->create("subnet", "servers",
                    Json::object({{"vpcId", "vpc-default"}, {"addressPrefix", "127.9.1.0/24"}}))
            .id();
  }
  Json instance_spec(const std::string& address, const std::string& az = "local-1a") const {
    return Json::object({{"subnetId", subnet}, {"az", az}, {"ipAddress", address}});
  }
  std::string instance(const std::string& address, const std::string& az = "local-1a") {
    const Answer made = api->create("instance", "web.1", instance_spec(address, az));
    EXPECT_EQ(made.status, 201) << made.body.dump();
    return made.id();
  }
  std::string group(const std::string& lb) {
    return api
        ->create("tg", "servers", Json::object({{"loadBalancerId", lb}, {"type", "instance"}}))
        .id();
  }
  Answer add(const std::string& tg, const std::string& id, int port = 8080) {
    return api->post(
        "target",
        Json::object(
            {{"spec", Json::object({{"targetGroupId", tg}, {"instanceId", id}, {"port", port}})}}));
  }

  std::string subnet;
};

TEST_F(InstanceTest, HasTheAddressThatItIsGivenAndNoOtherServerDoes) {
  const Answer asked = api->create("instance", "web", instance_spec("127.9.1.3"));
  ASSERT_EQ(asked.status, 201) << asked.body.dump();
  EXPECT_TRUE(asked.id().starts_with("i-"));
  EXPECT_EQ(asked.at("admin").string_or("ipAddress", ""), "127.9.1.3");
  EXPECT_EQ(asked.at("admin").string_or("vpcId", ""), "vpc-default");
  EXPECT_EQ(asked.at("admin").string_or("state", ""), "running");
  EXPECT_EQ(stored("address/vpc-default/127.9.1.3"), asked.id());
  EXPECT_EQ(api->create("instance", "web", instance_spec("")).message(),
            "spec.ipAddress: is missing");
  EXPECT_EQ(api->create("instance", "web", instance_spec("127.9.1.3")).problem(), "409 CONFLICT");
  const Answer lb = api->create(
      "lb", "web", Json::object({{"subnetId", subnet}, {"azs", Json::array({Json("local-1a")})}}));
  EXPECT_EQ(lb.at("admin").string_or("vip", ""), "127.9.1.4") << "past the instance";
}

TEST_F(InstanceTest, KeepsItsPlaceForLifeAndItsAddressIsFreeAfterIt) {
  const std::string id = instance("127.9.1.7");
  for (const Json& change :
       {Json::object({{"ipAddress", "127.9.1.8"}}), Json::object({{"az", "local-1b"}}),
        Json::object({{"subnetId", "subnet-default"}})}) {
    EXPECT_EQ(api->patch_spec("instance/" + id, change).problem(), "400 INVALID_ARGUMENT");
  }
  EXPECT_EQ(api->patch_spec("instance/" + id, Json::object({{"description", "x"}})).status, 200);
  EXPECT_EQ(api->remove("subnet/" + subnet).problem(), "409 CONFLICT");
  EXPECT_EQ(api->remove("instance/" + id).status, 200);
  EXPECT_EQ(stored("address/vpc-default/127.9.1.7"), "");
  EXPECT_EQ(stored("quota/vpc-default/instance"), "0");
  EXPECT_EQ(api->remove("subnet/" + subnet).status, 200);
}

TEST_F(InstanceTest, IsNotDeletedWhileItIsATargetAndTheAnswerNamesTheGroups) {
  const std::string id = instance("127.9.1.7");
  const std::string tg = group(make_lb().id());
  const Answer target = add(tg, id);
  ASSERT_EQ(target.status, 201) << target.body.dump();
  EXPECT_EQ(target.at("spec").find("ipAddress"), nullptr);
  EXPECT_EQ(target.at("status").string_or("ipAddress", ""), "127.9.1.7");
  EXPECT_EQ(api->get("target/" + target.id()).at("status").string_or("ipAddress", ""), "127.9.1.7");
  const Answer refused = api->remove("instance/" + id);
  EXPECT_EQ(refused.problem(), "409 CONFLICT");
  EXPECT_TRUE(refused.message().contains(tg)) << refused.message();
  EXPECT_EQ(api->remove("target/" + target.id()).status, 200);
  EXPECT_EQ(api->remove("instance/" + id).status, 200);
  EXPECT_EQ(add(tg, id).problem(), "404 NOT_FOUND");
}

TEST_F(InstanceTest, ARaceBetweenRegisteringAndDeletingLeavesNoTargetWithoutItsInstance) {
  const std::string lb = make_lb().id();
  const std::string tg = group(lb);
  for (int round = 0; round < 20; ++round) {
    const std::string id = instance("127.9.1.7");
    Answer added;
    std::thread other([&] {
      ApiCaller mine = caller();
      added = mine.post(
          "target",
          Json::object({{"spec", Json::object({{"targetGroupId", tg}, {"instanceId", id}})}}));
    });
    const Answer removed = api->remove("instance/" + id);
    other.join();
    EXPECT_NE(added.status == 201, removed.status == 200)
        << added.body.dump() << removed.body.dump();
    if (added.status == 201) api->remove("target/" + added.id());
    api->remove("instance/" + id);
  }
}

TEST_F(InstanceTest, M6_M7_M77_StandsInTheVpcAndForAnAlbInAZoneOfTheLoadBalancer) {
  const std::string far = instance("127.9.1.8", "local-1b");
  const std::string vpc =
      api->create("vpc", "other", Json::object({{"addressPrefix", "10.1.0.0/16"}})).id();
  const std::string other_subnet =
      api->create("subnet", "other",
                  Json::object({{"vpcId", vpc}, {"addressPrefix", "10.1.1.0/24"}}))
          .id();
  const std::string foreign =
      api->create("instance", "other",
                  Json::object(
                      {{"subnetId", other_subnet}, {"az", "local-1a"}, {"ipAddress", "10.1.1.7"}}))
          .id();
  const std::string alb = group(make_lb("a", "alb").id());
  EXPECT_EQ(add(alb, far).problem(), "400 FAILED_PRECONDITION");
  EXPECT_TRUE(add(alb, far).message().contains("AZ local-1b")) << add(alb, far).message();
  for (const char* type : {"nlb", "dnlb"}) {
    const std::string tg = group(make_lb(type, type).id());
    EXPECT_EQ(add(tg, far).status, 201) << type;
    EXPECT_EQ(add(tg, foreign).problem(), "400 FAILED_PRECONDITION") << type;
    EXPECT_TRUE(add(tg, foreign).message().contains("VPC vpc-default")) << type;
  }
  EXPECT_EQ(add(alb, foreign).problem(), "400 FAILED_PRECONDITION");
}

TEST_F(InstanceTest, ADrainRecordHasTheAddressOfTheInstance) {
  const std::string id = instance("127.9.1.7");
  const std::string lb = make_lb().id();
  const std::string tg = group(lb);
  const std::string target = add(tg, id, 0).id();
  make_backend(lb, tg);
  ASSERT_EQ(api->remove("target/" + target).status, 200);
  const auto drains = api->get("drain").items();
  ASSERT_EQ(drains.size(), 1u);
  const Json& left = drains[0].find("spec")->find("targets")->as_array().at(0);
  EXPECT_EQ(left.string_or("address", ""), "127.9.1.7");
  EXPECT_EQ(api->remove("instance/" + id).status, 200);
}

TEST_F(InstanceTest, ANodeGetsTheInstancesItsGroupsNameAndEveryStartAndStop) {
  FakeNode node("n1");
  ASSERT_EQ(node.follow(server->stream_addresses().front()), "full");
  const std::string id = instance("127.9.1.7");
  instance("127.9.1.8");
  const std::string tg = group(make_lb().id());
  EXPECT_EQ(add(tg, id).status, 201);
  ASSERT_TRUE(node.take_until([&] { return node.has("instance", id); }));
  for (const char* state : {"stopped", "running"}) {
    const Json body = Json::object({{"admin", Json::object({{"state", state}})}});
    const Answer written = api->patch("instance/" + id, body);
    ASSERT_EQ(written.status, 200) << written.body.dump();
    ASSERT_TRUE(node.take_until([&] {
      return static_cast<std::int64_t>(node.objects[{"instance", id}].revision.value) ==
             written.revision();
    }));
  }
  EXPECT_EQ(node.count("instance"), 1u) << "only what a group of its load balancers names";
}

TEST_F(InstanceTest, M72_AStoppedInstanceIsShownUnhealthyAndNotApplicableWhileTheCheckIsClosed) {
  const std::string id = instance("127.9.1.7");
  const std::string lb = make_lb().id();
  const std::string tg = group(lb);
  add(tg, id);
  const std::string backend = make_backend(lb, tg).id();
  api->patch("instance/" + id, parse_json(R"({"admin":{"state":"stopped"}})").value());
  const auto health = [&] {
    return api->get("backend/" + backend + "/health").at("targets").as_array().at(0);
  };
  EXPECT_EQ(health().string_or("status", ""), "unhealthy");
  EXPECT_EQ(health().string_or("detail", ""), "instance stopped");
  EXPECT_EQ(health().string_or("instanceId", ""), id);
  EXPECT_EQ(health().string_or("ipAddress", ""), "127.9.1.7");
  api->patch("backend/" + backend, parse_json(R"({"admin":{"closeHealthCheck":true}})").value());
  EXPECT_EQ(health().string_or("status", ""), "N/A");
}

TEST_F(InstanceTest, AVpcTakesAsManyInstancesAsItsQuotaSays) {
  EXPECT_EQ(stored("quota/vpc-default/instance"), "");
  instance("127.9.1.7");
  instance("127.9.1.8");
  EXPECT_EQ(stored("quota/vpc-default/instance"), "2");
}

class SmallVpcTest : public InstanceTest {
 protected:
  void SetUp() override {
    options.quotas = {{"instance", 1}};
    InstanceTest::SetUp();
  }
};

TEST_F(SmallVpcTest, AQuotaOfTheConfigurationGoesBeforeTheDefault) {
  instance("127.9.1.7");
  const Answer refused = api->create("instance", "web", instance_spec("127.9.1.8"));
  EXPECT_EQ(refused.problem(), "429 QUOTA_EXCEEDED");
}

TEST_F(InstanceTest, NoAddressIsThatOfALoadBalancerAndOfATargetAtOnce) {
  const auto vip_of = [](const Answer& lb) { return lb.at("admin").string_or("vip", ""); };
  const auto target = [&](const std::string& tg, const std::string& address) {
    return api->post(
        "target",
        Json::object({{"spec", Json::object({{"targetGroupId", tg}, {"ipAddress", address}})}}));
  };
  const Answer first = make_lb("a");
  const Answer second = make_lb("b");
  ASSERT_EQ(vip_of(first), "127.64.0.3");
  ASSERT_EQ(vip_of(second), "127.64.0.4");
  const std::string tg = make_tg(first.id()).id();
  EXPECT_EQ(target(tg, vip_of(second)).problem(), "400 INVALID_ARGUMENT");
  ASSERT_EQ(target(tg, "127.64.0.5").status, 201);
  const Answer moved =
      api->patch_spec("lb/" + first.id(), Json::object({{"privateIpAddress", "127.64.0.5"}}));
  EXPECT_EQ(moved.problem(), "409 CONFLICT");
  EXPECT_EQ(moved.fields(), std::vector<std::string>{"spec.privateIpAddress"});
  EXPECT_EQ(vip_of(make_lb("c")), "127.64.0.6") << "past the target";
}

}  // namespace
}  // namespace weir::api
