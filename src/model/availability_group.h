// An availability group: instances that serve together, each with the same weight and on the port
// of the backend service. Who belongs to it is decided where instances are registered; its admin
// part, which is that of a target group, gives each member its slot under the instance's id. It
// belongs to no load balancer. Source: product.md A.15, design.md decision 8;
// docs/adr/0021-availability- groups.md. Thread: values.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "model/field.h"
#include "model/target_group.h"

namespace weir::model {

/// Members of one group. Source: product.md A.15, the largest size of a group that scales. Reached:
/// 429 naming spec.agId; weir_api_requests_total counts it.
inline constexpr std::size_t kAgMembersMax = 300;
/// Backend services that name one group. Chosen because a hundred members may leave in one write,
/// and their drain records for fifty services fit the bytes of a transaction. Reached: 429 naming
/// spec.agIds; weir_api_requests_total counts it.
inline constexpr std::size_t kAgBackendsMax = 50;
/// Source: product.md G50, E10.
inline constexpr int kAgMemberWeight = 10;
/// Racks of one zone. Source: product.md A.15 (fault domains). Reached: 400 naming
/// spec.faultDomain.
inline constexpr int kFaultDomains = 5;

struct AvailabilityGroup {
  using Admin = TargetGroupAdmin;
  static constexpr Kind kKind = Kind::kAvailabilityGroup;

  std::vector<std::string> azs;
  AgType ag_type = AgType::kVm;
  AgConfiguration configuration_type = AgConfiguration::kLoose;
  std::string description;

  template <class Self, class Visitor>
  static void fields(Self& s, Visitor& v) {
    v("azs", s.azs, "the availability zones its members may stand in", kRequired, kImmutable,
      Items{1, 10}, Text{TextRule::kName, 64});
    v("agType", s.ag_type, "what its members are", kImmutable);
    v("configurationType", s.configuration_type,
      "loose: members are registered one by one or in batches, without a template", kImmutable,
      NotYet{"strict"});
    v("description", s.description, "free text", Text{TextRule::kDescription, 256});
  }

  friend bool operator==(const AvailabilityGroup&, const AvailabilityGroup&) = default;
};

}  // namespace weir::model
