// Targets that left backend services in one write and whose connections may still run: one record
// for all of them, so that a write of any size makes few. Made in the transaction that takes them
// out of use, and deleted when all nodes report that nothing is left or its time is over. Source:
// design.md section 4. Thread: values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/field.h"
#include "model/no_admin.h"

namespace weir::model {

struct DrainedService {
  std::string service_id;
  std::uint16_t port = 0;

  template <class Self, class Visitor>
  static void fields(Self& s, Visitor& v) {
    v("serviceId", s.service_id, "the backend service", kRequired);
    v("port", s.port, "the port of targets that have none of their own", Range{1, 65535},
      kRequired);
  }

  friend bool operator==(const DrainedService&, const DrainedService&) = default;
};

struct DrainedTarget {
  std::string target_id;
  std::uint16_t slot = 0;
  std::string address;
  std::uint16_t port = 0;

  template <class Self, class Visitor>
  static void fields(Self& s, Visitor& v) {
    v("targetId", s.target_id, "the target", kRequired);
    v("slot", s.slot, "its slot in the group", Range{0, 65535}, kRequired);
    v("address", s.address, "its address; absent when its instance had gone",
      Text{TextRule::kAddress}, kOmitEmpty);
    v("port", s.port, "its port; 0: that of the backend service", Range{0, 65535});
  }

  friend bool operator==(const DrainedTarget&, const DrainedTarget&) = default;
};

struct Drain {
  using Admin = NoAdmin;
  static constexpr Kind kKind = Kind::kDrain;

  std::string load_balancer_id;
  std::string group_id;
  int draining_seconds = 0;
  std::string deadline;
  std::vector<DrainedService> services;
  std::vector<DrainedTarget> targets;

  template <class Self, class Visitor>
  static void fields(Self& s, Visitor& v) {
    v("loadBalancerId", s.load_balancer_id, "the load balancer of the services", kRequired,
      kImmutable, Ref{Kind::kLoadBalancer});
    v("groupId", s.group_id, "the target group they were in", kRequired, kImmutable);
    v("drainingSeconds", s.draining_seconds, "how long their connections may run on",
      Range{0, 3600}, kRequired, kImmutable);
    v("deadline", s.deadline, "when they are cut, unless a node used them for longer",
      Text{TextRule::kTime}, kRequired, kImmutable);
    v("services", s.services, "the backend services that they left", Items{1, 1000}, kRequired,
      kImmutable);
    v("targets", s.targets, "those that left, each of all the services", Items{1, 1000}, kRequired);
  }

  friend bool operator==(const Drain&, const Drain&) = default;
};

}  // namespace weir::model
