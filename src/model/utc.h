// Times as stored: UTC with seconds, "2026-01-31T12:00:00Z"; the inverse of weir::utc_text().
// Thread: any.
#pragma once

#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace weir::model {

/// Errors:  kInvalidArgument for anything but the exact form
Result<WallTime> parse_utc(std::string_view text);

}  // namespace weir::model
