#include "api/flow_tables.h"

#include <algorithm>

#include "balancing/table_codec.h"
#include "base/base64.h"
#include "base/log.h"
#include "base/random.h"
#include "model/group_view.h"
#include "model/registry.h"
#include "model/resources.h"
#include "model/slots.h"

namespace weir::api {
namespace {

using balancing::SlotTable;
using model::Kind;
using model::Object;

bool hashes(const Object& backend) {
  const auto algorithm = model::from_json<model::Backend>(backend.spec, "spec").value.algorithm;
  return algorithm == model::Algorithm::kIpHash || algorithm == model::Algorithm::kQuintupleHash;
}

std::vector<balancing::WeightedSlot> members_of(const Object& group) {
  const auto admin = model::slots_of(group);
  std::vector<balancing::WeightedSlot> members;
  for (const model::Target& target : model::targets_of(group)) {
    const auto slot = model::slot_of(admin, target.target_id);
    if (slot) members.push_back({*slot, static_cast<std::uint16_t>(target.weight)});
  }
  return members;
}

/// Nothing when it cannot be read: the next one begins anew.
std::optional<SlotTable> stored_table(const Object& table) {
  const auto bytes = from_base64(table.spec.string_or("rows", ""));
  auto decoded = bytes ? balancing::decode_table(*bytes) : Result<SlotTable>(bytes.error());
  if (decoded) return *std::move(decoded);
  log::error("a stored slot table cannot be read",
             {{"table", table.id}, {"error", to_string(decoded.error())}});
  return std::nullopt;
}

Json table_spec(const Object& group, const SlotTable& table) {
  model::Table spec;
  spec.load_balancer_id = model::load_balancer_of(group);
  spec.group_id = group.id;
  spec.generation = static_cast<std::int64_t>(table.generation.value);
  spec.checksum = table.checksum;
  spec.rows = to_base64(balancing::encode(table));
  return model::to_json(spec);
}

Object new_table(const Object& group, const HookContext& context) {
  Object object;
  object.kind = Kind::kTable;
  object.owner = group.owner;
  object.created = utc_text(context.now);
  Random random;
  object.id = model::new_id(Kind::kTable, object.spec, random);
  return object;
}

Errors build(const Object& group, const HookContext& context, SideEffects& effects) {
  const Object* stored = table_of(group, context.index);
  const auto previous = stored == nullptr ? std::nullopt : stored_table(*stored);
  const auto table = balancing::slot_table(members_of(group), previous ? &*previous : nullptr);
  if (!table) return {table.error()};
  if (previous && *table == *previous) return {};
  Object object = stored == nullptr ? new_table(group, context) : *stored;
  object.spec = table_spec(group, *table);
  if (stored == nullptr) {
    effects.created.push_back(std::move(object));
  } else {
    effects.updated.push_back({*stored, std::move(object)});
  }
  return {};
}

}  // namespace

const Object* table_of(const Object& group, const model::ObjectIndex& index) {
  const auto tables = index.children(Kind::kTable, group.id);
  return tables.empty() ? nullptr : tables.front();
}

Errors follow_group(const Object& group, const HookContext& context, SideEffects& effects) {
  const bool is_hashed = std::ranges::any_of(model::services_of(group, context.index),
                                             [](const Object* each) { return hashes(*each); });
  if (!is_hashed && table_of(group, context.index) == nullptr) return {};
  return build(group, context, effects);
}

Errors follow_backend(const Object& backend, const HookContext& context, SideEffects& effects) {
  if (!hashes(backend)) return {};
  for (const model::Id& id : model::group_ids(backend)) {
    const Object* group = model::find_group(context.index, id);
    if (group == nullptr || table_of(*group, context.index) != nullptr) continue;
    Errors errors = build(*group, context, effects);
    if (!errors.empty()) return errors;
  }
  return {};
}

}  // namespace weir::api
