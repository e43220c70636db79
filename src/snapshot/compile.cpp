#include "snapshot/compile.h"

#include <algorithm>
#include <set>
#include <utility>

#include "model/keyring.h"
#include "snapshot/fact_cache.h"
#include "snapshot/service.h"

namespace weir::snapshot {

struct Compiled {
  FactCache facts;
  std::shared_ptr<const Snapshot> snapshot;
};

namespace {

using Kind = model::Kind;
using Services = std::map<std::string, std::shared_ptr<const Service>>;

/// `fresh` itself, or its equal among `known` (ascending by id), so that engines see what changed
/// by comparing pointers.
template <class T>
std::shared_ptr<const T> shared(T fresh, const std::vector<std::shared_ptr<const T>>& known) {
  const auto same = std::ranges::lower_bound(
      known, fresh.id, {}, [](const auto& part) -> const auto& { return part->id; });
  if (same != known.end() && **same == fresh) return *same;
  return std::make_shared<const T>(std::move(fresh));
}

/// One compilation: the facts, what is placed here, and the Snapshot that grows.
class Compilation {
 public:
  Compilation(const FactCache& facts, const Verdicts& verdicts, const LocalNode& local,
              const Snapshot& previous)
      : facts_(facts), verdicts_(verdicts), local_(local), previous_(previous) {}

  Snapshot run(Version version) {
    out_.version = version;
    out_.errors = facts_.errors();
    find_placed();
    give_each_address_one_owner();
    add_addresses();
    add_listeners();
    for (auto& [id, service] : services_) {
      if (service != nullptr) out_.services.push_back(std::move(service));
    }
    add_drains();
    return std::move(out_);
  }

 private:
  void find_placed() {
    for (const auto& [id, entry] : facts_.table<Kind::kPlacement>().entries) {
      if (entry.facts && entry.facts->node_id == local_.node_id) {
        placed_.insert(entry.facts->load_balancer_id);
      }
    }
  }

  /// VPCs may overlap, but a node has each address once: the older load balancer keeps it, so that
  /// no new one takes the traffic of another.
  void give_each_address_one_owner() {
    const auto& table = facts_.table<Kind::kLoadBalancer>();
    std::map<net::IpAddress, std::string> owners;
    for (const std::string& id : placed_) {
      const LoadBalancerFacts* lb = table.find(id);
      if (lb == nullptr) continue;
      const auto [owner, is_new] = owners.try_emplace(lb->vip, id);
      if (!is_new && lb->created < table.find(owner->second)->created) owner->second = id;
    }
    std::erase_if(placed_, [&](const std::string& id) {
      const auto entry = table.entries.find(id);
      if (entry == table.entries.end() || !entry->second.facts) return false;
      const net::IpAddress vip = entry->second.facts->vip;
      const std::string& owner = owners.at(vip);
      if (owner == id) return false;
      out_.errors.push_back({.kind = std::string(model::kind_name(Kind::kLoadBalancer)),
                             .id = id,
                             .revision = entry->second.version.revision,
                             .reason = "invalid",
                             .detail = "admin.vip: " + vip.text() +
                                       " is served for load balancer " + owner + " already"});
      return true;
    });
  }

  const LoadBalancerFacts* placed_load_balancer(const std::string& id) const {
    return placed_.contains(id) ? facts_.table<Kind::kLoadBalancer>().find(id) : nullptr;
  }

  /// Empty unless the probes of the load balancer have to leave from another address.
  std::string note_of(const LoadBalancerFacts& lb) const {
    if (!lb.is_dnlb || local_.check_source.is_unspecified() || local_.has_check_source) return "";
    return "health checks leave from other addresses of this node: it does not have " +
           local_.check_source.text();
  }

  void add_addresses() {
    for (const std::string& id : placed_) {
      const LoadBalancerFacts* lb = facts_.table<Kind::kLoadBalancer>().find(id);
      if (lb == nullptr) continue;
      out_.addresses.push_back({.address = lb->vip,
                                .subnet_id = lb->subnet_id,
                                .load_balancer_id = id,
                                .note = note_of(*lb)});
    }
  }

  void add_listeners() {
    for (const auto& [id, entry] : facts_.table<Kind::kListener>().entries) {
      if (!entry.facts) continue;
      const LoadBalancerFacts* lb = placed_load_balancer(entry.facts->listener.load_balancer_id);
      if (lb == nullptr) continue;
      const auto service = service_for(entry.facts->backend_id, *lb);
      if (service == nullptr) {
        out_.errors.push_back({.kind = std::string(model::kind_name(Kind::kListener)),
                               .id = id,
                               .revision = entry.version.revision,
                               .reason = "invalid",
                               .detail = "spec.backendId: backend service " +
                                         entry.facts->backend_id + " is missing or unusable"});
      } else if (entry.facts->is_on && lb->is_started) {
        add_listener(*entry.facts, *lb, service);
      }
    }
  }

