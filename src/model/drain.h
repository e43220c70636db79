// A removed target whose connections may still run; made in the transaction that removes it, and
// deleted at the deadline or when all nodes report that no connection is left. Source: design.md
// section 4. Thread: values.
#pragma once

#include <cstdint>
#include <string>

#include "model/field.h"
#include "model/no_admin.h"

namespace weir::model {

struct Drain {
  using Admin = NoAdmin;
  static constexpr Kind kKind = Kind::kDrain;

  std::string load_balancer_id;
  std::string service_id;
  std::string group_id;
  std::uint16_t slot = 0;
  std::string address;
  std::uint16_t port = 0;
  std::string deadline;

  template <class Self, class Visitor>
  static void fields(Self& s, Visitor& v) {
    v("loadBalancerId", s.load_balancer_id, "the load balancer of the service", kRequired,
      kImmutable, Ref{Kind::kLoadBalancer});
    v("serviceId", s.service_id, "the backend service whose connections drain", kRequired,
      kImmutable);
    v("groupId", s.group_id, "the target group it was in", kRequired, kImmutable);
    v("slot", s.slot, "its slot there", Range{0, 65535}, kRequired, kImmutable);
    v("address", s.address, "its address", Text{TextRule::kAddress}, kRequired, kImmutable);
    v("port", s.port, "the port its connections go to", Range{1, 65535}, kRequired, kImmutable);
    v("deadline", s.deadline, "when they are cut", Text{TextRule::kTime}, kRequired);
  }

  friend bool operator==(const Drain&, const Drain&) = default;
};

}  // namespace weir::model
