// One server of a target group: instance or address, port and weight. Stored inside its group, but
// a kind of its own on the API and the command line ("target"). Source: product.md A.8. Thread:
// values.
#pragma once

#include <cstdint>
#include <string>

#include "model/field.h"

namespace weir::model {

struct Target {
  std::string target_id{};
  std::string instance_id{};  // in a group of type instance
  std::string ip_address{};   // in a group of type ip
  std::uint16_t port = 0;
  int weight = 10;

  template <class Self, class Visitor>
  static void fields(Self& s, Visitor& v) {
    v("targetId", s.target_id, "given by control", kOutputOnly);
    v("instanceId", s.instance_id, "the server, in a group of type instance", kImmutable,
      kOmitEmpty, Ref{Kind::kInstance});
    v("ipAddress", s.ip_address,
      "IPv4 address in the VPC, in a group of type ip (dnlb: that of an instance, or any on "
      "loopback); IPv6 is not supported yet",
      kImmutable, kOmitEmpty, Text{TextRule::kAddress});
    v("port", s.port, "0: the port of the backend service", Range{0, 65535});
    v("weight", s.weight, "share of new traffic; 0 takes none (dnlb: 1..100)", Range{0, 100});
  }

  friend bool operator==(const Target&, const Target&) = default;
};

/// A target as the API and the command line show it: with the group it is in.
struct TargetView {
  std::string target_group_id;
  Target target;

  template <class Self, class Visitor>
  static void fields(Self& s, Visitor& v) {
    v("targetGroupId", s.target_group_id, "the target group it belongs to", kRequired, kImmutable,
      Ref{Kind::kTargetGroup});
    Target::fields(s.target, v);
  }

  friend bool operator==(const TargetView&, const TargetView&) = default;
};

}  // namespace weir::model
