// Where a target may be, and that it stands in its group once.
#include <algorithm>
#include <set>

#include "model/checker.h"
#include "model/keys.h"
#include "model/resources.h"
#include "model/subnet_addresses.h"

namespace weir::model {
namespace {

/// What the location of targets is judged by.
struct Place {
  const Object* vpc = nullptr;
  std::optional<net::Prefix> vpc_prefix;
  std::vector<net::Prefix> subnets;
  std::string vip;
  bool is_loopback = false;
};

std::optional<Place> place_of(const Checker& checker, const Object& lb) {
  const Object* subnet = checker.find(Kind::kSubnet, lb.spec.string_or("subnetId", ""));
  if (subnet == nullptr) return std::nullopt;
  Place place;
  place.vpc = checker.find(Kind::kVpc, subnet->spec.string_or("vpcId", ""));
  if (place.vpc == nullptr) return std::nullopt;
  place.vpc_prefix = prefix_of(*place.vpc);
  place.is_loopback = place.vpc_prefix && is_loopback_prefix(*place.vpc_prefix);
  place.vip = lb.admin.string_or("vip", "");
  for (const Object* each : checker.world().children(Kind::kSubnet, place.vpc->id)) {
    const auto prefix = prefix_of(*each);
    if (prefix) place.subnets.push_back(*prefix);
  }
  return place;
}

/// Ranges that no target may have in a VPC that is not bound to loopback: this host, link-local
/// with metadata services, multicast, reserved, broadcast.
/// Whether what is sent to the address and port reaches the service itself; port 0 stands for any.
bool is_own(const WorldView& world, const net::IpAddress& address, std::uint16_t port) {
  return std::ranges::any_of(world.own_endpoints, [&](const net::Endpoint& own) {
    const bool is_here =
        own.address == address || (own.address.is_unspecified() && address.is_loopback());
    return is_here && (port == 0 || own.port == port);
  });
}

bool is_forbidden(const net::IpAddress& address) {
  static const net::Prefix kForbidden[] = {{net::IpAddress::v4(0x00000000), 8},
                                           {net::IpAddress::v4(0x7F000000), 8},
                                           {net::IpAddress::v4(0xA9FE0000), 16},
                                           {net::IpAddress::v4(0xE0000000), 4},
                                           {net::IpAddress::v4(0xF0000000), 4}};
  return std::ranges::any_of(kForbidden,
                             [&](const auto& range) { return range.contains(address); });
}

void check_loopback_target(Checker& checker, const Place& place, const std::string& path,
                           const net::IpAddress& address) {
  if (place.vpc_prefix->contains(address)) return;
  checker.add(ErrorCode::kFailedPrecondition, path,
              "must lie in " + place.vpc_prefix->text() + " of VPC " + place.vpc->id);
}

void check_location(Checker& checker, const Place& place, const std::string& path,
                    const Target& target) {
  const auto address = net::IpAddress::parse(target.ip_address);
  if (!address) return;
  if (target.ip_address == place.vip) {
    return checker.invalid(path, "is the address of the load balancer itself");
  }
  // On loopback everything shares one address: there a target without a port may be anything.
  if (place.is_loopback && target.port != 0 && is_own(checker.world(), *address, target.port)) {
    return checker.invalid(path, "is an address of this service itself");
  }
  if (place.is_loopback) return check_loopback_target(checker, place, path, *address);
  if (is_forbidden(*address)) {
    return checker.invalid(path,
                           "lies in a forbidden range (loopback, link-local, multicast, "
                           "reserved)");
  }
  if (is_own(checker.world(), *address, target.port))
    return checker.invalid(path, "is an address of this service itself");
  if (std::ranges::any_of(place.subnets, [&](const auto& net) { return net.contains(*address); })) {
    return;
  }
  checker.add(
      ErrorCode::kFailedPrecondition, path,
      "lies in no subnet of VPC " + place.vpc->id + " (targets outside it are not supported yet)");
}

/// A target that was there before is not judged by its place again.
bool was_there(const std::vector<Target>& before, const Target& target) {
  return std::ranges::any_of(before, [&](const Target& other) {
    return other.ip_address == target.ip_address && other.port == target.port;
  });
}

void check_once(Checker& checker, const std::vector<Target>& targets, LoadBalancerType type) {
  std::set<std::pair<std::string, std::uint16_t>> seen;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const Target& target = targets[i];
    const std::string path = "spec.targets[" + std::to_string(i) + "]";
    if (!checker.is_good(path)) continue;
    const auto port = type == LoadBalancerType::kDnlb ? std::uint16_t{0} : target.port;
    if (seen.emplace(target.ip_address, port).second) continue;
    checker.invalid(path, target.ip_address + " port " + std::to_string(target.port) +
                              " is already registered in this target group");
  }
}

void check_same_address(Checker& checker, const std::vector<Target>& before, const Target& target,
                        const std::string& path) {
  if (target.target_id.empty()) return;
  const auto old = std::ranges::find(before, target.target_id, &Target::target_id);
  if (old == before.end() || old->ip_address == target.ip_address) return;
  checker.invalid(path, "cannot be changed");
}

}  // namespace

void check_targets(Checker& checker) {
  const TargetGroup group = checker.spec<TargetGroup>();
  const Object* lb = checker.find(Kind::kLoadBalancer, group.load_balancer_id);
  const auto type = checker.load_balancer_type();
  if (lb == nullptr || !type) return;
  const std::vector<Target> before =
      checker.old() == nullptr ? std::vector<Target>()
                               : from_json<TargetGroup>(checker.old()->spec).value.targets;
  const auto max = static_cast<std::size_t>(quotas_of(*type).targets);
  if (group.targets.size() > max && group.targets.size() > before.size()) {
    checker.add(ErrorCode::kQuotaExceeded, "spec.targets",
                "quota limit target exceeded: at most " + std::to_string(max));
  }
  const auto place = place_of(checker, *lb);
  for (std::size_t i = 0; i < group.targets.size(); ++i) {
    const std::string path = "spec.targets[" + std::to_string(i) + "]";
    if (!checker.is_good(path)) continue;
    const Target& target = group.targets[i];
    check_same_address(checker, before, target, path + ".ipAddress");
    if (*type == LoadBalancerType::kDnlb && target.weight == 0) {
      checker.invalid(path + ".weight", "must be an integer between 1 and 100, found 0");
    }
    if (place && !was_there(before, target)) {
      check_location(checker, *place, path + ".ipAddress", target);
    }
  }
  check_once(checker, group.targets, *type);
}

}  // namespace weir::model
