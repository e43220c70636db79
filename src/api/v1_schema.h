// The JD Cloud face as JSON: collections with what their calls take, refuse and filter by, and the
// operations. For `weir schema` and the reference page. Thread: any (pure).
#pragma once

#include "base/json.h"

namespace weir::api {

/// {collections: [{name, item, kind, filters: [{name, path, isPartial?}], parameters?: [{name,
/// sentence, create, update, field?, default?, isRequired?}]}], targetFilters: as filters,
/// operations: [{action, method, path, countedAs, effect?, parameters?: [{name, sentence,
/// effect}]}]}. `field` is the native name of a parameter.
Json v1_schema_json();

}  // namespace weir::api
