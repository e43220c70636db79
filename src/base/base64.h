// Bytes as text for JSON: base64 with padding (RFC 4648, section 4). Strict: what decodes encodes
// to the very same text. Thread: any.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace weir {

std::string to_base64(std::string_view bytes);
/// Errors:  kInvalidArgument when the text is not canonical base64
Result<std::string> from_base64(std::string_view text);

}  // namespace weir
