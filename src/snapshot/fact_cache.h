// The facts of all objects received so far, read once per version. An object whose new version
// cannot be used keeps its last good one. Used by compile alone. Thread: owner.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>

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
  using Keys = std::set<ObjectSet::Key>;
  using Errors = std::map<ObjectSet::Key, ObjectError>;

  /// Brings what is known of `keys` up to date; returns how many objects it read, which are those
  /// whose version changed.
  std::size_t update(const ObjectSet& objects, const Keys& keys);
  /// Everything that `objects` holds or that is known.
  Keys all_keys(const ObjectSet& objects) const;

  template <model::Kind kKind>
  const auto& table() const {
    return std::get<index_of(kKind)>(tables_);
  }
  /// A target group or an availability group; null when there is neither.
  const GroupFacts* find_group(const std::string& id) const;
  /// The revision of a group that there is, last seen.
  Revision revision_of_group(const std::string& id) const;
  /// What the security groups of a load balancer let through; one that has not arrived lets nothing
  /// through. Made once, until the load balancer or one of its groups changes.
  const SecurityFilter& security_filter(const std::string& load_balancer) const;
  /// The same for who may connect to one port.
  const AddressFilter& admission(const std::string& load_balancer, std::uint16_t port) const;
  /// How many of both were made since the last update().
  std::size_t filters_made() const { return filters_made_; }
  /// Every object whose newest version is not in force.
  const Errors& errors() const { return errors_; }

 private:
  struct Filters {
    SecurityFilter all;
    std::map<std::uint16_t, AddressFilter> inbound;  // by port
  };
  Filters& filters_of(const std::string& load_balancer) const;
  void forget_filters(model::Kind kind, const std::string& id);

  template <class Table>
  bool update_entry(Table& table, const ObjectSet::Key& key, const ReceivedObject* received);

  using enum model::Kind;
  // In the order of model::Kind.
  std::tuple<FactTable<kVpc, NoFacts>, FactTable<kSubnet, NoFacts>,
             FactTable<kLoadBalancer, LoadBalancerFacts>, FactTable<kListener, ListenerFacts>,
             FactTable<kBackend, BackendFacts>, FactTable<kTargetGroup, GroupFacts>,
             FactTable<kNode, NoFacts>, FactTable<kPlacement, PlacementFacts>,
             FactTable<kDrain, DrainFacts>, FactTable<kTable, TableFacts>,
             FactTable<kKeyring, KeyringFacts>, FactTable<kInstance, InstanceFacts>,
             FactTable<kElasticIp, NoFacts>, FactTable<kSecurityGroup, SecurityGroupFacts>,
             FactTable<kAvailabilityGroup, GroupFacts>>
      tables_;
  Errors errors_;
  mutable std::map<std::string, Filters> filters_;  // by load balancer
  mutable std::size_t filters_made_ = 0;

  static constexpr std::size_t index_of(model::Kind kind) { return static_cast<std::size_t>(kind); }
};

/// What to say of a load balancer one of whose groups has not arrived; nothing when all have.
std::optional<ObjectError> missing_security_group(const std::string& load_balancer,
                                                  const FactCache& facts);

}  // namespace weir::snapshot
