#include "snapshot/facts.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <utility>

#include "balancing/table_codec.h"
#include "base/base64.h"
#include "model/group_view.h"
#include "model/resources.h"
#include "model/utc.h"

namespace weir::snapshot {
namespace {

template <class T>
struct Read {
  T spec;
  typename T::Admin admin;
};

template <class T>
Result<Read<T>> read(const model::Object& object) {
  auto spec = model::from_json<T>(object.spec, "spec");
  if (!spec.errors.empty()) return classified(spec.errors.front());
  auto admin = model::from_json<typename T::Admin>(object.admin, "admin");
  if (!admin.errors.empty()) return classified(admin.errors.front());
  return Read<T>{std::move(spec.value), std::move(admin.value)};
}

Error invalid(std::string field, std::string message) {
  return {ErrorCode::kInvalidArgument, std::move(message), std::move(field)};
}

Result<net::IpAddress> read_address(const std::string& text, std::string_view field) {
  auto address = net::IpAddress::parse(text);
  if (!address) return invalid(std::string(field), address.error().message);
  return address;
}

Protocol protocol_of(model::Protocol protocol) {
  return protocol == model::Protocol::kHttp ? Protocol::kHttp : Protocol::kTcp;
}

/// Stored ones name their algorithm.
Algorithm algorithm_of(std::optional<model::Algorithm> algorithm) {
  switch (algorithm.value_or(model::Algorithm::kRoundRobin)) {
    case model::Algorithm::kRoundRobin:
      return Algorithm::kRoundRobin;
    case model::Algorithm::kLeastConn:
      return Algorithm::kLeastConnections;
    case model::Algorithm::kIpHash:
      return Algorithm::kSourceHash;
    case model::Algorithm::kQuintupleHash:
      return Algorithm::kFiveTupleHash;
  }
  return Algorithm::kRoundRobin;
}

/// By the client's address. What speaks HTTP keeps clients by a cookie.
std::chrono::seconds persistence_of(const model::Backend& backend) {
  const bool is_by_address =
      backend.session_stickiness && backend.protocol == model::Protocol::kTcp;
  return std::chrono::seconds(is_by_address ? backend.session_sticky_timeout : 0);
}

HealthCheck check_of(const model::HealthCheck& check) {
  return {.protocol =
              check.protocol == model::Protocol::kHttp ? CheckProtocol::kHttp : CheckProtocol::kTcp,
          .healthy_threshold = check.healthy_threshold_count,
          .unhealthy_threshold = check.unhealthy_threshold_count,
          .timeout = std::chrono::seconds(check.check_timeout_seconds),
          .interval = std::chrono::seconds(check.interval_seconds),
          .port = check.port,
          .http_1_1 = check.http_version == model::HttpVersion::kHttp11,
          .http_host = check.http_domain,
          .http_path = std::string(model::probe_path(check)),
          .http_codes = model::http_code_ranges(check.http_code)};
}

Result<Target> read_target(const model::Target& target, std::string_view path,
                           const std::map<std::string, std::uint16_t>& slots) {
  const auto slot = slots.find(target.target_id);
  if (slot == slots.end()) return invalid(std::string(path), "the target has no slot");
  Target read{.id = target.target_id,
              .slot = Slot(slot->second),
              .endpoint = {{}, target.port},
              .weight = target.weight,
              .instance_id = target.instance_id};
  if (!read.instance_id.empty()) return read;
  WEIR_ASSIGN_OR_RETURN(read.endpoint.address,
                        read_address(target.ip_address, std::string(path) + ".ipAddress"));
  return read;
}

/// Nothing when the rule is about another protocol than TCP.
Result<std::optional<SecurityRule>> read_rule(const model::SecurityGroupRule& rule,
                                              const std::string& path) {
  using model::RuleProtocol;
  const bool is_tcp = rule.protocol == RuleProtocol::kTcp;
  if (!is_tcp && rule.protocol != RuleProtocol::kAll) return std::optional<SecurityRule>();
  const auto prefix = net::Prefix::parse(rule.address_prefix);
  if (!prefix) return invalid(path + ".addressPrefix", prefix.error().message);
  SecurityRule read{.id = rule.rule_id,
                    .is_inbound = rule.direction == model::RuleDirection::kIn,
                    .allows = rule.rule_action == model::RuleAction::kAllow,
                    .priority = rule.priority,
                    .prefix = *prefix};
  if (is_tcp) {
    read.from_port = static_cast<std::uint16_t>(rule.from_port.value_or(1));
    read.to_port = static_cast<std::uint16_t>(rule.to_port.value_or(65535));
  }
  return std::optional(std::move(read));
}

Result<void> read_targets(const std::vector<model::Target>& targets,
                          const model::TargetGroupAdmin& admin, GroupFacts& into) {
  std::map<std::string, std::uint16_t> slots;
  for (const auto& slot : admin.slots) slots[slot.target_id] = slot.slot;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const std::string path = "spec.targets[" + std::to_string(i) + "]";
    WEIR_ASSIGN_OR_RETURN(auto target, read_target(targets[i], path, slots));
    into.targets.push_back(std::move(target));
  }
  std::ranges::sort(into.targets, {}, &Target::slot);
  const auto twin = std::ranges::adjacent_find(into.targets, {}, &Target::slot);
  if (twin != into.targets.end()) return invalid("admin.slots", "two targets share a slot");
  return {};
}

template <class T>
Result<void> read_nothing(const model::Object& object) {
  const auto read_object = read<T>(object);
  if (!read_object) return read_object.error();
  return {};
}

}  // namespace

