// What forwarding needs to know of one stored object, read from its stored text: the step between a
// received body and a Snapshot, one object at a time. Used by compile alone. Thread: values.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/object.h"
#include "snapshot/snapshot.h"

namespace weir::snapshot {

/// Kinds that forwarding does not look into; reading them still tells what this build lacks.
struct NoFacts {};

struct PlacementFacts {
  std::string load_balancer_id;
  std::string node_id;
};

struct LoadBalancerFacts {
  net::IpAddress vip;
  std::optional<net::IpAddress> elastic_ip;
  std::string elastic_ip_pool;
  std::string subnet_id;
  std::string created;  // UTC, ordered as text
  bool is_started = true;
  bool is_dnlb = false;
  std::vector<std::string> security_groups{};  // none: everything is open
};

struct InstanceFacts {
  net::IpAddress address;
  bool is_running = true;
};

struct SecurityGroupFacts {
  std::vector<SecurityRule> rules;  // that have a bearing on TCP
};

struct GroupFacts {
  model::Kind kind{};
  std::string load_balancer_id;  // empty: an availability group, which serves any
  // Ascending by slot; port 0 = that of the backend service; no address when it is an instance.
  std::vector<Target> targets;
};

struct BackendFacts {
  Service service;  // without targets and source addresses
  std::uint16_t port = 0;
  std::string group_id;  // the group asked for; empty = none
};

struct ListenerFacts {
  Listener listener;  // without address and route
  std::string backend_id;
  bool is_on = true;
};

struct DrainFacts {
  std::string load_balancer_id;
  std::shared_ptr<const Drain> drain;
};

struct TableFacts {
  std::string load_balancer_id;
  std::string group_id;
  std::shared_ptr<const balancing::SlotTable> slots;
};

struct KeyringFacts {
  std::uint64_t current = 0;
};

// Each reads one kind.
// Errors:  kFailedPrecondition when the object says something this build does not know
// ("unsupported"), kInvalidArgument when it makes no sense ("invalid")
Result<void> read_facts(const model::Object& object, NoFacts& into);
Result<void> read_facts(const model::Object& object, PlacementFacts& into);
Result<void> read_facts(const model::Object& object, LoadBalancerFacts& into);
Result<void> read_facts(const model::Object& object, InstanceFacts& into);
Result<void> read_facts(const model::Object& object, SecurityGroupFacts& into);
Result<void> read_facts(const model::Object& object, GroupFacts& into);
Result<void> read_facts(const model::Object& object, BackendFacts& into);
Result<void> read_facts(const model::Object& object, ListenerFacts& into);
Result<void> read_facts(const model::Object& object, DrainFacts& into);
Result<void> read_facts(const model::Object& object, TableFacts& into);
Result<void> read_facts(const model::Object& object, KeyringFacts& into);

/// The error of an object, with the code that says whether this build is too old for it.
Error classified(Error error);

}  // namespace weir::snapshot
