// A target group: a named list of targets, stored as one document. The admin part gives each target
// its slot (model/slots.h). Source: product.md A.8; design.md decision 8. Thread: values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/field.h"
#include "model/target.h"

namespace weir::model {

/// How the message of a target that stands in its group twice ends.
inline constexpr std::string_view kAlreadyRegistered = "is already registered in this target group";

struct TargetSlot {
  std::string target_id;
  std::uint16_t slot = 0;

  template <class Self, class Visitor>
  static void fields(Self& s, Visitor& v) {
    v("targetId", s.target_id, "the target");
    v("slot", s.slot, "its number in the group, for life", Range{0, 65535});
  }

  friend bool operator==(const TargetSlot&, const TargetSlot&) = default;
};

struct RetiredSlot {
  std::uint16_t slot = 0;
  std::string until;

  template <class Self, class Visitor>
  static void fields(Self& s, Visitor& v) {
    v("slot", s.slot, "number of a removed target", Range{0, 65535});
    v("until", s.until, "not given again before", Text{TextRule::kTime});
  }

  friend bool operator==(const RetiredSlot&, const RetiredSlot&) = default;
};

struct TargetGroupAdmin {
  std::vector<TargetSlot> slots;
  std::uint16_t next_slot = 0;
  std::vector<RetiredSlot> retired;
  std::string vpc_id;

  template <class Self, class Visitor>
  static void fields(Self& s, Visitor& v) {
    v("slots", s.slots, "the slot of each target", kOutputOnly);
    v("nextSlot", s.next_slot, "where the search for a free slot begins", Range{0, 65535},
      kOutputOnly);
    v("retired", s.retired, "slots that something may still name", Items{0, 10000}, kOutputOnly);
    v("vpcId", s.vpc_id, "the VPC of its instances, in a group that has instances", kOutputOnly,
      kOmitEmpty, Ref{Kind::kVpc});
  }

  friend bool operator==(const TargetGroupAdmin&, const TargetGroupAdmin&) = default;
};

struct TargetGroup {
  using Admin = TargetGroupAdmin;
  static constexpr Kind kKind = Kind::kTargetGroup;

  std::string load_balancer_id;
  TargetGroupType type = TargetGroupType::kIp;
  std::vector<Target> targets;
  std::string description;

  template <class Self, class Visitor>
  static void fields(Self& s, Visitor& v) {
    v("loadBalancerId", s.load_balancer_id, "the load balancer it belongs to", kRequired,
      kImmutable, Ref{Kind::kLoadBalancer});
    v("type", s.type, "what its targets are", kImmutable);
    v("targets", s.targets, "its servers", Items{0, 1000}, kKept);
    v("description", s.description, "free text", Text{TextRule::kDescription, 256});
  }

  friend bool operator==(const TargetGroup&, const TargetGroup&) = default;
};

}  // namespace weir::model
