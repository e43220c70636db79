#include "api/elastic_ips.h"

#include <algorithm>

#include "api/held_addresses.h"
#include "api/placement.h"
#include "base/mutant.h"
#include "model/elastic_ip.h"
#include "model/load_balancer.h"
#include "model/public_pool.h"

namespace weir::api {
namespace {

using model::Kind;
using model::Object;

constexpr std::string_view kAddressField = "spec.address";
constexpr std::string_view kAssociationField = "spec.elasticIpId";

model::ElasticIpAdmin admin_of(const Object& elastic_ip) {
  return model::from_json<model::ElasticIpAdmin>(elastic_ip.admin).value;
}

/// The subnets that were there before a pool, whose addresses are no public ones.
std::vector<net::Prefix> subnets_in(const model::PublicPool& pool,
                                    const model::ObjectIndex& index) {
  std::vector<net::Prefix> found;
  for (const Object* subnet : index.all(Kind::kSubnet)) {
    const auto prefix = net::Prefix::parse(subnet->spec.string_or("addressPrefix", ""));
    if (prefix && model::pool_overlapping({&pool, 1}, *prefix) != nullptr) {
      found.push_back(*prefix);
    }
  }
  return found;
}

bool lies_in(const std::vector<net::Prefix>& prefixes, const net::IpAddress& address) {
  return std::ranges::any_of(prefixes, [&](const auto& one) { return one.contains(address); });
}

void give(Object& elastic_ip, const model::PublicPool& pool, const std::string& address) {
  model::ElasticIpAdmin admin = admin_of(elastic_ip);
  admin.address = address;
  admin.pool = pool.name;
  admin.az = pool.az;
  elastic_ip.admin = model::to_json(admin);
}

Error conflict(std::string_view field, std::string message) {
  return {ErrorCode::kConflict, std::move(message), std::string(field)};
}

Errors give_wanted(Object& elastic_ip, const std::string& wanted, const HookContext& context) {
  const net::IpAddress address = net::IpAddress::parse(wanted).value();
  const model::PublicPool* pool = model::pool_of(context.pools, address);
  if (context.taken_addresses.contains(wanted)) {
    return {conflict(kAddressField, wanted + " is in use, or still being released by the nodes "
                                             "that held it")};
  }
  if (lies_in(subnets_in(*pool, context.index), address)) {
    return {conflict(kAddressField, wanted + " lies in a subnet")};
  }
  give(elastic_ip, *pool, wanted);
  return {};
}

/// The other side of an association that ends: nodes may have connections on it for a while.
Object freed(const Object& elastic_ip, std::vector<std::string> nodes) {
  Object free = elastic_ip;
  model::ElasticIpAdmin admin = admin_of(elastic_ip);
  admin.load_balancer_id.clear();
  admin.releasing = std::move(nodes);
  free.admin = model::to_json(admin);
  return free;
}

/// Sets the side of the load balancer.
void take(Object& load_balancer, const Object* elastic_ip) {
  auto admin = model::from_json<model::LoadBalancerAdmin>(load_balancer.admin).value;
  const model::ElasticIpAdmin other =
      elastic_ip == nullptr ? model::ElasticIpAdmin() : admin_of(*elastic_ip);
  admin.elastic_ip_address = other.address;
  admin.elastic_ip_pool = other.pool;
  load_balancer.admin = model::to_json(admin);
}

/// Nodes that serve the load balancer, those that come with it included.
std::vector<std::string> serving_nodes(const Object& load_balancer, const HookContext& context,
                                       const SideEffects& effects) {
  std::vector<std::string> nodes = nodes_of(context.index, load_balancer.id);
  for (const Object& made : effects.created) {
    const bool is_placement = made.kind == Kind::kPlacement &&
                              made.spec.string_or("loadBalancerId", "") == load_balancer.id;
    if (is_placement) nodes.push_back(made.spec.string_or("nodeId", ""));
  }
  return nodes;
}

/// Whether nodes that do not serve the load balancer may still have the address.
Errors check_given_up(const Object& elastic_ip, const std::vector<std::string>& serving,
                      const HookContext& context) {
  if (mutant("address-given-early")) return {};
  const model::ElasticIpAdmin admin = admin_of(elastic_ip);
  for (const std::string& node : admin.releasing) {
    if (std::ranges::find(serving, node) != serving.end()) continue;
    if (has_given_up(node, admin.address, elastic_ip.revision, context.index, context.observed)) {
      continue;
    }
    return {conflict(kAssociationField, elastic_ip.id + " is still being released by node " + node +
                                            ": connections to " + admin.address +
                                            " may run there")};
  }
  return {};
}

/// On a segment an address can be announced by one node.
Errors check_announced_once(const Object& elastic_ip, const std::vector<std::string>& serving,
                            const HookContext& context) {
  const std::string pool = elastic_ip.admin.string_or("pool", "");
  std::string names;
  std::size_t count = 0;
  for (const std::string& id : serving) {
    const Object* node = context.index.find(Kind::kNode, id);
    if (node == nullptr || pool_binding_of(*node, pool) != model::BindingMode::kInterface) continue;
    names += (names.empty() ? "" : ", ") + id;
    ++count;
  }
  if (count < 2) return {};
  return {{ErrorCode::kFailedPrecondition,
           "pool " + pool + " is bound to interfaces of nodes " + names +
               ", which all serve the load balancer: one of them can announce an address, or "
               "somebody else moves it (mode external)",
           std::string(kAssociationField)}};
}

/// True when a pool of the provider had an address. `zoned`: of pools that serve one zone alone.
bool give_free(Object& elastic_ip, const std::string& provider, bool zoned,
               const HookContext& context) {
  for (const model::PublicPool& pool : context.pools) {
    if (pool.provider != provider || pool.az.empty() == zoned) continue;
    const auto subnets = subnets_in(pool, context.index);
    const auto free = model::free_public_address(pool, [&](const net::IpAddress& address) {
      return lies_in(subnets, address) || context.taken_addresses.contains(address.text());
    });
    if (!free) continue;
    give(elastic_ip, pool, free->text());
    return true;
  }
  return false;
}

}  // namespace

Errors place_elastic_ip(Object& elastic_ip, const HookContext& context) {
  const auto spec = model::from_json<model::ElasticIp>(elastic_ip.spec).value;
  if (spec.address) return give_wanted(elastic_ip, *spec.address, context);
  // What fits every load balancer first: nobody has asked for the zone of a pool.
  for (const bool zoned : {false, true}) {
    if (give_free(elastic_ip, spec.provider, zoned, context)) return {};
  }
  return {{ErrorCode::kFailedPrecondition,
           "no address of the public pools of " + spec.provider + " is free", "spec.provider"}};
}

Errors follow_elastic_ip(const Object* old, Object& load_balancer, const HookContext& context,
                         SideEffects& effects) {
  const model::Id before = old == nullptr ? "" : old->spec.string_or("elasticIpId", "");
  const model::Id after = load_balancer.spec.string_or("elasticIpId", "");
  if (before == after) return {};
  const Object* left = context.index.find(Kind::kElasticIp, before);
  if (left != nullptr) {
    Object free = freed(*left, nodes_of(context.index, load_balancer.id));
    if (context.deletes_freed_elastic_ip) {
      effects.removed.push_back(std::move(free));
    } else {
      effects.updated.push_back({*left, std::move(free)});
    }
  }
  const Object* stored = context.index.find(Kind::kElasticIp, after);
  const auto made = std::ranges::find(context.made, after, &Object::id);
  const Object* elastic_ip = made != context.made.end() ? &*made : stored;
  take(load_balancer, elastic_ip);
  if (elastic_ip == nullptr) return {};
  const auto serving = serving_nodes(load_balancer, context, effects);
  Errors errors = check_given_up(*elastic_ip, serving, context);
  std::ranges::move(check_announced_once(*elastic_ip, serving, context),
                    std::back_inserter(errors));
  if (!errors.empty() || elastic_ip != stored) return errors;
  Object updated = freed(*stored, {});
  updated.admin["loadBalancerId"] = load_balancer.id;
  effects.updated.push_back({*stored, std::move(updated)});
  return {};
}

void free_elastic_ip(const Object& load_balancer, const model::ObjectIndex& index,
                     SideEffects& effects) {
  const Object* left =
      index.find(Kind::kElasticIp, load_balancer.spec.string_or("elasticIpId", ""));
  if (left == nullptr) return;
  effects.updated.push_back({*left, freed(*left, nodes_of(index, load_balancer.id))});
}

bool is_releasing(const Object& elastic_ip) { return !admin_of(elastic_ip).releasing.empty(); }

bool have_all_given_up(const Object& elastic_ip, const model::ObjectIndex& index,
                       const ObservedView& observed) {
  const model::ElasticIpAdmin admin = admin_of(elastic_ip);
  return std::ranges::all_of(admin.releasing, [&](const std::string& node) {
    return has_given_up(node, admin.address, elastic_ip.revision, index, observed);
  });
}

void associate(Object& load_balancer, Object& elastic_ip) {
  auto spec = model::from_json<model::LoadBalancer>(load_balancer.spec).value;
  spec.elastic_ip_id = elastic_ip.id;
  load_balancer.spec = model::to_json(spec);
  elastic_ip.admin["loadBalancerId"] = load_balancer.id;
}

}  // namespace weir::api
