#include "model/kind.h"

#include <array>

namespace weir::model {
namespace {

constexpr std::array kKinds = {
    Kind::kVpc,      Kind::kSubnet,    Kind::kSecurityGroup, Kind::kAvailabilityGroup,
    Kind::kInstance, Kind::kElasticIp, Kind::kLoadBalancer,  Kind::kTargetGroup,
    Kind::kBackend,  Kind::kListener,  Kind::kNode,          Kind::kPlacement,
    Kind::kDrain,    Kind::kTable,     Kind::kKeyring};
// In the order of the enumeration.
constexpr std::array<std::string_view, kKinds.size()> kNames = {
    "vpc",   "subnet",  "lb",       "listener", "backend",       "tg", "node", "placement", "drain",
    "table", "keyring", "instance", "eip",      "securityGroup", "ag"};

}  // namespace

std::span<const Kind> all_kinds() { return kKinds; }

std::string_view kind_name(Kind kind) { return kNames[static_cast<std::size_t>(kind)]; }

std::optional<Kind> kind_of_name(std::string_view name) {
  for (const Kind kind : kKinds) {
    if (kind_name(kind) == name) return kind;
  }
  return std::nullopt;
}

}  // namespace weir::model
