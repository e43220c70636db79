// A security group: rules about who may connect to a load balancer, and where it may connect to.
// Stored as one document with its rules. Each VPC has a default group, which opens everything and
// cannot be changed. Source: product.md A.13, G42; docs/adr/0018-security-groups.md. Thread:
// values.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/field.h"

namespace weir::model {

/// Of one group. Source: product.md D.4. Reached: 429 with the field; weir_api_requests_total
/// counts it by operation and code.
inline constexpr std::size_t kSecurityGroupRulesMax = 100;

struct SecurityGroupRule {
  std::string rule_id{};
  RuleDirection direction = RuleDirection::kIn;
  RuleAction rule_action = RuleAction::kAllow;
  int priority = 1;
  RuleProtocol protocol = RuleProtocol::kTcp;
  PrefixType address_prefix_type = PrefixType::kCidr;
  std::string address_prefix{};
  int ip_version = 4;
  std::optional<int> from_port{};  // stored ones have both
  std::optional<int> to_port{};
  std::string description{};
  SecurityGroupType rule_type = SecurityGroupType::kCustom;
  std::string created_time{};

  template <class Self, class Visitor>
  static void fields(Self& s, Visitor& v) {
    v("ruleId", s.rule_id, "given by control", kOutputOnly);
    v("direction", s.direction, "in: from clients; out: to targets, health checks among them",
      kRequired);
    v("ruleAction", s.rule_action, "what is done with what the rule names");
    v("priority", s.priority, "smaller wins; at equal priority DENY does", Range{1, 100});
    v("protocol", s.protocol, "UDP and ICMP are stored and have no bearing on TCP", kRequired);
    v("addressPrefixType", s.address_prefix_type, "what addressPrefix is", NotYet{"PREFIXLIST"});
    v("addressPrefix", s.address_prefix,
      "IPv4 prefix of the clients (in) or of the targets (out); 0.0.0.0/0: all", kRequired,
      Text{TextRule::kPrefix});
    v("ipVersion", s.ip_version, "4; 6 is not supported yet", Range{4, 6});
    v("fromPort", s.from_port,
      "first port of the listener (in) or target (out), with TCP and UDP; absent: 1; 0 with other "
      "protocols",
      Range{0, 65535});
    v("toPort", s.to_port, "last port; absent: 65535; 0 with other protocols", Range{0, 65535});
    v("description", s.description, "free text", Text{TextRule::kDescription, 256});
    v("ruleType", s.rule_type, "default: the group was made with it", kOutputOnly);
    v("createdTime", s.created_time, "when it was added, UTC", kOutputOnly, kOmitEmpty);
  }

  friend bool operator==(const SecurityGroupRule&, const SecurityGroupRule&) = default;
};

/// A rule as the API and the command line show it: with the group it is in.
struct SecurityGroupRuleView {
  std::string security_group_id;
  SecurityGroupRule rule;

  template <class Self, class Visitor>
  static void fields(Self& s, Visitor& v) {
    v("securityGroupId", s.security_group_id, "the security group it belongs to", kRequired,
      kImmutable, Ref{Kind::kSecurityGroup});
    SecurityGroupRule::fields(s.rule, v);
  }

  friend bool operator==(const SecurityGroupRuleView&, const SecurityGroupRuleView&) = default;
};

struct SecurityGroupAdmin {
  SecurityGroupType type = SecurityGroupType::kCustom;

  template <class Self, class Visitor>
  static void fields(Self& s, Visitor& v) {
    v("type", s.type, "default: that of its VPC, which opens everything and stays as it is",
      kOutputOnly);
  }

  friend bool operator==(const SecurityGroupAdmin&, const SecurityGroupAdmin&) = default;
};

struct SecurityGroup {
  using Admin = SecurityGroupAdmin;
  static constexpr Kind kKind = Kind::kSecurityGroup;

  std::string vpc_id;
  std::optional<std::vector<SecurityGroupRule>> rules;
  std::string description;

  template <class Self, class Visitor>
  static void fields(Self& s, Visitor& v) {
    v("vpcId", s.vpc_id, "the VPC whose load balancers may use it", kRequired, kImmutable,
      Ref{Kind::kVpc});
    v("rules", s.rules,
      "its rules, at most 100; absent at creation: nothing comes in; TCP 80 and UDP 67, 68 and 161 "
      "go out",
      Items{0, 1000}, kKept);
    v("description", s.description, "free text", Text{TextRule::kDescription, 256});
  }

  friend bool operator==(const SecurityGroup&, const SecurityGroup&) = default;
};

/// The id of the default group of a VPC: that of the VPC behind another prefix.
std::string default_group_id(std::string_view vpc);
/// The rules that a custom group begins with, and those of a default group. Source: product.md A.13
std::vector<SecurityGroupRule> first_rules();
std::vector<SecurityGroupRule> open_rules();
/// Whether rules about it name ports.
bool has_ports(RuleProtocol protocol);
/// Writes out the ports that a rule leaves to its protocol.
void fill_in_ports(SecurityGroupRule& rule);

}  // namespace weir::model
