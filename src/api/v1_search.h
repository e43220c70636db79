// What the filters of a list of the JD Cloud face compare: of each object as little as they ask
// for, since a list looks at all objects while the catalog waits. Thread: any (pure).
#pragma once

#include "api/observed.h"
#include "api/query_list.h"
#include "api/v1_kinds.h"
#include "base/json.h"
#include "model/object.h"
#include "model/world_view.h"

namespace weir::api {

/// The members that the query asks about, for matches_v1(): those of the answer, the whole answer
/// when one of them is not simply stored, and what a filter asks about and no answer shows.
Json v1_searched(const model::Object& object, const model::ObjectIndex& index,
                 const ObservedView& observed, const QueryList& query);

}  // namespace weir::api