  void add_listener(const ListenerFacts& facts, const LoadBalancerFacts& lb,
                    const std::shared_ptr<const Service>& service) {
    Listener listener = facts.listener;
    listener.endpoint.address = lb.vip;
    listener.drops_without_target = lb.is_dnlb;
    listener.route.push_back({.service = service});
    out_.listeners.push_back(shared(std::move(listener), previous_.listeners));
  }

  /// Null when there is no such backend service.
  std::shared_ptr<const Service> service_for(const std::string& id, const LoadBalancerFacts& lb) {
    const auto [at, is_new] = services_.try_emplace(id);
    if (!is_new) return at->second;
    const BackendFacts* backend = facts_.table<Kind::kBackend>().find(id);
    if (backend == nullptr) return nullptr;
    Service service = service_of(*backend, facts_, verdicts_);
    add_flow_table(service);
    note_forbidden(service.group_id, service.targets);
    note_forbidden(service.next_group_id, service.next_targets);
    if (lb.is_dnlb && local_.has_check_source) service.check_source = local_.check_source;
    const auto sources = local_.source_addresses.find(lb.subnet_id);
    if (sources != local_.source_addresses.end()) service.source_addresses = sources->second;
    at->second = shared(std::move(service), previous_.services);
    return at->second;
  }

  /// Says once for each group that some of its targets get neither traffic nor probes.
  void note_forbidden(const std::string& group_id, const std::vector<Target>& targets) {
    const auto found = std::ranges::find(targets, true, &Target::is_forbidden);
    if (found == targets.end() || !forbidding_.insert(group_id).second) return;
    const auto group = facts_.table<Kind::kTargetGroup>().entries.find(group_id);
    out_.errors.push_back({.kind = std::string(model::kind_name(Kind::kTargetGroup)),
                           .id = group_id,
                           .revision = group->second.version.revision,
                           .reason = "invalid",
                           .detail = "target " + found->id + ": nothing is sent to " +
                                     found->endpoint.address.text() +
                                     ", an address that no target may have"});
  }

  /// A hash algorithm without its table serves by turns, and says so.
  void add_flow_table(Service& service) {
    const bool is_hashed = service.algorithm == Algorithm::kSourceHash ||
                           service.algorithm == Algorithm::kFiveTupleHash;
    if (!is_hashed || service.group_id.empty()) return;
    const KeyringFacts* seed = facts_.table<Kind::kKeyring>().find(std::string(model::kHashSeedId));
    const TableFacts* table = table_of(service);
    if (seed != nullptr && table != nullptr) {
      service.flow_table = {table->slots, seed->current};
      return;
    }
    const auto backend = facts_.table<Kind::kBackend>().entries.find(service.id);
    out_.errors.push_back({.kind = std::string(model::kind_name(Kind::kBackend)),
                           .id = service.id,
                           .revision = backend->second.version.revision,
                           .reason = "pending",
                           .detail = seed == nullptr ? "the seed of the hash has not arrived"
                                                     : "the slot table of target group " +
                                                           service.group_id + " has not arrived"});
  }

  const TableFacts* table_of(const Service& service) const {
    for (const auto& [id, entry] : facts_.table<Kind::kTable>().entries) {
      if (entry.facts && entry.facts->group_id == service.group_id &&
          entry.facts->load_balancer_id == service.load_balancer_id) {
        return &*entry.facts;
      }
    }
    return nullptr;
  }

  void add_drains() {
    for (const auto& [id, entry] : facts_.table<Kind::kDrain>().entries) {
      if (entry.facts && placed_.contains(entry.facts->load_balancer_id)) {
        out_.drains.push_back(entry.facts->drain);
      }
    }
  }

  const FactCache& facts_;
  const Verdicts& verdicts_;
  const LocalNode& local_;
  const Snapshot& previous_;
  std::set<std::string> placed_;  // ids of load balancers that are served here
  Services services_;
  std::set<std::string> forbidding_;  // groups with a target that nothing is sent to
  Snapshot out_;
};

}  // namespace

void CompiledDeleter::operator()(Compiled* compiled) const { delete compiled; }

CompiledPtr compile(const ObjectSet& objects, const Verdicts& verdicts, const LocalNode& local,
                    CompiledPtr previous) {
  CompiledPtr compiled = previous != nullptr ? std::move(previous)
                                             : CompiledPtr(std::make_unique<Compiled>().release());
  compiled->facts.update(objects);
  const Snapshot nothing;
  const Snapshot& last = compiled->snapshot != nullptr ? *compiled->snapshot : nothing;
  Compilation compilation(compiled->facts, verdicts, local, last);
  compiled->snapshot = std::make_shared<const Snapshot>(compilation.run(objects.version()));
  return compiled;
}

std::shared_ptr<const Snapshot> snapshot_of(const Compiled& compiled) { return compiled.snapshot; }

}  // namespace weir::snapshot
