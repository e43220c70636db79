// The Authorization header of a signed request, taken apart: "JDCLOUD2-HMAC-SHA256
// Credential=<access key>/<day>/<region>/<service>/jdcloud2_request, SignedHeaders=<a;b>,
// Signature=<hex>", and the same with JDCLOUD3. Used by signature.h only. Thread: any (pure).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace weir::api {

enum class SignatureVersion : std::uint8_t { kJdcloud2, kJdcloud3 };

/// What differs between the versions by name only. Source: product.md B.7 and B.7.1.
struct SignatureWords {
  std::string_view algorithm;   // "JDCLOUD2-HMAC-SHA256"
  std::string_view key_prefix;  // "JDCLOUD2"
  std::string_view terminator;  // "jdcloud2_request"
};
const SignatureWords& words_of(SignatureVersion version);

/// Bytes. Chosen because they hold every access key, region and service known, twenty times over.
/// Reached: 401; weir_api_requests_total counts it.
inline constexpr std::size_t kScopeWordMax = 128;

struct SignatureHeader {
  SignatureVersion version = SignatureVersion::kJdcloud2;
  std::string access_key;
  std::string day;  // "20190214"
  std::string region;
  std::string service;
  std::vector<std::string> signed_headers;  // lower case, ascending, none twice, not empty
  std::string signature;                    // 64 lower-case hex digits

  /// "<day>/<region>/<service>/jdcloud2_request".
  std::string scope() const;
};

/// Whether the text names one of the algorithms, well-formed or not: who asks with another scheme
/// is not refused as a signer.
bool names_signature(std::string_view authorization);

/// Errors:  kUnauthenticated; the message is for logs, never for the client
Result<SignatureHeader> parse_signature_header(std::string_view authorization);

}  // namespace weir::api
