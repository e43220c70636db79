// What the bodies of the JD Cloud face hold beside the field tables: parameters of operations that
// have a form of their own, and those that a kind's create and update take beside its fields. One
// line each, for the schema, the OpenAPI document and the reference. Source: product.md B.4, B.6.
// Thread: any (constants).
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "api/v1_kinds.h"

namespace weir::api {

// What becomes of a parameter.
inline constexpr std::string_view kTakesEffect = "takes effect";
inline constexpr std::string_view kIsIgnored = "ignored";
inline constexpr std::string_view kIsTaken = "taken, without an effect";
inline constexpr std::string_view kIsStored = "stored";
inline constexpr std::string_view kIsRefused = "refused";
inline constexpr std::string_view kIsLater = "not supported yet";

/// A parameter that no field table has.
struct V1Parameter {
  std::string_view name;  // "targetSpecs[].port"
  std::string_view type;  // as in schema_lines.h
  std::string_view sentence;
  bool is_required = false;
  std::string_view effect = kTakesEffect;
};

/// Of an operation that has a body of its own; none when its body is that of a kind.
std::vector<V1Parameter> v1_own_parameters(std::string_view action);

/// What becomes of a parameter in a create and in an update of a kind.
struct V1KindParameter {
  V1Parameter parameter;
  std::string_view create;
  std::string_view update;
};
/// Beside the name and the fields of the spec, in the order of the reference page.
std::vector<V1KindParameter> v1_kind_parameters(const V1Kind& kind);

}  // namespace weir::api
