#include "snapshot/fact_cache.h"

#include <algorithm>
#include <utility>

namespace weir::snapshot {
namespace {

using Received = std::map<ObjectSet::Key, ReceivedObject>;

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

template <class Table>
void update_entry(typename Table::Entry& entry, const ObjectSet::Key& key,
                  const ReceivedObject& received) {
  entry.version = received.version;
  entry.error.reset();
  using Facts = typename decltype(entry.facts)::value_type;
  auto facts = read<Facts>(Table::kind, key.second, received);
  if (facts) {
    entry.facts = *std::move(facts);
  } else {
    entry.error = error_of(key, received, facts.error());
  }
}

template <class Table>
void update_table(Table& table, const Received& received) {
  const std::string kind(model::kind_name(Table::kind));
  auto entry = table.entries.begin();
  for (auto at = received.lower_bound({kind, ""}); at != received.end() && at->first.first == kind;
       ++at) {
    const std::string& id = at->first.second;
    while (entry != table.entries.end() && entry->first < id) entry = table.entries.erase(entry);
    const bool is_new = entry == table.entries.end() || entry->first != id;
    if (is_new) entry = table.entries.emplace_hint(entry, id, typename Table::Entry{});
    if (is_new || entry->second.version != at->second.version) {
      update_entry<Table>(entry->second, at->first, at->second);
    }
    ++entry;
  }
  table.entries.erase(entry, table.entries.end());
}

void add_unknown_kinds(const Received& received, std::vector<ObjectError>& errors) {
  for (const auto& [key, object] : received) {
    if (model::kind_of_name(key.first)) continue;
    errors.push_back(
        error_of(key, object, {ErrorCode::kFailedPrecondition, "this build has no such kind", ""}));
  }
}

}  // namespace

void FactCache::update(const ObjectSet& objects) {
  errors_.clear();
  std::apply([&](auto&... table) { (update_table(table, objects.objects()), ...); }, tables_);
  std::apply(
      [&](const auto&... table) {
        const auto add = [&](const auto& entries) {
          for (const auto& [id, entry] : entries) {
            if (entry.error) errors_.push_back(*entry.error);
          }
        };
        (add(table.entries), ...);
      },
      tables_);
  add_unknown_kinds(objects.objects(), errors_);
  std::ranges::sort(errors_, {}, [](const ObjectError& e) { return std::pair(e.kind, e.id); });
}

}  // namespace weir::snapshot
