// What this build knows of itself as one JSON document: `weir schema`, and the reference pages made
// of it. Everything comes from the tables that the program runs by. Thread: any (pure).
#pragma once

#include "base/json.h"

namespace weir::app {

/// {format, build, kinds, v1, errors, settings, quotas, metrics}. kinds is that of
/// GET /weir/v1/schema.
Json schema_document();

}  // namespace weir::app
