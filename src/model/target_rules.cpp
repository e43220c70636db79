// Where a target may be, and that it stands in its group once.
#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "model/checker.h"
#include "model/keys.h"
#include "model/resources.h"
#include "model/subnet_addresses.h"
#include "model/text_rules.h"

namespace weir::model {
namespace {

/// What the location of targets is judged by.
struct Place {
  LoadBalancerType type = LoadBalancerType::kAlb;
  std::vector<std::string> azs;
  const Object* vpc = nullptr;
  std::optional<net::Prefix> vpc_prefix;
  std::vector<net::Prefix> subnets;
  std::map<std::string, const Object*> instances;  // of the VPC, by address
  std::string vip;
  std::set<std::string> vips;  // of all load balancers in the VPC
  bool is_loopback = false;
};

std::optional<Place> place_of(const Checker& checker, const Object& lb) {
  const Object* subnet = checker.find(Kind::kSubnet, lb.spec.string_or("subnetId", ""));
  if (subnet == nullptr) return std::nullopt;
  const auto spec = from_json<LoadBalancer>(lb.spec).value;
  Place place;
  place.type = spec.type;
  place.azs = spec.azs;
  place.vpc = checker.find(Kind::kVpc, subnet->spec.string_or("vpcId", ""));
  if (place.vpc == nullptr) return std::nullopt;
  place.vpc_prefix = prefix_of(*place.vpc);
  place.is_loopback = place.vpc_prefix && is_loopback_prefix(*place.vpc_prefix);
  place.vip = lb.admin.string_or("vip", "");
  for (const Object* each : checker.world().children(Kind::kSubnet, place.vpc->id)) {
    const auto prefix = prefix_of(*each);
    if (prefix) place.subnets.push_back(*prefix);
    for (const Object* other : checker.world().children(Kind::kLoadBalancer, each->id)) {
      place.vips.insert(other->admin.string_or("vip", ""));
    }
    for (const Object* instance : checker.world().children(Kind::kInstance, each->id)) {
      place.instances.emplace(instance->admin.string_or("ipAddress", ""), instance);
    }
  }
  return place;
}

void check_loopback_target(Checker& checker, const Place& place, const std::string& path,
                           const net::IpAddress& address) {
  if (place.vpc_prefix->contains(address)) return;
  checker.add(ErrorCode::kFailedPrecondition, path,
              "must lie in " + place.vpc_prefix->text() + " of VPC " + place.vpc->id);
}

/// An alb reaches only servers in its own zones. Source: product.md A.8, E11.
void check_zone(Checker& checker, const Place& place, const std::string& path,
                const Object& instance) {
  const std::string az = instance.spec.string_or("az", "");
  if (place.type != LoadBalancerType::kAlb || std::ranges::find(place.azs, az) != place.azs.end()) {
    return;
  }
  std::string azs;
  for (const std::string& each : place.azs) azs += (azs.empty() ? "" : ", ") + each;
  checker.add(ErrorCode::kFailedPrecondition, path,
              "instance " + instance.id + " stands in AZ " + az + ", the load balancer is in AZ " +
                  azs + " only");
}

/// An instance target: it must exist, in the VPC of the load balancer.
void check_instance_location(Checker& checker, const Place& place, const std::string& path,
                             const Target& target) {
  const Object* instance = checker.find(Kind::kInstance, target.instance_id);
  if (instance == nullptr) {
    return checker.add(ErrorCode::kNotFound, path,
                       "instance " + quoted(target.instance_id) + " not found");
  }
  if (instance->admin.string_or("vpcId", "") != place.vpc->id) {
    return checker.add(
        ErrorCode::kFailedPrecondition, path,
        "instance " + instance->id + " is not in VPC " + place.vpc->id + " of the load balancer");
  }
  const auto address = net::IpAddress::parse(instance->admin.string_or("ipAddress", ""));
  if (address && !place.is_loopback) check_no_node(checker, path, *address);
  check_zone(checker, place, path, *instance);
}

/// A dnlb sends packets to servers that are known. Source: product.md A.2, E46.
void check_known(Checker& checker, const Place& place, const std::string& path,
                 const Target& target) {
  if (place.type != LoadBalancerType::kDnlb || place.instances.contains(target.ip_address)) return;
  checker.add(ErrorCode::kFailedPrecondition, path,
              "is the address of no instance in VPC " + place.vpc->id + ", which a dnlb needs");
}

void check_location(Checker& checker, const Place& place, const std::string& path,
                    const Target& target) {
  const auto known = place.instances.find(target.ip_address);
  if (known != place.instances.end()) check_zone(checker, place, path, *known->second);
  const auto address = net::IpAddress::parse(target.ip_address);
  if (!address) return;
  if (target.ip_address == place.vip) {
    return checker.invalid(path, "is the address of the load balancer itself");
  }
  // Load balancers that name each other would send one request round without end.
  if (place.vips.contains(target.ip_address)) {
    return checker.invalid(path, "is the address of a load balancer in VPC " + place.vpc->id);
  }
  check_no_pool(checker, path, *address);
  if (place.is_loopback) return check_loopback_target(checker, place, path, *address);
  if (is_denied_target(*address)) {
    return checker.invalid(path,
                           "lies in a forbidden range (loopback, link-local, multicast, "
                           "reserved)");
  }
  check_no_node(checker, path, *address);
  if (std::ranges::any_of(place.subnets, [&](const auto& net) { return net.contains(*address); })) {
    return check_known(checker, place, path, target);
  }
  checker.add(
      ErrorCode::kFailedPrecondition, path,
      "lies in no subnet of VPC " + place.vpc->id + " (targets outside it are not supported yet)");
}

/// A target that was there before is not judged by its place again.
bool was_there(const std::vector<Target>& before, const Target& target) {
  return std::ranges::any_of(before, [&](const Target& other) {
    return other.instance_id == target.instance_id && other.ip_address == target.ip_address &&
           other.port == target.port;
  });
}

void check_once(Checker& checker, const std::vector<Target>& targets, LoadBalancerType type) {
  std::set<std::tuple<std::string, std::string, std::uint16_t>> seen;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const Target& target = targets[i];
    const std::string path = "spec.targets[" + std::to_string(i) + "]";
    if (!checker.is_good(path)) continue;
    const auto port = type == LoadBalancerType::kDnlb ? std::uint16_t{0} : target.port;
    if (seen.emplace(target.instance_id, target.ip_address, port).second) continue;
    checker.invalid(path, target.instance_id + target.ip_address + " port " +
                              std::to_string(target.port) + " " + std::string(kAlreadyRegistered));
  }
}

void check_same_server(Checker& checker, const std::vector<Target>& before, const Target& target,
                       const std::string& path) {
  if (target.target_id.empty()) return;
  const auto old = std::ranges::find(before, target.target_id, &Target::target_id);
  if (old == before.end()) return;
  if (old->ip_address != target.ip_address) {
    checker.invalid(path + ".ipAddress", "cannot be changed");
  }
  if (old->instance_id != target.instance_id) {
    checker.invalid(path + ".instanceId", "cannot be changed");
  }
}

/// A group of type instance names instances, one of type ip addresses.
void check_form(Checker& checker, TargetGroupType type, const Target& target,
                const std::string& path) {
  const bool is_instance = type == TargetGroupType::kInstance;
  const std::string wanted = path + (is_instance ? ".instanceId" : ".ipAddress");
  const std::string other = path + (is_instance ? ".ipAddress" : ".instanceId");
  const std::string& wanted_value = is_instance ? target.instance_id : target.ip_address;
  const std::string& other_value = is_instance ? target.ip_address : target.instance_id;
  if (wanted_value.empty()) checker.invalid(wanted, "is missing");
  if (other_value.empty()) return;
  checker.invalid(other, "is not allowed in a target group of type " + std::string(word_of(type)));
}

/// One target, but for its uniqueness. `place` may be null.
void check_target(Checker& checker, const TargetGroup& group, std::size_t index,
                  const std::vector<Target>& before, const Place* place) {
  const std::string path = "spec.targets[" + std::to_string(index) + "]";
  const Target& target = group.targets[index];
  if (checker.is_good("spec.type")) check_form(checker, group.type, target, path);
  if (!checker.is_good(path)) return;
  check_same_server(checker, before, target, path);
  if (place == nullptr) return;
  if (place->type == LoadBalancerType::kDnlb && target.weight == 0) {
    checker.invalid(path + ".weight", "must be an integer between 1 and 100, found 0");
  }
  if (was_there(before, target)) return;
  if (group.type == TargetGroupType::kInstance) {
    check_instance_location(checker, *place, path + ".instanceId", target);
  } else {
    check_location(checker, *place, path + ".ipAddress", target);
  }
}

}  // namespace

void check_no_node(Checker& checker, std::string_view path, const net::IpAddress& address) {
  const auto& nodes = checker.world().node_addresses;
  if (std::ranges::find(nodes, address) == nodes.end()) return;
  checker.invalid(path, "is an address of a node of this service itself");
}

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
  std::vector<std::size_t> fresh;
  for (std::size_t i = 0; i < group.targets.size(); ++i) {
    check_target(checker, group, i, before, place ? &*place : nullptr);
    if (!was_there(before, group.targets[i])) fresh.push_back(i);
  }
  check_own_targets(checker, group, fresh);
  check_once(checker, group.targets, *type);
}

}  // namespace weir::model
