#include "api/v1_schema.h"

#include <algorithm>

#include "api/policy.h"
#include "api/v1_kinds.h"
#include "api/v1_operations.h"
#include "api/v1_projection.h"
#include "api/v1_vm_body.h"
#include "model/registry.h"

namespace weir::api {
namespace {

using model::FieldDescription;
using model::Kind;

// What becomes of a parameter.
constexpr std::string_view kTakes = "takes effect";
constexpr std::string_view kIgnores = "ignored";
constexpr std::string_view kStores = "stored";
constexpr std::string_view kRefuses = "refused";
constexpr std::string_view kLater = "not supported yet";

struct Effects {
  std::string_view create;
  std::string_view update;
};

/// A parameter that no field table has.
struct Parameter {
  std::string_view name;
  std::string_view sentence;
  std::string_view effect = kTakes;
};

Json parameter_json(std::string_view name, std::string_view sentence, const Effects& effects) {
  return Json::object({{"name", name},
                       {"sentence", sentence},
                       {"create", effects.create},
                       {"update", effects.update}});
}

/// What an absent one means in a create.
void add_default(const V1Kind& kind, const FieldDescription& field, Json& json) {
  const auto own = std::ranges::find(kind.defaults, field.name, &V1Default::field);
  if (own != kind.defaults.end()) {
    json["default"] = Json(own->value);
  } else if (field.options.is_required) {
    json["isRequired"] = Json(true);
  } else if (!field.options.omits_empty && !field.default_value.is_null() &&
             (field.is_list || field.type != "object")) {
    json["default"] = field.default_value;
  }
}

/// A field of the spec under the name it has here; the native name leads to the rest of it.
Json field_parameter(const V1Kind& kind, const FieldDescription& field) {
  const std::string& name = field.v1_name.empty() ? field.name : field.v1_name;
  const bool is_later = field.options.is_not_yet;
  const std::string_view taken = is_later ? kLater : kTakes;
  Json json =
      parameter_json(name, field.sentence, {taken, is_updated(kind, field) ? taken : kIgnores});
  json["field"] = Json(field.name);
  add_default(kind, field, json);
  return json;
}

/// What V1Face reads beside the table (v1_projection.cpp, take_admin() and take_tags()).
void add_others(const V1Kind& kind, Json& parameters) {
  if (kind.kind == Kind::kLoadBalancer) {
    parameters.push_back(parameter_json("action", "Start or Stop", {kIgnores, kTakes}));
    parameters.push_back(
        parameter_json("elasticIp.bandwidthMbps",
                       "of an elastic IP that is made with it, 1 to 1000, required "
                       "then; bandwidth is read too; not enforced yet",
                       {kStores, kIgnores}));
    parameters.push_back(parameter_json("elasticIp.provider", "of that elastic IP, required then",
                                        {kTakes, kIgnores}));
    parameters.push_back(parameter_json(
        "elasticIp.chargeSpec", "stored and shown, without an effect", {kStores, kIgnores}));
    parameters.push_back(
        parameter_json("chargeSpec", "stored and shown, without an effect", {kStores, kIgnores}));
  }
  if (kind.kind == Kind::kListener) {
    parameters.push_back(parameter_json("status", "On or Off", {kIgnores, kTakes}));
  }
  if (kind.kind == Kind::kBackend) {
    parameters.push_back(parameter_json("closeHealthCheck",
                                        "true: targets are not checked, all that run get traffic",
                                        {kRefuses, kTakes}));
  }
  parameters.push_back(
      parameter_json("userTags", "list of {key, value}, at most 10", {kTakes, kIgnores}));
  for (const V1Later& later : kind.later) {
    const std::string sentence =
        later.accepted.empty() ? "" : std::string(later.accepted) + " is accepted";
    parameters.push_back(parameter_json(later.key, sentence, {kLater, kLater}));
  }
}

Json parameters_of(const V1Kind& kind) {
  Json parameters = Json::array();
  const bool is_renamed = !kind.renamed_by.empty();
  Json name = parameter_json(kind.name_key(), "its name", {kTakes, is_renamed ? kIgnores : kTakes});
  name["isRequired"] = Json(true);
  parameters.push_back(std::move(name));
  if (is_renamed) {
    parameters.push_back(parameter_json(kind.renamed_by, "its new name", {kIgnores, kTakes}));
  }
  for (const FieldDescription& field : model::description_of(kind.kind).spec) {
    if (is_taken(kind, field)) parameters.push_back(field_parameter(kind, field));
  }
  add_others(kind, parameters);
  return parameters;
}

Json filters_json(std::span<const V1Filter> filters) {
  Json list = Json::array();
  for (const V1Filter& known : filters) {
    Json filter = Json::object({{"name", known.filter.name}, {"path", known.path}});
    if (known.is_fuzzy || known.filter.takes_like) filter["isPartial"] = Json(true);
    list.push_back(std::move(filter));
  }
  return list;
}

// clang-format off
constexpr Parameter kRegister[] = {
    {"targetSpecs[].instanceId", "the server, in a group of type instance"},
    {"targetSpecs[].ipAddress", "IPv4 address, in a group of type ip"},
    {"targetSpecs[].port", "0 or absent: the port of the backend service"},
    {"targetSpecs[].weight", "0 to 100 (dnlb: 1 to 100), default 10"},
    {"targetSpecs[].type", "vm, or ip in a group of type ip; container is not supported yet"},
};
constexpr Parameter kDeregister[] = {{"targetIds[]", "targets of the group"}};
constexpr Parameter kUpdateTargets[] = {
    {"targetUpdateSpecs[].targetId", "a target of the group, required"},
    {"targetUpdateSpecs[].port", "0: the port of the backend service"},
    {"targetUpdateSpecs[].weight", "0 to 100 (dnlb: 1 to 100)"},
};
constexpr Parameter kGroupIds[] = {{"securityGroupIds[]", "groups of the VPC of the load balancer, an alb"}};
constexpr Parameter kPage[] = {{"pageNumber", "from 1, default 1"}, {"pageSize", "10 to 100, default 20"}};
constexpr Parameter kAddRules[] = {
    {"networkSecurityGroupRuleSpecs[].protocol", "300 (all), 6 (TCP), 17 (UDP) or 1 (ICMP), required"},
    {"networkSecurityGroupRuleSpecs[].direction", "0 (in) or 1 (out), required"},
    {"networkSecurityGroupRuleSpecs[].addressPrefix", "IPv4 prefix, required"},
    {"networkSecurityGroupRuleSpecs[].ruleAction", "ALLOW (default) or DENY"},
    {"networkSecurityGroupRuleSpecs[].priority", "1 to 100, smaller wins, default 1"},
    {"networkSecurityGroupRuleSpecs[].addressPrefixType", "CIDR; PREFIXLIST is not supported yet"},
    {"networkSecurityGroupRuleSpecs[].fromPort", "1 to 65535, default 1; 0 with protocols without ports"},
    {"networkSecurityGroupRuleSpecs[].toPort", "1 to 65535, default 65535; 0 with protocols without ports"},
    {"networkSecurityGroupRuleSpecs[].description", "free text"},
};
constexpr Parameter kModifyRules[] = {
    {"modifySecurityGroupRuleSpecs[].ruleId", "a rule of the group, required"},
    {"modifySecurityGroupRuleSpecs[].protocol", "as in addNetworkSecurityGroupRules; what is absent stays"},
    {"modifySecurityGroupRuleSpecs[].addressPrefix", "the same"},
    {"modifySecurityGroupRuleSpecs[].ruleAction", "the same"},
    {"modifySecurityGroupRuleSpecs[].priority", "the same"},
    {"modifySecurityGroupRuleSpecs[].addressPrefixType", "the same"},
    {"modifySecurityGroupRuleSpecs[].fromPort", "the same"},
    {"modifySecurityGroupRuleSpecs[].toPort", "the same"},
    {"modifySecurityGroupRuleSpecs[].description", "the same"},
};
constexpr Parameter kRemoveRules[] = {{"ruleIds[]", "rules of the group"}};
constexpr Parameter kAbandon[] = {{"instanceIds[]", "members of the group, 1 to 100; they never come back"}};
constexpr Parameter kModifyInstance[] = {
    {"name", "a new name"}, {"description", "free text"}, {"hostname", "without an effect", kStores}};
constexpr Parameter kAssociateElasticIp[] = {{"elasticIpId", "an elastic IP that no load balancer has, required"}};
constexpr Parameter kDisassociateElasticIp[] = {
    {"elasticIpId", "the elastic IP that it has, required"},
    {"deleteElasticIp", "true: it is deleted in the same step"},
};
constexpr Parameter kCreateElasticIps[] = {
    {"maxCount", "how many, 1 to 100: all or none, required"},
    {"elasticIpSpec.bandwidthMbps", "1 to 1000, required; not enforced yet", kStores},
    {"elasticIpSpec.provider", "a provider of the configured pools, required"},
    {"elasticIpSpec.chargeSpec", "without an effect", kStores},
    {"elasticIpAddress", "a free address of such a pool, with a maxCount of 1"},
    {"userTags", "list of {key, value}, at most 10"},
    {"ipType", "standard", kIgnores},
    {"resourceGroupId", "", kLater},
    {"dryRun", "true: everything is checked, nothing made"},
};
constexpr Parameter kModifyElasticIp[] = {{"bandwidthMbps", "1 to 1000, required; not enforced yet", kStores}};
constexpr Parameter kCreateInstances[] = {
    {"instanceSpec.name", "its name, required; [008] in it, not at its beginning, is 008, 009 and so on"},
    {"instanceSpec.az", "the availability zone it stands in, required"},
    {"instanceSpec.primaryNetworkInterface.networkInterface.subnetId", "the subnet its address lies in, required"},
    {"instanceSpec.primaryNetworkInterface.networkInterface.primaryIpAddress", "the address the server has, required; the following ones are those of the others of a batch"},
    {"instanceSpec.description", "free text"},
    {"instanceSpec.userTags", "list of {key, value}, at most 10"},
    {"instanceSpec.instanceType", "without an effect", kStores},
    {"instanceSpec.imageId", "without an effect", kStores},
    {"instanceSpec.hostname", "without an effect", kStores},
    {"instanceSpec.keyNames", "without an effect", kStores},
    {"instanceSpec.systemDisk", "without an effect", kStores},
    {"instanceSpec.dataDisks", "without an effect", kStores},
    {"instanceSpec.charge", "without an effect", kStores},
    {"instanceSpec.agId", "the availability group it is registered into"},
    {"maxCount", "how many are registered, all or none: 1 to 100, default 1"},
    {"clientToken", "1 to 64 characters; the same again within a day gets the first result again"},
};
// clang-format on

std::span<const Parameter> special_parameters(std::string_view action) {
  if (action == "registerTargets") return kRegister;
  if (action == "deRegisterTargets") return kDeregister;
  if (action == "updateTargets") return kUpdateTargets;
  if (action == "modifyInstanceAttribute") return kModifyInstance;
  if (action == "createInstances") return kCreateInstances;
  if (action == "associateElasticIp") return kAssociateElasticIp;
  if (action == "disassociateElasticIp") return kDisassociateElasticIp;
  if (action == "createElasticIps") return kCreateElasticIps;
  if (action == "modifyElasticIp") return kModifyElasticIp;
  if (action.ends_with("ssociateSecurityGroup")) return kGroupIds;
  if (action == "describeLoadBalancersBySecurityGroup") return kPage;
  if (action == "addNetworkSecurityGroupRules") return kAddRules;
  if (action == "modifyNetworkSecurityGroupRules") return kModifyRules;
  if (action == "removeNetworkSecurityGroupRules") return kRemoveRules;
  if (action == "abandonInstances") return kAbandon;
  return {};
}

Json special_json(std::string_view action) {
  Json list = Json::array();
  const auto add = [&list](const std::string& name, std::string_view sentence,
                           std::string_view effect) {
    list.push_back(Json::object({{"name", name}, {"sentence", sentence}, {"effect", effect}}));
  };
  for (const Parameter& parameter : special_parameters(action)) {
    add(std::string(parameter.name), parameter.sentence, parameter.effect);
  }
  if (action != "createInstances") return list;
  for (const V1Later& later : instance_spec_later()) {
    add("instanceSpec." + std::string(later.key), "", kLater);
  }
  for (const V1Later& later : instance_interface_later()) {
    const std::string path = "instanceSpec.primaryNetworkInterface.networkInterface.";
    add(path + std::string(later.key), "", kLater);
  }
  return list;
}

Json operation_json(const V1Operation& operation) {
  Json json = Json::object({{"action", operation.action},
                            {"method", operation.method},
                            {"path", v1_path(operation)},
                            {"role", least_role(rule_of(operation.call).right)},
                            {"countedAs", operation.counted_as}});
  const bool is_later =
      operation.call == V1Call::kLater || operation.call == V1Call::kRebootInstance;
  if (is_later) json["effect"] = Json(kLater);
  Json special = special_json(operation.action);
  if (!special.as_array().empty()) json["parameters"] = std::move(special);
  return json;
}

}  // namespace

Json v1_schema_json() {
  Json operations = Json::array();
  Json collections = Json::array();
  for (const V1Operation& operation : v1_operations()) {
    operations.push_back(operation_json(operation));
    const V1Kind* kind = find_v1_kind(operation.collection);
    if (operation.call != V1Call::kList || kind == nullptr) continue;
    Json collection = Json::object({{"name", kind->collection},
                                    {"item", kind->item},
                                    {"kind", model::kind_name(kind->kind)},
                                    {"filters", filters_json(kind->filters)}});
    // Bodies of these have a form of their own, in their operations.
    const bool is_own = kind->kind == Kind::kInstance || kind->kind == Kind::kElasticIp;
    if (!is_own) collection["parameters"] = parameters_of(*kind);
    collections.push_back(std::move(collection));
  }
  return Json::object({{"collections", std::move(collections)},
                       {"targetFilters", filters_json(v1_target_filters())},
                       {"operations", std::move(operations)}});
}

}  // namespace weir::api
