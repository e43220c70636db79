// The canonical forms that signatures cover: path, query and header values, decoded as tolerantly
// as clients encode and encoded again in one way. Nothing here knows keys. Source: product.md B.7,
// step 1, and B.7.1. Thread: any (pure functions).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/signature_header.h"

namespace weir::api {

/// Replaces %XX, and '+' by a space when `plus_is_space`. An escape that is none stays as it is.
std::string decode_tolerantly(std::string_view text, bool plus_is_space);

/// Percent-encodes all but letters, digits, "-_.~" and, when `keeps_slash`, '/'.
std::string encode_strictly(std::string_view text, bool keeps_slash);

/// Version 2 keeps an encoded slash encoded, so that it never becomes a separator; version 3
/// decodes the whole path with '+' as a space and collapses slashes, as its clients do.
std::string canonical_path(std::string_view raw_path, SignatureVersion version);

/// Decoded pairs of a raw query without its '?': what the signature covers and what the call means
/// must be read alike, so handlers of signed calls use this too. '+' is a space: Go and Java send
/// it so, and all clients send a plus as %2B.
std::vector<std::pair<std::string, std::string>> tolerant_query_pairs(std::string_view raw_query);

/// Encoded pairs in ascending order, "name=value" joined by '&'; none is left out.
std::string canonical_query(std::string_view raw_query);

/// Trimmed; version 2 also reduces inner runs of white space to one space, version 3 does not.
std::string canonical_value(std::string_view value, SignatureVersion version);

}  // namespace weir::api
