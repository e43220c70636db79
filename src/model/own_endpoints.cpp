// That neither traffic nor checks reach the service itself through a target. Which port is reached
// is known only from target and backend service together, so both writes are judged: of the group
// and of the backend service that has it.
#include <algorithm>
#include <set>

#include "model/checker.h"
#include "model/group_view.h"
#include "model/resources.h"

namespace weir::model {
namespace {

/// Whether what is sent to the address and port reaches the service itself.
bool is_own(const WorldView& world, const net::IpAddress& address, std::uint16_t port) {
  return std::ranges::any_of(world.own_endpoints, [&](const net::Endpoint& own) {
    const bool is_here =
        own.address == address || (own.address.is_unspecified() && address.is_loopback());
    return is_here && own.port == port;
  });
}

std::optional<net::IpAddress> address_of(const Checker& checker, const Target& target) {
  std::string text = target.ip_address;
  if (!target.instance_id.empty()) {
    const Object* instance = checker.find(Kind::kInstance, target.instance_id);
    text = instance == nullptr ? "" : instance->admin.string_or("ipAddress", "");
  }
  const auto address = net::IpAddress::parse(text);
  return address ? std::optional(*address) : std::nullopt;
}

bool has_group(const Backend& backend, const Id& group) {
  return std::ranges::find(backend.target_group_ids, group) != backend.target_group_ids.end() ||
         std::ranges::find(backend.ag_ids, group) != backend.ag_ids.end();
}

/// Every backend service that has the group of the check.
std::vector<Backend> backends_of(const Checker& checker, const TargetGroup& group) {
  std::vector<Backend> found;
  for (const Object* each : checker.world().children(Kind::kBackend, group.load_balancer_id)) {
    Backend backend = from_json<Backend>(each->spec).value;
    if (has_group(backend, checker.object().id)) found.push_back(std::move(backend));
  }
  return found;
}

std::string own_text(const std::string& address, std::uint16_t port) {
  return address + " port " + std::to_string(port) + " is an endpoint of this service itself";
}

/// Where the traffic of the backend service, or its checks, would reach the service itself.
struct Reached {
  std::optional<std::string> by_traffic;
  std::optional<std::string> by_checks;
};

Reached reached(const Checker& checker, const Backend& backend, const Object& group) {
  Reached found;
  const std::uint16_t check_port = backend.health_check.port;
  for (const Target& target : targets_of(group)) {
    const auto address = address_of(checker, target);
    const std::uint16_t port = target.port != 0 ? target.port : backend.port;
    if (!address) continue;
    if (!found.by_traffic && is_own(checker.world(), *address, port)) {
      found.by_traffic = own_text(address->text(), port);
    }
    if (!found.by_checks && check_port != 0 && is_own(checker.world(), *address, check_port)) {
      found.by_checks = own_text(address->text(), check_port);
    }
  }
  return found;
}

}  // namespace

void check_own_targets(Checker& checker, const TargetGroup& group,
                       const std::vector<std::size_t>& judged) {
  const std::vector<Backend> backends = backends_of(checker, group);
  const bool is_instance = group.type == TargetGroupType::kInstance;
  for (const std::size_t index : judged) {
    const Target& target = group.targets[index];
    const std::string path = "spec.targets[" + std::to_string(index) + "]";
    const auto address = address_of(checker, target);
    if (!address || !checker.is_good(path)) continue;
    std::set<std::uint16_t> ports = {target.port};
    for (const Backend& backend : backends) {
      if (target.port == 0) ports.insert(backend.port);
      ports.insert(backend.health_check.port);
    }
    for (const std::uint16_t port : ports) {
      if (port == 0 || !is_own(checker.world(), *address, port)) continue;
      checker.invalid(path + (is_instance ? ".instanceId" : ".ipAddress"),
                      own_text(address->text(), port));
    }
  }
}

void check_own_member(Checker& checker, const Object& group, const net::IpAddress& address) {
  std::set<std::uint16_t> ports;
  for (const Object* each : checker.world().children(Kind::kBackend, group.id)) {
    const Backend backend = from_json<Backend>(each->spec).value;
    ports.insert({backend.port, backend.health_check.port});
  }
  for (const std::uint16_t port : ports) {
    if (port == 0 || !is_own(checker.world(), address, port)) continue;
    checker.invalid("spec.ipAddress", own_text(address.text(), port));
  }
}

void check_own_backend(Checker& checker, const Backend& backend) {
  const Backend before =
      checker.old() == nullptr ? Backend() : from_json<Backend>(checker.old()->spec).value;
  const bool is_probed_elsewhere = before.health_check.port != backend.health_check.port;
  const auto check = [&](Kind kind, const Id& id, const std::string& path) {
    const Object* group = checker.find(kind, id);
    const bool is_new = !has_group(before, id);
    // What was there before is not judged again.
    if (group == nullptr || (!is_new && !is_probed_elsewhere)) return;
    const Reached found = reached(checker, backend, *group);
    if (is_new && found.by_traffic) checker.invalid(path, *found.by_traffic);
    if (found.by_checks) checker.invalid("spec.healthCheck.port", *found.by_checks);
  };
  for (std::size_t i = 0; i < backend.target_group_ids.size(); ++i) {
    check(Kind::kTargetGroup, backend.target_group_ids[i],
          "spec.targetGroupIds[" + std::to_string(i) + "]");
  }
  for (std::size_t i = 0; i < backend.ag_ids.size(); ++i) {
    check(Kind::kAvailabilityGroup, backend.ag_ids[i], "spec.agIds[" + std::to_string(i) + "]");
  }
}

}  // namespace weir::model
