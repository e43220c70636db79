// What compile makes of the security groups of a load balancer.
#include "model/resources.h"
#include "snapshot/compile_fixture.h"

namespace weir::snapshot {
namespace {

using model::RuleAction;
using model::RuleDirection;
using model::RuleProtocol;

/// A load balancer on one node with the groups sg-1 and sg-2, and the targets 10.0.1.20 and
/// 10.0.1.21 at port 8080, both healthy.
class SecurityGroups : public CompileFixture {
 protected:
  void SetUp() override {
    put_front();
    name_groups({"sg-1"});
    put_targets();
    put_backend();
    for (const int slot : {0, 1}) judge(slot, HealthState::kHealthy);
    put_rules("sg-1",
              {rule(RuleDirection::kIn, "10.0.0.0/8"), rule(RuleDirection::kOut, "0.0.0.0/0")});
  }

  static model::SecurityGroupRule rule(RuleDirection direction, const std::string& prefix,
                                       RuleAction action = RuleAction::kAllow) {
    model::SecurityGroupRule rule;
    rule.direction = direction;
    rule.rule_action = action;
    rule.address_prefix = prefix;
    rule.priority = action == RuleAction::kDeny ? 1 : 2;
    model::fill_in_ports(rule);
    return rule;
  }
  void put_rules(const std::string& id, std::vector<model::SecurityGroupRule> rules) {
    for (std::size_t i = 0; i < rules.size(); ++i) {
      rules[i].rule_id = "sgrule-" + std::to_string(i + 1);
    }
    model::SecurityGroup group;
    group.vpc_id = "vpc-1";
    group.rules = std::move(rules);
    put(id, group);
  }
  void name_groups(std::vector<std::string> ids) {
    model::LoadBalancer lb;
    lb.subnet_id = "subnet-1";
    lb.security_group_ids = std::move(ids);
    model::LoadBalancerAdmin admin;
    admin.vip = "10.0.0.100";
    put("alb-1", lb, admin);
  }
  void put_targets() {
    model::TargetGroup group;
    group.load_balancer_id = "alb-1";
    model::TargetGroupAdmin slots;
    for (const std::uint16_t slot : {std::uint16_t{0}, std::uint16_t{1}}) {
      const std::string number = std::to_string(slot);
      group.targets.push_back({.target_id = "t-" + number, .ip_address = "10.0.1.2" + number});
      slots.slots.push_back({"t-" + number, slot});
    }
    put("tg-1", group, slots);
  }
  void put_backend(std::uint16_t check_port = 0) {
    model::Backend backend;
    backend.load_balancer_id = "alb-1";
    backend.protocol = model::Protocol::kTcp;
    backend.port = 8080;
    backend.algorithm = model::Algorithm::kRoundRobin;
    backend.health_check.protocol = model::Protocol::kTcp;
    backend.health_check.port = check_port;
    backend.target_group_ids = {"tg-1"};
    put("b1", backend);
  }
  const Listener& listener_now() { return *compile_now().listeners.at(0); }
  bool admits(const std::string& client) {
    return listener_now().admission.admits(net::IpAddress::parse(client).value());
  }
};

TEST_F(SecurityGroups, M8_DecideWhoMayConnectToAListener) {
  EXPECT_TRUE(admits("10.9.9.9"));
  EXPECT_FALSE(admits("11.0.0.1"));
}

TEST_F(SecurityGroups, M8_WithoutNamedGroupsNothingIsFiltered) {
  name_groups({});
  EXPECT_TRUE(listener_now().admission.is_open());
  EXPECT_TRUE(service_now().targets[0].denied.empty());
}

TEST_F(SecurityGroups, M8_TheRulesOfAllGroupsOfALoadBalancerAreOne) {
  put_rules("sg-2", {rule(RuleDirection::kIn, "10.1.0.0/16", RuleAction::kDeny),
                     rule(RuleDirection::kIn, "11.0.0.0/8")});
  EXPECT_TRUE(admits("10.1.0.1"));
  name_groups({"sg-1", "sg-2"});
  EXPECT_FALSE(admits("10.1.0.1"));
  EXPECT_TRUE(admits("11.0.0.1"));
}

TEST_F(SecurityGroups, M8_AChangedRuleIsInForceWithTheNextSnapshotAndTouchesNothingElse) {
  const auto before = compile_now().services.at(0);
  put_rules("sg-1", {rule(RuleDirection::kOut, "0.0.0.0/0")});
  EXPECT_FALSE(admits("10.9.9.9"));
  EXPECT_EQ(last_->services.at(0), before) << "the service is the same";
}

TEST_F(SecurityGroups, FiltersAreMadeAnewWhenAGroupChangesAndNotForAVerdict) {
  compile_now();
  EXPECT_EQ(work_of(*compiled_).filters_made, 2U) << "that of all rules, and that of the port";
  judge(0, HealthState::kUnhealthy);
  compile_now();
  EXPECT_EQ(work_of(*compiled_).services_built, 1U);
  EXPECT_EQ(work_of(*compiled_).listeners_built, 1U);
  EXPECT_EQ(work_of(*compiled_).filters_made, 0U);
  put_rules("sg-2", {rule(RuleDirection::kIn, "11.0.0.0/8")});
  compile_now();
  EXPECT_EQ(work_of(*compiled_).filters_made, 0U) << "nobody names it";
  put_rules("sg-1", {rule(RuleDirection::kIn, "12.0.0.0/8")});
  EXPECT_TRUE(admits("12.0.0.1"));
  EXPECT_FALSE(admits("10.9.9.9"));
  EXPECT_EQ(work_of(*compiled_).filters_made, 0U) << "by the first look";
  name_groups({"sg-2"});
  EXPECT_TRUE(admits("11.0.0.1"));
  remove("securityGroup", "sg-2");
  EXPECT_FALSE(admits("11.0.0.1"));
}

TEST_F(SecurityGroups, RulesAboutOtherProtocolsAndPortsHaveNoBearingOnTcp) {
  auto udp = rule(RuleDirection::kIn, "0.0.0.0/0", RuleAction::kDeny);
  udp.protocol = RuleProtocol::kUdp;
  auto icmp = udp;
  icmp.protocol = RuleProtocol::kIcmp;
  icmp.from_port = icmp.to_port = 0;
  auto other_port = rule(RuleDirection::kIn, "0.0.0.0/0", RuleAction::kDeny);
  other_port.from_port = other_port.to_port = 81;
  auto all = rule(RuleDirection::kIn, "0.0.0.0/0");
  all.protocol = RuleProtocol::kAll;
  all.from_port = all.to_port = 0;
  put_rules("sg-1", {udp, icmp, other_port, all});
  EXPECT_TRUE(listener_now().admission.is_open());
}

TEST_F(SecurityGroups, M8_ATargetThatOutboundRulesForbidGetsNothingNewAndSaysWhichRule) {
  put_rules("sg-1", {rule(RuleDirection::kIn, "0.0.0.0/0"),
                     rule(RuleDirection::kOut, "10.0.1.21/32", RuleAction::kDeny),
                     rule(RuleDirection::kOut, "10.0.0.0/8")});
  const Service& service = service_now();
  EXPECT_TRUE(service.targets[0].takes_new);
  EXPECT_EQ(service.targets[0].denied, "");
  EXPECT_FALSE(service.targets[1].takes_new);
  EXPECT_FALSE(service.targets[1].may_serve);
  EXPECT_TRUE(service.targets[1].keeps_old) << "established connections run on";
  EXPECT_EQ(service.targets[1].denied,
            "rule sgrule-2 of security group sg-1 denies TCP to 10.0.1.21:8080");
  EXPECT_EQ(service.targets[1].excluded,
            "unhealthy CONNECT_FAILED, rule sgrule-2 of security group sg-1 denies TCP to "
            "10.0.1.21:8080");
}

TEST_F(SecurityGroups, M8_WhereNoOutboundRuleMatchesNothingIsAllowed) {
  put_rules("sg-1", {rule(RuleDirection::kIn, "0.0.0.0/0")});
  EXPECT_EQ(service_now().targets[0].denied,
            "no rule of security group sg-1 allows TCP to 10.0.1.20:8080");
}

TEST_F(SecurityGroups, M8_ChecksAreHeldAgainstThePortTheyGoTo) {
  auto traffic = rule(RuleDirection::kOut, "0.0.0.0/0");
  traffic.from_port = traffic.to_port = 8080;
  put_rules("sg-1", {traffic});
  put_backend(9090);
  const Target target = service_now().targets[0];
  EXPECT_TRUE(target.takes_new) << "until the check, which cannot leave, is judged";
  EXPECT_EQ(target.denied, "no rule of security group sg-1 allows TCP to 10.0.1.20:9090");
}

TEST_F(SecurityGroups, OneThatHasNotArrivedLetsNothingThroughAndIsNamed) {
  name_groups({"sg-3"});
  EXPECT_FALSE(admits("10.0.0.1"));
  ASSERT_EQ(last_->errors.size(), 1u);
  EXPECT_EQ(last_->errors[0].reason, "pending");
  EXPECT_EQ(last_->errors[0].id, "alb-1");
  EXPECT_TRUE(last_->errors[0].detail.contains("sg-3")) << last_->errors[0].detail;
  put_rules("sg-3", {rule(RuleDirection::kIn, "10.0.0.0/8")});
  EXPECT_TRUE(admits("10.0.0.1"));
  EXPECT_TRUE(last_->errors.empty());
}

TEST_F(SecurityGroups, OneOfANewerReleaseKeepsItsLastGoodVersion) {
  EXPECT_TRUE(admits("10.9.9.9"));
  put_text("securityGroup", "sg-1", R"({"spec":{"vpcId":"vpc-1","warp":9}})");
  EXPECT_TRUE(admits("10.9.9.9"));
  EXPECT_EQ(last_->errors.at(0).reason, "unsupported");
}

}  // namespace
}  // namespace weir::snapshot
