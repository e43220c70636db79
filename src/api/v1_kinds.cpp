#include "api/v1_kinds.h"

#include <algorithm>

#include "base/check.h"

namespace weir::api {
namespace {

using model::Kind;

// A filter on something that no answer has yet matches nothing.
constexpr V1Filter kLoadBalancerFilters[] = {
    {{"loadBalancerType"}, "type"},
    {{"loadBalancerIds"}, "loadBalancerId", true},
    {{"loadBalancerNames", true}, "loadBalancerName"},
    {{"vpcId"}, "vpcId"},
    {{"azType"}, "azType"},
    {{"azs"}, "azs"},
    {{"privateIpAddresses"}, "privateIp.privateIpAddress"},
    {{"ipv6Addresses"}, "privateIp.ipv6Address"},
    {{"serviceCodes"}, "serviceCode"},
    {{"serviceIds"}, "serviceId"},
    {{"elasticIpAddress"}, "privateIp.elasticIpAddress"},
    {{"targetPrivateIpAddress"}, "targetPrivateIpAddress"},
    {{"customizedConfigurationIds"}, "customizedConfigurationId"}};
constexpr V1Filter kListenerFilters[] = {{{"listenerNames"}, "listenerName"},
                                         {{"listenerIds"}, "listenerId", true},
                                         {{"loadBalancerId"}, "loadBalancerId"},
                                         {{"loadBalancerType"}, "loadBalancerType"},
                                         {{"urlMapIds"}, "urlMapId"},
                                         {{"securityPolicyIds"}, "securityPolicyId"}};
constexpr V1Filter kBackendFilters[] = {
    {{"backendIds"}, "backendId", true},        {{"backendNames"}, "backendName"},
    {{"loadBalancerId"}, "loadBalancerId"},     {{"agId"}, "agIds"},
    {{"loadBalancerType"}, "loadBalancerType"}, {{"protocol"}, "protocol"}};
constexpr V1Filter kTargetGroupFilters[] = {{{"targetGroupIds"}, "targetGroupId", true},
                                            {{"targetGroupNames"}, "targetGroupName"},
                                            {{"loadBalancerId"}, "loadBalancerId"},
                                            {{"loadBalancerType"}, "loadBalancerType"}};
constexpr V1Filter kVpcFilters[] = {{{"vpcIds"}, "vpcId", true},
                                    {{"vpcNames"}, "vpcName"},
                                    {{"azType"}, "azType"},
                                    {{"azs"}, "azs"}};
constexpr V1Filter kSubnetFilters[] = {{{"subnetIds"}, "subnetId", true},
                                       {{"subnetNames"}, "subnetName"},
                                       {{"routeTableId"}, "routeTableId"},
                                       {{"aclId"}, "aclId"},
                                       {{"vpcId"}, "vpcId"},
                                       {{"subnetType"}, "subnetType"},
                                       {{"azs"}, "azs"},
                                       {{"azType"}, "azType"}};
constexpr V1Filter kSecurityGroupFilters[] = {
    {{"networkSecurityGroupIds"}, "networkSecurityGroupId", true},
    {{"networkSecurityGroupNames"}, "networkSecurityGroupName"},
    {{"vpcId"}, "vpcId"}};
constexpr V1Filter kInstanceFilters[] = {
    {{"instanceId"}, "instanceId", true},
    {{"privateIpAddress"}, "privateIpAddress", false, true},
    {{"az"}, "az"},
    {{"vpcId"}, "vpcId"},
    {{"status"}, "status"},
    {{"name", true}, "instanceName", false, true},
    {{"imageId"}, "imageId"},
    {{"networkInterfaceId"},
     "primaryNetworkInterface.networkInterface.networkInterfaceId",
     false,
     false,
     true},
    {{"subnetId"}, "subnetId"},
    {{"agId"}, "ag.id"},
    {{"faultDomain"}, "faultDomain"},
    {{"dedicatedHostId"}, "dedicatedHostId"},
    {{"dedicatedPoolId"}, "dedicatedPoolId"},
    {{"instanceType"}, "instanceType"},
    {{"elasticIpAddress"}, "elasticIpAddress", false, false, true}};
constexpr V1Filter kElasticIpFilters[] = {{{"elasticIpIds"}, "elasticIpId", true},
                                          {{"elasticIpNames"}, "elasticIpName"},
                                          {{"elasticIpAddress"}, "elasticIpAddress"},
                                          {{"elasticIpPoolId"}, "elasticIpPoolId"},
                                          {{"chargeStatus"}, "charge.chargeStatus"},
                                          {{"ipType"}, "ipType"},
                                          {{"azs"}, "az"},
                                          {{"bandwidthPackageId"}, "bandwidthPackageId"},
                                          {{"status"}, "status"},
                                          {{"providers"}, "provider"}};
constexpr V1Filter kAgFilters[] = {{{"agName", true}, "name", false, true},
                                   {{"agId"}, "id", true},
                                   {{"instanceTemplateId"}, "instanceTemplateId"},
                                   {{"vpcId"}, "vpcId"},
                                   {{"placementType"}, "placementType"}};
constexpr V1Filter kTargetFilters[] = {{{"targetIds"}, "targetId", true},
                                       {{"instanceId"}, "instanceId"},
                                       {{"type"}, "type"},
                                       {{"port"}, "port"},
                                       {{"ipAddress"}, "ipAddress"}};

// Stands in privateIp; an association has operations of its own.
constexpr std::string_view kPrivateIp[] = {"privateIpAddress", "elasticIpId"};
constexpr std::string_view kElasticIpId[] = {"elasticIpId"};
constexpr std::string_view kAddress[] = {"address"};
constexpr std::string_view kTargets[] = {"targets"};
constexpr std::string_view kGroups[] = {"securityGroupIds"};
constexpr std::string_view kRules[] = {"rules"};

constexpr V1Later kLoadBalancerLater[] = {{"domainEnable"}, {"customizedConfigurationId"}};
constexpr V1Later kListenerLater[] = {
    {"urlMapId"},   {"hstsEnable"},       {"certificateSpecs"}, {"hstsMaxAge", "31536000"},
    {"limitation"}, {"securityPolicyId"}, {"action", "Forward"}};
constexpr V1Later kBackendLater[] = {{"agInfoSpec"}};
constexpr V1Later kAgLater[] = {{"instanceTemplateId"}};
constexpr V1Later kSubnetLater[] = {{"routeTableId"}, {"ipMaskLen"}};

// Source: product.md G48.
constexpr V1Default kTargetGroupDefaults[] = {{"type", "instance"}};

constexpr V1Kind kKinds[] = {
    {.kind = Kind::kLoadBalancer,
     .collection = "loadBalancers",
     .item = "loadBalancer",
     .filters = kLoadBalancerFilters,
     .not_shown = kPrivateIp,
     .not_taken = kElasticIpId,
     .not_updated = kGroups,
     .later = kLoadBalancerLater},
    {.kind = Kind::kListener,
     .collection = "listeners",
     .item = "listener",
     .filters = kListenerFilters,
     .later = kListenerLater},
    {.kind = Kind::kBackend,
     .collection = "backends",
     .item = "backend",
     .filters = kBackendFilters,
     .later = kBackendLater},
    {.kind = Kind::kTargetGroup,
     .collection = "targetGroups",
     .item = "targetGroup",
     .filters = kTargetGroupFilters,
     .not_shown = kTargets,
     .not_taken = kTargets,
     .defaults = kTargetGroupDefaults},
    {.kind = Kind::kVpc, .collection = "vpcs", .item = "vpc", .filters = kVpcFilters},
    {.kind = Kind::kSubnet,
     .collection = "subnets",
     .item = "subnet",
     .filters = kSubnetFilters,
     .later = kSubnetLater},
    {.kind = Kind::kElasticIp,
     .collection = "elasticIps",
     .item = "elasticIp",
     .filters = kElasticIpFilters,
     .not_shown = kAddress},
    {.kind = Kind::kSecurityGroup,
     .collection = "networkSecurityGroups",
     .item = "networkSecurityGroup",
     .filters = kSecurityGroupFilters,
     .not_shown = kRules,
     .not_taken = kRules},
    {.kind = Kind::kInstance,
     .collection = "instances",
     .item = "instance",
     .filters = kInstanceFilters},
    {.kind = Kind::kAvailabilityGroup,
     .collection = "availabilityGroups",
     .item = "ag",
     .plural = "ags",
     .renamed_by = "name",
     .filters = kAgFilters,
     .later = kAgLater}};

}  // namespace

const V1Kind* find_v1_kind(std::string_view collection) {
  const auto* found = std::ranges::find(kKinds, collection, &V1Kind::collection);
  return found == std::end(kKinds) ? nullptr : found;
}

const V1Kind& v1_kind_of(model::Kind kind) {
  const auto* found = std::ranges::find(kKinds, kind, &V1Kind::kind);
  WEIR_CHECK(found != std::end(kKinds));
  return *found;
}

std::span<const V1Filter> v1_target_filters() { return kTargetFilters; }

}  // namespace weir::api
