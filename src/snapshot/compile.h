// objects + verdicts -> Snapshot. Pure: equal input gives an equal Snapshot; `previous` only saves
// work and holds last good versions. Called by the agent loop of a node and of its proxy child.
// Thread: any (no shared state).
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <set>
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

  friend bool operator==(const LocalNode&, const LocalNode&) = default;
};

/// What has come, changed or gone.
struct Changes {
  std::set<ObjectSet::Key> objects;
  std::set<TargetKey> verdicts;
};

struct CompileInput {
  const ObjectSet& objects;
  const Verdicts& verdicts;
  const LocalNode& local;
  /// Since the previous compilation. Null: anything may have changed, and everything is looked at.
  const Changes* changes = nullptr;
};

/// The last compilation: its Snapshot, and the typed objects it was made from (last good versions).
struct Compiled;

struct CompiledDeleter {
  void operator()(Compiled* compiled) const;
};
using CompiledPtr = std::unique_ptr<Compiled, CompiledDeleter>;

/// What the last compilation did.
struct CompileWork {
  std::size_t objects_read = 0;
  std::size_t services_built = 0;
  std::size_t listeners_built = 0;
  std::size_t filters_made = 0;  // of security groups
};

/// Compiles everything placed on `local.node_id`. Objects, backend services and listeners are read
/// and built only where `changes` concern them; parts that stayed are shared with the Snapshot of
/// `previous` (may be null).
CompiledPtr compile(const CompileInput& input, CompiledPtr previous);
/// The same, looking at everything.
CompiledPtr compile_all(const ObjectSet& objects, const Verdicts& verdicts, const LocalNode& local,
                        CompiledPtr previous);

std::shared_ptr<const Snapshot> snapshot_of(const Compiled& compiled);
const CompileWork& work_of(const Compiled& compiled);

}  // namespace weir::snapshot
