// What the JD Cloud face says about each stored kind: where it stands in paths, how its id and name
// are called, which filters its list has, and what its answers and calls have beside the field
// tables of the model. Source: product.md B.4, B.6. Thread: any (constants).
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "api/query_list.h"
#include "model/kind.h"

namespace weir::api {

/// A filter of a list and where its value stands in an answer, "privateIp.privateIpAddress". A part
/// of the answer that is absent matches nothing.
struct V1Filter {
  FilterName filter;
  std::string_view path;
  /// Names objects one by one: then loadBalancerType has no default.
  bool is_id = false;
  /// Finds parts of the value, whatever the operator.
  bool is_fuzzy = false;
  /// One match is enough of all filters that say so.
  bool is_either = false;
};

/// A key whose effect comes later: only what means "not asked for" is accepted.
struct V1Later {
  std::string_view key;
  /// Accepted beside null, false, 0, -1, "", [] and {}: the default of the key.
  std::string_view accepted = {};
};

/// A field that has another default here than on the native face.
struct V1Default {
  std::string_view field;
  std::string_view value;
};

struct V1Kind {
  model::Kind kind{};
  std::string_view collection{};  // "loadBalancers"
  std::string_view item{};        // "loadBalancer": answers, and with Id and Name its keys
  std::string_view plural{};      // of the list in an answer; empty: the collection
  std::string_view renamed_by{};  // the key of the name in an update; empty: that of a create
  std::span<const V1Filter> filters{};
  /// Fields of the spec that this face takes or shows in another form, or elsewhere.
  std::span<const std::string_view> not_shown{};
  std::span<const std::string_view> not_taken{};
  /// Fields that updates do not take: they have calls of their own.
  std::span<const std::string_view> not_updated{};
  std::span<const V1Later> later{};
  std::span<const V1Default> defaults{};

  std::string id_key() const { return std::string(item) + "Id"; }
  std::string name_key() const { return std::string(item) + "Name"; }
  std::string new_name_key() const {
    return renamed_by.empty() ? name_key() : std::string(renamed_by);
  }
  std::string_view plural_key() const { return plural.empty() ? collection : plural; }
};

/// Null when there is no such collection.
const V1Kind* find_v1_kind(std::string_view collection);
const V1Kind& v1_kind_of(model::Kind kind);

/// The filters of :describeTargets.
std::span<const V1Filter> v1_target_filters();

}  // namespace weir::api
