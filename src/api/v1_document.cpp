// Answers of the JD Cloud face.
#include <algorithm>

#include "api/backend_health.h"
#include "api/status.h"
#include "api/v1_ag.h"
#include "api/v1_elastic_ips.h"
#include "api/v1_projection.h"
#include "api/v1_security_groups.h"
#include "api/v1_vm.h"
#include "model/group_view.h"
#include "model/resources.h"
#include "model/security_group_use.h"
#include "model/subnet_addresses.h"
#include "model/target_view.h"

namespace weir::api {
namespace {

using model::FieldDescription;
using model::Kind;
using model::Object;
using model::ObjectIndex;

bool contains(std::span<const std::string_view> names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

const Object* load_balancer_above(const Object& object, const ObjectIndex& index) {
  return index.find(Kind::kLoadBalancer, model::load_balancer_of(object));
}

/// Whether a field has a meaning for this type of load balancer and this protocol.
bool applies(const FieldDescription& field, const Object& object, const Object* lb) {
  const auto type = lb == nullptr ? model::LoadBalancerType::kAlb
                                  : model::from_json<model::LoadBalancer>(lb->spec).value.type;
  const std::string protocol = object.spec.string_or("protocol", "");
  const auto bit = protocol == "Http" ? model::Protocol::kHttp : model::Protocol::kTcp;
  return (field.options.types & (1u << static_cast<unsigned>(type))) != 0 &&
         (field.options.protocols & (1u << static_cast<unsigned>(bit))) != 0;
}

/// Every field of the table, with the default of those that are not stored.
void add_spec(const V1Kind& kind, const Object& object, const Object* lb, Json& document) {
  for (const FieldDescription& field : model::description_of(object.kind).spec) {
    const bool is_shown = !field.options.is_native_only && !contains(kind.not_shown, field.name);
    if (!is_shown || !applies(field, object, lb)) continue;
    const Json* stored = object.spec.find(field.name);
    const Json& value = stored == nullptr ? field.default_value : *stored;
    if (!value.is_null()) document[field.name] = value;
  }
}

Json tags_of(const Object& object) {
  Json tags = Json::array();
  for (const auto& [key, value] : object.labels) {
    tags.push_back(Json::object({{"key", key}, {"value", value}}));
  }
  return tags;
}

}  // namespace

Json v1_charge(const Object& object) {
  const bool is_used =
      object.kind == Kind::kLoadBalancer && object.spec.string_or("type", "") != "dnlb";
  const Json* given = object.admin.find("charge");
  const std::string_view usual = is_used ? "postpaid_by_usage" : "postpaid_by_duration";
  return Json::object({{"chargeMode", given == nullptr ? std::string(usual)
                                                       : given->string_or("chargeMode", usual)},
                       {"chargeStatus", "normal"},
                       {"chargeStartTime", object.created},
                       {"chargeExpiredTime", ""},
                       {"chargeRetireTime", ""}});
}

namespace {

void add_load_balancer(const Object& lb, const ObjectIndex& index, const ObservedView& observed,
                       Json& document) {
  const Json status = status_of(lb, index, observed);
  document["vpcId"] = lb.admin.string_or("vpcId", "");
  document["azType"] = "standard";
  Json groups = Json::array();
  for (const model::Id& id : model::groups_in_force(lb)) groups.push_back(id);
  document["securityGroupIds"] = std::move(groups);
  document["privateIp"] = Json::object({{"privateIpAddress", lb.admin.string_or("vip", "")}});
  const std::string elastic_ip = lb.spec.string_or("elasticIpId", "");
  if (!elastic_ip.empty()) {
    document["privateIp"]["elasticIpId"] = elastic_ip;
    document["privateIp"]["elasticIpAddress"] = lb.admin.string_or("elasticIpAddress", "");
  }
  document["charge"] = v1_charge(lb);
  document["tags"] = tags_of(lb);
  document["state"] = Json::object({{"code", status.string_or("state", "CREATING")},
                                    {"reason", status.string_or("reason", "")}});
}

void add_listener(const Object& listener, Json& document) {
  document["status"] = listener.admin.string_or("status", "On");
  document["action"] = "Forward";
  if (document.string_or("loadBalancerType", "") == "dnlb") return;
  const auto spec = model::from_json<model::Listener>(listener.spec).value;
  document["connectionIdleTimeSeconds"] = model::idle_seconds(spec);
}

void add_subnet(const Object& subnet, const ObjectIndex& index, Json& document) {
  document["subnetType"] = "standard";
  document["ipMaskLen"] = 0;
  const auto prefix = net::Prefix::parse(subnet.spec.string_or("addressPrefix", ""));
  if (!prefix) return;
  // Network, gateway, DHCP and broadcast addresses are reserved.
  constexpr std::int64_t kReserved = 4;
  const std::int64_t size = std::int64_t{1} << (32 - prefix->length);
  const auto used =
      static_cast<std::int64_t>(index.children(Kind::kLoadBalancer, subnet.id).size() +
                                index.children(Kind::kInstance, subnet.id).size());
  document["availableIpCount"] = std::max<std::int64_t>(size - kReserved - used, 0);
}

/// The whole answer: it has another form than the field table. Source: product.md A.15, B.6.
Json instance_document(const Object& instance, const ObjectIndex& index) {
  const Object* group = index.find(Kind::kAvailabilityGroup, instance.spec.string_or("agId", ""));
  Json document = v1_instance(instance, group);
  document["charge"] = v1_charge(instance);
  document["tags"] = tags_of(instance);
  document["launchTime"] = instance.created;
  return document;
}

/// No network interface stands for a load balancer.
void add_security_group(const Object& group, Json& document) {
  document["securityGroupRules"] = Json(v1_security_group_rules(group));
  document["networkSecurityGroupType"] = group.admin.string_or("type", "custom");
  document["networkInterfaceIds"] = Json::array();
}

void add_vpc(const Object& vpc, const ObjectIndex& index, Json& document) {
  document["aclIds"] = Json::array();
  document["routeTableIds"] = Json::array();
  Json subnets = Json::array();
  for (const Object* subnet : index.children(Kind::kSubnet, vpc.id)) {
    subnets.push_back(Json::object({{"subnetId", subnet->id}, {"subnetName", subnet->name}}));
  }
  document["subnets"] = std::move(subnets);
}

Json reason_of(const Json& health, bool is_unhealthy) {
  return Json::object({{"reason", is_unhealthy ? health.string_or("reason", "") : ""},
                       {"detail", is_unhealthy ? health.string_or("detail", "") : ""}});
}

}  // namespace

Json v1_document(const Object& object, const ObjectIndex& index, const ObservedView& observed) {
  if (object.kind == Kind::kInstance) return instance_document(object, index);
  if (object.kind == Kind::kAvailabilityGroup) {
    return v1_availability_group(object, index);
  }
  const V1Kind& kind = v1_kind_of(object.kind);
  const Object* lb = load_balancer_above(object, index);
  Json document = Json::object({{kind.id_key(), object.id}, {kind.name_key(), object.name}});
  add_spec(kind, object, lb, document);
  if (lb != nullptr && lb->id != object.id) {
    document["loadBalancerType"] = lb->spec.string_or("type", "alb");
  }
  if (object.kind == Kind::kLoadBalancer) add_load_balancer(object, index, observed, document);
  if (object.kind == Kind::kListener) add_listener(object, document);
  if (object.kind == Kind::kTargetGroup) {
    document["loadBalancerName"] = lb == nullptr ? "" : lb->name;
    document["targets"] = Json(v1_targets(object, index));
  }
  if (object.kind == Kind::kSecurityGroup) add_security_group(object, document);
  if (object.kind == Kind::kSubnet) add_subnet(object, index, document);
  if (object.kind == Kind::kVpc) add_vpc(object, index, document);
  if (object.kind == Kind::kElasticIp) {
    add_elastic_ip(object, index, document);
    document["charge"] = v1_charge(object);
    document["tags"] = tags_of(object);
  }
  document["createdTime"] = object.created;
  return document;
}

Json::Array v1_targets(const Object& group, const ObjectIndex& index) {
  Json::Array items;
  for (const model::Target& target :
       model::from_json<model::TargetGroup>(group.spec).value.targets) {
    const bool is_ip = target.instance_id.empty();
    const std::string address = model::address_of(target, index);
    Json item = Json::object({{"targetId", target.target_id},
                              {"targetGroupId", group.id},
                              {"type", is_ip ? "ip" : "vm"},
                              {"port", target.port},
                              {"weight", target.weight},
                              {"ipAddress", address}});
    if (!is_ip) {
      item["instanceId"] = target.instance_id;
      item["privateIpAddress"] = address;
    }
    items.push_back(std::move(item));
  }
  return items;
}

Json::Array v1_target_healths(const Object& backend, const ObjectIndex& index,
                              const ObservedView& observed) {
  const auto groups = model::group_ids(backend);
  const model::Id group = groups.empty() ? "" : groups.front();
  const Json health = health_of(backend, index, observed);
  Json::Array items;
  for (const Json& target : health.find("targets")->as_array()) {
    // Before its first verdict a target is shown as unhealthy.
    std::string status = target.string_or("status", "");
    if (status == "initial") status = "unhealthy";
    const std::string instance = target.string_or("instanceId", "");
    items.push_back(Json::object({{std::string(model::group_key(group)), group},
                                  {"type", instance.empty() ? "ip" : "vm"},
                                  {"port", target.integer_or("port", 0)},
                                  {"weight", target.integer_or("weight", 0)},
                                  {"status", status},
                                  {"ipAddress", target.string_or("ipAddress", "")},
                                  {"unhealthReason", reason_of(target, status == "unhealthy")}}));
    if (!instance.empty()) items.back()["instanceId"] = instance;
  }
  return items;
}

}  // namespace weir::api
