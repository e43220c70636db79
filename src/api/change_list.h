// What a write changes, or would change: one entry for each resource, with the fields that differ,
// in words that a reader understands (names instead of ids, nothing that control makes). Made by
// apply and by plans of writes; shown by the API and by `weir diff`. Thread: values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "model/object.h"

namespace weir::api {

enum class ChangeAction { kCreate, kUpdate, kDelete };
std::string_view word_of(ChangeAction action);  // "create", "update", "delete"

/// One value that differs; null: there is none on that side.
struct FieldChange {
  std::string path{};  // "spec.port", "labels.team", "spec.targets" (one target came or went)
  Json from{};
  Json to{};

  friend bool operator==(const FieldChange&, const FieldChange&) = default;
};

struct ResourceChange {
  model::Kind kind{};
  model::Id id{};  // empty: it is not there yet
  std::string name{};
  std::string load_balancer{};  // name of the one that it is below, or empty
  ChangeAction action{};
  std::vector<FieldChange> fields{};
};

using ChangeList = std::vector<ResourceChange>;

/// [{kind, id, name, loadBalancer?, action, fields: [{path, from, to}]}].
Json changes_json(const ChangeList& changes);

/// The values in which two declared forms (declared_form.h) of one resource differ, in the order of
/// `to`. Items that have an id are told one by one: {null, item} came, {item, null} went.
std::vector<FieldChange> field_changes(const Json& from, const Json& to);

}  // namespace weir::api
