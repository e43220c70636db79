// Who calls: bearer tokens. A token is "weir_<id>_<64 hex digits>"; the store holds its SHA-256
// under token/<id>, and whom it speaks for (people.h). Thread: any.
#pragma once

#include <string>
#include <string_view>

#include "api/people.h"
#include "base/clock.h"
#include "base/result.h"
#include "http/server.h"
#include "store/store.h"

namespace weir::api {

/// "token/<id>".
std::string token_key(std::string_view id);

struct NewToken {
  std::string id;
  std::string text;    // what the client sends; shown once
  std::string sha256;  // what is stored of it
};
NewToken new_token();

/// "token-<id>": what a token is called where it is shown.
std::string token_id(std::string_view id);

/// Whom the request's token speaks for.
/// Errors:  kUnauthenticated, the same whatever is wrong with it; kUnavailable
Result<Principal> authenticate(const http::Request& request, const store::Store& store,
                               WallTime now);

}  // namespace weir::api
