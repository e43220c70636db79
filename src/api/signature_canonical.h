// The canonical forms that signatures cover: path, query and header values, decoded as tolerantly
// as clients encode and encoded again in one way. Nothing here knows keys. Source: product.md B.7,
// step 1, and B.7.1. Thread: any (pure functions).
#pragma once

#include <string>
#include <string_view>

#include "api/signature_header.h"

namespace weir::api {

/// Percent-encodes all but letters, digits, "-_.~" and, when `keeps_slash`, '/'.
std::string encode_strictly(std::string_view text, bool keeps_slash);

/// Version 2 keeps an encoded slash encoded, so that it never becomes a separator; version 3
/// decodes the whole path with '+' as a space and collapses slashes, as its clients do.
std::string canonical_path(std::string_view raw_path, SignatureVersion version);

/// Encoded pairs (http::query_pairs) in ascending order, "name=value" joined by '&'; none is left
/// out.
std::string canonical_query(std::string_view raw_query);

/// Trimmed; version 2 also reduces inner runs of white space to one space, version 3 does not.
std::string canonical_value(std::string_view value, SignatureVersion version);

}  // namespace weir::api
