// The JD Cloud face as JSON: collections with what their calls take, refuse and filter by, and the
// operations. For `weir schema` and the reference page. Thread: any (pure).
#pragma once

#include "base/json.h"

namespace weir::api {

/// {collections: [{name, item, filters, parameters: [{name, of, effect, create, update, ...}]}],
/// targetFilters, operations: [{action, method, path, collection, countedAs}]}.
Json v1_schema_json();

}  // namespace weir::api
