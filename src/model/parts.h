// Parts of stored objects that the API and the command line show as kinds of their own: the targets
// of a target group, the rules of a security group. Nothing here stores them: a write of a part is
// an update of the whole that holds it. Thread: any (pure).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/object.h"
#include "model/registry.h"

namespace weir::model {

/// Where the parts of one kind stand.
struct PartKind {
  std::string_view word;      // name on the API: "target"
  Kind whole;                 // "tg"
  std::string_view list;      // the member of the whole's spec that holds them: "targets"
  std::string_view id_field;  // their member with the id: "targetId"
  /// The spec of one in canonical form, with the id of its whole.
  Json (*canonical)(const Json& spec, Errors& errors);
  /// What control decided about one.
  Json (*admin)(const Object& whole, std::string_view id);

  const KindDescription& description() const;
};

std::span<const PartKind> part_kinds();
/// Null when the description is that of a stored kind.
const PartKind* part_kind_of(const KindDescription& description);

/// One part: an item of the list as it is stored, and whose it is.
struct Part {
  Id whole;
  Json item = Json::object();
};

/// {kind, id, spec: {<id of the whole>, ...}, admin} of every part.
std::vector<Json> part_bodies(const PartKind& kind, const Object& whole);

/// The place of a part in the list, or nothing.
std::optional<std::size_t> part_index(const PartKind& kind, const Object& whole,
                                      std::string_view id);

/// The list that holds the parts; made when it is not there.
Json::Array& parts_of(const PartKind& kind, Object& whole);

/// Reads the body of a part. On kMerge and kReplace `old` gives what is left out; null at creation.
/// What control makes stays as it was. Errors: kInvalidArgument, all of them, with paths from the
/// body's root
Errors read_part(const PartKind& kind, const Json& body, const Part* old, UpdateMode mode,
                 Part& into);

/// "spec.targets[7]", of the whole.
std::string part_path(const PartKind& kind, std::size_t index);
/// Errors of one part as paths of its own body, "spec.targets[7].port" as "spec.port", and back.
Errors as_part_errors(Errors errors, const PartKind& kind, std::size_t index);
Errors as_whole_errors(Errors errors, const PartKind& kind, std::size_t index);

}  // namespace weir::model
