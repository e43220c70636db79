#include "snapshot/fact_cache.h"

#include <utility>

namespace weir::snapshot {
namespace {

ObjectError error_of(const ObjectSet::Key& key, const ReceivedObject& object, const Error& error) {
  const bool is_unsupported = error.code == ErrorCode::kFailedPrecondition;
  return {.kind = key.first,
          .id = key.second,
          .revision = object.version.revision,
          .reason = is_unsupported ? "unsupported" : "invalid",
          .detail = to_string(error)};
}

template <class Facts>
Result<Facts> read(model::Kind kind, const std::string& id, const ReceivedObject& received) {
  const auto object = model::object_from_stored(kind, id, received.version.revision, received.body);
  if (!object) return classified(object.error());
  Facts facts{};
  WEIR_TRY(read_facts(*object, facts));
  return facts;
}

}  // namespace

/// True when it was read.
template <class Table>
bool FactCache::update_entry(Table& table, const ObjectSet::Key& key,
                             const ReceivedObject* received) {
  if (received == nullptr) {
    table.entries.erase(key.second);
    errors_.erase(key);
    return false;
  }
  const auto [at, is_new] = table.entries.try_emplace(key.second);
  auto& entry = at->second;
  if (!is_new && entry.version == received->version) return false;
  entry.version = received->version;
  using Facts = typename decltype(entry.facts)::value_type;
  auto facts = read<Facts>(Table::kind, key.second, *received);
  if (facts) {
    entry.facts = *std::move(facts);
    errors_.erase(key);
  } else {
    errors_.insert_or_assign(key, error_of(key, *received, facts.error()));
  }
  return true;
}

std::size_t FactCache::update(const ObjectSet& objects, const Keys& keys) {
  std::size_t read_count = 0;
  for (const ObjectSet::Key& key : keys) {
    const auto found = objects.objects().find(key);
    const ReceivedObject* received = found == objects.objects().end() ? nullptr : &found->second;
    const auto kind = model::kind_of_name(key.first);
    if (kind) {
      const auto visit = [&](auto& table) {
        if (table.kind == *kind && update_entry(table, key, received)) ++read_count;
      };
      std::apply([&](auto&... table) { (visit(table), ...); }, tables_);
    } else if (received == nullptr) {
      errors_.erase(key);
    } else {
      const Error unknown{ErrorCode::kFailedPrecondition, "this build has no such kind", ""};
      errors_.insert_or_assign(key, error_of(key, *received, unknown));
    }
  }
  return read_count;
}

FactCache::Keys FactCache::all_keys(const ObjectSet& objects) const {
  Keys keys;
  for (const auto& [key, object] : objects.objects()) keys.insert(keys.end(), key);
  for (const auto& [key, error] : errors_) keys.insert(key);
  const auto add = [&](const auto& table) {
    const std::string kind(model::kind_name(table.kind));
    for (const auto& [id, entry] : table.entries) keys.emplace(kind, id);
  };
  std::apply([&](const auto&... table) { (add(table), ...); }, tables_);
  return keys;
}

}  // namespace weir::snapshot
