#include "api/staged_writes.h"

#include <algorithm>

#include "api/audit_row.h"
#include "api/held_addresses.h"
#include "api/listing.h"
#include "api/membership.h"
#include "api/write_plan.h"
#include "model/keys.h"
#include "model/parts.h"
#include "model/registry.h"
#include "model/validate.h"

namespace weir::api {
namespace {

using model::Kind;
using model::Object;

/// An item as a user wrote it.
Json without_outputs(const model::PartKind& kind, Json item) {
  for (const model::FieldDescription& field : kind.description().spec) {
    if (field.options.is_output) item.erase(field.name);
  }
  return item;
}

/// The order of parts says nothing: those that are there already stay in their order.
void keep_order(const Object& old, Object& updated) {
  for (const model::PartKind& kind : model::part_kinds()) {
    if (kind.whole != old.kind) continue;
    const Json* before = old.spec.find(kind.list);
    if (before == nullptr || !before->is_array()) continue;
    Json::Array& items = model::parts_of(kind, updated);
    auto next = items.begin();
    for (const Json& item : before->as_array()) {
      const Json wanted = without_outputs(kind, item);
      const auto found = std::find_if(next, items.end(), [&](const Json& each) {
        return without_outputs(kind, each) == wanted;
      });
      if (found == items.end()) continue;
      std::rotate(next, found, std::next(found));
      ++next;
    }
  }
}

Error not_found(Kind kind) {
  return {ErrorCode::kNotFound, std::string(model::description_of(kind).singular) + " not found",
          ""};
}

}  // namespace

Result<StagedWrites::Ground> StagedWrites::Ground::read(const ResourceWriter& writer,
                                                        const std::set<std::string>& roots) {
  std::map<std::string, Revision> found;
  for (const std::string& key : roots) {
    const auto root = writer.store_.get(key);
    if (!root && root.error().code != ErrorCode::kNotFound) return root.error();
    found[key] = root ? root->revision : Revision();
  }
  Ground ground;
  WEIR_ASSIGN_OR_RETURN(ground.prepared_, writer.prepare({}));
  ground.prepared_.roots = std::move(found);
  return ground;
}

void StagedWrites::touch(const Object& object) {
  const Object* known = parts_.picture.find(object.kind, object.id);
  before_.try_emplace({object.kind, object.id},
                      known == nullptr ? std::nullopt : std::optional(*known));
}

void StagedWrites::put(const Object& object) {
  touch(object);
  parts_.picture.put(object);
}

void StagedWrites::erase(const Object& object) {
  const Object gone = object;
  touch(gone);
  parts_.picture.erase(gone.kind, gone.id);
}

void StagedWrites::take_effects(const SideEffects& effects) {
  for (const Object& made : effects.created) put(made);
  for (const auto& other : effects.updated) put(other.updated);
  for (const Object& other : effects.removed) erase(other);
}

Result<HookContext> StagedWrites::context_of(const Object& object) {
  auto& taken = parts_.ground.prepared_.taken_addresses;
  const std::string scope = model::address_scope(object);
  if (!taken.contains(scope)) {
    WEIR_ASSIGN_OR_RETURN(taken[scope], parts_.writer.taken_addresses(scope));
  }
  return parts_.writer.context_of(object, parts_.picture, parts_.ground.prepared_);
}

Errors StagedWrites::complete_made(Object& object) {
  const auto context = context_of(object);
  if (!context) return {context.error()};
  SideEffects effects;
  Errors errors = complete_create(object, *context, effects);
  if (errors.empty() && object.kind == Kind::kInstance) {
    std::vector<Object> alone = {object};
    errors = join_groups(alone, *context, effects);
    object = std::move(alone.front());
  }
  if (errors.empty()) take_effects(effects);
  parts_.ground.prepared_.taken_addresses[model::address_scope(object)].insert(
      model::own_address(object));
  return errors;
}

Errors StagedWrites::create(ResourceWriter::Draft draft) {
  Object& object = draft.object;
  place_in_vpc(object, parts_.picture);
  const model::WorldView world = parts_.writer.world_of(parts_.picture, parts_.ground.prepared_);
  model::fill_in_defaults(object, world);
  Errors errors = model::check_create(object, world, std::move(draft.errors));
  if (errors.empty()) errors = complete_made(object);
  put(object);
  return errors;
}

Errors StagedWrites::update(const ResourceWriter::Place& place,
                            const ResourceWriter::Change& change) {
  const Object* found = find_of(parts_.picture, place.kind, place.id, caller_.account);
  if (found == nullptr) return {not_found(place.kind)};
  const Object old = *found;
  const model::WorldView world = parts_.writer.world_of(parts_.picture, parts_.ground.prepared_);
  Object updated = old;
  Errors errors = change(old, updated);
  model::fill_in_defaults(updated, world);
  errors = model::check_update(old, updated, world, std::move(errors));
  if (!errors.empty()) return errors;
  keep_order(old, updated);
  const auto context = context_of(old);
  if (!context) return {context.error()};
  SideEffects effects;
  errors = complete_update(old, updated, *context, effects);
  if (!errors.empty()) return errors;
  if (updated == old) return {};
  put(updated);
  take_effects(effects);
  return {};
}

Errors StagedWrites::remove(const ResourceWriter::Place& place) {
  const Object* found = find_of(parts_.picture, place.kind, place.id, caller_.account);
  if (found == nullptr) return {not_found(place.kind)};
  const Object object = *found;
  const model::WorldView world = parts_.writer.world_of(parts_.picture, parts_.ground.prepared_);
  Errors errors = model::check_delete(object, world);
  if (!errors.empty()) return errors;
  const auto context = context_of(object);
  if (!context) return {context.error()};
  SideEffects effects;
  errors = complete_remove(object, *context, effects);
  if (!errors.empty()) return errors;
  erase(object);
  take_effects(effects);
  return {};
}

bool StagedWrites::is_changed() const { return !differences().empty(); }

/// `after` null: it goes.
void StagedWrites::add_to(WritePlan& plan, const Object& before, const Object* after) {
  const auto holders = holders_of(before, parts_.picture);
  if (after != nullptr) return plan.update(before, *after, holders);
  plan.remove(before, parts_.writer.type_of(before, parts_.picture), holders);
  if (before.kind == Kind::kLoadBalancer) plan.bury_root(before.id);
  if (before.kind == Kind::kVpc || before.kind == Kind::kAvailabilityGroup) {
    plan.remove_root(before.id);
  }
}

std::vector<StagedWrites::Difference> StagedWrites::differences() const {
  std::vector<Difference> found;
  for (const auto& [key, before] : before_) {
    const Object* after = parts_.picture.find(key.first, key.second);
    const bool is_same = before ? after != nullptr && *after == *before : after == nullptr;
    if (!is_same) found.push_back({before ? &*before : nullptr, after});
  }
  return found;
}

StagedWrites::Staged StagedWrites::take(const std::string& operation) {
  Staged result;
  std::map<std::string, Revision> roots = parts_.ground.prepared_.roots;
  std::string ids;
  const auto all = differences();
  for (const auto& [before, after] : all) {
    // Nobody else knows the id that was drawn for a new one.
    if (before == nullptr) roots.emplace(model::root_key(after->id), Revision());
  }
  std::set<std::string> needed;
  for (const auto& [before, after] : all) {
    for (const Object* object : {before, after}) {
      if (object == nullptr) continue;
      for (std::string& root : model::root_keys(*object)) needed.insert(std::move(root));
    }
    const Object& one = after == nullptr ? *before : *after;
    if (model::description_of(one.kind).is_user_made) ids += (ids.empty() ? "" : " ") + one.id;
  }
  std::ranges::copy_if(needed, std::inserter(result.missing_roots, result.missing_roots.end()),
                       [&](const std::string& root) { return !roots.contains(root); });
  std::erase_if(roots, [&](const auto& root) { return !needed.contains(root.first); });
  WritePlan plan(std::move(roots));
  for (const auto& [before, after] : all) {
    if (before != nullptr) {
      add_to(plan, *before, after);
    } else {
      plan.create(*after, parts_.writer.type_of(*after, parts_.picture),
                  parts_.writer.settings_.quotas);
    }
  }
  result.transaction = plan.take(audit_row(operation, caller_, ids, "ok"));
  return result;
}

}  // namespace weir::api
