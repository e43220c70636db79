// The cryptographic half of request signatures: HMAC-SHA256 and the chain of keys from an access
// key's secret to the one that signs. Source: product.md B.7, steps 3 and 4. Thread: any (pure).
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "api/signature_header.h"
#include "base/result.h"

namespace weir::api {

/// Raw bytes of a SHA-256 or of an HMAC made of it.
using Digest = std::array<unsigned char, 32>;

Digest sha256(std::string_view text);
std::string hex_of(const Digest& digest);

/// The keys k1 (day), k2 (region), k3 (service) and k4, which signs.
struct KeyChain {
  std::array<Digest, 4> keys;

  const Digest& signing_key() const { return keys.back(); }
};

/// Errors:  kInternal when the cryptographic library fails
Result<KeyChain> key_chain(const SignatureHeader& header, std::string_view secret);

/// The signature of `string_to_sign`. Errors:  kInternal
Result<std::string> sign_text(const KeyChain& chain, std::string_view string_to_sign);

}  // namespace weir::api
