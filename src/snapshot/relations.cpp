#include "snapshot/relations.h"

#include "base/mutant.h"

namespace weir::snapshot {
namespace {

using Kind = model::Kind;
using Ids = Links::Ids;

Ids addresses_of(const LoadBalancerFacts& facts) {
  Ids addresses = {facts.vip.text()};
  if (facts.elastic_ip) addresses.insert(facts.elastic_ip->text());
  return addresses;
}

class Relating {
 public:
  Relating(const FactCache& facts, Relations& links, Affected& affected)
      : facts_(facts), links_(links), affected_(affected) {}

  void relate(const ObjectSet::Key& key) {
    const std::string& id = key.second;
    const auto kind = model::kind_of_name(key.first);
    if (!kind) return;
    switch (*kind) {
      case Kind::kPlacement:
        return relate_placement(id);
      case Kind::kLoadBalancer:
        return relate_load_balancer(id);
      case Kind::kListener:
        return relate_listener(id);
      case Kind::kBackend:
        return relate_backend(id);
      case Kind::kTargetGroup:
      case Kind::kAvailabilityGroup:
        return relate_group(id);
      case Kind::kInstance:
        if (mutant("relation-missed")) return;
        for (const std::string& group : links_.group_instances.naming(id)) mark_group(group);
        return;
      case Kind::kSecurityGroup:
        for (const std::string& lb : links_.lb_security_groups.naming(id)) mark_load_balancer(lb);
        return;
      case Kind::kTable:
        return relate_table(id);
      case Kind::kDrain:
        return relate_drain(id);
      case Kind::kKeyring:  // the seed of every hash
        for (const auto& [service, entry] : facts_.table<Kind::kBackend>().entries) {
          affected_.services.insert(service);
        }
        return;
      case Kind::kVpc:
      case Kind::kSubnet:
      case Kind::kElasticIp:
      case Kind::kNode:
        return;
    }
  }

 private:
  void relate_placement(const std::string& id) {
    const PlacementFacts* facts = facts_.table<Kind::kPlacement>().find(id);
    for (const std::string& lb : links_.placement_lb.named_by(id)) mark_load_balancer(lb);
    links_.placement_lb.set(id, facts == nullptr ? Ids() : one_id(facts->load_balancer_id));
    for (const std::string& lb : links_.placement_lb.named_by(id)) mark_load_balancer(lb);
  }

  void relate_load_balancer(const std::string& id) {
    const LoadBalancerFacts* facts = facts_.table<Kind::kLoadBalancer>().find(id);
    mark_load_balancer(id);
    links_.lb_address.set(id, facts == nullptr ? Ids() : addresses_of(*facts));
    Ids groups;
    if (facts != nullptr) {
      groups.insert(facts->security_groups.begin(), facts->security_groups.end());
    }
    links_.lb_security_groups.set(id, groups);
    mark_load_balancer(id);
  }

  void relate_listener(const std::string& id) {
    const ListenerFacts* facts = facts_.table<Kind::kListener>().find(id);
    affected_.listeners.insert(id);
    add_ids(affected_.services, links_.listener_backend.named_by(id));
    links_.listener_backend.set(id, facts == nullptr ? Ids() : one_id(facts->backend_id));
    links_.listener_lb.set(id, facts == nullptr ? Ids() : one_id(facts->listener.load_balancer_id));
    add_ids(affected_.services, links_.listener_backend.named_by(id));
  }

  void relate_backend(const std::string& id) {
    const BackendFacts* facts = facts_.table<Kind::kBackend>().find(id);
    affected_.services.insert(id);
    links_.backend_lb.set(id, facts == nullptr ? Ids() : one_id(facts->service.load_balancer_id));
  }

  void relate_group(const std::string& id) {
    const GroupFacts* facts = facts_.find_group(id);
    Ids instances;
    if (facts != nullptr) {
      for (const Target& target : facts->targets) {
        if (!target.instance_id.empty()) instances.insert(target.instance_id);
      }
    }
    links_.group_instances.set(id, instances);
    mark_group(id);
  }

  void relate_table(const std::string& id) {
    const TableFacts* facts = facts_.table<Kind::kTable>().find(id);
    for (const std::string& group : links_.table_group.named_by(id)) mark_group(group);
    links_.table_group.set(id, facts == nullptr ? Ids() : one_id(facts->group_id));
    for (const std::string& group : links_.table_group.named_by(id)) mark_group(group);
  }

  void relate_drain(const std::string& id) {
    const DrainFacts* facts = facts_.table<Kind::kDrain>().find(id);
    affected_.drains.insert(id);
    links_.drain_lb.set(id, facts == nullptr ? Ids() : one_id(facts->load_balancer_id));
  }

  void mark_group(const std::string& id) {
    add_ids(affected_.services, links_.service_groups.naming(id));
  }

  /// And those of the same address, whose owner may be another now.
  void mark_load_balancer(const std::string& id) {
    affected_.load_balancers.insert(id);
    for (const std::string& address : links_.lb_address.named_by(id)) {
      add_ids(affected_.load_balancers, links_.lb_address.naming(address));
    }
  }

  const FactCache& facts_;
  Relations& links_;
  Affected& affected_;
};

}  // namespace

void relate(const ObjectSet::Key& key, const FactCache& facts, Relations& relations,
            Affected& affected) {
  Relating(facts, relations, affected).relate(key);
}

}  // namespace weir::snapshot
