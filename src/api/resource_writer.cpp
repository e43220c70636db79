#include "api/resource_writer.h"

#include <algorithm>
#include <thread>

#include "api/held_addresses.h"
#include "api/listing.h"
#include "api/placement.h"
#include "model/keys.h"
#include "model/load_balancer.h"
#include "model/node.h"
#include "model/validate.h"
#include "store/transaction_rules.h"

namespace weir::api {
namespace {

using model::Kind;
using model::Object;

Error not_found(Kind kind) {
  return {ErrorCode::kNotFound, std::string(model::description_of(kind).singular) + " not found",
          ""};
}

store::AuditRow audit_row(const std::string& operation, const Caller& caller, const model::Id& id,
                          std::string result) {
  store::AuditRow row;
  row.who = caller.who;
  row.account = caller.account;
  row.source = caller.source;
  row.operation = operation;
  row.object = id;
  row.request_id = caller.request_id;
  row.result = std::move(result);
  return row;
}

/// Another attempt reads again what this one did not know.
bool is_lost_race(const Error& error) {
  return error.code == ErrorCode::kStale || error.code == ErrorCode::kAlreadyExists;
}

/// What a refusal of the store means to the caller.
Error explained(const Error& error) {
  switch (error.code) {
    case ErrorCode::kQuotaExceeded: {
      const std::string counter = error.field.substr(error.field.rfind('/') + 1);
      return {ErrorCode::kQuotaExceeded, "quota limit " + counter + " exceeded: " + error.message,
              ""};
    }
    case ErrorCode::kInvalidArgument:
      return {ErrorCode::kInvalidArgument, "too much in one call: " + error.message, ""};
    default:
      return error;
  }
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

Result<ResourceWriter::Preparation> ResourceWriter::prepare(std::span<const Object> objects) const {
  Preparation prepared;
  for (const Object& object : objects) {
    for (const std::string& key : model::root_keys(object)) {
      if (prepared.roots.contains(key)) continue;
      const auto root = store_.get(key);
      if (!root && root.error().code != ErrorCode::kNotFound) return root.error();
      prepared.roots[key] = root ? root->revision : Revision();
    }
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
  Errors errors;
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
    for (Error& error : found) {
      error.field.insert(0, drafts[i].path);
      errors.push_back(std::move(error));
    }
  }
  return errors;
}

Outcome<ResourceWriter::Prepared> ResourceWriter::plan_create(std::span<const Draft> drafts,
                                                              const Operation& operation) const {
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
    for (const Object& other : effects.created) plan.create(other, type, settings_.quotas);
    for (const auto& other : effects.updated) plan.update(other.old, other.updated);
    return Prepared{plan.take(audit_row(operation.name, operation.caller, ids, "ok")),
                    objects.back()};
  });
}

Outcome<ResourceWriter::Prepared> ResourceWriter::plan_update(const Place& place,
                                                              const Change& change,
                                                              const Operation& operation) const {
  const auto known = find(place, operation.caller);
  if (!known) return not_found(place.kind);
  const auto prepared = prepare({&*known, 1});
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
    if (updated == *old) return Prepared{{}, updated, true};
    WritePlan plan(prepared->roots);
    const auto type = type_of(*old, index);
    plan.update(*old, updated, holders_of(*old, index));
    for (const Object& other : effects.created) plan.create(other, type, settings_.quotas);
    for (const auto& other : effects.updated) plan.update(other.old, other.updated);
    for (const Object& other : effects.removed) {
      plan.remove(other, type, holders_of(other, index));
    }
    return Prepared{plan.take(audit_row(operation.name, operation.caller, old->id, "ok")), updated};
  });
}

