// Security groups as JD Cloud clients see them.
#include "api/v1_fixture.h"

namespace weir::api {
namespace {

class V1SecurityGroupTest : public V1Test {
 protected:
  std::string group(const std::string& name = "web") {
    return made("networkSecurityGroups/",
                Json::object({{"networkSecurityGroupName", name}, {"vpcId", "vpc-default"}}),
                "networkSecurityGroupId");
  }
  Json document(const std::string& id) {
    return shown("networkSecurityGroups/" + id, "networkSecurityGroup");
  }
  Answer call(const std::string& id, const std::string& verb, const std::string& body) {
    return v1("POST", "networkSecurityGroups/" + id + ":" + verb, body);
  }
  Answer add(const std::string& id, const std::string& rule) {
    return call(id, "addNetworkSecurityGroupRules",
                R"({"networkSecurityGroupRuleSpecs":[)" + rule + "]}");
  }
  /// The rules that were added.
  Json::Array custom_rules(const std::string& id) {
    Json::Array rules = document(id).find("securityGroupRules")->as_array();
    std::erase_if(rules, [](const Json& one) { return one.string_or("ruleType", "") != "custom"; });
    return rules;
  }
  Answer lb_call(const std::string& lb, const std::string& verb, const std::string& groups) {
    return v1("POST", "loadBalancers/" + lb + ":" + verb,
              R"({"securityGroupIds":[)" + groups + "]}");
  }
  std::string groups_of(const std::string& lb) {
    return shown("loadBalancers/" + lb, "loadBalancer").find("securityGroupIds")->dump();
  }

  static constexpr std::string_view kWeb =
      R"({"protocol":6,"direction":0,"addressPrefix":"10.0.0.0/8","fromPort":80,"toPort":80})";
};

TEST_F(V1SecurityGroupTest, AGroupIsShownInTheFormOfThePublicApi) {
  const Json shown_group = document(group());
  EXPECT_EQ(shown_group.string_or("networkSecurityGroupName", ""), "web");
  EXPECT_EQ(shown_group.string_or("networkSecurityGroupType", ""), "custom");
  EXPECT_EQ(shown_group.string_or("vpcId", ""), "vpc-default");
  EXPECT_EQ(shown_group.find("networkInterfaceIds")->dump(), "[]");
  const Json first = shown_group.find("securityGroupRules")->as_array().at(0);
  EXPECT_EQ(first.integer_or("direction", -1), 1);
  EXPECT_EQ(first.integer_or("protocol", -1), 6);
  EXPECT_EQ(first.integer_or("fromPort", -1), 80);
  EXPECT_EQ(first.integer_or("ipVersion", -1), 4);
  EXPECT_EQ(first.string_or("ruleType", ""), "default");
  EXPECT_EQ(first.string_or("ruleAction", ""), "ALLOW");
  EXPECT_FALSE(first.string_or("createdTime", "").empty());
  EXPECT_EQ(shown_group.find("rules"), nullptr);
}

TEST_F(V1SecurityGroupTest, GroupsAreListedByIdNameAndVpc) {
  const std::string id = group();
  const auto total = [&](const std::string& filter) {
    return shown("networkSecurityGroups/?" + filter, "totalCount");
  };
  EXPECT_EQ(total(""), Json(2)) << "the default group is one";
  EXPECT_EQ(total("filters.1.name=networkSecurityGroupIds&filters.1.values.1=" + id), Json(1));
  EXPECT_EQ(total("filters.1.name=networkSecurityGroupNames&filters.1.values.1=web"), Json(1));
  EXPECT_EQ(total("filters.1.name=vpcId&filters.1.values.1=vpc-default"), Json(2));
  EXPECT_EQ(total("filters.1.name=vpcId&filters.1.values.1=vpc-none"), Json(0));
  EXPECT_EQ(v1("PATCH", "networkSecurityGroups/" + id,
               R"({"networkSecurityGroupName":"other","description":"d"})")
                .status,
            200);
  EXPECT_EQ(document(id).string_or("networkSecurityGroupName", ""), "other");
  EXPECT_EQ(document(id).find("securityGroupRules")->as_array().size(), 4u) << "rules stay";
}

TEST_F(V1SecurityGroupTest, RulesAreAddedModifiedAndRemoved) {
  const std::string id = group();
  ASSERT_EQ(add(id, std::string(kWeb) + R"(,{"protocol":300,"direction":1,"addressPrefix":
                    "0.0.0.0/0","ruleAction":"DENY","priority":100,"description":"none"})")
                .status,
            200);
  auto rules = custom_rules(id);
  ASSERT_EQ(rules.size(), 2u);
  EXPECT_EQ(rules[0].integer_or("protocol", -1), 6);
  EXPECT_EQ(rules[0].integer_or("direction", -1), 0);
  EXPECT_EQ(rules[0].integer_or("priority", -1), 1);
  EXPECT_EQ(rules[1].integer_or("protocol", -1), 300);
  EXPECT_EQ(rules[1].integer_or("toPort", -1), 0);
  const std::string first = rules[0].string_or("ruleId", "");
  const std::int64_t port = rules[0].integer_or("toPort", -1);
  ASSERT_NE(port, 65535);
  const std::string changed = R"({"modifySecurityGroupRuleSpecs":[{"ruleId":")" + first +
                              R"(","protocol":17,"priority":7}]})";
  ASSERT_EQ(call(id, "modifyNetworkSecurityGroupRules", changed).status, 200);
  rules = custom_rules(id);
  EXPECT_EQ(rules[0].integer_or("protocol", -1), 17);
  EXPECT_EQ(rules[0].integer_or("priority", -1), 7);
  EXPECT_EQ(rules[0].integer_or("toPort", -1), port) << "what is absent stays";
  const auto changed_to = [&](const std::string& protocol) {
    const std::string body = R"({"modifySecurityGroupRuleSpecs":[{"ruleId":")" + first +
                             R"(","protocol":)" + protocol + "}]}";
    EXPECT_EQ(call(id, "modifyNetworkSecurityGroupRules", body).status, 200);
    return custom_rules(id)[0].integer_or("toPort", -1);
  };
  EXPECT_EQ(changed_to("1"), 0) << "ICMP has no ports";
  EXPECT_EQ(changed_to("6"), 65535) << "and what had none begins with all";
  rules = custom_rules(id);
  EXPECT_EQ(rules[0].string_or("ruleId", ""), first);
  ASSERT_EQ(call(id, "removeNetworkSecurityGroupRules", R"({"ruleIds":[")" + first + "\"]}").status,
            200);
  EXPECT_EQ(custom_rules(id).size(), 1u);
}

