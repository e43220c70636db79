// A machine that runs `weir node`, as it introduced itself; made and changed by control only.
// Source: design.md section 4 (network binding). Thread: values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/field.h"
#include "model/no_admin.h"

namespace weir::model {

/// How a node puts the addresses of one subnet, or of one public pool, on its network.
struct Binding {
  std::string subnet;
  BindingMode mode = BindingMode::kLoopback;
  std::string interface;
  std::vector<std::string> sources;

  template <class Self, class Visitor>
  static void fields(Self& s, Visitor& v) {
    v("subnet", s.subnet,
      "id or name of a subnet, * for all, or pool/NAME: elastic IPs of that pool", kRequired);
    v("mode", s.mode, "loopback; interface: the node adds addresses; external: others move them",
      kRequired);
    v("interface", s.interface, "name of the interface, for mode interface",
      Text{TextRule::kNone, 15});
    v("sources", s.sources, "addresses that upstream connections and probes leave from",
      Items{0, 16}, Text{TextRule::kAddress});
  }

  friend bool operator==(const Binding&, const Binding&) = default;
};

/// Among the features of a node: it knows availability groups.
inline constexpr std::string_view kAvailabilityGroupsFeature = "availabilityGroups";

struct Node {
  using Admin = NoAdmin;
  static constexpr Kind kKind = Kind::kNode;

  std::string region;
  std::string az;
  std::string build;
  std::vector<Binding> bindings;
  std::vector<std::string> features;

  template <class Self, class Visitor>
  static void fields(Self& s, Visitor& v) {
    v("region", s.region, "region it stands in");
    v("az", s.az, "availability zone it stands in");
    v("build", s.build, "version of the program it runs");
    v("bindings", s.bindings, "the subnets it can serve");
    v("features", s.features,
      "what it knows beyond the first release; what needs more is not put on it", kOmitEmpty);
  }

  friend bool operator==(const Node&, const Node&) = default;
};

}  // namespace weir::model
