// objects + verdicts -> Snapshot. Pure: equal input gives an equal Snapshot; `previous` only saves
// work and holds last good versions. Called by the agent loop of a node and of its proxy child.
// Thread: any (no shared state).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "snapshot/object_set.h"
#include "snapshot/snapshot.h"

namespace weir::snapshot {

/// What only this node knows.
struct LocalNode {
  std::string node_id;
  /// Source addresses by subnet id (the node's bindings).
  std::map<std::string, std::vector<net::IpAddress>> source_addresses;
  /// Probes of distributed network load balancers leave from here if the node has it; :: = nothing
  /// is asked for.
  net::IpAddress check_source{};
  bool has_check_source = false;
};

/// The last compilation: its Snapshot, and the typed objects it was made from (last good versions).
struct Compiled;

struct CompiledDeleter {
  void operator()(Compiled* compiled) const;
};
using CompiledPtr = std::unique_ptr<Compiled, CompiledDeleter>;

/// Compiles everything placed on `local.node_id`. Cost follows the objects that changed since
/// `previous` (may be null).
CompiledPtr compile(const ObjectSet& objects, const Verdicts& verdicts, const LocalNode& local,
                    CompiledPtr previous);

std::shared_ptr<const Snapshot> snapshot_of(const Compiled& compiled);

}  // namespace weir::snapshot
