// Availability groups on the JD Cloud face: their answers, and the call that takes instances out of
// one. Lists, creation, changes and deletion are those of every kind. Source: product.md A.15, B.6.
// Thread: any.
#pragma once

#include <optional>

#include "api/outcome.h"
#include "api/resource_writer.h"
#include "base/json.h"
#include "model/object.h"
#include "model/world_view.h"

namespace weir::api {

/// The group with its instances, as an answer shows it.
Json v1_availability_group(const model::Object& group, const model::ObjectIndex& index);

/// The group of a call; refused with kStale when it has another revision.
struct V1AgPlace {
  model::Id group;
  std::optional<Revision> if_match;
};
/// {instanceIds: []}: all of them leave the group, or none does.
/// Errors:  kInvalidArgument, kNotFound (no such member)
Outcome<model::Object> abandon_instances(ResourceWriter& writer, const V1AgPlace& place,
                                         const Json& body, const Caller& caller);

}  // namespace weir::api