TEST_F(V1SecurityGroupTest, RefusalsNameTheItemOfTheCallAndChangeNothing) {
  const std::string id = group();
  const std::string specs = "networkSecurityGroupRuleSpecs";
  const auto fields = [&](const std::string& rule) { return add(id, rule).fields(); };
  using Fields = std::vector<std::string>;
  EXPECT_EQ(fields(""), Fields{specs});
  EXPECT_EQ(fields("7"), Fields{specs + "[0]"});
  EXPECT_EQ(fields("{}"),
            (Fields{specs + "[0].direction", specs + "[0].protocol", specs + "[0].addressPrefix"}));
  EXPECT_EQ(fields(std::string(kWeb) + R"(,{"protocol":8,"direction":2,"addressPrefix":"x"})"),
            (Fields{specs + "[1].direction", specs + "[1].protocol", specs + "[1].addressPrefix"}));
  EXPECT_EQ(fields(R"({"protocol":1,"direction":0,"addressPrefix":"0.0.0.0/0","fromPort":1})"),
            Fields{specs + "[0].fromPort"});
  EXPECT_EQ(
      add(id,
          R"({"protocol":6,"direction":0,"addressPrefix":"pl-1","addressPrefixType":"PREFIXLIST"})")
          .fields()
          .at(0),
      specs + "[0].addressPrefixType");
  EXPECT_EQ(add(id, std::string(kWeb) + "," + std::string(kWeb)).problem(), "409 ALREADY_EXISTS");
  EXPECT_EQ(call(id, "removeNetworkSecurityGroupRules", R"({"ruleIds":["sgrule-1"]})").problem(),
            "404 NOT_FOUND");
  EXPECT_EQ(call(id, "modifyNetworkSecurityGroupRules",
                 R"({"modifySecurityGroupRuleSpecs":[{"ruleId":"sgrule-1","priority":2}]})")
                .fields(),
            Fields{"modifySecurityGroupRuleSpecs[0].ruleId"});
  EXPECT_EQ(add("sg-default", std::string(kWeb)).problem(), "400 FAILED_PRECONDITION");
  EXPECT_EQ(add("sg-nosuchgrou", std::string(kWeb)).problem(), "404 NOT_FOUND");
  EXPECT_TRUE(custom_rules(id).empty());
}

