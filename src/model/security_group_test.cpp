// What a security group may say, and who may take one away.
#include "model/security_group.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "model/keys.h"
#include "model/sample_world_test.h"
#include "model/security_group_use.h"
#include "model/validate.h"

namespace weir::model {
namespace {

/// A rule of which `member` says something else than usual.
std::string rule_with(const std::string& member) {
  Json rule = parse_json(R"({"direction":"in","protocol":"TCP","addressPrefix":"10.0.0.0/8",
                             "fromPort":80,"toPort":90})")
                  .value();
  return merged(rule, parse_json("{" + member + "}").value()).dump();
}

/// A new group of these rules, as the API makes it.
Errors judge(const std::string& rules, Object& group) {
  const ObjectIndex index = sample_world();
  const WorldView view = sample_view(index);
  const auto body =
      parse_json(R"({"name":"web","spec":{"vpcId":"vpc-private000","rules":)" + rules + "}}");
  EXPECT_TRUE(body) << rules;
  group.id = "sg-new0000000";
  group.owner = kDefaultOwner;
  Errors errors = read_create(Kind::kSecurityGroup, *body, group);
  fill_in_defaults(group, view);
  return check_create(group, view, std::move(errors));
}

std::vector<SecurityGroupRule> rules_of(const Object& group) {
  return from_json<SecurityGroup>(group.spec).value.rules.value();
}

TEST(SecurityGroups, RefuseWhatARuleCannotMeanAndNameIt) {
  struct Case {
    const char* member;
    const char* field;
    const char* says;
  };
  for (const Case& one : {
           Case{R"("direction":null)", "direction", "is missing"},
           Case{R"("direction":"up")", "direction", "expected one of [in, out]"},
           Case{R"("protocol":null)", "protocol", "is missing"},
           Case{R"("protocol":"SCTP")", "protocol", "expected one of [ALL, TCP, UDP, ICMP]"},
           Case{R"("ruleAction":"DROP")", "ruleAction", "expected one of [ALLOW, DENY]"},
           Case{R"("priority":0)", "priority", "between 1 and 100, found 0"},
           Case{R"("priority":101)", "priority", "between 1 and 100, found 101"},
           Case{R"("addressPrefix":null)", "addressPrefix", "is missing"},
           Case{R"("addressPrefix":"10.0.0.1/8")", "addressPrefix", "canonical IPv4 prefix"},
           Case{R"("addressPrefix":"10.0.0.1")", "addressPrefix", "canonical IPv4 prefix"},
           Case{R"("addressPrefix":"fd00::/8")", "addressPrefix", "IPv6 is not supported yet"},
           Case{R"("addressPrefixType":"PREFIXLIST")", "addressPrefixType", "not supported yet"},
           Case{R"("addressPrefixType":"LIST")", "addressPrefixType", "expected one of [CIDR]"},
           Case{R"("ipVersion":6)", "ipVersion", "not supported yet"},
           Case{R"("ipVersion":5)", "ipVersion", "must be 4"},
           Case{R"("fromPort":0)", "fromPort", "between 1 and 65535, found 0"},
           Case{R"("toPort":0)", "toPort", "between 1 and 65535, found 0"},
           Case{R"("toPort":65536)", "toPort", "found 65536"},
           Case{R"("toPort":79)", "toPort", "at least fromPort 80, found 79"},
           Case{R"("protocol":"ICMP","toPort":0)", "fromPort", "must be 0 with protocol ICMP"},
           Case{R"("protocol":"ALL","fromPort":0)", "toPort", "must be 0 with protocol ALL"},
           Case{R"("colour":"red")", "colour", "is not a known field"},
       }) {
    SCOPED_TRACE(one.member);
    Object group;
    const Errors errors = judge("[" + rule_with(one.member) + "]", group);
    ASSERT_EQ(errors.size(), 1u) << (errors.empty() ? "" : to_string(errors.back()));
    EXPECT_EQ(errors[0].field, std::string("spec.rules[0].") + one.field);
    EXPECT_TRUE(errors[0].message.contains(one.says)) << errors[0].message;
  }
}

TEST(SecurityGroups, TakeEveryBorderValue) {
  for (const char* member :
       {R"("priority":1)", R"("priority":100)", R"("fromPort":1,"toPort":65535)",
        R"("fromPort":90)", R"("addressPrefix":"0.0.0.0/0")", R"("addressPrefix":"10.0.0.1/32")",
        R"("protocol":"ICMP","fromPort":0,"toPort":0)", R"("ruleAction":"DENY")",
        R"("ipVersion":4)"}) {
    Object group;
    EXPECT_EQ(judge("[" + rule_with(member) + "]", group), Errors()) << member;
  }
}

TEST(SecurityGroups, WriteOutThePortsThatARuleLeavesToItsProtocol) {
  Object group;
  const std::string none = R"("fromPort":null,"toPort":null)";
  ASSERT_EQ(
      judge("[" + rule_with(none) + "," + rule_with(none + R"(,"protocol":"ICMP")") + "]", group),
      Errors());
  EXPECT_EQ(rules_of(group)[0].from_port, 1);
  EXPECT_EQ(rules_of(group)[0].to_port, 65535);
  EXPECT_EQ(rules_of(group)[1].from_port, 0);
  EXPECT_EQ(rules_of(group)[1].to_port, 0);
}

TEST(SecurityGroups, RefuseARuleThatSaysTheSameAsAnother) {
  Object group;
  const std::string rule = rule_with(R"("description":"one")");
  const Errors errors =
      judge("[" + rule + "," + rule_with(R"("description":"other")") + "]", group);
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(errors[0].field, "spec.rules[1]");
  EXPECT_EQ(judge("[" + rule + "," + rule_with(R"("priority":2)") + "]", group), Errors());
}

TEST(SecurityGroups, HoldAHundredRules) {
  std::string rules;
  for (int i = 0; i < 100; ++i) {
    rules += (i == 0 ? "" : ",") +
             rule_with(R"("addressPrefix":"10.0.)" + std::to_string(i) + R"(.0/24")");
  }
  Object group;
  EXPECT_EQ(judge("[" + rules + "]", group), Errors());
  const Errors errors = judge("[" + rules + "," + rule_with(R"("priority":2)") + "]", group);
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].code, ErrorCode::kQuotaExceeded);
  EXPECT_EQ(errors[0].field, "spec.rules");
}

