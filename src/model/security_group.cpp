#include "model/security_group.h"

namespace weir::model {
namespace {

// Units: of a rule's priority. Chosen because what a user adds, at 1 unless it says otherwise,
// shall win over what a group was made with.
constexpr int kFirstRulePriority = 100;

SecurityGroupRule first_rule(RuleDirection direction, RuleProtocol protocol, int port) {
  SecurityGroupRule rule;
  rule.direction = direction;
  rule.protocol = protocol;
  rule.priority = kFirstRulePriority;
  rule.address_prefix = "0.0.0.0/0";
  rule.from_port = rule.to_port = port;
  rule.rule_type = SecurityGroupType::kDefault;
  return rule;
}

}  // namespace

std::string default_group_id(std::string_view vpc) {
  return "sg-" + std::string(vpc.starts_with("vpc-") ? vpc.substr(4) : vpc);
}

std::vector<SecurityGroupRule> first_rules() {
  std::vector<SecurityGroupRule> rules = {first_rule(RuleDirection::kOut, RuleProtocol::kTcp, 80)};
  for (const int port : {67, 68, 161}) {
    rules.push_back(first_rule(RuleDirection::kOut, RuleProtocol::kUdp, port));
  }
  return rules;
}

std::vector<SecurityGroupRule> open_rules() {
  return {first_rule(RuleDirection::kIn, RuleProtocol::kAll, 0),
          first_rule(RuleDirection::kOut, RuleProtocol::kAll, 0)};
}

bool has_ports(RuleProtocol protocol) {
  return protocol == RuleProtocol::kTcp || protocol == RuleProtocol::kUdp;
}

void fill_in_ports(SecurityGroupRule& rule) {
  const bool is_ported = has_ports(rule.protocol);
  if (!rule.from_port) rule.from_port = is_ported ? 1 : 0;
  if (!rule.to_port) rule.to_port = is_ported ? 65535 : 0;
}

}  // namespace weir::model
