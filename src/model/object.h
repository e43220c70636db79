// What is stored of every resource, whatever its kind: envelope, intent (spec, written by users)
// and administrative part (admin: what control decided, such as an address, slots, started or
// stopped). Observed state is never in here. Thread: values.
#pragma once

#include <map>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "base/strong_type.h"
#include "model/kind.h"

namespace weir::model {

using Id = std::string;

/// The service's own account: of nodes, the default VPC and what the first start made.
inline constexpr std::string_view kDefaultOwner = "default";

struct Object {
  Kind kind = Kind::kVpc;
  Id id;
  std::string owner;
  std::string name;
  std::map<std::string, std::string> labels;
  Revision revision;    // of the last change; not part of the stored text
  std::string created;  // UTC, "2026-01-31T12:00:00Z"
  Json spec = Json::object();
  Json admin = Json::object();

  friend bool operator==(const Object&, const Object&) = default;
};

/// The stored form (and the body of a frame): everything but kind, id and revision.
std::string stored_text(const Object& object);

/// Reads the stored form back. A member that this build does not know is an error, so that a newer
/// object is never half applied. Errors:  kInvalidArgument, with the member as field
Result<Object> object_from_stored(Kind kind, std::string_view id, Revision revision,
                                  std::string_view text);

}  // namespace weir::model