Error classified(Error error) {
  // What a newer control may store and this build cannot know: more fields, more words.
  const std::string_view text = error.message;
  const bool is_unknown = text.find("is not a known field") != text.npos ||
                          text.find("not supported yet") != text.npos ||
                          text.find("expected one of [") != text.npos;
  error.code = is_unknown ? ErrorCode::kFailedPrecondition : ErrorCode::kInvalidArgument;
  return error;
}

Result<void> read_facts(const model::Object& object, NoFacts&) {
  switch (object.kind) {
    case model::Kind::kVpc:
      return read_nothing<model::Vpc>(object);
    case model::Kind::kSubnet:
      return read_nothing<model::Subnet>(object);
    case model::Kind::kElasticIp:
      return read_nothing<model::ElasticIp>(object);
    case model::Kind::kNode:
      return read_nothing<model::Node>(object);
    default:
      return {};
  }
}

Result<void> read_facts(const model::Object& object, PlacementFacts& into) {
  WEIR_ASSIGN_OR_RETURN(const auto placement, read<model::Placement>(object));
  into = {.load_balancer_id = placement.spec.load_balancer_id, .node_id = placement.spec.node_id};
  return {};
}

Result<void> read_facts(const model::Object& object, LoadBalancerFacts& into) {
  WEIR_ASSIGN_OR_RETURN(const auto lb, read<model::LoadBalancer>(object));
  WEIR_ASSIGN_OR_RETURN(const auto vip, read_address(lb.admin.vip, "admin.vip"));
  into = {.vip = vip,
          .elastic_ip = {},
          .elastic_ip_pool = {},
          .subnet_id = lb.spec.subnet_id,
          .created = object.created,
          .is_started = lb.admin.state == model::LoadBalancerState::kStarted,
          .is_dnlb = lb.spec.type == model::LoadBalancerType::kDnlb,
          .security_groups = lb.spec.security_group_ids};
  if (lb.admin.elastic_ip_address.empty()) return {};
  WEIR_ASSIGN_OR_RETURN(into.elastic_ip,
                        read_address(lb.admin.elastic_ip_address, "admin.elasticIpAddress"));
  into.elastic_ip_pool = lb.admin.elastic_ip_pool;
  return {};
}

Result<void> read_facts(const model::Object& object, InstanceFacts& into) {
  WEIR_ASSIGN_OR_RETURN(const auto instance, read<model::Instance>(object));
  WEIR_ASSIGN_OR_RETURN(into.address, read_address(instance.admin.ip_address, "admin.ipAddress"));
  into.is_running = instance.admin.state == model::InstanceState::kRunning;
  return {};
}

/// Rules about other protocols say nothing about TCP.
Result<void> read_facts(const model::Object& object, SecurityGroupFacts& into) {
  WEIR_ASSIGN_OR_RETURN(const auto group, read<model::SecurityGroup>(object));
  const auto rules = group.spec.rules.value_or(std::vector<model::SecurityGroupRule>());
  into.rules.clear();
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const std::string path = "spec.rules[" + std::to_string(i) + "]";
    WEIR_ASSIGN_OR_RETURN(auto rule, read_rule(rules[i], path));
    if (!rule) continue;
    rule->group_id = object.id;
    into.rules.push_back(*std::move(rule));
  }
  return {};
}

