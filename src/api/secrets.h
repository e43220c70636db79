// Secrets of the API: sealing of what must be read again, comparison that takes the same time
// whatever differs. The cryptographic library stays in secrets.cpp.
// Thread: any (pure functions).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace weir::api {

/// Whether both are equal; the time depends on their lengths only.
bool equals_in_constant_time(std::string_view left, std::string_view right);

/// AES-256-GCM under `key` (64 hex digits), as hex of nonce, ciphertext and tag; `context` is bound
/// to it. Errors:  kInternal (the library failed, or the key is malformed)
Result<std::string> seal(std::string_view key, std::string_view context, std::string_view plain);
/// Errors:  kInvalidArgument when it was not sealed so; kInternal
Result<std::string> unseal(std::string_view key, std::string_view context, std::string_view sealed);

}  // namespace weir::api
