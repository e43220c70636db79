#include "snapshot/compile.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "model/keyring.h"
#include "model/public_pool.h"
#include "snapshot/fact_cache.h"
#include "snapshot/relations.h"
#include "snapshot/service.h"

namespace weir::snapshot {

struct Compiled {
  using Ids = Links::Ids;
  template <class Part>
  using Parts = std::map<std::string, std::shared_ptr<const Part>>;  // by id

  FactCache facts;
  LocalNode local;
  Relations relations;

  // What the Snapshot is made of.
  Ids placed;  // load balancers that are served here
  Parts<Listener> listeners;
  Parts<Service> services;
  Parts<Drain> drains;
  std::map<std::string, ObjectError> lb_errors;
  std::map<std::string, ObjectError> listener_errors;
  std::map<std::string, std::vector<ObjectError>> service_errors;

  CompileWork work;
  std::shared_ptr<const Snapshot> snapshot;  // null before the first
};

namespace {

using Kind = model::Kind;
using Ids = Links::Ids;

template <class Part>
std::vector<std::shared_ptr<const Part>> list_of(const Compiled::Parts<Part>& parts) {
  std::vector<std::shared_ptr<const Part>> list;
  list.reserve(parts.size());
  for (const auto& [id, part] : parts) list.push_back(part);
  return list;
}

ObjectError error_of(Kind kind, const std::string& id, Revision revision, std::string detail) {
  return {.kind = std::string(model::kind_name(kind)),
          .id = id,
          .revision = revision,
          .reason = "invalid",
          .detail = std::move(detail)};
}

/// One compilation: what the changes concern is found first (dirty), then built anew from load
/// balancers down to listeners; the rest stays.
class Compilation {
 public:
  Compilation(Compiled& state, const CompileInput& input)
      : state_(state), facts_(state.facts), links_(state.relations), input_(input) {}

  void run() {
    state_.work = {};
    const bool is_all =
        input_.changes == nullptr || state_.snapshot == nullptr || state_.local != input_.local;
    state_.local = input_.local;
    const FactCache::Keys keys =
        is_all ? state_.facts.all_keys(input_.objects) : input_.changes->objects;
    state_.work.objects_read = state_.facts.update(input_.objects, keys);
    for (const ObjectSet::Key& key : keys) relate(key, state_.facts, state_.relations, dirty_);
    if (is_all) {
      mark_all();
    } else {
      for (const TargetKey& key : input_.changes->verdicts) dirty_.services.insert(key.service);
    }
    place_load_balancers();
    for (const std::string& id : dirty_.services) build_service(id);
    for (const std::string& id : dirty_.listeners) build_listener(id);
    for (const std::string& id : dirty_.drains) build_drain(id);
    state_.work.filters_made = facts_.filters_made();
    state_.snapshot = std::make_shared<const Snapshot>(assemble());
  }

 private:
  void mark_all() {
    add_ids(dirty_.load_balancers, state_.placed);
    for (const auto& [id, entry] : facts_.table<Kind::kLoadBalancer>().entries)
      dirty_.load_balancers.insert(id);
    for (const auto& [id, part] : state_.services) dirty_.services.insert(id);
    for (const auto& [id, entry] : facts_.table<Kind::kBackend>().entries)
      dirty_.services.insert(id);
  }

  // --- load balancers --------------------------------------------------------------------------

  bool is_wanted(const std::string& lb) const {
    return std::ranges::any_of(links_.placement_lb.naming(lb), [&](const std::string& id) {
      const PlacementFacts* facts = facts_.table<Kind::kPlacement>().find(id);
      return facts != nullptr && facts->node_id == input_.local.node_id;
    });
  }

  /// VPCs may overlap, but a node has each address once: the older load balancer keeps it, so that
  /// no new one takes the traffic of another.
  std::string owner_of(const net::IpAddress& address) const {
    const auto& table = facts_.table<Kind::kLoadBalancer>();
    std::string owner;
    for (const std::string& id : links_.lb_address.naming(address.text())) {
      if (!is_wanted(id)) continue;
      if (owner.empty() || table.find(id)->created < table.find(owner)->created) owner = id;
    }
    return owner;
  }

