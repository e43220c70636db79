// Request targets and authorities: RFC 9112, 3.2 and RFC 3986, 3.2. Internal to the parser. Thread:
// any (pure functions).
#pragma once

#include <cstdint>

#include "http/h1_error.h"
#include "http/h1_head.h"

namespace weir::http {

/// host[:port], with offsets into the head.
struct Authority {
  Slice whole{};
  Slice name{};
  std::uint16_t port = 0;  // 0: none given
};

/// Reads host[:port] from `text`, a part of `bytes`. False when it is empty, has userinfo, or is no
/// valid host and port.
bool parse_authority(const char* bytes, Slice text, Authority& authority);

/// Splits head.target, made of target characters, into form, path and query; `query_at` is the
/// offset of its first '?', or its end. For the absolute form `authority` is filled in.
ParseError parse_target(const char* bytes, std::uint16_t query_at, RequestHead& head,
                        Authority& authority);

/// Whether `host` names the same as the authority of the absolute-form target of `head`: names in
/// any case, a missing port being that of the scheme.
bool same_authority(const char* bytes, const RequestHead& head, const Authority& authority,
                    const Authority& host);

}  // namespace weir::http
