#include "api/resource_writer.h"

#include <algorithm>
#include <thread>

#include "api/client_tokens.h"
#include "api/listing.h"
#include "api/membership.h"
#include "api/placement.h"
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

/// The ids of all, for the audit.
std::string ids_text(const std::vector<Object>& objects) {
  std::string text;
  for (const Object& object : objects) text += (text.empty() ? "" : ",") + object.id;
  return text;
}

/// Lays what else the write makes, changes and takes away into its transaction.
void add_effects(const SideEffects& effects, model::LoadBalancerType type,
                 const QuotaSettings& quotas, WritePlan& plan) {
  for (const Object& other : effects.created) plan.create(other, type, quotas);
  for (const auto& other : effects.updated) plan.update(other.old, other.updated);
  for (const Object& other : effects.removed) plan.remove(other, type);
}

/// What a repeated create gets.
std::vector<Object> made_before(const KnownToken& token, Kind kind) {
  std::vector<Object> objects;
  for (const model::Id& id : *token.first) {
    Object& object = objects.emplace_back();
    object.kind = kind;
    object.id = id;
    object.revision = token.revision;
  }
  return objects;
}

std::vector<model::Id> ids_of(const std::vector<Object>& objects) {
  std::vector<model::Id> ids;
  for (const Object& object : objects) ids.push_back(object.id);
  return ids;
}

