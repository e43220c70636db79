// The rules of each kind that its field list cannot say: combinations, and what the world forbids.
#include <algorithm>
#include <set>

#include "model/checker.h"
#include "model/registry.h"
#include "model/resources.h"
#include "model/subnet_addresses.h"
#include "model/target_view.h"
#include "model/text_rules.h"

namespace weir::model {
namespace {

// Units: bits. Source: product.md A.14. Reached: 400 with the field; weir_api_requests_total counts
// it by operation and code.
constexpr int kMaskMin = 16;
constexpr int kMaskMax = 28;

bool is_private(const net::Prefix& prefix) {
  static const net::Prefix kPrivate[] = {{net::IpAddress::v4(0x0A000000), 8},
                                         {net::IpAddress::v4(0xAC100000), 12},
                                         {net::IpAddress::v4(0xC0A80000), 16}};
  return std::ranges::any_of(kPrivate, [&](const auto& range) { return range.contains(prefix); });
}

void check_mask(Checker& checker, const net::Prefix& prefix) {
  if (prefix.length >= kMaskMin && prefix.length <= kMaskMax) return;
  checker.invalid("spec.addressPrefix",
                  "must have a mask between 16 and 28, found " + std::to_string(prefix.length));
}

void check_vpc(Checker& checker) {
  const auto prefix = prefix_of(checker.object());
  if (!prefix || checker.object().id == kDefaultVpcId) return;
  check_mask(checker, *prefix);
  if (!is_private(*prefix) && !is_loopback_prefix(*prefix)) {
    checker.invalid("spec.addressPrefix",
                    "must lie in 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or 127.0.0.0/8");
  }
}

void check_subnet_place(Checker& checker, const net::Prefix& prefix, const Object& vpc) {
  const auto whole = prefix_of(vpc);
  const bool is_loopback = whole && is_loopback_prefix(*whole);
  if (whole && !whole->contains(prefix)) {
    return checker.invalid("spec.addressPrefix",
                           "must lie in " + whole->text() + " of VPC " + vpc.id);
  }
  if (!is_loopback && !is_private(prefix)) {
    checker.invalid("spec.addressPrefix",
                    "must lie in 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16");
  }
}

void check_subnet(Checker& checker) {
  const auto prefix = prefix_of(checker.object());
  if (!prefix) return;
  check_mask(checker, *prefix);
  const Subnet subnet = checker.spec<Subnet>();
  const Object* vpc = checker.find(Kind::kVpc, subnet.vpc_id);
  if (vpc == nullptr) return;
  check_subnet_place(checker, *prefix, *vpc);
  if (checker.old() == nullptr) check_no_pool(checker, "spec.addressPrefix", *prefix);
  for (const Object* other : checker.world().children(Kind::kSubnet, vpc->id)) {
    const auto taken = prefix_of(*other);
    if (other->id == checker.object().id || !taken || !taken->overlaps(*prefix)) continue;
    checker.add(ErrorCode::kConflict, "spec.addressPrefix",
                "overlaps " + taken->text() + " of subnet " + other->id);
  }
}

/// Not of a dnlb: there the list is stored and returned as given. Source: product.md A.4, E22.
void check_azs(Checker& checker, const LoadBalancer& lb) {
  const auto& known = checker.world().azs;
  if (lb.type == LoadBalancerType::kDnlb) return;
  if (lb.azs.empty() || lb.azs.size() > 2) {
    return checker.invalid("spec.azs",
                           "must have 1 or 2 items, found " + std::to_string(lb.azs.size()));
  }
  if (std::set<std::string>(lb.azs.begin(), lb.azs.end()).size() != lb.azs.size()) {
    checker.invalid("spec.azs", "may not name a zone twice");
  }
  for (std::size_t i = 0; i < lb.azs.size(); ++i) {
    if (known.empty() || std::ranges::find(known, lb.azs[i]) != known.end()) continue;
    checker.invalid("spec.azs[" + std::to_string(i) + "]",
                    quoted(lb.azs[i]) + " is no availability zone of the region");
  }
}

/// The address that the user asks for.
void check_vip(Checker& checker, const LoadBalancer& lb) {
  static constexpr std::string_view kField = "spec.privateIpAddress";
  if (!lb.private_ip_address || !checker.is_changed("privateIpAddress")) return;
  check_address_in_subnet(checker, kField, *lb.private_ip_address, lb.subnet_id);
  const Object* subnet = checker.find(Kind::kSubnet, lb.subnet_id);
  if (subnet == nullptr) return;
  const Id vpc = subnet->spec.string_or("vpcId", "");
  if (!target_addresses(checker.world(), vpc).contains(*lb.private_ip_address)) return;
  checker.add(ErrorCode::kConflict, kField, "is the address of a target in VPC " + vpc);
}

void check_load_balancer(Checker& checker) {
  const LoadBalancer lb = checker.spec<LoadBalancer>();
  if (checker.is_good("spec.azs") && checker.is_good("spec.type")) check_azs(checker, lb);
  if (checker.is_good("spec.privateIpAddress")) check_vip(checker, lb);
  check_association(checker, lb);
  if (checker.is_good("spec.securityGroupIds")) check_security_groups(checker, lb);
}

/// Which protocols a type of load balancer has. Source: product.md A.2.
void check_protocol(Checker& checker, Protocol protocol) {
  const auto type = checker.load_balancer_type();
  if (!type || *type == LoadBalancerType::kAlb) return;
  checker.offer("spec.protocol", "Tcp");
  if (!checker.is_good("spec.protocol") || protocol == Protocol::kTcp) return;
  checker.invalid("spec.protocol", "is '" + std::string(word_of(protocol)) +
                                       "', expected one of [Tcp] on a load balancer of type " +
                                       std::string(word_of(*type)));
}

void check_listener_backend(Checker& checker, const Listener& listener) {
  if (!checker.is_good("spec.protocol") || !checker.is_good("spec.backendId")) return;
  const Object* backend = checker.find(Kind::kBackend, listener.backend_id);
  if (backend == nullptr) return;
  const std::string protocol = backend->spec.string_or("protocol", "");
  if (protocol == word_of(listener.protocol)) return;
  checker.invalid("spec.backendId", "protocol does not match: the listener has " +
                                        std::string(word_of(listener.protocol)) +
                                        ", the backend service " + protocol);
}

void check_listener(Checker& checker) {
  const Listener listener = checker.spec<Listener>();
  check_protocol(checker, listener.protocol);
  check_listener_backend(checker, listener);
  if (!checker.is_good("spec.port")) return;
  for (const Object* other : checker.siblings()) {
    if (other->spec.integer_or("port", 0) != listener.port) continue;
    checker.add(ErrorCode::kAlreadyExists, "spec.port",
                std::to_string(listener.port) + " is the port of listener " + other->id +
                    " of this load balancer");
  }
}

void check_health_check(Checker& checker, const HealthCheck& check) {
  const auto type = checker.load_balancer_type();
  if (type == LoadBalancerType::kDnlb) checker.offer("spec.healthCheck.protocol", "Tcp");
  if (!checker.is_good("spec.healthCheck.protocol")) return;
  if (check.protocol != Protocol::kHttp && check.http_path) {
    checker.invalid("spec.healthCheck.httpPath", "is supported with protocol Http only");
  }
  if (type == LoadBalancerType::kDnlb && check.protocol != Protocol::kTcp) {
    checker.invalid("spec.healthCheck.protocol",
                    "is 'Http', expected one of [Tcp] on a load balancer of type dnlb");
  }
}

/// The words that this type of load balancer has, "IpHash, QuintupleHash".
std::string algorithms_of(LoadBalancerType type) {
  std::string text;
  for (std::size_t i = 0; i < std::size(kAlgorithmWords); ++i) {
    if (!has_algorithm(type, static_cast<Algorithm>(i))) continue;
    text += (text.empty() ? "" : ", ") + std::string(kAlgorithmWords[i]);
  }
  return text;
}

void check_algorithm(Checker& checker, const Backend& backend) {
  const auto type = checker.load_balancer_type();
  if (!type) return;
  const std::string words = algorithms_of(*type);
  checker.offer("spec.algorithm", words);
  if (!backend.algorithm || has_algorithm(*type, *backend.algorithm)) return;
  checker.invalid("spec.algorithm",
                  "is '" + std::string(word_of(*backend.algorithm)) + "', expected one of [" +
                      words + "] on a load balancer of type " + std::string(word_of(*type)));
}

/// By a cookie on an alb, which comes later; a Tcp backend has nowhere to put one.
void check_stickiness(Checker& checker, const Backend& backend) {
  static constexpr std::string_view kField = "spec.sessionStickiness";
  if (!backend.session_stickiness || checker.load_balancer_type() != LoadBalancerType::kAlb) return;
  checker.invalid(kField, backend.protocol == Protocol::kHttp
                              ? "is not supported yet on a load balancer of type alb"
                              : "is supported on alb with protocol Http only");
}

void check_backend(Checker& checker) {
  const Backend backend = checker.spec<Backend>();
  check_algorithm(checker, backend);
  check_protocol(checker, backend.protocol);
  check_stickiness(checker, backend);
  check_health_check(checker, backend.health_check);
  check_backend_groups(checker, backend);
  check_own_backend(checker, backend);
}

}  // namespace

void check_kind(Checker& checker) {
  switch (checker.object().kind) {
    case Kind::kVpc:
      return check_vpc(checker);
    case Kind::kSubnet:
      return check_subnet(checker);
    case Kind::kLoadBalancer:
      return check_load_balancer(checker);
    case Kind::kListener:
      return check_listener(checker);
    case Kind::kBackend:
      return check_backend(checker);
    case Kind::kTargetGroup:
      return check_targets(checker);
    case Kind::kInstance:
      return check_instance(checker);
    case Kind::kElasticIp:
      return check_elastic_ip(checker);
    case Kind::kSecurityGroup:
      return check_security_group(checker);
    case Kind::kAvailabilityGroup:
      return check_availability_group(checker);
    case Kind::kNode:
    case Kind::kPlacement:
    case Kind::kDrain:
    case Kind::kTable:
    case Kind::kKeyring:
      return;
  }
}

}  // namespace weir::model