Result<void> read_facts(const model::Object& object, GroupFacts& into) {
  into = {.kind = object.kind, .load_balancer_id = {}, .targets = {}};
  if (object.kind == model::Kind::kAvailabilityGroup) {
    WEIR_ASSIGN_OR_RETURN(const auto group, read<model::AvailabilityGroup>(object));
    return read_targets(model::targets_of(object), group.admin, into);
  }
  WEIR_ASSIGN_OR_RETURN(const auto group, read<model::TargetGroup>(object));
  into.load_balancer_id = group.spec.load_balancer_id;
  return read_targets(group.spec.targets, group.admin, into);
}

Result<void> read_facts(const model::Object& object, BackendFacts& into) {
  WEIR_ASSIGN_OR_RETURN(const auto backend, read<model::Backend>(object));
  const auto& spec = backend.spec;
  into.service = Service{.id = object.id,
                         .name = object.name,
                         .load_balancer_id = spec.load_balancer_id,
                         .protocol = protocol_of(spec.protocol),
                         .algorithm = algorithm_of(spec.algorithm),
                         .forwarded = {.proto = spec.http_forwarded_protocol,
                                       .port = spec.http_forwarded_port,
                                       .host = spec.http_forwarded_host,
                                       .vip = spec.http_forwarded_vip,
                                       .client_port = spec.http_forwarded_client_port},
                         .check = check_of(spec.health_check),
                         .is_check_closed = backend.admin.close_health_check,
                         .may_fail_open = spec.fail_open,
                         .persistence = persistence_of(spec)};
  into.port = spec.port;
  const auto& groups = spec.target_group_ids.empty() ? spec.ag_ids : spec.target_group_ids;
  into.group_id = groups.empty() ? std::string() : groups.front();
  return {};
}

Result<void> read_facts(const model::Object& object, ListenerFacts& into) {
  WEIR_ASSIGN_OR_RETURN(const auto listener, read<model::Listener>(object));
  into.listener =
      Listener{.id = object.id,
               .name = object.name,
               .load_balancer_id = listener.spec.load_balancer_id,
               .endpoint = {{}, listener.spec.port},
               .protocol = protocol_of(listener.spec.protocol),
               .idle_timeout = std::chrono::seconds(model::idle_seconds(listener.spec))};
  into.backend_id = listener.spec.backend_id;
  into.is_on = listener.admin.status == model::ListenerStatus::kOn;
  return {};
}

Result<void> read_facts(const model::Object& object, DrainFacts& into) {
  WEIR_ASSIGN_OR_RETURN(const auto record, read<model::Drain>(object));
  const auto deadline = model::parse_utc(record.spec.deadline);
  if (!deadline) return invalid("spec.deadline", deadline.error().message);
  Drain drain{.id = object.id,
              .group_id = record.spec.group_id,
              .services = {},
              .slots = {},
              .time = std::chrono::seconds(record.spec.draining_seconds),
              .deadline = *deadline};
  for (const auto& service : record.spec.services) drain.services.push_back(service.service_id);
  for (const auto& target : record.spec.targets) drain.slots.emplace_back(target.slot);
  std::ranges::sort(drain.slots);
  into = {.load_balancer_id = record.spec.load_balancer_id,
          .drain = std::make_shared<const Drain>(std::move(drain))};
  return {};
}

Result<void> read_facts(const model::Object& object, TableFacts& into) {
  WEIR_ASSIGN_OR_RETURN(const auto table, read<model::Table>(object));
  const auto bytes = from_base64(table.spec.rows);
  if (!bytes) return invalid("spec.rows", bytes.error().message);
  auto slots = balancing::decode_table(*bytes);
  if (!slots) return invalid("spec.rows", slots.error().message);
  if (slots->checksum != table.spec.checksum) return invalid("spec.checksum", "is not the rows'");
  into = {.load_balancer_id = table.spec.load_balancer_id,
          .group_id = table.spec.group_id,
          .slots = std::make_shared<const balancing::SlotTable>(*std::move(slots))};
  return {};
}

Result<void> read_facts(const model::Object& object, KeyringFacts& into) {
  WEIR_ASSIGN_OR_RETURN(const auto keyring, read<model::Keyring>(object));
  const std::string& text = keyring.spec.current;
  const auto read_to = std::from_chars(text.data(), text.data() + text.size(), into.current, 16);
  const bool is_whole = read_to.ec == std::errc() && read_to.ptr == text.data() + text.size();
  if (!is_whole) return invalid("spec.current", "must be hexadecimal digits");
  return {};
}

}  // namespace weir::snapshot