TEST(SecurityGroups, ANewOneLetsNothingInAndAFewThingsOut) {
  Object group;
  EXPECT_EQ(judge("[]", group), Errors());
  EXPECT_TRUE(rules_of(group).empty()) << "who asks for none has none";
  EXPECT_EQ(judge("null", group), Errors());
  std::vector<std::pair<RuleProtocol, int>> out;
  for (const SecurityGroupRule& rule : rules_of(group)) {
    EXPECT_EQ(rule.direction, RuleDirection::kOut);
    EXPECT_EQ(rule.rule_action, RuleAction::kAllow);
    EXPECT_EQ(rule.from_port, rule.to_port);
    out.emplace_back(rule.protocol, *rule.to_port);
  }
  EXPECT_EQ(out, (std::vector<std::pair<RuleProtocol, int>>{{RuleProtocol::kTcp, 80},
                                                            {RuleProtocol::kUdp, 67},
                                                            {RuleProtocol::kUdp, 68},
                                                            {RuleProtocol::kUdp, 161}}));
}

/// The sample world with a default group of the private VPC.
class DefaultGroup : public ::testing::Test {
 protected:
  void SetUp() override {
    SecurityGroup spec;
    spec.vpc_id = "vpc-private000";
    spec.rules = open_rules();
    index.put(sample(Kind::kSecurityGroup, default_group_id("vpc-private000"), "default",
                     to_json(spec), to_json(SecurityGroupAdmin{SecurityGroupType::kDefault})));
    group = *index.find(Kind::kSecurityGroup, "sg-private000");
    lb = *index.find(Kind::kLoadBalancer, "alb-private000");
  }
  Errors change_groups(const char* before, const char* after) {
    Object old = lb;
    old.spec["securityGroupIds"] = parse_json(before).value();
    Object updated = lb;
    updated.spec["securityGroupIds"] = parse_json(after).value();
    return check_update(old, updated, sample_view(index));
  }