  void place_load_balancers() {
    for (const std::string& id : dirty_.load_balancers) {
      place(id);
      for (const std::string& listener : links_.listener_lb.naming(id)) {
        dirty_.listeners.insert(listener);
        add_ids(dirty_.services, links_.listener_backend.named_by(listener));
      }
      add_ids(dirty_.services, links_.backend_lb.naming(id));
      add_ids(dirty_.drains, links_.drain_lb.naming(id));
    }
  }

  void place(const std::string& id) {
    state_.placed.erase(id);
    state_.lb_errors.erase(id);
    if (!is_wanted(id)) return;
    const auto& table = facts_.table<Kind::kLoadBalancer>();
    const LoadBalancerFacts* lb = table.find(id);
    const std::string owner = lb == nullptr ? id : owner_of(lb->vip);
    if (owner == id) {
      state_.placed.insert(id);
      if (lb != nullptr && lb->elastic_ip && !elastic_ip_of(id, *lb)) {
        note_lost(id, "admin.elasticIpAddress", *lb->elastic_ip);
      }
      const auto missing = missing_security_group(id, facts_);
      if (missing) state_.lb_errors.emplace(id, *missing);
      return;
    }
    note_lost(id, "admin.vip", lb->vip);
  }

  /// An address of the load balancer is served for an older one.
  void note_lost(const std::string& id, const std::string& field, const net::IpAddress& address) {
    const auto& entries = facts_.table<Kind::kLoadBalancer>().entries;
    state_.lb_errors.emplace(id, error_of(Kind::kLoadBalancer, id, entries.at(id).version.revision,
                                          field + ": " + address.text() +
                                              " is served for another load balancer already"));
  }

  /// The one that it answers on here; none when an older load balancer has the address.
  std::optional<net::IpAddress> elastic_ip_of(const std::string& id,
                                              const LoadBalancerFacts& lb) const {
    return lb.elastic_ip && owner_of(*lb.elastic_ip) == id ? lb.elastic_ip : std::nullopt;
  }

  const LoadBalancerFacts* placed_load_balancer(const std::string& id) const {
    return state_.placed.contains(id) ? facts_.table<Kind::kLoadBalancer>().find(id) : nullptr;
  }

  /// Empty unless the probes of the load balancer have to leave from another address.
  std::string note_of(const LoadBalancerFacts& lb) const {
    const LocalNode& local = input_.local;
    if (!lb.is_dnlb || local.check_source.is_unspecified() || local.has_check_source) return "";
    return "health checks leave from other addresses of this node: it does not have " +
           local.check_source.text();
  }

  // --- backend services ------------------------------------------------------------------------

  /// That of the first listener here that refers to the service; null without one.
  const LoadBalancerFacts* load_balancer_using(const std::string& service) const {
    for (const std::string& id : links_.listener_backend.naming(service)) {
      const ListenerFacts* listener = facts_.table<Kind::kListener>().find(id);
      const LoadBalancerFacts* lb =
          listener == nullptr ? nullptr : placed_load_balancer(listener->listener.load_balancer_id);
      if (lb != nullptr) return lb;
    }
    return nullptr;
  }

  void build_service(const std::string& id) {
    const LoadBalancerFacts* lb = load_balancer_using(id);
    const BackendFacts* backend = facts_.table<Kind::kBackend>().find(id);
    state_.service_errors.erase(id);
    if (lb == nullptr || backend == nullptr) {
      links_.service_groups.set(id, {});
      if (state_.services.erase(id) > 0)
        add_ids(dirty_.listeners, links_.listener_backend.naming(id));
      return;
    }
    ++state_.work.services_built;
    links_.service_groups.set(id, groups_of(*backend));
    Service service = made_service(*backend, *lb);
    auto& held = state_.services[id];
    if (held != nullptr && *held == service) return;
    held = std::make_shared<const Service>(std::move(service));
    add_ids(dirty_.listeners, links_.listener_backend.naming(id));
  }

