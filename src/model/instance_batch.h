// Several instances registered by one call: their bodies, made from one. Servers that stand side by
// side have numbers that follow one another, in their names and in their addresses. Thread: any
// (pure).
#pragma once

#include <cstddef>

#include "base/json.h"

namespace weir::model {

/// Source: product.md B.6 (maxCount). Reached: 400 naming maxCount (native: count) or instanceIds.
inline constexpr std::size_t kInstancesPerCallMax = 100;

/// The native body of the instance at `place` (0, 1, ...) of those that are made from `body`. The
/// first has its address, the others the following ones; "[008]" in its name, but not as its
/// beginning, becomes 008, 009, 010 and so on; everything else is the same. What cannot be read is
/// left for validation to name.
Json instance_body(const Json& body, std::size_t place);

}  // namespace weir::model
