// Strict HTTP/1.0 and 1.1 head parser, in place and without allocation; no IO. The proxy workers
// (requests and responses) and the health probe (responses) call it. One grammar, no lenient path:
// what RFC 9112 lets a recipient tolerate is refused, because the next parser on the way may read
// it differently.
//
// Decisions where the RFCs leave a choice:
// - One empty line (CRLF) before a request line is skipped (RFC 9112, 2.2), none before a status
// line.
// - Unknown methods pass; CONNECT is refused with 501; the asterisk form is for OPTIONS only.
// - Host must not be empty, its port is 1..65535, userinfo is refused; it must equal the authority
// of an absolute form.
// - Upgrade is passed on only when HTTP/1.1 without a body names exactly one protocol in Upgrade
// and "upgrade" in
//   Connection. h2c is ignored: the request goes on as HTTP/1.1, as clients that offer it expect.
// - A connection option that is not a token is refused: what it nominates could not be removed.
// - Status codes are 100..599; the space after the code is required, the reason may be empty.
// - 204 and 1xx with Content-Length above 0 or Transfer-Encoding: no body, and the connection is
// not used again. Thread: any (pure functions).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "http/h1_error.h"
#include "http/h1_head.h"

namespace weir::http {

enum class ParseState : std::uint8_t { kNeedMore, kComplete, kFailed };

struct [[nodiscard]] ParseResult {
  ParseState state;
  ParseError error;       // kNone unless failed
  std::uint32_t scanned;  // when more is needed: hand it back with the longer buffer
};

/// Parses the request head at the start of `bytes` into `head`, which is meaningful only when
/// complete.
///
/// `scanned` is 0 for new bytes, else the value of the last ParseResult for the same, now longer,
/// message; the result is the same however the bytes arrive. A line is judged when its LF is there,
/// the first byte and the limits at once. Cost:    one pass; a message that trickles in is parsed
/// again at most once per line
ParseResult parse_request_head(std::span<const char> bytes, std::size_t scanned, RequestHead& head);

/// As parse_request_head, for the answer to a request whose method was HEAD (`answers_head`) or
/// another one.
ParseResult parse_response_head(std::span<const char> bytes, std::size_t scanned, bool answers_head,
                                ResponseHead& head);

/// Parses a whole trailer section, up to and with its empty line (as BodyReader hands it out), into
/// `fields`. Range:   at most kMaxTrailers bytes
ParseError parse_trailers(std::span<const char> bytes, FieldTable& fields);

}  // namespace weir::http
