// Path and query of a request target, decoded for handlers (RFC 3986, RFC 9110 section 4.2).
// Used by the API's server and client only: the proxy passes targets on as they came.
// Thread: any (pure functions).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace weir::http {

/// Needs no percent-encoding anywhere. Source: RFC 3986, 2.3
bool is_unreserved(char c);

/// Errors:  kInvalidArgument when '%' is not followed by two hex digits
Result<std::string> percent_decode(std::string_view text);

/// The decoded segments of a path; one trailing slash is ignored, inner empty segments stay.
/// Errors:  kInvalidArgument as percent_decode()
Result<std::vector<std::string>> path_segments(std::string_view path);

/// Replaces %XX, and '+' by a space when `plus_is_space`. A '%' that is no escape stands for
/// itself: signed calls of the JD Cloud face may hold one. Source: product.md B.7
std::string decode_tolerantly(std::string_view text, bool plus_is_space);

/// The decoded pairs of a query without its '?', for handlers and for signatures alike; a part
/// without '=' has an empty value. '+' is a space: Go and Java send it so, and all clients send a
/// plus as %2B.
std::vector<std::pair<std::string, std::string>> query_pairs(std::string_view query);

}  // namespace weir::http