  ObjectIndex index = sample_world();
  Object group;
  Object lb;
};

TEST_F(DefaultGroup, M8_IsInForceWhereALoadBalancerNamesNone) {
  EXPECT_EQ(groups_in_force(lb), std::vector<Id>{"sg-private000"});
  lb.spec["securityGroupIds"] = Json::array({Json("sg-custom0000")});
  EXPECT_EQ(groups_in_force(lb), std::vector<Id>{"sg-custom0000"});
  EXPECT_TRUE(groups_in_force(*index.find(Kind::kLoadBalancer, "nlb-private000")).empty());
}

TEST_F(DefaultGroup, KeepsItsRulesAndStays) {
  Object changed = group;
  changed.name = "all-open";
  EXPECT_EQ(check_update(group, changed, sample_view(index)), Errors());
  changed.spec["rules"] = Json::array();
  const Errors errors = check_update(group, changed, sample_view(index));
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].field, "spec.rules");
  EXPECT_EQ(errors[0].code, ErrorCode::kFailedPrecondition);
  EXPECT_EQ(check_delete(group, sample_view(index)).at(0).code, ErrorCode::kConflict);
}

TEST_F(DefaultGroup, DoesNotCountAndDoesNotHoldItsVpc) {
  EXPECT_TRUE(quota_uses(group, LoadBalancerType::kAlb).empty());
  const Object& custom = *index.find(Kind::kSecurityGroup, "sg-custom0000");
  EXPECT_EQ(quota_uses(custom, LoadBalancerType::kAlb).at(0).max, 50);
  index.erase(Kind::kSecurityGroup, "sg-foreign000");
  for (const Error& error :
       check_delete(*index.find(Kind::kVpc, "vpc-private000"), sample_view(index))) {
    EXPECT_FALSE(error.message.contains("sg-private000")) << error.message;
  }
}

TEST_F(DefaultGroup, AGroupInUseStaysAndTheAnswerSaysWhoUsesIt) {
  lb.spec["securityGroupIds"] = Json::array({Json("sg-custom0000")});
  index.put(lb);
  const Object& custom = *index.find(Kind::kSecurityGroup, "sg-custom0000");
  const Errors errors = check_delete(custom, sample_view(index));
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].code, ErrorCode::kConflict);
  EXPECT_EQ(errors[0].message, "sg-custom0000 is in use by load balancer alb-private000 (taken)");
}

TEST_F(DefaultGroup, M8_ALoadBalancerHasOneToFourGroupsOfItsVpc) {
  EXPECT_EQ(change_groups("[]", R"(["sg-custom0000","sg-private000"])"), Errors());
  const Errors last = change_groups(R"(["sg-custom0000"])", "[]");
  ASSERT_EQ(last.size(), 1u);
  EXPECT_EQ(last[0].field, "spec.securityGroupIds");
  EXPECT_TRUE(last[0].message.contains("last group")) << last[0].message;
  std::string five;
  for (int i = 0; i < 5; ++i) {
    Object more = *index.find(Kind::kSecurityGroup, "sg-custom0000");
    more.id = "sg-more" + std::to_string(i);
    five += (i == 0 ? "\"" : ",\"") + more.id + "\"";
    index.put(std::move(more));
  }
  const Errors errors = change_groups("[]", ("[" + five + "]").c_str());
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].code, ErrorCode::kQuotaExceeded);
}

TEST_F(DefaultGroup, LoadBalancersAreFoundUnderTheGroupsInForceForThem) {
  const auto users = [&](const char* id) {
    return load_balancers_using(*index.find(Kind::kSecurityGroup, id), index.view()).size();
  };
  const std::size_t before = users("sg-private000");
  lb.spec["securityGroupIds"] = parse_json(R"(["sg-custom0000"])").value();
  index.put(lb);
  EXPECT_EQ(users("sg-custom0000"), 1u);
  EXPECT_EQ(users("sg-private000"), before - 1);
  index.erase(Kind::kLoadBalancer, lb.id);
  EXPECT_EQ(users("sg-custom0000"), 0u);
}

}  // namespace
}  // namespace weir::model
