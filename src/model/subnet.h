// A subnet: the slice of a VPC that load balancers take their addresses from. Its network, gateway
// (first host), DHCP (second host) and broadcast addresses are reserved. Source: product.md A.14.
// Thread: values.
#pragma once

#include <string>

#include "model/field.h"
#include "model/no_admin.h"

namespace weir::model {

struct Subnet {
  using Admin = NoAdmin;
  static constexpr Kind kKind = Kind::kSubnet;

  std::string vpc_id;
  std::string address_prefix;
  std::string description;

  template <class Self, class Visitor>
  static void fields(Self& s, Visitor& v) {
    v("vpcId", s.vpc_id, "the VPC it belongs to", kRequired, kImmutable, Ref{Kind::kVpc});
    v("addressPrefix", s.address_prefix,
      "IPv4 prefix, mask 16 to 28, in 10/8, 172.16/12 or 192.168/16; in a VPC bound to loopback in "
      "127/8",
      Text{TextRule::kPrefix}, kRequired, kImmutable);
    v("description", s.description, "free text", Text{TextRule::kDescription, 256});
  }

  friend bool operator==(const Subnet&, const Subnet&) = default;
};

}  // namespace weir::model