Outcome<ResourceWriter::Prepared> ResourceWriter::plan_remove(const Place& place, bool cascade,
                                                              const Operation& operation) const {
  const auto known = find(place, operation.caller);
  if (!known) return not_found(place.kind);
  const auto prepared = prepare({&*known, 1});
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
    WritePlan plan(prepared->roots);
    const auto type = type_of(*object, index);
    plan.remove(*object, type, holders_of(*object, index));
    SideEffects effects;
    complete_remove(*object, index, effects);
    for (const auto& other : effects.updated) plan.update(other.old, other.updated);
    for (const Object& other : effects.removed) plan.remove(other, type);
    // Placements and drain records may be left: the collector takes them, and then the root.
    if (place.kind == Kind::kLoadBalancer) plan.bury_root(object->id);
    if (place.kind == Kind::kVpc) plan.remove_root(object->id);
    return Prepared{plan.take(audit_row(operation.name, operation.caller, object->id, "ok")),
                    *object};
  });
}

Outcome<Object> ResourceWriter::write(const std::function<Outcome<Prepared>()>& plan) {
  Error last{ErrorCode::kUnavailable, "too many writes at once", ""};
  for (int attempt = 0; attempt < kWriteAttemptsMax; ++attempt) {
    Outcome<Prepared> prepared = plan();
    if (!prepared.ok()) return std::move(prepared.errors);
    Object object = std::move(prepared.value->object);
    if (prepared.value->is_unchanged) return object;
    const auto committed = store_.commit(prepared.value->transaction);
    if (committed) {
      object.revision = *committed;
      // The write is done whatever this says; a reader meets the same failure itself.
      (void)catalog_.refresh();
      return object;
    }
    last = committed.error();
    if (!is_lost_race(last)) return explained(last);
    std::this_thread::yield();
  }
  return Error{ErrorCode::kUnavailable, "too many writes at once: " + last.message, ""};
}

ResourceWriter::Draft ResourceWriter::draft(Kind kind, const Json& body,
                                            const Caller& caller) const {
  Draft draft;
  Object& object = draft.object;
  draft.errors = model::read_create(kind, body, object);
  Random random;
  object.kind = kind;
  object.id = model::new_id(kind, object.spec, random);
  object.owner = caller.account;
  object.created = utc_text(clock_.wall_now());
  return draft;
}

Outcome<Object> ResourceWriter::create_all(std::span<const Draft> drafts, const Caller& caller,
                                           bool is_dry_run) {
  const Object& last = drafts.back().object;
  const Operation operation{"create " + std::string(model::kind_name(last.kind)), caller};
  if (is_dry_run) return try_out(plan_create(drafts, operation));
  return write([&] { return plan_create(drafts, operation); });
}

/// What the store would say of the quotas.
Outcome<Object> ResourceWriter::try_out(Outcome<Prepared> prepared) const {
  if (!prepared.ok()) return std::move(prepared.errors);
  Errors errors;
  for (const store::CounterChange& change : prepared.value->transaction.counters) {
    const auto counter = store_.get(change.key);
    if (!counter && counter.error().code != ErrorCode::kNotFound) return counter.error();
    const auto stored = counter ? std::optional(counter->value) : std::nullopt;
    const auto sum = store::counter_sum(stored, change);
    if (!sum) errors.push_back(explained(sum.error()));
  }
  if (!errors.empty()) return errors;
  return std::move(prepared.value->object);
}

Outcome<Object> ResourceWriter::create(Kind kind, const Json& body, const Caller& caller) {
  const Draft wanted = draft(kind, body, caller);
  return create_all({&wanted, 1}, caller);
}

Outcome<Object> ResourceWriter::create_own(const Object& object, const Caller& caller) {
  const Draft wanted{object, {}, ""};
  return create_all({&wanted, 1}, caller);
}

Outcome<Object> ResourceWriter::update(const Place& place, const Change& change,
                                       const Caller& caller) {
  const Operation operation{place.operation, caller};
  return write([&] { return plan_update(place, change, operation); });
}

Outcome<Object> ResourceWriter::remove(const Place& place, bool cascade, const Caller& caller) {
  const Operation operation{place.operation, caller};
  return write([&] { return plan_remove(place, cascade, operation); });
}

}  // namespace weir::api
