#include "api/v1_operations.h"

#include <algorithm>

#include "api/v1_kinds.h"

namespace weir::api {
namespace {

using enum V1Call;
constexpr bool kAll = false;
constexpr bool kOne = true;

// clang-format off
constexpr V1Operation kOperations[] = {
    {kList, "describeLoadBalancers", "GET", "loadBalancers", kAll, "", "v1 list lb"},
    {kCreate, "createLoadBalancer", "POST", "loadBalancers", kAll, "", "v1 create lb"},
    {kShow, "describeLoadBalancer", "GET", "loadBalancers", kOne, "", "v1 show lb"},
    {kUpdate, "updateLoadBalancer", "PATCH", "loadBalancers", kOne, "", "v1 update lb"},
    {kDelete, "deleteLoadBalancer", "DELETE", "loadBalancers", kOne, "", "v1 delete lb"},
    {kAssociateGroups, "associateSecurityGroup", "POST", "loadBalancers", kOne, ":associateSecurityGroup", "v1 update lb"},
    {kDisassociateGroups, "disassociateSecurityGroup", "POST", "loadBalancers", kOne, ":disassociateSecurityGroup", "v1 update lb"},
    {kListByGroup, "describeLoadBalancersBySecurityGroup", "POST", "loadBalancers", kOne, ":describeLoadBalancersBySecurityGroup", "v1 list lb"},
    {kList, "describeListeners", "GET", "listeners", kAll, "", "v1 list listener"},
    {kCreate, "createListener", "POST", "listeners", kAll, "", "v1 create listener"},
    {kShow, "describeListener", "GET", "listeners", kOne, "", "v1 show listener"},
    {kUpdate, "updateListener", "PATCH", "listeners", kOne, "", "v1 update listener"},
    {kDelete, "deleteListener", "DELETE", "listeners", kOne, "", "v1 delete listener"},
    {kList, "describeBackends", "GET", "backends", kAll, "", "v1 list backend"},
    {kCreate, "createBackend", "POST", "backends", kAll, "", "v1 create backend"},
    {kShow, "describeBackend", "GET", "backends", kOne, "", "v1 show backend"},
    {kUpdate, "updateBackend", "PATCH", "backends", kOne, "", "v1 update backend"},
    {kDelete, "deleteBackend", "DELETE", "backends", kOne, "", "v1 delete backend"},
    {kHealth, "describeTargetHealth", "GET", "backends", kOne, "/health", "v1 health backend"},
    {kList, "describeTargetGroups", "GET", "targetGroups", kAll, "", "v1 list tg"},
    {kCreate, "createTargetGroup", "POST", "targetGroups", kAll, "", "v1 create tg"},
    {kShow, "describeTargetGroup", "GET", "targetGroups", kOne, "", "v1 show tg"},
    {kUpdate, "updateTargetGroup", "PATCH", "targetGroups", kOne, "", "v1 update tg"},
    {kDelete, "deleteTargetGroup", "DELETE", "targetGroups", kOne, "", "v1 delete tg"},
    {kListTargets, "describeTargets", "GET", "targetGroups", kOne, ":describeTargets", "v1 list target"},
    {kAddTargets, "registerTargets", "POST", "targetGroups", kOne, ":registerTargets", "v1 create target"},
    {kRemoveTargets, "deRegisterTargets", "POST", "targetGroups", kOne, ":deregisterTargets", "v1 delete target"},
    {kUpdateTargets, "updateTargets", "POST", "targetGroups", kOne, ":updateTargets", "v1 update target"},
    {kList, "describeVpcs", "GET", "vpcs", kAll, "", "v1 list vpc"},
    {kCreate, "createVpc", "POST", "vpcs", kAll, "", "v1 create vpc"},
    {kShow, "describeVpc", "GET", "vpcs", kOne, "", "v1 show vpc"},
    {kUpdate, "modifyVpc", "PATCH", "vpcs", kOne, "", "v1 update vpc"},
    {kDelete, "deleteVpc", "DELETE", "vpcs", kOne, "", "v1 delete vpc"},
    {kList, "describeSubnets", "GET", "subnets", kAll, "", "v1 list subnet"},
    {kCreate, "createSubnet", "POST", "subnets", kAll, "", "v1 create subnet"},
    {kShow, "describeSubnet", "GET", "subnets", kOne, "", "v1 show subnet"},
    {kUpdate, "modifySubnet", "PATCH", "subnets", kOne, "", "v1 update subnet"},
    {kDelete, "deleteSubnet", "DELETE", "subnets", kOne, "", "v1 delete subnet"},
    {kList, "describeElasticIps", "GET", "elasticIps", kAll, "", "v1 list eip"},
    {kCreate, "createElasticIps", "POST", "elasticIps", kAll, "", "v1 create eip"},
    {kShow, "describeElasticIp", "GET", "elasticIps", kOne, "", "v1 show eip"},
    {kModifyElasticIp, "modifyElasticIp", "PATCH", "elasticIps", kOne, "", "v1 update eip"},
    {kAssociateElasticIp, "associateElasticIp", "POST", "loadBalancers", kOne, ":associateElasticIp", "v1 update lb"},
    {kDisassociateElasticIp, "disassociateElasticIp", "POST", "loadBalancers", kOne, ":disassociateElasticIp", "v1 update lb"},
    {kDelete, "deleteElasticIp", "DELETE", "elasticIps", kOne, "", "v1 delete eip"},
    {kList, "describeNetworkSecurityGroups", "GET", "networkSecurityGroups", kAll, "", "v1 list securityGroup"},
    {kCreate, "createNetworkSecurityGroup", "POST", "networkSecurityGroups", kAll, "", "v1 create securityGroup"},
    {kShow, "describeNetworkSecurityGroup", "GET", "networkSecurityGroups", kOne, "", "v1 show securityGroup"},
    {kUpdate, "modifyNetworkSecurityGroup", "PATCH", "networkSecurityGroups", kOne, "", "v1 update securityGroup"},
    {kAddRules, "addNetworkSecurityGroupRules", "POST", "networkSecurityGroups", kOne, ":addNetworkSecurityGroupRules", "v1 update securityGroup"},
    {kModifyRules, "modifyNetworkSecurityGroupRules", "POST", "networkSecurityGroups", kOne, ":modifyNetworkSecurityGroupRules", "v1 update securityGroup"},
    {kRemoveRules, "removeNetworkSecurityGroupRules", "POST", "networkSecurityGroups", kOne, ":removeNetworkSecurityGroupRules", "v1 update securityGroup"},
    {kDelete, "deleteNetworkSecurityGroup", "DELETE", "networkSecurityGroups", kOne, "", "v1 delete securityGroup"},
    {kList, "describeInstances", "GET", "instances", kAll, "", "v1 list instance"},
    {kCreate, "createInstances", "POST", "instances", kAll, "", "v1 create instance"},
    {kShow, "describeInstance", "GET", "instances", kOne, "", "v1 show instance"},
    {kDelete, "deleteInstance", "DELETE", "instances", kOne, "", "v1 delete instance"},
    {kStartInstance, "startInstance", "POST", "instances", kOne, ":startInstance", "v1 update instance"},
    {kStopInstance, "stopInstance", "POST", "instances", kOne, ":stopInstance", "v1 update instance"},
    {kRebootInstance, "rebootInstance", "POST", "instances", kOne, ":rebootInstance", "v1 update instance"},
    {kModifyInstance, "modifyInstanceAttribute", "POST", "instances", kOne, ":modifyInstanceAttribute", "v1 update instance"},
    {kList, "describeBriefInstances", "GET", "instances:describeBriefInstances", kAll, "", "v1 list instance"},
    {kList, "describeInstanceStatus", "GET", "instanceStatus", kAll, "", "v1 list instance"},
    {kList, "describeInstancePrivateIpAddress", "GET", "instancePrivateIpAddress", kAll, "", "v1 list instance"},
    {kList, "describeNetworkInterfaces", "GET", "networkInterfaces", kAll, "", "v1 list interface"},
    {kList, "describeAgs", "GET", "availabilityGroups", kAll, "", "v1 list ag"},
    {kCreate, "createAg", "POST", "availabilityGroups", kAll, "", "v1 create ag"},
    {kShow, "describeAg", "GET", "availabilityGroups", kOne, "", "v1 show ag"},
    {kUpdate, "updateAg", "PATCH", "availabilityGroups", kOne, "", "v1 update ag"},
    {kDelete, "deleteAg", "DELETE", "availabilityGroups", kOne, "", "v1 delete ag"},
    {kAbandonInstances, "abandonInstances", "POST", "availabilityGroups", kOne, ":abandonInstances", "v1 update ag"},
    {kShowQuota, "describeQuota", "GET", "quotas", kAll, "", "v1 show quota"},
    {kModifyQuota, "modifyQuota", "PATCH", "quotas", kAll, "", "v1 update quota"},
    {kLater, "describeInstanceTemplates", "GET", "instanceTemplates", kAll, "", "v1 later"},
    {kLater, "createInstanceTemplate", "POST", "instanceTemplates", kAll, "", "v1 later"},
    {kLater, "describeInstanceTemplate", "GET", "instanceTemplates", kOne, "", "v1 later"},
    {kLater, "deleteInstanceTemplate", "DELETE", "instanceTemplates", kOne, "", "v1 later"},
    {kLater, "setInstanceTemplate", "POST", "availabilityGroups", kOne, ":setInstanceTemplate", "v1 later"},
    {kLater, "describeAgTargets", "GET", "backends", kOne, "/agTargets", "v1 later"},
    {kLater, "updateAgTargets", "PATCH", "backends", kOne, ":updateAgTargets", "v1 later"},
    {kLater, "enableAutoScaling", "POST", "autoScaling", kOne, "", "v1 later"},
    {kLater, "disableAutoScaling", "PUT", "autoScaling", kOne, ":disable", "v1 later"},
    {kLater, "updateAutoScaling", "POST", "autoScaling", kOne, ":updateAutoScaling", "v1 later"},
    {kLater, "describeAsRules", "GET", "asRules", kAll, "", "v1 later"},
    {kLater, "createAsRule", "POST", "asRules", kAll, "", "v1 later"},
    {kLater, "describeAsRule", "GET", "asRules", kOne, "", "v1 later"},
    {kLater, "updateAsRule", "PATCH", "asRules", kOne, "", "v1 later"},
    {kLater, "deleteAsRule", "DELETE", "asRules", kOne, "", "v1 later"},
    {kLater, "executeAsRule", "POST", "asRules", kOne, ":execute", "v1 later"},
};
// clang-format on

}  // namespace

std::span<const V1Operation> v1_operations() { return kOperations; }

const V1Operation* find_v1_operation(const V1Place& place) {
  const auto* found = std::ranges::find_if(kOperations, [&](const V1Operation& operation) {
    return operation.method == place.method && operation.collection == place.collection &&
           operation.is_one == place.is_one && operation.tail == place.tail;
  });
  return found == std::end(kOperations) ? nullptr : found;
}

bool has_v1_collection(std::string_view collection) {
  return std::ranges::find(kOperations, collection, &V1Operation::collection) !=
         std::end(kOperations);
}

std::string v1_path(const V1Operation& operation) {
  std::string path = "/" + std::string(operation.collection);
  if (!operation.is_one) return path;
  const V1Kind* kind = find_v1_kind(operation.collection);
  if (operation.call == V1Call::kListByGroup) kind = &v1_kind_of(model::Kind::kSecurityGroup);
  return path + "/{" + (kind == nullptr ? "id" : kind->id_key()) + "}" +
         std::string(operation.tail);
}

}  // namespace weir::api
