// Flags of a kind, made from its field table: loadBalancerId becomes --lb (and --load-balancer-id),
// healthCheck.protocol becomes --health-check-protocol. Reads their values into the JSON of a spec;
// checking values is the API's work, so that the same message comes from both. Thread: any (pure).
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "model/registry.h"

namespace weir::cli {

/// Everything that can be named on the command line: resources, then people.
/// Thread: any (constants)
std::span<const std::reference_wrapper<const model::KindDescription>> described_kinds();

struct FieldFlag {
  std::string name;               // without dashes: "health-check-protocol"
  std::string alias;              // a shorter word, or empty: "lb"
  std::string part;               // "spec" or "admin"
  std::vector<std::string> path;  // inside the part: {"healthCheck", "protocol"}
  std::string type;               // "string", "integer", "boolean"
  bool is_list = false;
  std::optional<model::Kind> reference;
  std::vector<std::string> choices;
  std::string sentence;
};

/// kFilter: what a list can be narrowed by, which knows no fields of fields.
enum class FlagUse { kCreate, kUpdate, kFilter };

std::vector<FieldFlag> field_flags(const model::KindDescription& kind, FlagUse use);

/// The value of a flag as the text given: integers and booleans become such when they read as such,
/// and stay text otherwise, so that the API names what it wanted. A list takes comma-separated
/// items; "" is the empty list.
Json flag_value(const FieldFlag& flag, const std::string& text);

/// Puts `value` at the flag's place of `body` ({"spec": {...}, "admin": {...}}).
void set_at(Json& body, const FieldFlag& flag, Json value);

}  // namespace weir::cli
