// The kinds of stored resources and their names on the native API, the command line and the wire.
// Thread: any (constants).
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace weir::model {

enum class Kind {
  kVpc,
  kSubnet,
  kLoadBalancer,
  kListener,
  kBackend,
  kTargetGroup,
  kNode,               // a machine that runs `weir node`; made when it first says hello
  kPlacement,          // which node serves a load balancer; made by control
  kDrain,              // removed targets whose connections may still run; made with the removal
  kTable,              // the slot table of a target group; made by control
  kKeyring,            // seeds that all nodes share; made by control
  kInstance,           // a server that somebody runs
  kElasticIp,          // a public address that a load balancer may answer on
  kSecurityGroup,      // rules about who may connect, and where to
  kAvailabilityGroup,  // instances that serve backend services together
};

/// Every kind, in dependency order: a kind refers only to earlier ones.
std::span<const Kind> all_kinds();

/// "vpc", "subnet", "lb", "listener", "backend", "tg", "node", "placement", "drain", "table",
/// "keyring", "instance", "eip", "securityGroup", "ag".
std::string_view kind_name(Kind kind);
std::optional<Kind> kind_of_name(std::string_view name);

}  // namespace weir::model
