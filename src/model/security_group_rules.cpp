// The rules about security groups, and about those that a load balancer names.
#include <algorithm>
#include <set>
#include <tuple>

#include "model/checker.h"
#include "model/resources.h"
#include "model/security_group_use.h"
#include "model/text_rules.h"

namespace weir::model {
namespace {

std::string rule_path(std::size_t index) { return "spec.rules[" + std::to_string(index) + "]"; }

void check_port(Checker& checker, const SecurityGroupRule& rule, const std::string& path,
                int port) {
  if (has_ports(rule.protocol) && port == 0) {
    checker.invalid(path, "must be an integer between 1 and 65535, found 0");
  }
  if (!has_ports(rule.protocol) && port != 0) {
    checker.invalid(path, "must be 0 with protocol " + std::string(word_of(rule.protocol)) +
                              ", which has no ports, found " + std::to_string(port));
  }
}

void check_ports(Checker& checker, const SecurityGroupRule& rule, const std::string& path) {
  if (!checker.is_good(path + ".protocol")) return;
  check_port(checker, rule, path + ".fromPort", *rule.from_port);
  check_port(checker, rule, path + ".toPort", *rule.to_port);
  if (!checker.is_good(path + ".fromPort") || !checker.is_good(path + ".toPort")) return;
  if (*rule.from_port <= *rule.to_port) return;
  checker.invalid(path + ".toPort", "must be at least fromPort " + std::to_string(*rule.from_port) +
                                        ", found " + std::to_string(*rule.to_port));
}

void check_rule(Checker& checker, const SecurityGroupRule& rule, const std::string& path) {
  check_ports(checker, rule, path);
  if (rule.ip_version == 4) return;
  checker.invalid(path + ".ipVersion", rule.ip_version == 6
                                           ? "6 is not supported yet"
                                           : "must be 4, found " + std::to_string(rule.ip_version));
}

/// Two rules that say the same of the same are one.
void check_twins(Checker& checker, const std::vector<SecurityGroupRule>& rules) {
  std::set<std::tuple<RuleDirection, RuleAction, int, RuleProtocol, std::string, int, int>> seen;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const SecurityGroupRule& rule = rules[i];
    if (!checker.is_good(rule_path(i))) continue;
    const bool is_new = seen.emplace(rule.direction, rule.rule_action, rule.priority, rule.protocol,
                                     rule.address_prefix, *rule.from_port, *rule.to_port)
                            .second;
    if (is_new) continue;
    checker.add(ErrorCode::kAlreadyExists, rule_path(i),
                "says the same as another rule of the group");
  }
}

}  // namespace

void check_security_group(Checker& checker) {
  const auto group = checker.spec<SecurityGroup>();
  auto rules = group.rules.value_or(std::vector<SecurityGroupRule>());
  std::ranges::for_each(rules, fill_in_ports);
  const bool is_update = checker.old() != nullptr;
  if (is_update && is_default_group(checker.object()) && checker.is_changed("rules")) {
    checker.add(ErrorCode::kFailedPrecondition, "spec.rules",
                "cannot be changed: the default group of a VPC opens everything");
  }
  const std::size_t before = !is_update
                                 ? 0
                                 : from_json<SecurityGroup>(checker.old()->spec)
                                       .value.rules.value_or(std::vector<SecurityGroupRule>())
                                       .size();
  if (rules.size() > kSecurityGroupRulesMax && rules.size() > before) {
    checker.add(ErrorCode::kQuotaExceeded, "spec.rules",
                "quota limit securityGroupRule exceeded: at most " +
                    std::to_string(kSecurityGroupRulesMax) + ", found " +
                    std::to_string(rules.size()));
  }
  for (std::size_t i = 0; i < rules.size(); ++i) check_rule(checker, rules[i], rule_path(i));
  check_twins(checker, rules);
}

namespace {

constexpr std::string_view kGroups = "spec.securityGroupIds";

void check_group(Checker& checker, const std::string& path, const Id& id, const Id& vpc) {
  const Object* group = checker.find(Kind::kSecurityGroup, id);
  if (group == nullptr) return;  // told already
  const Id own = group->spec.string_or("vpcId", "");
  if (own == vpc) return;
  checker.add(ErrorCode::kFailedPrecondition, path,
              "security group " + id + " is in VPC " + own + ", the load balancer in VPC " + vpc);
}

}  // namespace

void check_security_groups(Checker& checker, const LoadBalancer& lb) {
  if (!checker.is_changed("securityGroupIds") || !checker.is_good("spec.subnetId")) return;
  const Object* subnet = checker.find(Kind::kSubnet, lb.subnet_id);
  if (subnet == nullptr) return;
  const Id vpc = subnet->spec.string_or("vpcId", "");
  const auto& ids = lb.security_group_ids;
  if (checker.old() != nullptr && ids.empty()) {
    const Error error = last_group_error(vpc);
    checker.add(error.code, error.field, error.message);
  }
  if (ids.size() > kSecurityGroupsMax) {
    checker.add(ErrorCode::kQuotaExceeded, kGroups,
                "quota limit securityGroup exceeded: at most " +
                    std::to_string(kSecurityGroupsMax) + ", found " + std::to_string(ids.size()));
  }
  std::set<Id> seen;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const std::string path = std::string(kGroups) + "[" + std::to_string(i) + "]";
    if (!seen.insert(ids[i]).second) checker.invalid(path, quoted(ids[i]) + " is named twice");
    check_group(checker, path, ids[i], vpc);
  }
}

}  // namespace weir::model
