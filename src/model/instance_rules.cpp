// The rules of instances, and of addresses that somebody asks for in a subnet.
#include <algorithm>

#include "model/checker.h"
#include "model/resources.h"
#include "model/subnet_addresses.h"
#include "model/text_rules.h"

namespace weir::model {
namespace {

void check_az(Checker& checker, const Instance& instance) {
  const auto& known = checker.world().azs;
  if (!checker.is_good("spec.az") || known.empty()) return;
  if (std::ranges::find(known, instance.az) != known.end()) return;
  checker.invalid("spec.az", quoted(instance.az) + " is no availability zone of the region");
}

/// Who has the address in the subnet, or null.
const Object* holder_of(const Checker& checker, const Id& subnet, const std::string& address) {
  struct Place {
    Kind kind;
    std::string_view field;  // of the admin part
  };
  for (const Place place : {Place{Kind::kLoadBalancer, "vip"}, Place{Kind::kInstance, "ipAddress"}})
    for (const Object* other : checker.world().children(place.kind, subnet)) {
      if (other->id == checker.object().id) continue;
      if (other->admin.string_or(place.field, "") == address) return other;
    }
  return nullptr;
}

}  // namespace

void check_address_in_subnet(Checker& checker, std::string_view field, const std::string& address,
                             const Id& subnet_id) {
  const Object* subnet = checker.find(Kind::kSubnet, subnet_id);
  const auto parsed = net::IpAddress::parse(address);
  const auto prefix = subnet == nullptr ? std::nullopt : prefix_of(*subnet);
  if (!parsed || !prefix) return;
  if (!prefix->contains(*parsed)) {
    return checker.invalid(field, "must lie in " + prefix->text() + " of subnet " + subnet->id);
  }
  if (is_reserved(*prefix, *parsed)) {
    return checker.invalid(field, "is reserved (network, gateway, DHCP or broadcast address)");
  }
  if (const Object* other = holder_of(checker, subnet->id, address)) {
    checker.add(ErrorCode::kConflict, field, "is in use by " + other->id);
  }
}

void check_instance(Checker& checker) {
  const Instance instance = checker.spec<Instance>();
  check_az(checker, instance);
  check_membership(checker, instance);
  if (!checker.is_changed("ipAddress") || !checker.is_good("spec.ipAddress")) return;
  check_address_in_subnet(checker, "spec.ipAddress", instance.ip_address, instance.subnet_id);
}

}  // namespace weir::model