  /// The one asked for, and those that are checked for the service.
  Ids groups_of(const BackendFacts& backend) const {
    Ids groups = one_id(backend.group_id);
    const std::string& id = backend.service.id;
    const Verdicts& verdicts = input_.verdicts;
    auto at = verdicts.lower_bound({id, "", Slot(0)});
    while (at != verdicts.end() && at->first.service == id) {
      groups.insert(at->first.group);
      at = verdicts.upper_bound({id, at->first.group, Slot(UINT16_MAX)});
    }
    return groups;
  }

  Service made_service(const BackendFacts& backend, const LoadBalancerFacts& lb) {
    const LocalNode& local = input_.local;
    Service service = service_of(backend, facts_, input_.verdicts);
    add_flow_table(service);
    note_forbidden(service, service.group_id, service.targets);
    note_forbidden(service, service.next_group_id, service.next_targets);
    if (lb.is_dnlb && local.has_check_source) service.check_source = local.check_source;
    const auto sources = local.source_addresses.find(lb.subnet_id);
    if (sources != local.source_addresses.end()) service.source_addresses = sources->second;
    return service;
  }

  /// Says that some targets of a group get neither traffic nor probes.
  void note_forbidden(const Service& service, const std::string& group_id,
                      const std::vector<Target>& targets) {
    const auto found = std::ranges::find(targets, true, &Target::is_forbidden);
    if (found == targets.end()) return;
    const Kind kind = facts_.find_group(group_id)->kind;
    const Revision revision = facts_.revision_of_group(group_id);
    state_.service_errors[service.id].push_back(
        error_of(kind, group_id, revision,
                 "target " + found->id + ": nothing is sent to " + found->endpoint.address.text() +
                     ", an address that no target may have"));
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
    ObjectError error = error_of(
        Kind::kBackend, service.id, backend->second.version.revision,
        seed == nullptr ? "the seed of the hash has not arrived"
                        : "the slot table of group " + service.group_id + " has not arrived");
    error.reason = "pending";
    state_.service_errors[service.id].push_back(std::move(error));
  }

  const TableFacts* table_of(const Service& service) const {
    for (const std::string& id : links_.table_group.naming(service.group_id)) {
      const TableFacts* table = facts_.table<Kind::kTable>().find(id);
      if (table == nullptr) continue;
      // That of an availability group is for every load balancer.
      const std::string& lb = table->load_balancer_id;
      if (lb.empty() || lb == service.load_balancer_id) return table;
    }
    return nullptr;
  }

  // --- listeners and drain records -------------------------------------------------------------

  void build_listener(const std::string& id) {
    state_.listener_errors.erase(id);
    std::shared_ptr<const Listener> before;
    if (const auto held = state_.listeners.extract(id); !held.empty()) before = held.mapped();
    const auto& table = facts_.table<Kind::kListener>();
    const ListenerFacts* facts = table.find(id);
    const LoadBalancerFacts* lb =
        facts == nullptr ? nullptr : placed_load_balancer(facts->listener.load_balancer_id);
    if (lb == nullptr) return;
    ++state_.work.listeners_built;
    const auto service = state_.services.find(facts->backend_id);
    if (service == state_.services.end()) {
      state_.listener_errors.emplace(
          id, error_of(Kind::kListener, id, table.entries.at(id).version.revision,
                       "spec.backendId: backend service " + facts->backend_id +
                           " is missing or unusable"));
      return;
    }
    if (!facts->is_on || !lb->is_started) return;
    Listener listener = facts->listener;
    listener.endpoint.address = lb->vip;
    listener.elastic_ip = elastic_ip_of(listener.load_balancer_id, *lb);
    listener.drops_without_target = lb->is_dnlb;
    listener.admission = facts_.admission(listener.load_balancer_id, listener.endpoint.port);
    listener.route.push_back({.service = service->second});
    // The one before when nothing changed, so that engines see what did by comparing pointers.
    if (before == nullptr || *before != listener) {
      before = std::make_shared<const Listener>(std::move(listener));
    }
    state_.listeners.emplace(id, std::move(before));
  }

