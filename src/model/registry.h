// What is known of every kind without naming its struct: schema, names, columns, and its JSON read
// into the canonical form. The API, the command line and the reference page are generic over this
// table. Thread: any (the table is constant).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "model/field.h"
#include "model/object.h"
#include "model/object_body.h"

namespace weir::model {

struct Column {
  std::string_view title;
  /// A path into the whole resource, e.g. "spec.port", "admin.vip", "status.state", "name".
  std::string_view path;
};

struct KindDescription {
  std::string_view word{};      // name on the API: "lb"
  std::string_view singular{};  // in sentences: "load balancer"
  std::string_view sentence{};
  std::vector<std::string_view> aliases{};  // other words the command line takes
  std::optional<Kind> kind{};               // nothing for parts (model/parts.h)
  bool is_user_made = true;                 // else written by control alone
  /// The spec member with the id of the object this one belongs to; empty at the top.
  std::string_view parent_field{};
  std::optional<Kind> parent{};
  std::vector<FieldDescription> spec{};
  std::vector<FieldDescription> admin{};
  std::vector<Column> columns{};
};

/// All kinds and parts of them (model/parts.h), in dependency order.
std::span<const KindDescription> kind_descriptions();
/// By word or alias, in any case; null when unknown.
const KindDescription* find_description(std::string_view word);
const KindDescription& description_of(Kind kind);
/// The kind of the stored objects behind a description: itself, or the whole that it is a part of.
inline Kind stored_kind(const KindDescription& description) {
  return description.kind ? *description.kind : *description.parent;
}

/// "alb-", "listener-", "i-" (of an instance), "fip-" (of an elastic IP), ... + 10 characters of
/// [a-z0-9]. `spec` decides for load balancers.
Id new_id(Kind kind, const Json& spec, Random& random);
Id new_target_id(Random& random);
Id new_rule_id(Random& random);  // of a security group

/// The id of the object this one belongs to (spec member parent_field), or empty.
Id parent_id(const Object& object);
/// That, and what else it is found under: the availability group of an instance, those that a
/// backend service names, the group of a table, the security groups in force for a load balancer.
std::vector<Id> parent_ids(const Object& object);
/// The load balancer that the object is, or is below; empty above load balancers.
Id load_balancer_of(const Object& object);

/// Canonical form of a spec (defaults in, order of the field list); for control's own kinds, apply
/// and tests.
Json canonical_spec(Kind kind, const Json& spec, Errors& errors);
Json canonical_admin(Kind kind, const Json& admin, Errors& errors);

/// The typed spec of a stored object, as a node or control reads it.
/// Errors:  kInvalidArgument with the first thing this build does not understand
template <class T>
Result<T> spec_of(const Object& object) {
  Parsed<T> parsed = from_json<T>(object.spec, "spec");
  if (!parsed.errors.empty()) return parsed.errors.front();
  return std::move(parsed.value);
}

/// The typed admin part. Errors: as spec_of()
template <class T>
Result<typename T::Admin> admin_of(const Object& object) {
  auto parsed = from_json<typename T::Admin>(object.admin, "admin");
  if (!parsed.errors.empty()) return parsed.errors.front();
  return std::move(parsed.value);
}

}  // namespace weir::model
