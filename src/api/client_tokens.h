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

#include "base/clock.h"
#include "base/result.h"
#include "model/object.h"
#include "store/store.h"

namespace weir::api {

/// Units: bytes. Source: product.md B.6 (clientToken). Reached: 400 naming clientToken or
/// x-jdcloud-client-token; weir_api_requests_total counts it.
inline constexpr std::size_t kClientTokenBytesMax = 64;
/// How long a token is known. Chosen because whoever repeats a call does so within minutes, and a
/// job that runs daily may use the same one again.
inline constexpr std::chrono::hours kClientTokenLife{24};
/// Tokens of one access key that are known at once. Chosen because it is twice the objects that a
/// key's account can hold by default, and takes some 2 MB. Reached: 429; weir_api_requests_total
/// counts it.
inline constexpr std::int64_t kClientTokensMax = 10'000;
/// Tokens forgotten in one transaction. Chosen because each takes one of its 500 keys.
inline constexpr std::size_t kTokensForgottenAtOnce = 400;

/// What is wrong with a token; empty: nothing.
std::string client_token_problem(std::string_view token);

/// Whose token, and for what: the same word of another key, or for another operation, is another.
struct ClientToken {
  std::string who;
  std::string operation;  // "create lb"
  std::string token;

  std::string key() const;
};

/// What the store knows of a token.
struct KnownToken {
  std::string key;
  Revision revision;  // of the entry, also one whose time is over; 0 = none
  std::optional<std::vector<model::Id>> first;  // what was made; nothing: the token is new
};
/// Errors: kUnavailable
Result<KnownToken> read_client_token(const store::Store& store, const ClientToken& token,
                                     WallTime now);

/// Notes in the transaction that makes `ids` that the token stands for them.
void note_client_token(const ClientToken& token, const KnownToken& known,
                       const std::vector<model::Id>& ids, WallTime now,
                       store::Transaction& transaction);

/// Takes away tokens whose time is over, some at a time; nothing to do: an empty transaction.
/// Errors: kUnavailable
Result<store::Transaction> forget_client_tokens(const store::Store& store, WallTime now);

}  // namespace weir::api
