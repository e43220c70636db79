// What validation may ask about everything else that is stored. The caller answers from one
// consistent reading of the store. Thread: as the functions given; used within one call.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/object.h"
#include "model/public_pool.h"
#include "net/address.h"

namespace weir::model {

struct WorldView {
  /// The object, or null. The pointer is good for the whole check.
  std::function<const Object*(Kind kind, std::string_view id)> find = [](Kind, std::string_view) {
    return nullptr;
  };
  /// Objects of `kind` that belong to `parent` (model/registry.h parent_ids()): subnets of a VPC,
  /// load balancers and instances of a subnet, load balancers of a security group in force,
  /// listeners, backends, target groups, placements and drain records of a load balancer, instances
  /// of an availability group and the backends that name it.
  std::function<std::vector<const Object*>(Kind kind, std::string_view parent)> children =
      [](Kind, std::string_view) { return std::vector<const Object*>(); };
  /// Availability zones of the configuration; empty: any is accepted.
  std::vector<std::string> azs;
  /// Addresses of Weir's own API and agents, refused as targets.
  std::vector<net::Endpoint> own_endpoints;
  /// Addresses that nodes send from; no targets, but on loopback, which all share.
  std::vector<net::IpAddress> node_addresses;
  /// Pools of public addresses; they outlive the view.
  std::span<const PublicPool> pools;
};

/// A set of objects that answers as a WorldView; for tests, and for a caller that keeps all objects
/// in memory. A copy shares the objects, and does not change with the other. Thread: owner.
class ObjectIndex {
 public:
  void put(Object object);
  void put(std::shared_ptr<const Object> object);
  void erase(Kind kind, std::string_view id);
  const Object* find(Kind kind, std::string_view id) const;
  /// The same, for a caller that keeps it; null when there is none.
  std::shared_ptr<const Object> share(Kind kind, std::string_view id) const;
  std::vector<const Object*> children(Kind kind, std::string_view parent) const;
  std::vector<const Object*> all(Kind kind) const;
  /// Good while the index lives.
  WorldView view() const;

 private:
  using Key = std::pair<Kind, std::string>;
  std::map<Key, std::shared_ptr<const Object>, std::less<>> objects_;
  std::map<Key, std::map<std::string, const Object*>, std::less<>> by_parent_;
};

}  // namespace weir::model
