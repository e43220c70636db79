// Which node serves a load balancer; made and changed by control only. Source: design.md section 4.
// Thread: values.
#pragma once

#include <cstdint>
#include <string>

#include "model/field.h"
#include "model/no_admin.h"

namespace weir::model {

struct Placement {
  using Admin = NoAdmin;
  static constexpr Kind kKind = Kind::kPlacement;

  std::string load_balancer_id;
  std::string node_id;
  std::int64_t epoch = 0;

  template <class Self, class Visitor>
  static void fields(Self& s, Visitor& v) {
    v("loadBalancerId", s.load_balancer_id, "what is served", kRequired, kImmutable,
      Ref{Kind::kLoadBalancer});
    v("nodeId", s.node_id, "who serves it", kRequired, kImmutable, Ref{Kind::kNode});
    v("epoch", s.epoch, "grows when the placement moves");
  }

  friend bool operator==(const Placement&, const Placement&) = default;
};

}  // namespace weir::model
