#include "model/keys.h"

#include "model/group_view.h"
#include "model/registry.h"
#include "model/security_group_use.h"

namespace weir::model {
namespace {

constexpr std::string_view kObjects = "object/";

std::string joined(std::initializer_list<std::string_view> parts) {
  std::string key;
  for (const std::string_view part : parts) {
    if (!key.empty()) key += '/';
    key += part;
  }
  return key;
}

bool has_unique_name(Kind kind) {
  return kind == Kind::kListener || kind == Kind::kBackend || kind == Kind::kTargetGroup;
}

}  // namespace

std::string object_key(Kind kind, std::string_view id) {
  return joined({"object", kind_name(kind), id});
}

std::string object_prefix(Kind kind) { return joined({"object", kind_name(kind), ""}); }

bool parse_object_key(std::string_view key, Kind& kind, Id& id) {
  if (!key.starts_with(kObjects)) return false;
  key.remove_prefix(kObjects.size());
  const auto slash = key.find('/');
  if (slash == std::string_view::npos || slash + 1 == key.size()) return false;
  const auto found = kind_of_name(key.substr(0, slash));
  if (!found) return false;
  kind = *found;
  id = key.substr(slash + 1);
  return true;
}

std::string root_key(std::string_view id) { return joined({"root", id}); }

std::vector<std::string> root_keys(const Object& object) {
  switch (object.kind) {
    case Kind::kVpc:
      return {root_key(object.id)};
    case Kind::kSubnet:
    case Kind::kSecurityGroup:
      return {root_key(object.spec.string_or("vpcId", ""))};
    case Kind::kLoadBalancer:
      return {root_key(object.id), root_key(object.admin.string_or("vpcId", ""))};
    case Kind::kAvailabilityGroup:
      return {root_key(object.id)};
    case Kind::kInstance: {
      std::vector<std::string> keys = {root_key(object.admin.string_or("vpcId", ""))};
      const std::string group = object.spec.string_or("agId", "");
      if (!group.empty()) keys.push_back(root_key(group));
      return keys;
    }
    case Kind::kBackend: {
      std::vector<std::string> keys = {root_key(load_balancer_of(object))};
      for (const Id& group : availability_groups_of(object)) keys.push_back(root_key(group));
      return keys;
    }
    case Kind::kTable: {
      const Id lb = load_balancer_of(object);
      return {root_key(lb.empty() ? object.spec.string_or("groupId", "") : lb)};
    }
    case Kind::kTargetGroup: {
      std::vector<std::string> keys = {root_key(load_balancer_of(object))};
      // Who names instances is seen by who deletes one.
      const std::string vpc = object.admin.string_or("vpcId", "");
      if (!vpc.empty()) keys.push_back(root_key(vpc));
      return keys;
    }
    case Kind::kElasticIp:
    case Kind::kNode:
    case Kind::kKeyring:
      return {};
    default:
      return {root_key(load_balancer_of(object))};
  }
}

std::string address_scope(const Object& object) {
  if (object.kind == Kind::kElasticIp) return std::string(kPublicScope);
  const bool is_private = object.kind == Kind::kLoadBalancer || object.kind == Kind::kInstance;
  return is_private ? object.admin.string_or("vpcId", "") : "";
}

std::string own_address(const Object& object) {
  switch (object.kind) {
    case Kind::kLoadBalancer:
      return object.admin.string_or("vip", "");
    case Kind::kInstance:
      return object.admin.string_or("ipAddress", "");
    case Kind::kElasticIp:
      return object.admin.string_or("address", "");
    default:
      return "";
  }
}

std::vector<std::string> claimed_keys(const Object& object) {
  std::vector<std::string> keys;
  const Id lb = load_balancer_of(object);
  if (has_unique_name(object.kind)) {
    keys.push_back(joined({"name", lb, kind_name(object.kind), object.name}));
  }
  if (object.kind == Kind::kListener) {
    const std::string port = std::to_string(object.spec.integer_or("port", 0));
    keys.push_back(joined({"port", lb, "tcp", port}));
  }
  const std::string address = own_address(object);
  if (!address.empty()) keys.push_back(joined({"address", address_scope(object), address}));
  if (object.kind == Kind::kLoadBalancer) {
    const std::string elastic_ip = object.spec.string_or("elasticIpId", "");
    if (!elastic_ip.empty()) keys.push_back(joined({"elasticip", elastic_ip}));
  }
  return keys;
}

std::vector<QuotaUse> quota_uses(const Object& object, LoadBalancerType type) {
  const Quotas& quotas = quotas_of(type);
  const Id lb = load_balancer_of(object);
  switch (object.kind) {
    case Kind::kVpc:
      return {{joined({"quota", object.owner, "vpc"}), kVpcQuota}};
    case Kind::kElasticIp:
      return {{joined({"quota", object.owner, "eip"}), kElasticIpQuota}};
    case Kind::kSubnet:
      return {
          {joined({"quota", object.spec.string_or("vpcId", ""), "subnet"}), kSubnetsPerVpcQuota}};
    case Kind::kSecurityGroup:
      if (is_default_group(object)) return {};
      return {{joined({"quota", object.spec.string_or("vpcId", ""), kind_name(object.kind)}),
               kSecurityGroupsPerVpcQuota}};
    case Kind::kInstance:
      return {{joined({"quota", object.admin.string_or("vpcId", ""), "instance"}),
               kInstancesPerVpcQuota}};
    case Kind::kAvailabilityGroup:
      return {{joined({"quota", object.owner, "ag"}), kAgQuota}};
    case Kind::kLoadBalancer:
      return {{joined({"quota", object.owner, "lb", word_of(type)}), quotas.load_balancers}};
    case Kind::kListener:
      return {{joined({"quota", lb, "listener"}), quotas.listeners}};
    case Kind::kBackend:
      return {{joined({"quota", lb, "backend"}), quotas.backends}};
    case Kind::kTargetGroup:
      return {{joined({"quota", lb, "tg"}), quotas.target_groups}};
    default:
      return {};
  }
}

const Quotas& quotas_of(LoadBalancerType type) {
  switch (type) {
    case LoadBalancerType::kAlb:
      return kAlbQuotas;
    case LoadBalancerType::kNlb:
      return kNlbQuotas;
    case LoadBalancerType::kDnlb:
      return kDnlbQuotas;
  }
  return kAlbQuotas;
}

}  // namespace weir::model
