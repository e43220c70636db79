// The one value both engines consume: everything of the desired state and the verdicts that
// forwarding needs, compiled and immutable. Made by compile.h in the process that holds the engine;
// it never crosses a process. Unchanged parts are shared with the previous one. Thread: immutable.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "balancing/slot_table.h"
#include "base/clock.h"
#include "base/strong_type.h"
#include "net/address.h"
#include "snapshot/security_filter.h"
#include "snapshot/verdict.h"

namespace weir::snapshot {

enum class Protocol { kHttp, kTcp };
enum class Algorithm { kRoundRobin, kLeastConnections, kSourceHash, kFiveTupleHash };

/// One server, as new traffic sees it.
struct Target {
  std::string id{};
  Slot slot{};
  net::Endpoint endpoint{};  // the port is filled in (the target's, else the backend service's)
  int weight = 10;           // 0..100, relative
  bool takes_new = false;    // verdict and admin state at compile time; marks overwrite it in place
  bool keeps_old = true;
  bool may_serve = false;     // it runs, with a weight above 0 and an address that is allowed: its
                              // verdict alone decides
  bool is_forbidden = false;  // an address that nothing may be sent to, neither traffic nor probes
  std::string excluded{};     // why it takes nothing new: "unhealthy CONNECT_FAILED", "weight 0";
                              // empty when it does
  std::string instance_id{};  // of a target that is an instance: its address is the endpoint's
  std::string denied{};       // why security groups let no probe through; empty when they do

  friend bool operator==(const Target&, const Target&) = default;
};

enum class CheckProtocol { kTcp, kHttp };

/// How the targets of a service are judged.
struct HealthCheck {
  CheckProtocol protocol = CheckProtocol::kTcp;
  int healthy_threshold = 3;    // successes in a row, 1..5
  int unhealthy_threshold = 3;  // failures in a row, 1..5
  std::chrono::seconds timeout{3};
  std::chrono::seconds interval{5};
  std::uint16_t port = 0;  // 0 = the port that gets the traffic
  bool http_1_1 = false;
  std::string http_host{};  // empty = no Host on HTTP/1.0, address:port on HTTP/1.1
  std::string http_path = "/";
  std::vector<std::pair<int, int>> http_codes{};  // inclusive ranges inside 200..499

  friend bool operator==(const HealthCheck&, const HealthCheck&) = default;
};

/// Which X-Forwarded-* fields are set beside X-Forwarded-For.
struct ForwardedFields {
  bool proto = false;
  bool port = false;
  bool host = false;
  bool vip = false;
  bool client_port = false;

  friend bool operator==(const ForwardedFields&, const ForwardedFields&) = default;
};

/// What a hash algorithm needs beside the targets.
struct FlowTable {
  /// Of the group in force. Null: table or seed has not arrived, and traffic is shared by turns.
  std::shared_ptr<const balancing::SlotTable> slots{};
  std::uint64_t seed = 0;  // of the hash of flows; equal on every node

  friend bool operator==(const FlowTable& left, const FlowTable& right) {
    if (left.seed != right.seed) return false;
    if (left.slots == nullptr || right.slots == nullptr) return left.slots == right.slots;
    return left.slots == right.slots || *left.slots == *right.slots;
  }
};

/// A backend service with the targets of its group.
struct Service {
  std::string id{};
  std::string name{};
  std::string load_balancer_id{};
  std::string group_id{};  // empty when no group is attached
  Protocol protocol = Protocol::kTcp;
  Algorithm algorithm = Algorithm::kRoundRobin;
  FlowTable flow_table{};  // with a hash algorithm
  ForwardedFields forwarded{};
  HealthCheck check{};
  bool is_check_closed = false;
  bool may_fail_open = false;    // asked for (snapshot/fail_open.h)
  bool is_failing_open = false;  // no target is usable, and those that may serve take traffic
  bool raises_alarm = false;     // it fails open, and a check has called one of them unhealthy
  std::chrono::seconds persistence{0};  // how long a client address keeps its target after its last
                                        // connection; 0 = not at all
  std::vector<Target> targets{};        // ascending by slot
  std::vector<net::IpAddress> source_addresses{};  // upstream connections and probes leave from
                                                   // these; empty = kernel's choice
  std::optional<net::IpAddress> check_source{};    // probes leave from it instead

  // A group that shall replace group_id and is checked but gets no traffic yet: group_id serves
  // until one of these takes new traffic or all of them have verdicts (product.md C.7). Read by the
  // checker alone; empty when nothing is being replaced.
  std::string next_group_id{};
  std::vector<Target> next_targets{};  // ascending by slot

  friend bool operator==(const Service&, const Service&) = default;
};

/// A weighted part of what a listener or rule forwards to; one part until splits exist.
struct RoutePart {
  std::shared_ptr<const Service> service;
  int weight = 1;

  friend bool operator==(const RoutePart&, const RoutePart&) = default;
};

struct Listener {
  std::string id{};
  std::string name{};
  std::string load_balancer_id{};
  net::Endpoint endpoint{};                    // VIP and port
  std::optional<net::IpAddress> elastic_ip{};  // it answers there too
  Protocol protocol = Protocol::kTcp;
  std::vector<RoutePart> route{};
  std::chrono::seconds idle_timeout{60};
  AddressFilter admission{};          // who may connect
  bool drops_without_target = false;  // who nobody can serve hears nothing, instead of a reset

  /// Everywhere it answers, its VIP first.
  std::vector<net::Endpoint> endpoints() const {
    if (!elastic_ip) return {endpoint};
    return {endpoint, {*elastic_ip, endpoint.port}};
  }

  friend bool operator==(const Listener&, const Listener&) = default;
};

/// Targets that left backend services in one write, each of them every service, and whose
/// connections may run on for a time: from the write, or from when this process stops using a
/// target if that is later, as while the group that replaces it is not usable yet.
struct Drain {
  std::string id;  // of the record
  std::string group_id;
  std::vector<std::string> services;  // ids
  std::vector<Slot> slots;            // of the targets, ascending
  std::chrono::seconds time{0};
  WallTime deadline;  // the end of the time, from the write

  friend bool operator==(const Drain&, const Drain&) = default;
};

/// An address that this node serves, and the subnet whose binding says how, or the pool of an
/// elastic IP as "pool/NAME".
struct ServedAddress {
  net::IpAddress address;
  std::string subnet_id;
  std::string load_balancer_id{};
  std::string note{};  // what people should know of it, for the status; empty as a rule

  friend bool operator==(const ServedAddress&, const ServedAddress&) = default;
};

/// An object that could not be used; its last good version, if any, stays in force.
struct ObjectError {
  std::string kind;
  std::string id{};
  Revision revision;
  std::string reason;  // "unsupported", "invalid", or "pending" on something that is to arrive
  std::string detail;

  friend bool operator==(const ObjectError&, const ObjectError&) = default;
};

struct Snapshot {
  Version version;
  std::vector<std::shared_ptr<const Listener>>
      listeners;  // ascending by id; those that are On and whose LB is started
  std::vector<std::shared_ptr<const Service>>
      services;  // ascending by id; those that a listener of this node refers to
  std::vector<std::shared_ptr<const Drain>> drains;  // ascending by id
  std::vector<ServedAddress> addresses;
  std::vector<ObjectError> errors;
};

}  // namespace weir::snapshot
