// What a node tells control about itself (docs/formats/frames.md, `report` and `hello`): pure
// functions over the parts of the agent. Thread: any.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/addresses.h"
#include "agent/binding.h"
#include "agent/listen_sockets.h"
#include "agent/proxy_child.h"
#include "base/json.h"
#include "snapshot/object_set.h"
#include "snapshot/snapshot.h"

namespace weir::agent {

/// The state of a node at one moment.
struct NodeView {
  const snapshot::Snapshot& snapshot;
  const snapshot::ObjectSet& objects;
  const ListenSockets& sockets;
  const Addresses& addresses;
  /// Addresses of subnets and pools without a binding, with their subnet or "pool/NAME".
  const std::map<net::IpAddress, std::string>& unbound;
  const ProxyChild* serving;  // may be null
  Version applied;            // by the proxy that serves, or served last
  const DrainsLeft& drains;
};

/// Fits a frame whatever the node holds; `more` says how many items each list leaves out.
Json report_json(const NodeView& view);
/// Addresses this node holds, for the hello.
Json held_json(const Addresses& addresses);
/// Why the listener cannot serve; empty when nothing is in its way.
std::string listener_failure(const NodeView& view, const snapshot::Listener& listener);

/// The binding of every subnet among `objects`: by id, by name, else that of kAnySubnet. Subnets
/// without one are left out.
std::map<std::string, Binding> resolve_bindings(const snapshot::ObjectSet& objects,
                                                const std::vector<Binding>& bindings);

/// The binding that serves elastic IPs of `network` ("pool/NAME"): its own, else that of
/// kAnySubnet, which is for loopback addresses alone when its mode is loopback. Null without one,
/// and for subnets.
const Binding* pool_binding(std::string_view network, const net::IpAddress& address,
                            const std::vector<Binding>& bindings);

/// Says in the log when a list of the reports begins to leave items out, once until it holds all
/// again: those who read reports cannot see that something is missing. Thread: owner loop.
class LeftOutWatch {
 public:
  /// `report` as report_json() makes it.
  void update(const Json& report);

 private:
  std::set<std::string> lists_;
};

/// The lists of the last report that one stream has been told, so that a change is not told with
/// everything that stayed. Thread: owner.
class ReportedLists {
 public:
  /// The report with the lists that the last one had too named in `same` in place of themselves.
  /// The result has to be what this stream is told next: lists count as told from here on.
  Json shortened(Json report);

 private:
  std::map<std::string, Json> told_;
};

}  // namespace weir::agent
