#include "api/resource_writer.h"

#include <algorithm>
#include <thread>

#include "api/audit_row.h"
#include "api/client_tokens.h"
#include "api/held_addresses.h"
#include "api/listing.h"
#include "api/membership.h"
#include "api/placement.h"
#include "api/quotas.h"
#include "api/write_errors.h"
#include "model/keys.h"
#include "model/load_balancer.h"
#include "model/node.h"
#include "model/validate.h"

namespace weir::api {
namespace {

using model::Kind;
using model::Object;

Error not_found(Kind kind) {
  return {ErrorCode::kNotFound, std::string(model::description_of(kind).singular) + " not found",
          ""};
}

/// Lays what else the write makes, changes and takes away into its transaction.
void add_effects(const SideEffects& effects, model::LoadBalancerType type,
                 const QuotaSettings& quotas, const model::ObjectIndex& index, WritePlan& plan) {
  for (const Object& other : effects.created) plan.create(other, type, quotas);
  for (const auto& other : effects.updated) plan.update(other.old, other.updated);
  for (const Object& other : effects.removed) plan.remove(other, type, holders_of(other, index));
}

Errors check_precondition(const ResourceWriter::Place& place, const Object& object) {
  if (!place.if_match || *place.if_match == object.revision) return {};
  return {{ErrorCode::kStale,
           "If-Match names revision " + std::to_string(place.if_match->value) +
               ", the resource is at " + std::to_string(object.revision.value),
           ""}};
}

}  // namespace

ResourceWriter::ResourceWriter(Parts parts, WriterSettings settings)
    : store_(parts.store),
      catalog_(parts.catalog),
      observed_(parts.observed),
      clock_(parts.clock),
      settings_(std::move(settings)),
      started_(clock_.now()) {}

void ResourceWriter::set_own_endpoints(std::vector<net::Endpoint> endpoints) {
  const MutexLock lock(mutex_);
  own_endpoints_ = std::move(endpoints);
}

model::WorldView ResourceWriter::world_of(const model::ObjectIndex& index,
                                          const Preparation& prepared) const {
  model::WorldView world = index.view();
  world.azs = settings_.azs;
  world.own_endpoints = prepared.own_endpoints;
  world.pools = settings_.pools;
  for (const Object* node : index.all(Kind::kNode)) {
    for (const model::Binding& binding : model::from_json<model::Node>(node->spec).value.bindings) {
      for (const std::string& source : binding.sources) {
        const auto address = net::IpAddress::parse(source);
        if (address) world.node_addresses.push_back(*address);
      }
    }
  }
  return world;
}

model::LoadBalancerType ResourceWriter::type_of(const Object& object,
                                                const model::ObjectIndex& index) const {
  const Object* lb = object.kind == Kind::kLoadBalancer
                         ? &object
                         : index.find(Kind::kLoadBalancer, model::load_balancer_of(object));
  if (lb == nullptr) return model::LoadBalancerType::kAlb;
  return model::from_json<model::LoadBalancer>(lb->spec).value.type;
}

std::optional<Object> ResourceWriter::find(const Place& place, const Caller& caller) const {
  return catalog_.read([&](const model::ObjectIndex& index, Revision) -> std::optional<Object> {
    const Object* found = find_of(index, place.kind, place.id, caller.account);
    return found == nullptr ? std::nullopt : std::optional(*found);
  });
}

Result<std::set<std::string>> ResourceWriter::taken_addresses(const std::string& scope) const {
  std::set<std::string> taken;
  if (scope.empty()) return taken;
  const std::string prefix = "address/" + scope + "/";
  WEIR_ASSIGN_OR_RETURN(const store::Listing listing, store_.list(prefix));
  for (const store::Entry& entry : listing.entries) taken.insert(entry.key.substr(prefix.size()));
  return taken;
}

Result<ResourceWriter::Preparation> ResourceWriter::prepare(
    std::span<const Object> objects, const std::vector<std::string>& more_roots) const {
  Preparation prepared;
  std::set<std::string> keys(more_roots.begin(), more_roots.end());
  for (const Object& object : objects) {
    for (std::string& key : model::root_keys(object)) keys.insert(std::move(key));
  }
  for (const std::string& key : keys) {
    const auto root = store_.get(key);
    if (!root && root.error().code != ErrorCode::kNotFound) return root.error();
    prepared.roots[key] = root ? root->revision : Revision();
  }
  for (const Object& object : objects) {
    const std::string scope = model::address_scope(object);
    if (prepared.taken_addresses.contains(scope)) continue;
    WEIR_ASSIGN_OR_RETURN(prepared.taken_addresses[scope], taken_addresses(scope));
  }
  prepared.observed = observed_.view();
  prepared.presence = presence_in(prepared.observed, clock_.now() - started_);
  prepared.now = clock_.wall_now();
  {
    const MutexLock lock(mutex_);
    prepared.own_endpoints = own_endpoints_;
  }
  WEIR_TRY(catalog_.refresh());
  return prepared;
}

HookContext ResourceWriter::context_of(const Object& object, const model::ObjectIndex& index,
                                       const Preparation& prepared) const {
  return {index,
          prepared.taken_addresses.at(model::address_scope(object)),
          prepared.presence,
          prepared.now,
          prepared.observed,
          settings_.pools};
}

/// Checks and completes each in turn; who names an object before it finds that.
Errors ResourceWriter::complete(std::vector<Object>& objects, std::span<const Draft> drafts,
                                const model::ObjectIndex& index, Preparation& prepared,
                                SideEffects& effects) const {
  std::vector<Errors> of_each;
  model::WorldView world = world_of(index, prepared);
  std::span<const Object> made;
  world.find = [&made, stored = world.find](Kind kind, std::string_view id) {
    const auto found = std::ranges::find(made, id, &Object::id);
    return found != made.end() && found->kind == kind ? &*found : stored(kind, id);
  };
  for (std::size_t i = 0; i < objects.size(); ++i) {
    Object& object = objects[i];
    made = std::span<const Object>(objects).first(i);
    model::fill_in_defaults(object, world);
    Errors found = model::check_create(object, world, drafts[i].errors);
    if (found.empty()) {
      HookContext context = context_of(object, index, prepared);
      context.made = made;
      found = complete_create(object, context, effects);
    }
    prepared.taken_addresses[model::address_scope(object)].insert(model::own_address(object));
    for (Error& error : found) error.field.insert(0, drafts[i].path);
    of_each.push_back(std::move(found));
  }
  const bool is_batch = objects.front().kind == Kind::kInstance;
  Errors errors = is_batch ? merged_errors(of_each) : joined_errors(of_each);
  if (!errors.empty() || !is_batch) return errors;
  return join_groups(objects, context_of(objects.front(), index, prepared), effects);
}

Outcome<ResourceWriter::Prepared> ResourceWriter::plan_create(std::span<const Draft> drafts,
                                                              const Operation& operation) const {
  const Caller& caller = operation.caller;
  const ClientToken token{caller.who, operation.name, caller.repeat};
  KnownToken known;
  if (!token.repeat.text.empty()) {
    const auto read = read_client_token(store_, token, clock_.wall_now());
    if (!read) return read.error();
    known = *read;
    if (known.first) return Prepared{{}, made_before(known, drafts), true};
  }
  std::vector<Object> objects;
  for (const Draft& draft : drafts) objects.push_back(draft.object);
  catalog_.read([&](const model::ObjectIndex& index, Revision) {
    for (Object& object : objects) place_in_vpc(object, index);
  });
  auto prepared = prepare(objects);
  if (!prepared) return prepared.error();
  return catalog_.read([&](const model::ObjectIndex& index, Revision) -> Outcome<Prepared> {
    SideEffects effects;
    const Errors errors = complete(objects, drafts, index, *prepared, effects);
    if (!errors.empty()) return errors;
    WritePlan plan(prepared->roots);
    std::string ids;
    for (const Object& object : objects) {
      plan.create(object, type_of(object, index), settings_.quotas);
      ids += (ids.empty() ? "" : " ") + object.id;
    }
    const auto type = type_of(objects.back(), index);
    add_effects(effects, type, settings_.quotas, index, plan);
    if (plan.lacks_root()) return Prepared{.is_outrun = true};
    Prepared made{plan.take(audit_row(operation.name, caller, ids, "ok")), objects};
    if (!token.repeat.text.empty()) {
      note_client_token(token, known, objects, prepared->now, made.transaction);
    }
    return made;
  });
}

Outcome<ResourceWriter::Prepared> ResourceWriter::plan_update(const Place& place,
                                                              const Change& change,
                                                              const Operation& operation) const {
  const auto known = find(place, operation.caller);
  if (!known) return not_found(place.kind);
  std::vector<Object> touched = {*known};
  // The group that a backend service will name vouches for its members.
  if (place.kind == Kind::kBackend) (void)change(*known, touched.emplace_back(*known));
  const auto prepared = prepare(touched, leaving_roots(*known));
  if (!prepared) return prepared.error();
  return catalog_.read([&](const model::ObjectIndex& index, Revision) -> Outcome<Prepared> {
    const Object* old = index.find(place.kind, place.id);
    if (old == nullptr) return not_found(place.kind);
    Errors errors = check_precondition(place, *old);
    if (!errors.empty()) return errors;
    const model::WorldView world = world_of(index, *prepared);
    Object updated = *old;
    errors = change(*old, updated);
    model::fill_in_defaults(updated, world);
    errors = model::check_update(*old, updated, world, std::move(errors));
    if (!errors.empty()) return errors;
    SideEffects effects;
    HookContext context = context_of(*old, index, *prepared);
    context.deletes_freed_elastic_ip = place.deletes_freed_elastic_ip;
    errors = complete_update(*old, updated, context, effects);
    if (!errors.empty()) return errors;
    if (updated == *old) return Prepared{{}, {updated}, true};
    WritePlan plan(prepared->roots);
    const auto type = type_of(*old, index);
    plan.update(*old, updated, holders_of(*old, index));
    add_effects(effects, type, settings_.quotas, index, plan);
    if (plan.lacks_root()) return Prepared{.is_outrun = true};
    return Prepared{plan.take(audit_row(operation.name, operation.caller, old->id, "ok")),
                    {updated}};
  });
}

Outcome<ResourceWriter::Prepared> ResourceWriter::plan_remove(const Place& place, bool cascade,
                                                              const Operation& operation) const {
  const auto known = find(place, operation.caller);
  if (!known) return not_found(place.kind);
  const auto prepared = prepare({&*known, 1}, leaving_roots(*known));
  if (!prepared) return prepared.error();
  return catalog_.read([&](const model::ObjectIndex& index, Revision) -> Outcome<Prepared> {
    const Object* object = index.find(place.kind, place.id);
    if (object == nullptr) return not_found(place.kind);
    Errors errors = check_precondition(place, *object);
    if (!errors.empty()) return errors;
    errors = cascade && place.kind == Kind::kLoadBalancer
                 ? model::check_cascade(*object)
                 : model::check_delete(*object, world_of(index, *prepared));
    if (place.kind == Kind::kNode && prepared->observed.is_connected(place.id)) {
      errors.push_back({ErrorCode::kConflict, "node is connected", ""});
    }
    if (!errors.empty()) return errors;
    SideEffects effects;
    errors = complete_remove(*object, context_of(*object, index, *prepared), effects);
    if (!errors.empty()) return errors;
    WritePlan plan(prepared->roots);
    const auto type = type_of(*object, index);
    plan.remove(*object, type, holders_of(*object, index));
    add_effects(effects, type, settings_.quotas, index, plan);
    // Placements and drain records may be left: the collector takes them, and then the root.
    if (place.kind == Kind::kLoadBalancer) plan.bury_root(object->id);
    if (place.kind == Kind::kVpc || place.kind == Kind::kAvailabilityGroup) {
      plan.remove_root(object->id);
    }
    if (plan.lacks_root()) return Prepared{.is_outrun = true};
    return Prepared{plan.take(audit_row(operation.name, operation.caller, object->id, "ok")),
                    {*object}};
  });
}

std::vector<std::string> ResourceWriter::leaving_roots(const Object& object) const {
  return catalog_.read(
      [&](const model::ObjectIndex& index, Revision) { return roots_of_leaving(object, index); });
}

/// The one that was asked for: what it needed was made before it.
Outcome<Object> ResourceWriter::last_of(Outcome<std::vector<Object>> written) {
  if (!written.ok()) return std::move(written.errors);
  return std::move(written.value->back());
}

Outcome<std::vector<Object>> ResourceWriter::write(const std::function<Outcome<Prepared>()>& plan) {
  Error last{ErrorCode::kUnavailable, "too many writes at once", ""};
  for (int attempt = 0; attempt < kWriteAttemptsMax; ++attempt) {
    Outcome<Prepared> prepared = plan();
    if (!prepared.ok()) return std::move(prepared.errors);
    if (prepared.value->is_outrun) continue;
    std::vector<Object> objects = std::move(prepared.value->objects);
    if (prepared.value->is_unchanged) return objects;
    const auto limited = apply_limits(store_, prepared.value->transaction);
    if (!limited) return limited.error();
    const auto committed = store_.commit(prepared.value->transaction);
    if (committed) {
      for (Object& object : objects) object.revision = *committed;
      // The write is done whatever this says; a reader meets the same failure itself.
      (void)catalog_.refresh();
      return objects;
    }
    last = committed.error();
    if (!is_lost_race(last)) return explained(last);
    std::this_thread::yield();
  }
  return Error{ErrorCode::kUnavailable, "too many writes at once: " + last.message, ""};
}

Outcome<Object> ResourceWriter::update(const Place& place, const Change& change,
                                       const Caller& caller) {
  const Operation operation{place.operation, caller};
  return last_of(write([&] { return plan_update(place, change, operation); }));
}

Outcome<Object> ResourceWriter::remove(const Place& place, bool cascade, const Caller& caller) {
  const Operation operation{place.operation, caller};
  return last_of(write([&] { return plan_remove(place, cascade, operation); }));
}

}  // namespace weir::api
