#include "api/v1_parameters.h"

#include <string>

#include "api/v1_vm_body.h"
#include "model/kind.h"

namespace weir::api {
namespace {

using model::Kind;

constexpr bool kMust = true;
constexpr bool kMay = false;

// clang-format off
constexpr V1Parameter kRegister[] = {
    {"targetSpecs[].instanceId", "id instance", "the server, in a group of type instance"},
    {"targetSpecs[].ipAddress", "string", "IPv4 address, in a group of type ip"},
    {"targetSpecs[].port", "integer 0..65535", "0 or absent: the port of the backend service"},
    {"targetSpecs[].weight", "integer 0..100", "0 to 100 (dnlb: 1 to 100), default 10"},
    {"targetSpecs[].type", "vm|ip", "vm, or ip in a group of type ip; container is not supported yet"},
};
constexpr V1Parameter kDeregister[] = {{"targetIds[]", "id target", "targets of the group", kMust}};
constexpr V1Parameter kUpdateTargets[] = {
    {"targetUpdateSpecs[].targetId", "id target", "a target of the group", kMust},
    {"targetUpdateSpecs[].port", "integer 0..65535", "0: the port of the backend service"},
    {"targetUpdateSpecs[].weight", "integer 0..100", "0 to 100 (dnlb: 1 to 100)"},
};
constexpr V1Parameter kGroupIds[] = {
    {"securityGroupIds[]", "id securityGroup", "groups of the VPC of the load balancer, an alb", kMust}};
constexpr V1Parameter kPage[] = {
    {"pageNumber", "integer", "from 1, default 1"}, {"pageSize", "integer 10..100", "10 to 100, default 20"}};
constexpr V1Parameter kAddRules[] = {
    {"networkSecurityGroupRuleSpecs[].protocol", "integer", "300 (all), 6 (TCP), 17 (UDP) or 1 (ICMP)", kMust},
    {"networkSecurityGroupRuleSpecs[].direction", "integer 0..1", "0 (in) or 1 (out)", kMust},
    {"networkSecurityGroupRuleSpecs[].addressPrefix", "string", "IPv4 prefix", kMust},
    {"networkSecurityGroupRuleSpecs[].ruleAction", "ALLOW|DENY", "ALLOW (default) or DENY"},
    {"networkSecurityGroupRuleSpecs[].priority", "integer 1..100", "1 to 100, smaller wins, default 1"},
    {"networkSecurityGroupRuleSpecs[].addressPrefixType", "string", "CIDR; PREFIXLIST is not supported yet"},
    {"networkSecurityGroupRuleSpecs[].fromPort", "integer 0..65535", "1 to 65535, default 1; 0 with protocols without ports"},
    {"networkSecurityGroupRuleSpecs[].toPort", "integer 0..65535", "1 to 65535, default 65535; 0 with protocols without ports"},
    {"networkSecurityGroupRuleSpecs[].description", "string", "free text"},
};
constexpr V1Parameter kModifyRules[] = {
    {"modifySecurityGroupRuleSpecs[].ruleId", "id securityGroupRule", "a rule of the group", kMust},
    {"modifySecurityGroupRuleSpecs[].protocol", "integer", "as in addNetworkSecurityGroupRules; what is absent stays"},
    {"modifySecurityGroupRuleSpecs[].addressPrefix", "string", "the same"},
    {"modifySecurityGroupRuleSpecs[].ruleAction", "ALLOW|DENY", "the same"},
    {"modifySecurityGroupRuleSpecs[].priority", "integer 1..100", "the same"},
    {"modifySecurityGroupRuleSpecs[].addressPrefixType", "string", "the same"},
    {"modifySecurityGroupRuleSpecs[].fromPort", "integer 0..65535", "the same"},
    {"modifySecurityGroupRuleSpecs[].toPort", "integer 0..65535", "the same"},
    {"modifySecurityGroupRuleSpecs[].description", "string", "the same"},
};
constexpr V1Parameter kRemoveRules[] = {{"ruleIds[]", "id securityGroupRule", "rules of the group", kMust}};
constexpr V1Parameter kAbandon[] = {
    {"instanceIds[]", "id instance", "members of the group, 1 to 100; they never come back", kMust}};
constexpr V1Parameter kModifyInstance[] = {
    {"name", "string", "a new name"},
    {"description", "string", "free text"},
    {"hostname", "string", "without an effect", kMay, kIsStored},
    {"metadata", "any", "", kMay, kIsLater},
    {"userdata", "any", "", kMay, kIsLater}};
constexpr V1Parameter kStopInstance[] = {
    {"chargeOnStopped", "keepCharging|stopCharging", "without an effect", kMay, kIsIgnored}};
constexpr V1Parameter kAssociateElasticIp[] = {
    {"elasticIpId", "id eip", "an elastic IP that no load balancer has", kMust}};
constexpr V1Parameter kDisassociateElasticIp[] = {
    {"elasticIpId", "id eip", "the elastic IP that it has", kMust},
    {"deleteElasticIp", "boolean", "true: it is deleted in the same step"},
};
constexpr V1Parameter kCreateElasticIps[] = {
    {"maxCount", "integer 1..100", "how many, 1 to 100: all or none", kMust},
    {"elasticIpSpec.bandwidthMbps", "integer 1..1000", "1 to 1000; not enforced yet", kMust, kIsStored},
    {"elasticIpSpec.provider", "string", "a provider of the configured pools", kMust},
    {"elasticIpSpec.chargeSpec", "#chargeSpec", "without an effect", kMay, kIsStored},
    {"elasticIpAddress", "string", "a free address of such a pool, with a maxCount of 1"},
    {"userTags", "#userTags", "list of {key, value}, at most 10"},
    {"ipType", "string", "standard", kMay, kIsIgnored},
    {"resourceGroupId", "string", "", kMay, kIsLater},
    {"dryRun", "boolean", "true: everything is checked, nothing made"},
};
constexpr V1Parameter kModifyElasticIp[] = {
    {"bandwidthMbps", "integer 1..1000", "1 to 1000; not enforced yet", kMust, kIsStored}};
constexpr V1Parameter kCreateInstances[] = {
    {"instanceSpec.name", "string", "its name; [008] in it, not at its beginning, is 008, 009 and so on", kMust},
    {"instanceSpec.az", "string", "the availability zone it stands in", kMust},
    {"instanceSpec.primaryNetworkInterface.networkInterface.subnetId", "id subnet", "the subnet its address lies in", kMust},
    {"instanceSpec.primaryNetworkInterface.networkInterface.primaryIpAddress", "string", "the address the server has; the following ones are those of the others of a batch", kMust},
    {"instanceSpec.description", "string", "free text"},
    {"instanceSpec.userTags", "#userTags", "list of {key, value}, at most 10"},
    {"instanceSpec.instanceType", "string", "without an effect", kMay, kIsStored},
    {"instanceSpec.imageId", "string", "without an effect", kMay, kIsStored},
    {"instanceSpec.hostname", "string", "without an effect", kMay, kIsStored},
    {"instanceSpec.keyNames[]", "string", "without an effect", kMay, kIsStored},
    {"instanceSpec.systemDisk", "#diskSpec", "without an effect", kMay, kIsStored},
    {"instanceSpec.dataDisks[]", "#diskSpec", "without an effect", kMay, kIsStored},
    {"instanceSpec.charge", "#chargeSpec", "without an effect", kMay, kIsStored},
    {"instanceSpec.agId", "id ag", "the availability group it is registered into"},
    {"maxCount", "integer 1..100", "how many are registered, all or none: 1 to 100, default 1"},
    {"clientToken", "string", "1 to 64 characters; the same again within a day gets the first result again"},
};

constexpr V1Parameter kModifyQuota[] = {
    {"type", "loadbalancer|listener|backend|target_group|vpc|elastic_ip|subnet|security_group", "whose number is limited", kMust},
    {"lbType", "alb|nlb|dnlb", "of loadbalancer, default alb"},
    {"parentResourceId", "string", "the load balancer of listener, backend and target_group; the VPC of subnet and security_group"},
    {"account", "string", "whose; another than the caller's for administrators of the service alone"},
    {"maxLimit", "integer 0..1000000", "backend: at most 400; beyond the configured number for administrators of the service alone, and at it the limit is the configuration's again; what exists beyond it stays", kMust},
};

struct Extra {
  Kind kind;
  V1KindParameter line;
};
// What V1Face reads beside the table (v1_projection.cpp, take_admin() and take_tags()).
constexpr Extra kExtras[] = {
    {Kind::kLoadBalancer, {{"action", "Start|Stop", "Start or Stop"}, kIsIgnored, kTakesEffect}},
    {Kind::kLoadBalancer, {{"elasticIp.bandwidthMbps", "integer 1..1000", "of an elastic IP that is made with it, 1 to 1000, required then; bandwidth is read too; not enforced yet"}, kIsStored, kIsIgnored}},
    {Kind::kLoadBalancer, {{"elasticIp.provider", "string", "of that elastic IP, required then"}, kTakesEffect, kIsIgnored}},
    {Kind::kLoadBalancer, {{"elasticIp.chargeSpec", "#chargeSpec", "stored and shown, without an effect"}, kIsStored, kIsIgnored}},
    {Kind::kLoadBalancer, {{"chargeSpec", "#chargeSpec", "stored and shown, without an effect"}, kIsStored, kIsIgnored}},
    {Kind::kVpc, {{"azType", "string", "without an effect"}, kIsTaken, kIsIgnored}},
    {Kind::kVpc, {{"az", "string", "without an effect"}, kIsTaken, kIsIgnored}},
    {Kind::kListener, {{"status", "On|Off", "On or Off"}, kIsIgnored, kTakesEffect}},
    {Kind::kBackend, {{"closeHealthCheck", "boolean", "true: targets are not checked, all that run get traffic"}, kIsRefused, kTakesEffect}},
};
constexpr V1KindParameter kTags = {{"userTags", "#userTags", "list of {key, value}, at most 10"}, kTakesEffect, kIsIgnored};

struct OfAction {
  std::string_view action;
  std::span<const V1Parameter> parameters;
};
constexpr OfAction kActions[] = {
    {"registerTargets", kRegister},
    {"deRegisterTargets", kDeregister},
    {"updateTargets", kUpdateTargets},
    {"modifyInstanceAttribute", kModifyInstance},
    {"createInstances", kCreateInstances},
    {"stopInstance", kStopInstance},
    {"associateElasticIp", kAssociateElasticIp},
    {"disassociateElasticIp", kDisassociateElasticIp},
    {"createElasticIps", kCreateElasticIps},
    {"modifyElasticIp", kModifyElasticIp},
    {"associateSecurityGroup", kGroupIds},
    {"disassociateSecurityGroup", kGroupIds},
    {"describeLoadBalancersBySecurityGroup", kPage},
    {"addNetworkSecurityGroupRules", kAddRules},
    {"modifyNetworkSecurityGroupRules", kModifyRules},
    {"removeNetworkSecurityGroupRules", kRemoveRules},
    {"abandonInstances", kAbandon},
    {"modifyQuota", kModifyQuota},
};
// clang-format on

/// Those of instance calls that come later stand where the calls read them.
void add_later_of_instances(std::vector<V1Parameter>& list) {
  static const auto kNames = [] {
    std::vector<std::string> names;
    for (const V1Later& later : instance_spec_later()) {
      names.push_back("instanceSpec." + std::string(later.key));
    }
    for (const V1Later& later : instance_interface_later()) {
      names.push_back("instanceSpec.primaryNetworkInterface.networkInterface." +
                      std::string(later.key));
    }
    return names;
  }();
  for (const std::string& name : kNames) list.push_back({name, "any", "", false, kIsLater});
}

}  // namespace

std::vector<V1Parameter> v1_own_parameters(std::string_view action) {
  std::vector<V1Parameter> list;
  for (const OfAction& one : kActions) {
    if (one.action == action) list.assign(one.parameters.begin(), one.parameters.end());
  }
  if (action == "createInstances") add_later_of_instances(list);
  return list;
}

std::vector<V1KindParameter> v1_kind_parameters(const V1Kind& kind) {
  std::vector<V1KindParameter> list;
  for (const Extra& extra : kExtras) {
    if (extra.kind == kind.kind) list.push_back(extra.line);
  }
  list.push_back(kTags);
  for (const V1Later& later : kind.later) {
    list.push_back({{later.key, "any", "", false, kIsLater}, kIsLater, kIsLater});
  }
  return list;
}

}  // namespace weir::api
