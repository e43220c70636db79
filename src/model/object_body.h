// Reads the body of a create or update into an Object, with all violations of the field lists at
// once. Whether the write may happen is validate.h's question. Called by the API and by apply.
// Thread: any (pure).
#pragma once

#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "model/object.h"

namespace weir::model {

enum class UpdateMode {
  kReplace,  // the body is the whole object: what it leaves out gets its default, but for the name,
             // immutable fields, those marked kKept, and the admin part, which stay
  kMerge,    // JSON merge patch: what it leaves out stays, null gives the default
};

/// Source: product.md A.3 (tags of a resource). Reached: 400 with the field;
/// weir_api_requests_total counts it by operation and code.
inline constexpr std::size_t kLabelsMax = 10;
/// Units: characters. Chosen because cloud tags have these lengths. Reached: 400 with the field;
/// weir_api_requests_total counts it by operation and code.
inline constexpr std::size_t kLabelKeyCharactersMax = 127;
inline constexpr std::size_t kLabelValueCharactersMax = 255;

/// Reads the body of a create: {name, labels?, spec, admin?}. Members kind, id, owner, revision,
/// created and status, and admin fields that users do not set, are accepted without effect, so that
/// what was read can be sent back (a kind that is not this one is refused). Fills kind, name,
/// labels, spec (canonical, with defaults; what could not be read is at its default) and admin; the
/// caller gives id, owner and created.
/// Errors:  kInvalidArgument, all of them, with paths from the body's root
Errors read_create(Kind kind, const Json& body, Object& into);

/// Reads the body of an update of `old` into a whole new object. Errors: as read_create()
Errors read_update(const Object& old, const Json& body, UpdateMode mode, Object& into);

/// Empties in `whole`, the spec that shall be, each list in whose place `given` fills another one
/// (InsteadOf) without naming it; part of the readers above, and of faces that read by themselves.
void empty_replaced_lists(Kind kind, const Json& given, Json& whole);

/// Refuses members that no resource has, and another kind than `word`; part of the readers above.
void check_body_members(const Json& body, std::string_view word, Errors& errors);

/// JSON merge patch (RFC 7396): objects merge, null removes, everything else replaces.
Json merged(Json base, const Json& patch);

}  // namespace weir::model
