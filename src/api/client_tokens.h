// Creates that are safe to repeat: a caller gives a create a token, and whoever repeats it gets the
// first result again. What was made is stored under the token in the transaction that made it, for
// a day. Thread: any.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/caller.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "http/server.h"
#include "model/object.h"
#include "store/store.h"

namespace weir::api {

/// Units: bytes. Source: product.md B.6 (clientToken). Reached: 400 naming what the token was given
/// in; weir_api_requests_total counts it.
inline constexpr std::size_t kClientTokenBytesMax = 64;
/// How long a token is known. Chosen because whoever repeats a call does so within minutes, and a
/// job that runs daily may use the same one again. Reached: the token is a new one.
inline constexpr std::chrono::hours kClientTokenLife{24};
/// Tokens of one access key that are known at once. Chosen because it is twice the objects that a
/// key's account can hold by default, and takes some 4 MB. Reached: 429; weir_api_requests_total
/// counts it.
inline constexpr std::int64_t kClientTokensMax = 10'000;
/// Tokens looked at, and forgotten, in one transaction. Chosen because each takes one of its 500
/// keys, and its counter another.
inline constexpr std::size_t kTokensReadAtOnce = 240;

/// Where the faces take a token. Source: product.md B.2; the field of HTTP that other services have
/// for it.
inline constexpr const char* kV1TokenHeader = "x-jdcloud-client-token";
inline constexpr const char* kNativeTokenHeader = "Idempotency-Key";

/// What is wrong with a token; empty: nothing.
std::string client_token_problem(std::string_view token);

/// The token in a field of a request, if it has one. What only reads can be repeated without.
/// Errors:  kInvalidArgument naming the field, also when the call is a write but `creates` nothing
Result<RepeatToken> repeat_token_of(const http::Request& request, const char* header, bool creates);

/// A digest of what a create asks for: equal however its JSON is written, and whatever its own
/// clientToken.
std::string request_digest(const Json& body);

/// Whose token, and for what: the same word of another key, or for another operation, is another.
struct ClientToken {
  std::string who;
  std::string operation;  // "create lb"
  RepeatToken repeat;

  std::string key() const;
};

/// What the store knows of a token.
struct KnownToken {
  Revision revision;  // of the entry, also one whose time is over; 0 = none
  std::optional<std::vector<model::Id>> first;  // what was made; nothing: the token is new
};
/// Errors:  kConflict naming the field when the token stands for a create that asked for something
///          else; kUnavailable
Result<KnownToken> read_client_token(const store::Store& store, const ClientToken& token,
                                     WallTime now);

/// Notes in the transaction that makes `objects` that the token stands for them.
void note_client_token(const ClientToken& token, const KnownToken& known,
                       const std::vector<model::Object>& objects, WallTime now,
                       store::Transaction& transaction);

struct TokenPage {
  store::Transaction forget;  // takes away those of the page whose time is over
  std::string last;           // where the next page begins; empty: this was the last one
};
/// The tokens behind `after`, some at a time. Errors: kUnavailable
Result<TokenPage> old_client_tokens(const store::Store& store, const std::string& after,
                                    WallTime now);

}  // namespace weir::api
