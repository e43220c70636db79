// Builds outgoing HTTP/1 heads anew from parsed ones, chunk framing, and the answers that Weir
// gives itself. Writes into the caller's buffer in one pass and allocates nothing. Called by proxy
// workers. Never copied: fields of one connection (RFC 9110, 7.6.1), fields nominated by
// Connection, underscore aliases, and the framing fields, which are written from the parsed
// framing. Via is not added. Thread: any (pure functions).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "http/h1_head.h"

namespace weir::http {

/// The forwarding fields of product.md C.3. An empty view leaves that field as the client sent it.
struct Forwarding {
  std::string_view peer{};         // address of the client: always appended to X-Forwarded-For
  std::string_view proto{};        // "http" or "https"
  std::string_view port{};         // listener's port
  std::string_view lbip{};         // vip, without brackets
  std::string_view client_port{};  // client's source port
  bool host = false;               // X-Forwarded-Host as host:port
};

struct RequestOptions {
  Forwarding forwarding{};
  std::string_view vip{};            // host where the client named none; an IPv6 one with brackets
  std::string_view listener_port{};  // port where the client named none, for X-Forwarded-Host
  bool pass_upgrade = false;         // forward head.upgrade as a request to switch protocols
  bool pass_expect = false;    // forward "Expect: 100-continue"; never done for an HTTP/1.0 client
  bool pass_trailers = false;  // the caller passes trailers, so the Trailer field stays
  bool close = false;          // ask the server to close afterwards
};

/// Writes the HTTP/1.1 request for a server: absolute form becomes origin form, framing stays as it
/// is. Returns the bytes written, or 0 when `out` is smaller than needed; request_bound() always
/// suffices.
std::size_t write_request_head(const RequestHead& head, const char* bytes,
                               const RequestOptions& options, std::span<char> out);
std::size_t request_bound(const RequestHead& head, const RequestOptions& options);

struct ResponseOptions {
  Version client_version = Version::kHttp11;
  bool client_keep_alive = true;  // RequestHead::keep_alive
  bool close = false;             // close the client connection afterwards in any case
  bool pass_upgrade = false;      // a 101 to an upgrade that was forwarded
  bool pass_trailers = false;
};

/// How a response goes to its client.
struct ResponsePlan {
  Framing framing;  // a chunked body becomes kUntilClose for an HTTP/1.0 client
  bool close;       // the client connection ends with this response
};
ResponsePlan plan_response(const ResponseHead& head, const ResponseOptions& options);

/// Writes the HTTP/1.1 response head for a client, framed as plan_response() says.
/// Returns the bytes written, or 0 when `out` is smaller than needed; response_bound() always
/// suffices.
std::size_t write_response_head(const ResponseHead& head, const char* bytes,
                                const ResponseOptions& options, std::span<char> out);
std::size_t response_bound(const ResponseHead& head);

/// "<hex size>CRLF" that goes before `size` bytes of payload; kChunkEnd goes after them.
struct ChunkLine {
  std::array<char, 18> text;
  std::uint8_t length;
  std::string_view view() const { return {text.data(), length}; }
};
ChunkLine chunk_line(std::uint64_t size);
inline constexpr std::string_view kChunkEnd = "\r\n";
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

/// Writes the last chunk with those fields of the trailer section `bytes` that may be passed on (no
/// framing, routing or connection fields: RFC 9110, 6.5.1). Returns 0 when `out` is too small or
/// `bytes` is no trailer section.
std::size_t write_trailers(std::span<const char> bytes, std::span<char> out);

/// An answer that Weir gives itself, with a short text body.
struct ErrorResponse {
  int status = 500;
  std::string_view reason{};  // appended to the body, e.g. an error_name(); empty for none
  std::string_view date{};    // IMF-fixdate for the Date field; empty leaves it out
  bool close = true;
  bool answers_head = false;  // the body is left out, its length stays
  Version client_version = Version::kHttp11;
};
/// Returns the bytes written, or 0 when `out` is smaller than needed; kMaxErrorResponse bytes and
/// those of `reason` and `date` always suffice.
std::size_t write_error_response(const ErrorResponse& response, std::span<char> out);
/// Bytes. Chosen because it is twice what the longest reason phrase needs. Reached: nothing: every
/// answer is shorter.
inline constexpr std::size_t kMaxErrorResponse = 512;

/// Reason phrase of RFC 9110, 15, or "Unknown".
std::string_view reason_phrase(int status);

inline constexpr std::string_view kContinueResponse = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace weir::http