TEST_F(V1SecurityGroupTest, M8_GroupsAreGivenAtCreationAndAssociatedLater) {
  const std::string lb = v1_lb();
  EXPECT_EQ(groups_of(lb), R"(["sg-default"])");
  const std::string a = group("a");
  const std::string b = group("b");
  const auto quoted = [](const std::string& id) { return "\"" + id + "\""; };
  EXPECT_EQ(lb_call(lb, "associateSecurityGroup", quoted(a) + "," + quoted(b)).status, 200);
  EXPECT_EQ(groups_of(lb), "[\"sg-default\"," + quoted(a) + "," + quoted(b) + "]");
  EXPECT_EQ(lb_call(lb, "associateSecurityGroup", quoted(a)).status, 200) << "again: no change";
  EXPECT_EQ(lb_call(lb, "disassociateSecurityGroup", quoted("sg-default") + "," + quoted(a)).status,
            200);
  EXPECT_EQ(groups_of(lb), "[" + quoted(b) + "]");
  EXPECT_EQ(lb_call(lb, "disassociateSecurityGroup", quoted(b)).problem(),
            "400 FAILED_PRECONDITION");
  EXPECT_EQ(lb_call(lb, "disassociateSecurityGroup", quoted(a)).problem(), "404 NOT_FOUND");
  EXPECT_EQ(lb_call(lb, "associateSecurityGroup", quoted("sg-nosuchgrou")).fields(),
            std::vector<std::string>{"securityGroupIds[0]"});
  EXPECT_EQ(v1("DELETE", "networkSecurityGroups/" + b).problem(), "409 CONFLICT");
  EXPECT_EQ(v1("PATCH", "loadBalancers/" + lb, R"({"securityGroupIds":["sg-default"]})").status,
            200);
  EXPECT_EQ(groups_of(lb), "[" + quoted(b) + "]") << "updates of a load balancer have no groups";
  const std::string made_with =
      made("loadBalancers/",
           parse_json(R"({"loadBalancerName":"x","subnetId":"subnet-default","azs":["local-1a"],
                          "securityGroupIds":[)" +
                      quoted(a) + "]}")
               .value(),
           "loadBalancerId");
  EXPECT_EQ(groups_of(made_with), "[" + quoted(a) + "]");
}

TEST_F(V1SecurityGroupTest, M8_TheLastGroupStaysAlsoWhenItIsTheDefaultOne) {
  const std::string lb = v1_lb();
  EXPECT_EQ(lb_call(lb, "disassociateSecurityGroup", "\"sg-default\"").problem(),
            "400 FAILED_PRECONDITION");
  EXPECT_EQ(groups_of(lb), R"(["sg-default"])");
}

TEST_F(V1SecurityGroupTest, M8_OtherTypesHaveNoGroups) {
  for (const char* type : {"nlb", "dnlb"}) {
    const std::string lb = v1_lb(type, type);
    EXPECT_EQ(groups_of(lb), "[]");
    for (const char* verb : {"associateSecurityGroup", "disassociateSecurityGroup"}) {
      const Answer refused = lb_call(lb, verb, "\"sg-default\"");
      EXPECT_EQ(refused.problem(), "400 INVALID_ARGUMENT") << type << " " << verb;
      EXPECT_EQ(refused.fields(), std::vector<std::string>{"securityGroupIds"});
    }
  }
}

TEST_F(V1SecurityGroupTest, LoadBalancersAreListedByTheirGroup) {
  const std::string first = v1_lb("a");
  const std::string second = v1_lb("b");
  v1_lb("c", "nlb");
  const std::string id = group();
  ASSERT_EQ(lb_call(second, "associateSecurityGroup", "\"" + id + "\"").status, 200);
  const auto listed = [&](const std::string& group_id, const std::string& body) {
    return v1("POST", "loadBalancers/" + group_id + ":describeLoadBalancersBySecurityGroup", body);
  };
  EXPECT_EQ(*listed("sg-default", "{}").at("result").find("totalCount"), Json(2));
  const Json result = listed(id, R"({"pageNumber":1,"pageSize":10})").at("result");
  EXPECT_EQ(*result.find("totalCount"), Json(1));
  EXPECT_EQ(result.find("loadBalancers")->as_array().at(0).string_or("loadBalancerId", ""), second);
  EXPECT_EQ(listed(id, R"({"pageSize":5})").problem(), "400 INVALID_ARGUMENT");
  EXPECT_EQ(listed("sg-nosuchgrou", "{}").problem(), "404 NOT_FOUND");
}

}  // namespace
}  // namespace weir::api