Outcome<Object> only_one(Outcome<std::vector<Object>> written) {
  if (!written.ok()) return std::move(written.errors);
  return std::move(written.value->front());
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

Result<std::set<std::string>> ResourceWriter::taken_addresses(const Object& object) const {
  std::set<std::string> taken;
  if (object.kind != Kind::kLoadBalancer && object.kind != Kind::kInstance) return taken;
  const std::string prefix = "address/" + object.admin.string_or("vpcId", "") + "/";
  WEIR_ASSIGN_OR_RETURN(const store::Listing listing, store_.list(prefix));
  for (const store::Entry& entry : listing.entries) taken.insert(entry.key.substr(prefix.size()));
  return taken;
}

Result<ResourceWriter::Preparation> ResourceWriter::prepare(
    const std::vector<Object>& objects, const std::vector<std::string>& more_roots) const {
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
  WEIR_ASSIGN_OR_RETURN(prepared.taken_addresses, taken_addresses(objects.front()));
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

Outcome<ResourceWriter::Prepared> ResourceWriter::plan_create(const std::vector<Wanted>& wanted,
                                                              const Operation& operation) const {
  const Caller& caller = operation.caller;
  const ClientToken token{caller.who, operation.name, caller.client_token};
  KnownToken known;
  if (!token.token.empty()) {
    const auto read = read_client_token(store_, token, clock_.wall_now());
    if (!read) return read.error();
    known = *read;
    if (known.first) return Prepared{{}, made_before(known, wanted.front().object.kind), true};
  }
  std::vector<Object> objects;
  catalog_.read([&](const model::ObjectIndex& index, Revision) {
    for (const Wanted& each : wanted) place_in_vpc(objects.emplace_back(each.object), index);
  });
  const auto prepared = prepare(objects);
  if (!prepared) return prepared.error();
  return catalog_.read([&](const model::ObjectIndex& index, Revision) -> Outcome<Prepared> {
    const model::WorldView world = world_of(index, *prepared);
    std::vector<Errors> of_each;
    for (std::size_t i = 0; i < objects.size(); ++i) {
      model::fill_in_defaults(objects[i], world);
      of_each.push_back(model::check_create(objects[i], world, wanted[i].found));
    }
    Errors errors = merged_errors(of_each);
    if (!errors.empty()) return errors;
    SideEffects effects;
    const HookContext context{index, prepared->taken_addresses, prepared->presence, prepared->now};
    errors = complete_create(objects, context, effects);
    if (!errors.empty()) return errors;
    WritePlan plan(prepared->roots);
    const auto type = type_of(objects.front(), index);
    for (const Object& object : objects) plan.create(object, type, settings_.quotas);
    add_effects(effects, type, settings_.quotas, plan);
    if (plan.lacks_root()) return Prepared{.is_outrun = true};
    Prepared made{plan.take(audit_row(operation.name, caller, ids_text(objects), "ok")), objects};
    if (!token.token.empty()) {
      note_client_token(token, known, ids_of(objects), prepared->now, made.transaction);
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
    const HookContext context{index, prepared->taken_addresses, prepared->presence, prepared->now};
    errors = complete_update(*old, updated, context, effects);
    if (!errors.empty()) return errors;
    if (updated == *old) return Prepared{{}, {updated}, true};
    WritePlan plan(prepared->roots);
    const auto type = type_of(*old, index);
    plan.update(*old, updated, nodes_of(index, old->id));
    add_effects(effects, type, settings_.quotas, plan);
    if (plan.lacks_root()) return Prepared{.is_outrun = true};
    return Prepared{plan.take(audit_row(operation.name, operation.caller, old->id, "ok")),
                    {updated}};
  });
}

Outcome<ResourceWriter::Prepared> ResourceWriter::plan_remove(const Place& place, bool cascade,
                                                              const Operation& operation) const {
  const auto known = find(place, operation.caller);
  if (!known) return not_found(place.kind);
  const auto prepared = prepare({*known}, leaving_roots(*known));
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
    const HookContext context{index, prepared->taken_addresses, prepared->presence, prepared->now};
    errors = complete_remove(*object, context, effects);
    if (!errors.empty()) return errors;
    WritePlan plan(prepared->roots);
    const auto type = type_of(*object, index);
    plan.remove(*object, type, nodes_of(index, object->id));
    add_effects(effects, type, settings_.quotas, plan);
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

Outcome<std::vector<Object>> ResourceWriter::write(const std::function<Outcome<Prepared>()>& plan) {
  Error last{ErrorCode::kUnavailable, "too many writes at once", ""};
  for (int attempt = 0; attempt < kWriteAttemptsMax; ++attempt) {
    Outcome<Prepared> prepared = plan();
    if (!prepared.ok()) return std::move(prepared.errors);
    if (prepared.value->is_outrun) continue;
    std::vector<Object> objects = std::move(prepared.value->objects);
    if (prepared.value->is_unchanged) return objects;
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

Outcome<Object> ResourceWriter::create(Kind kind, const Json& body, const Caller& caller) {
  return only_one(create_all(kind, {body}, caller));
}

Outcome<std::vector<Object>> ResourceWriter::create_all(Kind kind, const std::vector<Json>& bodies,
                                                        const Caller& caller) {
  const Operation operation{"create " + std::string(model::kind_name(kind)), caller};
  std::vector<Wanted> wanted;
  Random random;
  for (const Json& body : bodies) {
    auto& [object, found] = wanted.emplace_back();
    found = model::read_create(kind, body, object);
    object.kind = kind;
    object.id = model::new_id(kind, object.spec, random);
    object.owner = caller.account;
    object.created = utc_text(clock_.wall_now());
  }
  return write([&] { return plan_create(wanted, operation); });
}

Outcome<Object> ResourceWriter::create_own(const Object& object, const Caller& caller) {
  const Operation operation{"create " + std::string(model::kind_name(object.kind)), caller};
  return only_one(write([&] { return plan_create({{object, {}}}, operation); }));
}

Outcome<Object> ResourceWriter::update(const Place& place, const Change& change,
                                       const Caller& caller) {
  const Operation operation{place.operation, caller};
  return only_one(write([&] { return plan_update(place, change, operation); }));
}

Outcome<Object> ResourceWriter::remove(const Place& place, bool cascade, const Caller& caller) {
  const Operation operation{place.operation, caller};
  return only_one(write([&] { return plan_remove(place, cascade, operation); }));
}

}  // namespace weir::api
