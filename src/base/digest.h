// SHA-256 of a byte range, for what must not be forged: hashes of tokens, links of the audit chain.
// The cryptographic library stays in digest.cpp. Thread: any (pure).
#pragma once

#include <string>
#include <string_view>

namespace weir {

/// As lower-case hex, 64 digits.
std::string sha256_hex(std::string_view bytes);

}  // namespace weir
