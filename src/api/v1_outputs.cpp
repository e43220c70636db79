#include "api/v1_outputs.h"

#include <algorithm>
#include <string>

#include "api/field_schema.h"
#include "api/schema_lines.h"
#include "api/v1_projection.h"
#include "model/charge.h"
#include "model/registry.h"

namespace weir::api {
namespace {

using model::FieldDescription;
using model::Kind;

// clang-format off
constexpr SchemaLine kLoadBalancer[] = {
    {"vpcId", "id vpc", "the VPC of its subnet", true},
    {"azType", "string", "standard"},
    {"privateIp.privateIpAddress", "string", "the address it answers on", true},
    {"privateIp.elasticIpId", "id eip", "the elastic IP it has"},
    {"privateIp.elasticIpAddress", "string", "the public address it answers on too"},
    {"charge", "#v1.charge", "no effect"},
    {"tags[]", "#v1.tag", "its labels"},
    {"state.code", "CREATING|ACTIVE|DOWN|STARTING|STOPPING|DELETING|CREATE_FAILED", "DOWN: stopped", true},
    {"state.reason", "string", "what it waits for, or why it failed; else empty"},
};
constexpr SchemaLine kListener[] = {
    {"loadBalancerType", "alb|nlb|dnlb", "", true},
    {"status", "On|Off", "", true},
    {"action", "Forward|Redirect", ""},
};
constexpr SchemaLine kBackend[] = {{"loadBalancerType", "alb|nlb|dnlb", "", true}};
constexpr SchemaLine kTargetGroup[] = {
    {"loadBalancerType", "alb|nlb|dnlb", "", true},
    {"loadBalancerName", "string", ""},
    {"targets[]", "#v1.target", ""},
};
constexpr SchemaLine kVpc[] = {
    {"aclIds[]", "string", "none"},
    {"routeTableIds[]", "string", "none"},
    {"subnets[].subnetId", "id subnet", ""},
    {"subnets[].subnetName", "string", ""},
};
constexpr SchemaLine kSubnet[] = {
    {"subnetType", "string", "standard"},
    {"ipMaskLen", "integer", "0"},
    {"availableIpCount", "integer", "addresses that nothing has", true},
};
constexpr SchemaLine kElasticIp[] = {
    {"elasticIpAddress", "string", "the public address", true},
    {"elasticIpPoolId", "string", "the configured pool it comes from"},
    {"providerNameCN", "string", "its provider"},
    {"az", "string", "the zone of its pool; empty: all zones"},
    {"ipType", "string", "standard"},
    {"status", "ASSOCIATED|NOT_ASSOCIATED", "", true},
    {"state", "string", "UP"},
    {"instanceId", "id lb", "the load balancer that answers on it"},
    {"instanceType", "string", "lb"},
    {"privateIpAddress", "string", "the private address of that load balancer"},
    {"charge", "#v1.charge", "no effect"},
    {"tags[]", "#v1.tag", "its labels"},
};
constexpr SchemaLine kSecurityGroup[] = {
    {"securityGroupRules[]", "#v1.securityGroupRule", "", true},
    {"networkSecurityGroupType", "default|custom", "", true},
    {"networkInterfaceIds[]", "string", "none: no interface stands for a load balancer"},
};
constexpr SchemaLine kInstance[] = {
    {"instanceId", "id instance", "", true},
    {"instanceName", "string", "", true},
    {"vpcId", "id vpc", ""},
    {"subnetId", "id subnet", ""},
    {"privateIpAddress", "string", "the address traffic goes to"},
    {"status", "running|stopped", "", true},
    {"az", "string", ""},
    {"description", "string", ""},
    {"hostname", "string", "no effect"},
    {"instanceType", "string", "no effect"},
    {"imageId", "string", "no effect"},
    {"keyNames[]", "string", "no effect"},
    {"systemDisk", "#v1.disk", "no effect"},
    {"dataDisks[]", "#v1.disk", "no effect"},
    {"primaryNetworkInterface.networkInterface.networkInterfaceId", "string", ""},
    {"primaryNetworkInterface.networkInterface.vpcId", "id vpc", ""},
    {"primaryNetworkInterface.networkInterface.subnetId", "id subnet", ""},
    {"primaryNetworkInterface.networkInterface.securityGroups[]", "any", "none"},
    {"primaryNetworkInterface.networkInterface.primaryIp.privateIpAddress", "string", ""},
    {"primaryNetworkInterface.networkInterface.secondaryIps[]", "any", "none"},
    {"primaryNetworkInterface.deviceIndex", "integer", "1"},
    {"primaryNetworkInterface.autoDelete", "boolean", "true"},
    {"secondaryNetworkInterfaces[]", "any", "none"},
    {"ag.id", "id ag", "its availability group"},
    {"ag.name", "string", ""},
    {"faultDomain", "string", "its rack in that group"},
    {"charge", "#v1.charge", "no effect"},
    {"tags[]", "#v1.tag", "its labels"},
    {"launchTime", "time", ""},
    {"createdTime", "time", ""},
};
constexpr SchemaLine kAvailabilityGroup[] = {
    {"id", "id ag", "", true},
    {"name", "string", "", true},
    {"description", "string", ""},
    {"instanceTemplateId", "string", "none"},
    {"azs[]", "string", "where its members may stand", true},
    {"agType", "string", ""},
    {"createTime", "time", ""},
    {"count", "integer", "its members", true},
    {"autoScaling", "boolean", "false"},
    {"configurationType", "string", ""},
    {"placementType", "string", "fd: over racks"},
    {"instancesQuotas[].az", "string", "each zone of the group", true},
    {"instancesQuotas[].limit", "integer", "members of the group, wherever they stand", true},
    {"instancesQuotas[].used", "integer", "its members there", true},
    {"instances[].instanceId", "id instance", ""},
    {"instances[].instanceName", "string", ""},
    {"instances[].status", "running|stopped", ""},
    {"instances[].agStatus", "string", "normal"},
    {"instances[].isManaged", "boolean", "false"},
    {"instances[].az", "string", ""},
    {"instances[].networkInterfaceSpec.privateIpAddress", "string", ""},
    {"instances[].networkInterfaceSpec.elasticIpAddress", "string", "none"},
    {"instances[].charge", "#v1.charge", "no effect"},
};
constexpr SchemaLine kTarget[] = {
    {"targetId", "id target", "", true},
    {"targetGroupId", "id tg", "", true},
    {"type", "ip|vm|container", "", true},
    {"port", "integer 0..65535", "0: the port of the backend service", true},
    {"weight", "integer 0..100", "", true},
    {"ipAddress", "string", "where its traffic goes", true},
    {"instanceId", "id instance", "the server, in a group of type instance"},
    {"privateIpAddress", "string", "the address of that server"},
};
constexpr SchemaLine kTargetHealth[] = {
    {"targetGroupId", "id tg", "of a target group"},
    {"agId", "id ag", "of an availability group"},
    {"type", "ip|vm|container", "", true},
    {"port", "integer 0..65535", "the port that is checked", true},
    {"weight", "integer 0..100", "", true},
    {"status", "healthy|unhealthy|N/A", "N/A: the check is closed", true},
    {"ipAddress", "string", "", true},
    {"instanceId", "id instance", ""},
    {"unhealthReason.reason", "string", "empty when it is healthy"},
    {"unhealthReason.detail", "string", "why, in words"},
};
constexpr SchemaLine kInterface[] = {
    {"networkInterfaceId", "string", "", true},
    {"networkInterfaceName", "string", "the name of its instance"},
    {"role", "string", "Primary"},
    {"azType", "string", "standard"},
    {"az", "string", ""},
    {"vpcId", "id vpc", ""},
    {"subnetId", "id subnet", ""},
    {"networkSecurityGroupIds[]", "string", "none: groups are those of load balancers"},
    {"primaryIp.privateIpAddress", "string", "", true},
    {"secondaryIps[]", "any", "none"},
    {"instanceType", "string", "compute"},
    {"instanceId", "id instance", "", true},
    {"attachmentStatus", "string", "attached"},
    {"networkInterfaceStatus", "string", "enabled"},
    {"createdTime", "time", ""},
};
constexpr SchemaLine kQuotaResult[] = {
    {"quota.type", "string", "of a call with a type"},
    {"quota.parentResourceId", "string", "empty: of the account"},
    {"quota.maxLimit", "integer", ""},
    {"quota.count", "integer", "how many there are"},
    {"quotas[].resourceType", "string", "of a call without a type"},
    {"quotas[].limit", "integer", ""},
    {"quotas[].used", "integer", ""},
};
constexpr SchemaLine kDisk[] = {
    {"diskCategory", "string", ""}, {"autoDelete", "boolean", ""}, {"deviceName", "string", ""},
    {"cloudDisk.diskType", "string", ""}, {"cloudDisk.diskSizeGB", "integer", ""}, {"status", "string", "attached"},
};
constexpr SchemaLine kDiskSpec[] = {
    {"diskCategory", "string", ""}, {"autoDelete", "boolean", ""}, {"deviceName", "string", ""},
    {"cloudDiskSpec.diskType", "string", ""}, {"cloudDiskSpec.diskSizeGB", "integer 0..1000000", ""},
};
constexpr SchemaLine kCharge[] = {
    {"chargeMode", "string", "no effect"}, {"chargeStatus", "string", "normal"}, {"chargeStartTime", "time", ""},
    {"chargeExpiredTime", "string", "empty"}, {"chargeRetireTime", "string", "empty"},
};
constexpr SchemaLine kTag[] = {{"key", "string", "", true}, {"value", "string", ""}};
// clang-format on

std::span<const SchemaLine> lines_of(Kind kind) {
  switch (kind) {
    case Kind::kLoadBalancer:
      return kLoadBalancer;
    case Kind::kListener:
      return kListener;
    case Kind::kBackend:
      return kBackend;
    case Kind::kTargetGroup:
      return kTargetGroup;
    case Kind::kVpc:
      return kVpc;
    case Kind::kSubnet:
      return kSubnet;
    case Kind::kElasticIp:
      return kElasticIp;
    case Kind::kSecurityGroup:
      return kSecurityGroup;
    case Kind::kInstance:
      return kInstance;
    case Kind::kAvailabilityGroup:
      return kAvailabilityGroup;
    default:
      return {};
  }
}

/// Kinds whose answers have another form than their field tables.
bool is_own_form(Kind kind) { return kind == Kind::kInstance || kind == Kind::kAvailabilityGroup; }

Json::Object members_of(Json schema) {
  Json* members = schema.find("properties");
  return members == nullptr ? Json::Object() : std::move(members->as_object());
}

/// Numbers stand for the words of the native face here.
Json rule_schema() {
  const auto& spec = model::description_of(Kind::kSecurityGroup).spec;
  const auto rules = std::ranges::find(spec, "rules", &FieldDescription::name);
  Json schema = fields_schema(rules->fields, SchemaUse::kAnswer);
  for (const std::string_view name : {"direction", "protocol"}) {
    schema["properties"][name] = schema_of_type("integer");
  }
  return schema;
}

}  // namespace

Json v1_item_schema(const V1Kind& kind) {
  Json schema = schema_of(lines_of(kind.kind));
  if (is_own_form(kind.kind)) return schema;
  Json whole = Json::object({{"type", "object"}});
  add_member(whole, kind.id_key(), schema_of_type("id " + std::string(model::kind_name(kind.kind))),
             true);
  add_member(whole, kind.name_key(), schema_of_type("string"), true);
  for (const FieldDescription& field : model::description_of(kind.kind).spec) {
    const bool is_hidden = field.options.is_native_only ||
                           std::ranges::find(kind.not_shown, field.name) != kind.not_shown.end();
    if (!is_hidden) {
      add_member(whole, field.name, field_schema(field, SchemaUse::kAnswer), false);
    }
  }
  add_member(whole, "createdTime", schema_of_type("time"), true);
  if (const Json* required = schema.find("required")) {
    for (const Json& name : required->as_array()) whole["required"].push_back(name);
  }
  for (auto& [name, member] : members_of(std::move(schema))) {
    whole["properties"][name] = std::move(member);
  }
  return whole;
}

Json v1_view_schema(const V1InstanceView& view) {
  // The one view with answers of its own.
  if (view.document != nullptr) return schema_of(kInterface);
  Json all = schema_of(kInstance);
  Json schema = Json::object({{"type", "object"}});
  for (const std::string_view key : view.keys) {
    add_member(schema, key, *all.find("properties")->find(key), false);
  }
  return schema;
}

Json v1_quota_schema() { return schema_of(kQuotaResult); }

Json v1_target_health_schema() { return schema_of(kTargetHealth); }

Json v1_shared_schemas() {
  Json tags = Json::object({{"type", "array"}, {"items", schema_reference("v1.tag")}});
  tags["maxItems"] = Json(10);
  return Json::object(
      {{"v1.charge", schema_of(kCharge)},
       {"v1.tag", schema_of(kTag)},
       {"v1.disk", schema_of(kDisk)},
       {"v1.target", schema_of(kTarget)},
       {"v1.securityGroupRule", rule_schema()},
       {"userTags", std::move(tags)},
       {"diskSpec", schema_of(kDiskSpec)},
       {"chargeSpec", fields_schema(model::describe<model::Charge>(), SchemaUse::kUpdate)}});
}

}  // namespace weir::api