  void build_drain(const std::string& id) {
    const DrainFacts* facts = facts_.table<Kind::kDrain>().find(id);
    if (facts != nullptr && state_.placed.contains(facts->load_balancer_id)) {
      state_.drains[id] = facts->drain;
    } else {
      state_.drains.erase(id);
    }
  }

  // --- the Snapshot ----------------------------------------------------------------------------

  Snapshot assemble() const {
    const bool is_first = state_.snapshot == nullptr;
    Snapshot snapshot;
    snapshot.version = input_.objects.version();
    snapshot.listeners = is_first || !dirty_.listeners.empty() ? list_of(state_.listeners)
                                                               : state_.snapshot->listeners;
    snapshot.services =
        is_first || !dirty_.services.empty() ? list_of(state_.services) : state_.snapshot->services;
    snapshot.drains = list_of(state_.drains);
    snapshot.addresses =
        is_first || !dirty_.load_balancers.empty() ? addresses() : state_.snapshot->addresses;
    snapshot.errors = errors();
    return snapshot;
  }

  std::vector<ServedAddress> addresses() const {
    std::vector<ServedAddress> served;
    for (const std::string& id : state_.placed) {
      const LoadBalancerFacts* lb = facts_.table<Kind::kLoadBalancer>().find(id);
      if (lb == nullptr) continue;
      served.push_back({.address = lb->vip,
                        .subnet_id = lb->subnet_id,
                        .load_balancer_id = id,
                        .note = note_of(*lb)});
      const auto elastic_ip = elastic_ip_of(id, *lb);
      if (!elastic_ip) continue;
      served.push_back({.address = *elastic_ip,
                        .subnet_id = model::pool_network(lb->elastic_ip_pool),
                        .load_balancer_id = id});
    }
    return served;
  }

  /// One group may stand in several services: it is named once.
  std::vector<ObjectError> errors() const {
    std::vector<ObjectError> all;
    for (const auto& [key, error] : facts_.errors()) all.push_back(error);
    for (const auto& [id, error] : state_.lb_errors) all.push_back(error);
    const auto kind_and_id = [](const ObjectError& error) {
      return std::pair(error.kind, error.id);
    };
    std::set<std::pair<std::string, std::string>> named;
    for (const auto& [id, found] : state_.service_errors) {
      for (const ObjectError& error : found) {
        if (named.insert(kind_and_id(error)).second) all.push_back(error);
      }
    }
    for (const auto& [id, error] : state_.listener_errors) all.push_back(error);
    return all;
  }

  Compiled& state_;
  const FactCache& facts_;
  Relations& links_;
  const CompileInput& input_;
  Affected dirty_;  // what has to be built anew
};

}  // namespace

void CompiledDeleter::operator()(Compiled* compiled) const { delete compiled; }

CompiledPtr compile(const CompileInput& input, CompiledPtr previous) {
  CompiledPtr compiled = previous != nullptr ? std::move(previous)
                                             : CompiledPtr(std::make_unique<Compiled>().release());
  Compilation(*compiled, input).run();
  return compiled;
}

CompiledPtr compile_all(const ObjectSet& objects, const Verdicts& verdicts, const LocalNode& local,
                        CompiledPtr previous) {
  return compile({.objects = objects, .verdicts = verdicts, .local = local}, std::move(previous));
}

std::shared_ptr<const Snapshot> snapshot_of(const Compiled& compiled) { return compiled.snapshot; }

const CompileWork& work_of(const Compiled& compiled) { return compiled.work; }

}  // namespace weir::snapshot
