#include "model/registry.h"

#include <algorithm>
#include <cctype>

#include "base/check.h"
#include "model/group_view.h"
#include "model/resources.h"
#include "model/security_group_use.h"

namespace weir::model {
namespace {

using Canonical = Json (*)(const Json& json, Errors& errors);

struct Entry {
  Canonical spec = nullptr;
  Canonical admin = nullptr;
};

template <class T>
Json canonical(const Json& json, std::string_view path, Errors& errors) {
  Parsed<T> parsed = from_json<T>(json, path);
  std::ranges::move(parsed.errors, std::back_inserter(errors));
  return to_json(parsed.value);
}

template <class T>
Entry entry_of() {
  return {[](const Json& json, Errors& errors) { return canonical<T>(json, "spec", errors); },
          [](const Json& json, Errors& errors) {
            return canonical<typename T::Admin>(json, "admin", errors);
          }};
}

const Entry& entry_of(Kind kind) {
  // In the order of the enumeration.
  static const Entry kEntries[] = {
      entry_of<Vpc>(),       entry_of<Subnet>(),        entry_of<LoadBalancer>(),
      entry_of<Listener>(),  entry_of<Backend>(),       entry_of<TargetGroup>(),
      entry_of<Node>(),      entry_of<Placement>(),     entry_of<Drain>(),
      entry_of<Table>(),     entry_of<Keyring>(),       entry_of<Instance>(),
      entry_of<ElasticIp>(), entry_of<SecurityGroup>(), entry_of<AvailabilityGroup>()};
  return kEntries[static_cast<std::size_t>(kind)];
}

template <class T>
KindDescription described(KindDescription description) {
  description.kind = T::kKind;
  description.word = kind_name(T::kKind);
  description.spec = describe<T>();
  description.admin = describe<typename T::Admin>();
  return description;
}

KindDescription target_description() {
  KindDescription target{.word = "target",
                         .singular = "target",
                         .sentence = "one server of a target group",
                         .aliases = {"targets"},
                         .parent_field = "targetGroupId",
                         .parent = Kind::kTargetGroup,
                         .columns = {{"ID", "id"},
                                     {"GROUP", "spec.targetGroupId"},
                                     {"INSTANCE", "spec.instanceId"},
                                     {"ADDRESS", "status.ipAddress"},
                                     {"PORT", "spec.port"},
                                     {"WEIGHT", "spec.weight"},
                                     {"SLOT", "admin.slot"}}};
  target.spec = describe<TargetView>();
  return target;
}

KindDescription rule_description() {
  KindDescription rule{.word = "securityGroupRule",
                       .singular = "security group rule",
                       .sentence = "one rule of a security group",
                       .aliases = {"sgrule", "sgrules", "securitygrouprules", "security-group-rule",
                                   "security-group-rules"},
                       .parent_field = "securityGroupId",
                       .parent = Kind::kSecurityGroup,
                       .columns = {{"ID", "id"},
                                   {"GROUP", "spec.securityGroupId"},
                                   {"DIRECTION", "spec.direction"},
                                   {"PRIORITY", "spec.priority"},
                                   {"ACTION", "spec.ruleAction"},
                                   {"PROTOCOL", "spec.protocol"},
                                   {"PREFIX", "spec.addressPrefix"},
                                   {"FROM", "spec.fromPort"},
                                   {"TO", "spec.toPort"}}};
  rule.spec = describe<SecurityGroupRuleView>();
  return rule;
}

void add_security_group_kinds(std::vector<KindDescription>& all) {
  all.push_back(described<SecurityGroup>(
      {.singular = "security group",
       .sentence = "rules about who may connect to load balancers, and where these may connect to",
       .aliases = {"sg", "sgs", "securitygroups", "security-group", "security-groups"},
       .parent_field = "vpcId",
       .parent = Kind::kVpc,
       .columns = {{"ID", "id"},
                   {"NAME", "name"},
                   {"VPC", "spec.vpcId"},
                   {"TYPE", "admin.type"},
                   {"RULES", "spec.rules"},
                   {"USED-BY", "status.loadBalancerIds"}}}));
  all.push_back(rule_description());
}

/// Address spaces, and the servers in them.
void add_network_kinds(std::vector<KindDescription>& all) {
  all.push_back(described<Vpc>(
      {.singular = "VPC",
       .sentence = "an address space",
       .aliases = {"vpcs"},
       .columns = {{"ID", "id"}, {"NAME", "name"}, {"PREFIX", "spec.addressPrefix"}}}));
  all.push_back(described<Subnet>({.singular = "subnet",
                                   .sentence = "the slice of a VPC that addresses come from",
                                   .aliases = {"subnets"},
                                   .parent_field = "vpcId",
                                   .parent = Kind::kVpc,
                                   .columns = {{"ID", "id"},
                                               {"NAME", "name"},
                                               {"VPC", "spec.vpcId"},
                                               {"PREFIX", "spec.addressPrefix"}}}));
  all.push_back(
      described<AvailabilityGroup>({.singular = "availability group",
                                    .sentence = "instances that serve together, with equal weight",
                                    .aliases = {"ags", "availabilitygroup", "availabilitygroups",
                                                "availability-group", "availability-groups"},
                                    .columns = {{"ID", "id"},
                                                {"NAME", "name"},
                                                {"AZS", "spec.azs"},
                                                {"MEMBERS", "status.members"},
                                                {"RUNNING", "status.running"},
                                                {"VPC", "admin.vpcId"}}}));
  all.push_back(described<Instance>({.singular = "instance",
                                     .sentence = "a server that target groups can name",
                                     .aliases = {"instances"},
                                     .parent_field = "subnetId",
                                     .parent = Kind::kSubnet,
                                     .columns = {{"ID", "id"},
                                                 {"NAME", "name"},
                                                 {"STATE", "admin.state"},
                                                 {"ADDRESS", "admin.ipAddress"},
                                                 {"AZ", "spec.az"},
                                                 {"SUBNET", "spec.subnetId"},
                                                 {"AG", "spec.agId"}}}));
}

void add_elastic_ip(std::vector<KindDescription>& all) {
  all.push_back(
      described<ElasticIp>({.singular = "elastic IP",
                            .sentence = "a public address that a load balancer may answer on",
                            .aliases = {"eips", "elasticip", "elasticips", "elastic-ip"},
                            .columns = {{"ID", "id"},
                                        {"NAME", "name"},
                                        {"ADDRESS", "admin.address"},
                                        {"STATE", "status.state"},
                                        {"LB", "admin.loadBalancerId"},
                                        {"MBPS", "spec.bandwidthMbps"}}}));
}

/// The kinds that serve traffic.
void add_service_kinds(std::vector<KindDescription>& all) {
  all.push_back(described<LoadBalancer>(
      {.singular = "load balancer",
       .sentence = "one address that spreads traffic over targets",
       .aliases = {"lbs", "loadbalancer", "loadbalancers", "load-balancer", "load-balancers"},
       .parent_field = "subnetId",
       .parent = Kind::kSubnet,
       .columns = {{"ID", "id"},
                   {"NAME", "name"},
                   {"TYPE", "spec.type"},
                   {"STATE", "status.state"},
                   {"VIP", "admin.vip"},
                   {"EIP", "admin.elasticIpAddress"},
                   {"SUBNET", "spec.subnetId"}}}));
  all.push_back(described<TargetGroup>(
      {.singular = "target group",
       .sentence = "a named list of targets",
       .aliases = {"tgs", "targetgroup", "targetgroups", "target-group", "target-groups"},
       .parent_field = "loadBalancerId",
       .parent = Kind::kLoadBalancer,
       .columns = {{"ID", "id"},
                   {"NAME", "name"},
                   {"LB", "spec.loadBalancerId"},
                   {"TYPE", "spec.type"},
                   {"TARGETS", "spec.targets"}}}));
  all.push_back(target_description());
  all.push_back(described<Backend>({.singular = "backend service",
                                    .sentence = "protocol, algorithm and health check of targets",
                                    .aliases = {"backends", "backend-service", "backend-services"},
                                    .parent_field = "loadBalancerId",
                                    .parent = Kind::kLoadBalancer,
                                    .columns = {{"ID", "id"},
                                                {"NAME", "name"},
                                                {"LB", "spec.loadBalancerId"},
                                                {"PROTOCOL", "spec.protocol"},
                                                {"PORT", "spec.port"},
                                                {"ALGORITHM", "spec.algorithm"},
                                                {"GROUP", "spec.targetGroupIds"},
                                                {"AG", "spec.agIds"}}}));
  all.push_back(described<Listener>({.singular = "listener",
                                     .sentence = "a port that accepts traffic",
                                     .aliases = {"listeners"},
                                     .parent_field = "loadBalancerId",
                                     .parent = Kind::kLoadBalancer,
                                     .columns = {{"ID", "id"},
                                                 {"NAME", "name"},
                                                 {"LB", "spec.loadBalancerId"},
                                                 {"PROTOCOL", "spec.protocol"},
                                                 {"PORT", "spec.port"},
                                                 {"BACKEND", "spec.backendId"},
                                                 {"STATUS", "admin.status"}}}));
}

/// The kinds that control writes.
void add_control_kinds(std::vector<KindDescription>& all) {
  all.push_back(described<Node>(
      {.singular = "node",
       .sentence = "a machine that serves load balancers",
       .aliases = {"nodes"},
       .is_user_made = false,
       .columns = {{"ID", "id"}, {"NAME", "name"}, {"AZ", "spec.az"}, {"BUILD", "spec.build"}}}));
  all.push_back(described<Placement>(
      {.singular = "placement",
       .sentence = "which node serves a load balancer",
       .aliases = {"placements"},
       .is_user_made = false,
       .parent_field = "loadBalancerId",
       .parent = Kind::kLoadBalancer,
       .columns = {{"ID", "id"}, {"LB", "spec.loadBalancerId"}, {"NODE", "spec.nodeId"}}}));
  all.push_back(described<Drain>({.singular = "drain record",
                                  .sentence = "removed targets whose connections may still run",
                                  .aliases = {"drains"},
                                  .is_user_made = false,
                                  .parent_field = "loadBalancerId",
                                  .parent = Kind::kLoadBalancer,
                                  .columns = {{"ID", "id"},
                                              {"LB", "spec.loadBalancerId"},
                                              {"GROUP", "spec.groupId"},
                                              {"SECONDS", "spec.drainingSeconds"},
                                              {"DEADLINE", "spec.deadline"}}}));
  all.push_back(described<Table>({.singular = "slot table",
                                  .sentence = "which target each hash of a flow leads to",
                                  .aliases = {"tables"},
                                  .is_user_made = false,
                                  .parent_field = "loadBalancerId",
                                  .parent = Kind::kLoadBalancer,
                                  .columns = {{"ID", "id"},
                                              {"GROUP", "spec.groupId"},
                                              {"GENERATION", "spec.generation"},
                                              {"CHECKSUM", "spec.checksum"}}}));
  all.push_back(described<Keyring>({.singular = "keyring",
                                    .sentence = "seeds that all nodes share",
                                    .aliases = {"keyrings"},
                                    .is_user_made = false,
                                    .columns = {{"ID", "id"}}}));
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

std::string_view id_prefix(Kind kind, const Json& spec) {
  if (kind == Kind::kTargetGroup) return "tg";
  if (kind == Kind::kInstance) return "i";
  if (kind == Kind::kElasticIp) return "fip";
  if (kind == Kind::kSecurityGroup) return "sg";
  if (kind != Kind::kLoadBalancer) return kind_name(kind);
  const std::string type = spec.string_or("type", "alb");
  for (const std::string_view word : kLoadBalancerTypeWords) {
    if (word == type) return word;
  }
  return "alb";
}

// Units: characters. Source: product.md A.3.
constexpr std::size_t kIdCharacters = 10;

}  // namespace

std::span<const KindDescription> kind_descriptions() {
  static const std::vector<KindDescription> kAll = [] {
    std::vector<KindDescription> all;
    add_network_kinds(all);
    add_elastic_ip(all);
    add_security_group_kinds(all);
    add_service_kinds(all);
    add_control_kinds(all);
    return all;
  }();
  return kAll;
}

const KindDescription* find_description(std::string_view word) {
  const std::string wanted = lower(word);
  for (const KindDescription& description : kind_descriptions()) {
    const auto& aliases = description.aliases;
    if (lower(description.word) == wanted || std::ranges::find(aliases, wanted) != aliases.end()) {
      return &description;
    }
  }
  return nullptr;
}

const KindDescription& description_of(Kind kind) {
  const auto all = kind_descriptions();
  const auto found = std::ranges::find(all, std::optional(kind), &KindDescription::kind);
  WEIR_CHECK(found != all.end());
  return *found;
}

Id new_id(Kind kind, const Json& spec, Random& random) {
  return std::string(id_prefix(kind, spec)) + "-" + random.word(kIdCharacters);
}

Id new_target_id(Random& random) { return "target-" + random.word(kIdCharacters); }

Id new_rule_id(Random& random) { return "sgrule-" + random.word(kIdCharacters); }

Id parent_id(const Object& object) {
  const std::string_view field = description_of(object.kind).parent_field;
  return field.empty() ? "" : object.spec.string_or(field, "");
}

std::vector<Id> parent_ids(const Object& object) {
  std::vector<Id> ids = {parent_id(object)};
  if (object.kind == Kind::kInstance) ids.push_back(object.spec.string_or("agId", ""));
  if (object.kind == Kind::kTable) ids.push_back(object.spec.string_or("groupId", ""));
  if (object.kind == Kind::kBackend) {
    for (Id& id : availability_groups_of(object)) ids.push_back(std::move(id));
  }
  if (object.kind == Kind::kLoadBalancer) {
    for (Id& id : groups_in_force(object)) ids.push_back(std::move(id));
  }
  std::erase(ids, Id());
  return ids;
}

Id load_balancer_of(const Object& object) {
  if (object.kind == Kind::kLoadBalancer) return object.id;
  return object.spec.string_or("loadBalancerId", "");
}

Json canonical_spec(Kind kind, const Json& spec, Errors& errors) {
  return entry_of(kind).spec(spec, errors);
}

Json canonical_admin(Kind kind, const Json& admin, Errors& errors) {
  return entry_of(kind).admin(admin, errors);
}

}  // namespace weir::model
