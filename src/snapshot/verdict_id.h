// Reads the id that a verdict's frame has (verdict.h verdict_id()). Thread: any (pure).
#pragma once

#include <string_view>

#include "base/result.h"
#include "snapshot/verdict.h"

namespace weir::snapshot {

/// The target that the id names. Errors: kInvalidArgument
Result<TargetKey> target_of_verdict_id(std::string_view id);

}  // namespace weir::snapshot
