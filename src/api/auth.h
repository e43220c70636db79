// Who calls: bearer tokens of the native API. A token is "weir_<id>_<64 hex digits>"; the store
// holds its SHA-256 under token/<id>. Thread: any.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "http/server.h"
#include "store/store.h"

namespace weir::api {

/// "token/<id>".
std::string token_key(std::string_view id);

struct NewToken {
  std::string id;
  std::string text;    // what the client sends; shown once
  std::string stored;  // value of its key
};
NewToken new_token();

/// The id of the token that the request carries.
/// Errors:  kUnauthenticated, the same whatever is wrong with it; kUnavailable
Result<std::string> authenticate(const http::Request& request, const store::Store& store);

}  // namespace weir::api
