// Signed requests of the JD Cloud face, JDCLOUD2-HMAC-SHA256 and JDCLOUD3-HMAC-SHA256: what a
// request claims, and whether the secret of its access key agrees. Secrets and accounts are the
// caller's, repeats are replay_guard.h's. Messages of these errors are for logs and audit; a client
// gets signature_refusal(), whatever was wrong. Source: product.md B.7, B.7.1, G3.
// Thread: any (pure functions).
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/signature_header.h"
#include "base/clock.h"
#include "base/result.h"
#include "http/server.h"

namespace weir::api {

/// A request as it was received; views into what the caller holds.
struct SignedRequest {
  std::string_view method;
  std::string_view path;   // raw
  std::string_view query;  // raw, without '?'
  std::span<const http::HeaderLine> headers;
  std::string_view body;
};

SignedRequest signed_request(const http::Request& request);

/// Whether the request wants to be judged by its signature (and not by a bearer token).
bool is_signed(const SignedRequest& request);

struct SignatureRules {
  /// Largest distance of x-jdcloud-date from now, either way. Source: product.md G3.
  /// Reached: 401; weir_api_requests_total counts it.
  std::chrono::seconds skew_max = std::chrono::minutes(15);
};

/// Bytes of a nonce. Chosen because clients send the 36 of a UUID. Reached: 401;
/// weir_api_requests_total counts it.
inline constexpr std::size_t kNonceMax = 256;

/// What a request says about itself; none of it may be believed before check_signature().
struct SignatureClaims {
  SignatureHeader header;
  std::string date;  // x-jdcloud-date as sent
  WallTime time;     // the same
  std::string nonce;
  std::string security_token;  // empty: none was sent
  std::string body_sha256;
};

/// Reads the claims and judges all that needs no secret: form, date, scope's day, signed headers,
/// body hash.
/// Errors:  kUnauthenticated
Result<SignatureClaims> read_signature(const SignedRequest& request, const SignatureRules& rules,
                                       WallTime now);

/// Whether the secret gives the claimed signature, for the canonical path and query or for the raw
/// ones: Java does not encode ':' in paths, Go sends a space in a query as '+' and signs that.
/// Without a secret (nobody has that access key) it does the same work and refuses.
/// Errors:  kUnauthenticated; kInternal
Result<void> check_signature(const SignedRequest& request, const SignatureClaims& claims,
                             std::optional<std::string_view> secret);

/// The one answer to every request whose signature was not accepted.
Error signature_refusal();

/// The text whose hash is signed, for a given path and query.
std::string canonical_request(const SignedRequest& request, const SignatureClaims& claims,
                              std::string_view path, std::string_view query);
std::string string_to_sign(const SignatureClaims& claims, std::string_view canonical);

}  // namespace weir::api
