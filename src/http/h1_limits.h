// Limits of the HTTP/1 codec. Each one ends in a ParseError of h1_head.h. Of a request the engine
// counts it in weir_proxy_limit_reached_total{limit=<error name>} and answers with the error's
// status; the API counts in weir_api_limit_reached_total. Of a response it is a failure of the
// target: 502, weir_listener_failures_total{reason="bad_response"}.
#pragma once

#include <cstddef>
#include <cstdint>

namespace weir::http {

/// Bytes of a request line or status line, line end included. Source: reliability guide, section 6,
/// "HTTP framing". Reached: 414 start_line_too_long.
inline constexpr std::size_t kMaxStartLine = std::size_t{16} * 1024;

/// Bytes of one field line, line end included. Source: as above. Reached: 431 field_too_long.
inline constexpr std::size_t kMaxFieldLine = std::size_t{16} * 1024;

/// Bytes of a whole request head. Source: as above; it also keeps every offset in 16 bits. Reached:
/// 431 head_too_large.
inline constexpr std::size_t kMaxRequestHead = std::size_t{64} * 1024;

/// Bytes of a whole response head. Source: as above. Reached: 502 head_too_large.
inline constexpr std::size_t kMaxResponseHead = std::size_t{32} * 1024;

/// Field lines of one head. Source: as above. Reached: 431 too_many_fields.
inline constexpr std::size_t kMaxFields = 100;

/// Options of all Connection fields of one head. Chosen because clients send at most four; each one
/// is compared with every field. Reached: 431 too_many_options.
inline constexpr unsigned kMaxConnectionOptions = 16;

/// Bytes of the trailer section of a chunked body. Source: as above. Reached: 431
/// trailers_too_large.
inline constexpr std::size_t kMaxTrailers = std::size_t{8} * 1024;

/// Bytes of one chunk-size line with its extension, line end included. Chosen because the longest
/// extension known in use (a 64-digit signature with its name) needs 85. Reached: 400
/// chunk_line_too_long.
inline constexpr std::size_t kMaxChunkLine = 256;

/// Bytes of all chunk extensions of one body. Chosen because it is the bound that Go's net/http has
/// used without complaints since CVE-2023-39326 (small chunks that carry long extensions). Reached:
/// 400 extensions_too_large.
inline constexpr std::size_t kMaxChunkExtensions = std::size_t{16} * 1024;

/// Hex digits of a chunk size, leading zeros included: what 64 bits hold. Source: RFC 9112, 7.1.
/// Reached: 400 chunk_too_large.
inline constexpr unsigned kMaxChunkSizeDigits = 16;

/// Bytes of a body or chunk. Source: reliability guide, section 6: above 2^63-1 is refused.
/// Reached: 400 chunk_too_large or bad_content_length.
inline constexpr std::uint64_t kMaxBodySize = 0x7fff'ffff'ffff'ffff;

/// Bytes of a method. Chosen because the longest registered one (UPDATEREDIRECTREF) has 17.
/// Reached: 501 method_too_long.
inline constexpr std::size_t kMaxMethod = 32;

}  // namespace weir::http
