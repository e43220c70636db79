// Security groups on the native face and in the store, and which nodes get them.
#include "model/security_group.h"

#include "api/fake_node.h"
#include "api/security_groups.h"
#include "api/v1_fixture.h"
#include "model/keys.h"

namespace weir::api {
namespace {

class SecurityGroupTest : public V1Test {
 protected:
  static Json rule(const std::string& prefix, int port, const std::string& direction = "in") {
    return Json::object({{"direction", direction},
                         {"protocol", "TCP"},
                         {"addressPrefix", prefix},
                         {"fromPort", port},
                         {"toPort", port}});
  }
  std::string group(const std::string& name = "web", const std::string& vpc = "vpc-default") {
    const Answer made = api->create("securityGroup", name, Json::object({{"vpcId", vpc}}));
    EXPECT_EQ(made.status, 201) << made.body.dump();
    return made.id();
  }
  Answer add_rule(const std::string& id, const std::string& prefix, int port = 80) {
    Json spec = rule(prefix, port);
    spec["securityGroupId"] = id;
    return api->post("securityGroupRule", Json::object({{"spec", std::move(spec)}}));
  }
  Answer lb_with(const std::vector<std::string>& groups, const std::string& type = "alb") {
    Json ids = Json::array();
    for (const std::string& id : groups) ids.push_back(id);
    return api->create("lb", "web",
                       Json::object({{"type", type},
                                     {"subnetId", "subnet-default"},
                                     {"azs", Json::array({Json("local-1a")})},
                                     {"securityGroupIds", std::move(ids)}}));
  }
  Json rules_of(const std::string& id) {
    return *api->get("securityGroup/" + id).at("spec").find("rules");
  }
};

TEST_F(SecurityGroupTest, M8_EveryVpcHasADefaultGroupThatComesAndGoesWithIt) {
  const Answer first = api->get("securityGroup/sg-default");
  ASSERT_EQ(first.status, 200) << first.body.dump();
  EXPECT_EQ(first.at("admin").string_or("type", ""), "default");
  const std::string vpc = api->create("vpc", "lab", Json::object()).id();
  const std::string id = model::default_group_id(vpc);
  EXPECT_EQ(id, "sg-" + vpc.substr(4));
  EXPECT_EQ(api->get("securityGroup/" + id).at("spec").string_or("vpcId", ""), vpc);
  EXPECT_EQ(api->remove("securityGroup/" + id).problem(), "409 CONFLICT");
  EXPECT_EQ(
      api->patch_spec("securityGroup/" + id, Json::object({{"rules", Json::array()}})).problem(),
      "400 FAILED_PRECONDITION");
  EXPECT_EQ(add_rule(id, "10.0.0.0/8").fields(), std::vector<std::string>{"spec.rules"});
  EXPECT_EQ(api->remove("vpc/" + vpc).status, 200);
  EXPECT_EQ(api->get("securityGroup/" + id).status, 404);
}

TEST_F(SecurityGroupTest, M8_StoresOfEarlierReleasesGetTheirDefaultGroups) {
  store::Transaction older;
  const std::string key = model::object_key(model::Kind::kSecurityGroup, "sg-default");
  older.writes = {{key, std::nullopt}};
  older.audit.operation = "test";
  ASSERT_TRUE(store->commit(older));
  ASSERT_TRUE(make_default_groups(*store, clock));
  EXPECT_FALSE(stored(key).empty());
  const auto revision = store->get(key).value().revision;
  ASSERT_TRUE(make_default_groups(*store, clock));
  EXPECT_EQ(store->get(key).value().revision, revision) << "once";
}

TEST_F(SecurityGroupTest, ANewGroupLetsNothingInAndItsRulesAreKnownById) {
  const std::string id = group();
  EXPECT_TRUE(id.starts_with("sg-"));
  const Json rules = rules_of(id);
  ASSERT_EQ(rules.as_array().size(), 4u);
  for (const Json& one : rules.as_array()) {
    EXPECT_TRUE(one.string_or("ruleId", "").starts_with("sgrule-"));
    EXPECT_EQ(one.string_or("direction", ""), "out");
    EXPECT_EQ(one.string_or("ruleType", ""), "default");
    EXPECT_FALSE(one.string_or("createdTime", "").empty());
  }
}

TEST_F(SecurityGroupTest, RulesAreAddedChangedAndRemovedOneByOne) {
  const std::string id = group();
  const Answer made = add_rule(id, "10.0.0.0/8");
  ASSERT_EQ(made.status, 201) << made.body.dump();
  EXPECT_EQ(made.body.string_or("kind", ""), "securityGroupRule");
  EXPECT_EQ(made.at("spec").string_or("ruleType", ""), "custom");
  const std::string path = "securityGroupRule/" + made.id();
  const Answer changed = api->patch_spec(path, Json::object({{"ruleAction", "DENY"}}));
  ASSERT_EQ(changed.status, 200) << changed.body.dump();
  EXPECT_EQ(changed.id(), made.id());
  EXPECT_EQ(changed.at("spec").string_or("ruleAction", ""), "DENY");
  EXPECT_EQ(changed.at("spec").string_or("createdTime", "-"),
            made.at("spec").string_or("createdTime", "+"));
  EXPECT_EQ(api->get("securityGroupRule?securityGroupId=" + id).items().size(), 5u);
  EXPECT_EQ(api->get("securityGroupRule?direction=in").items().size(), 2u)
      << "of all groups, the default one among them";
  EXPECT_EQ(api->remove(path).status, 200);
  EXPECT_EQ(api->get(path).status, 404);
  EXPECT_EQ(rules_of(id).as_array().size(), 4u);
}

TEST_F(SecurityGroupTest, RefusalsOfARuleNameItsOwnFields) {
  const std::string id = group();
  EXPECT_EQ(add_rule("sg-nosuchgrou", "10.0.0.0/8").fields(),
            std::vector<std::string>{"spec.securityGroupId"});
  EXPECT_EQ(add_rule(id, "10.0.0.1/8").fields(), std::vector<std::string>{"spec.addressPrefix"});
  EXPECT_EQ(add_rule(id, "10.0.0.0/8", 0).fields(),
            (std::vector<std::string>{"spec.fromPort", "spec.toPort"}));
  ASSERT_EQ(add_rule(id, "10.0.0.0/8").status, 201);
  EXPECT_EQ(add_rule(id, "10.0.0.0/8").problem(), "409 ALREADY_EXISTS");
  const std::string made = add_rule(id, "11.0.0.0/8").id();
  EXPECT_EQ(api->patch_spec("securityGroupRule/" + made,
                            Json::object({{"securityGroupId", "sg-default"}}))
                .fields(),
            std::vector<std::string>{"spec.securityGroupId"});
  EXPECT_EQ(api->remove("securityGroupRule/sgrule-nosuchrule").status, 404);
}

TEST_F(SecurityGroupTest, ReplacingAllRulesKeepsTheIdsOfThoseThatStay) {
  const std::string id = group();
  const std::string kept = add_rule(id, "10.0.0.0/8").id();
  const Answer answer = api->patch_spec(
      "securityGroup/" + id,
      Json::object({{"rules", Json::array({rule("11.0.0.0/8", 81), rule("10.0.0.0/8", 80)})}}));
  ASSERT_EQ(answer.status, 200) << answer.body.dump();
  const Json rules = rules_of(id);
  EXPECT_EQ(rules.as_array().at(1).string_or("ruleId", ""), kept);
  EXPECT_NE(rules.as_array().at(0).string_or("ruleId", ""), kept);
}

TEST_F(SecurityGroupTest, M8_ALoadBalancerNamesGroupsAndSaysWhichAreInForce) {
  const auto in_force = [&](const std::string& id) {
    return api->get("lb/" + id).at("status").find("securityGroupIds")->dump();
  };
  const std::string plain = make_lb().id();
  EXPECT_EQ(in_force(plain), R"(["sg-default"])");
  const std::string id = group();
  const Answer made = lb_with({id});
  ASSERT_EQ(made.status, 201) << made.body.dump();
  EXPECT_EQ(in_force(made.id()), "[\"" + id + "\"]");
  EXPECT_EQ(api->get("securityGroup/" + id).at("status").find("loadBalancerIds")->dump(),
            "[\"" + made.id() + "\"]");
  const Answer refused = api->remove("securityGroup/" + id);
  EXPECT_EQ(refused.problem(), "409 CONFLICT");
  EXPECT_TRUE(refused.message().contains(made.id())) << refused.message();
  EXPECT_EQ(api->patch_spec("lb/" + made.id(), Json::object({{"securityGroupIds", Json::array()}}))
                .problem(),
            "400 FAILED_PRECONDITION");
  EXPECT_EQ(api->patch_spec("lb/" + made.id(),
                            Json::object({{"securityGroupIds", Json::array({Json("sg-default")})}}))
                .status,
            200);
  EXPECT_EQ(api->remove("securityGroup/" + id).status, 200);
}

TEST_F(SecurityGroupTest, M8_WhatALoadBalancerCannotHaveIsRefused) {
  const std::string other = api->create("vpc", "other", Json::object()).id();
  const std::string far = group("far", other);
  EXPECT_EQ(lb_with({far}).problem(), "400 FAILED_PRECONDITION");
  EXPECT_EQ(lb_with({"sg-nosuchgrou"}).problem(), "404 NOT_FOUND");
  for (const char* type : {"nlb", "dnlb"}) {
    const Answer refused = lb_with({"sg-default"}, type);
    EXPECT_EQ(refused.problem(), "400 INVALID_ARGUMENT") << type;
    EXPECT_EQ(refused.fields(), std::vector<std::string>{"spec.securityGroupIds"});
  }
  std::vector<std::string> five;
  for (int i = 0; i < 5; ++i) five.push_back(group());
  EXPECT_EQ(lb_with(five).problem(), "429 QUOTA_EXCEEDED");
  five.pop_back();
  EXPECT_EQ(lb_with(five).status, 201);
}

TEST_F(SecurityGroupTest, AVpcHoldsFiftyGroupsAndIsHeldByThem) {
  const std::string vpc = api->create("vpc", "lab", Json::object()).id();
  std::string last;
  for (int i = 0; i < 50; ++i) last = group("web", vpc);
  EXPECT_EQ(api->create("securityGroup", "more", Json::object({{"vpcId", vpc}})).problem(),
            "429 QUOTA_EXCEEDED");
  EXPECT_EQ(api->remove("vpc/" + vpc).problem(), "409 CONFLICT");
  EXPECT_EQ(api->remove("securityGroup/" + last).status, 200);
  EXPECT_EQ(api->create("securityGroup", "more", Json::object({{"vpcId", vpc}})).status, 201);
}

TEST_F(SecurityGroupTest, M8_ANodeGetsTheGroupsThatItsLoadBalancersNameAndNoOther) {
  FakeNode node("n1");
  ASSERT_EQ(node.follow(server->stream_addresses().front()), "full");
  const std::string unused = group("unused");
  const std::string used = group("used");
  const std::string plain = make_lb().id();
  const std::string lb = lb_with({used}).id();
  ASSERT_TRUE(node.take_until([&] { return node.has("securityGroup", used); }));
  EXPECT_EQ(node.count("securityGroup"), 1u);
  EXPECT_TRUE(node.has("lb", plain));
  const auto revision = static_cast<std::uint64_t>(add_rule(used, "10.0.0.0/8").revision());
  ASSERT_TRUE(node.take_until(
      [&] { return node.objects.at({"securityGroup", used}).revision == Revision(revision); }));
  ASSERT_EQ(
      api->patch_spec("lb/" + lb, Json::object({{"securityGroupIds", Json::array({Json(unused)})}}))
          .status,
      200);
  ASSERT_TRUE(node.take_until([&] { return !node.has("securityGroup", used); }));
  EXPECT_TRUE(node.has("securityGroup", unused));
}

}  // namespace
}  // namespace weir::api
