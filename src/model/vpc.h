// A VPC: an address space of its own. One whose prefix lies inside 127.0.0.0/8 is bound to
// loopback. Source: product.md A.14. Thread: values.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "model/field.h"
#include "model/no_admin.h"

namespace weir::model {

/// The VPC a new service starts with; it alone may have all of 127.0.0.0/8.
inline constexpr std::string_view kDefaultVpcId = "vpc-default";

struct Vpc {
  using Admin = NoAdmin;
  static constexpr Kind kKind = Kind::kVpc;

  std::optional<std::string> address_prefix;
  std::string description;

  template <class Self, class Visitor>
  static void fields(Self& s, Visitor& v) {
    v("addressPrefix", s.address_prefix,
      "IPv4 prefix that all subnets lie in, mask 16 to 28 (127.0.0.0/8 in the built-in VPC); "
      "absent: any private prefix",
      Text{TextRule::kPrefix}, kImmutable);
    v("description", s.description, "free text", Text{TextRule::kDescription, 256});
  }

  friend bool operator==(const Vpc&, const Vpc&) = default;
};

}  // namespace weir::model
