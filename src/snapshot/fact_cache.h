// The facts of all objects received so far, read once per version. An object whose new version
// cannot be used keeps its last good one. Used by compile alone. Thread: owner.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "model/kind.h"
#include "snapshot/facts.h"
#include "snapshot/object_set.h"

namespace weir::snapshot {

template <model::Kind kKind, class Facts>
struct FactTable {
  static constexpr model::Kind kind = kKind;

  struct Entry {
    Version version;             // of the object last seen
    std::optional<Facts> facts;  // of the last good version
    std::optional<ObjectError> error;
  };
  std::map<std::string, Entry> entries;

  /// Null when there is no such object, or none that could ever be used.
  const Facts* find(const std::string& id) const {
    const auto found = entries.find(id);
    if (found == entries.end() || !found->second.facts) return nullptr;
    return &*found->second.facts;
  }
};

class FactCache {
 public:
  /// Cost: one step per object, reading only those whose version changed.
  void update(const ObjectSet& objects);

  template <model::Kind kKind>
  const auto& table() const {
    return std::get<index_of(kKind)>(tables_);
  }
  /// Every object whose newest version is not in force, ordered by kind and id.
  const std::vector<ObjectError>& errors() const { return errors_; }

 private:
  using enum model::Kind;
  // In the order of model::Kind.
  std::tuple<FactTable<kVpc, NoFacts>, FactTable<kSubnet, NoFacts>,
             FactTable<kLoadBalancer, LoadBalancerFacts>, FactTable<kListener, ListenerFacts>,
             FactTable<kBackend, BackendFacts>, FactTable<kTargetGroup, GroupFacts>,
             FactTable<kNode, NoFacts>, FactTable<kPlacement, PlacementFacts>,
             FactTable<kDrain, DrainFacts>, FactTable<kTable, TableFacts>,
             FactTable<kKeyring, KeyringFacts>, FactTable<kInstance, InstanceFacts>>
      tables_;
  std::vector<ObjectError> errors_;

  static constexpr std::size_t index_of(model::Kind kind) { return static_cast<std::size_t>(kind); }
};

}  // namespace weir::snapshot
