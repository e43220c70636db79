#include "api/client_tokens.h"

#include <algorithm>
#include <map>

#include "base/json.h"
#include "model/utc.h"

namespace weir::api {
namespace {

constexpr std::string_view kTokens = "client-token/";

std::string counter_key(std::string_view who) {
  return "quota/" + std::string(who) + "/client-token";
}

/// The caller's name in a token's key.
std::string_view who_of(std::string_view key) {
  key.remove_prefix(kTokens.size());
  return key.substr(0, key.find('/'));
}

bool is_over(const Json& value, WallTime now) {
  const auto until = model::parse_utc(value.string_or("until", ""));
  return !until || *until <= now;
}

Json value_of(const store::Entry& entry) {
  auto json = parse_json(entry.value);
  return json ? *std::move(json) : Json::object();
}

}  // namespace

std::string client_token_problem(std::string_view token) {
  const bool is_plain = std::ranges::all_of(token, [](char c) { return c > ' ' && c < '\x7f'; });
  if (is_plain && !token.empty() && token.size() <= kClientTokenBytesMax) return "";
  return "must be 1 to " + std::to_string(kClientTokenBytesMax) +
         " printable ASCII characters without spaces, found " + std::to_string(token.size()) +
         " bytes";
}

std::string ClientToken::key() const {
  return std::string(kTokens) + who + "/" + operation + "/" + token;
}

Result<KnownToken> read_client_token(const store::Store& store, const ClientToken& token,
                                     WallTime now) {
  KnownToken known{.key = token.key(), .revision = {}, .first = {}};
  const auto entry = store.get(known.key);
  if (!entry && entry.error().code == ErrorCode::kNotFound) return known;
  if (!entry) return entry.error();
  known.revision = entry->revision;
  const Json value = value_of(*entry);
  const Json* ids = value.find("ids");
  if (is_over(value, now) || ids == nullptr || !ids->is_array()) return known;
  known.first.emplace();
  for (const Json& id : ids->as_array()) known.first->push_back(id.as_string());
  return known;
}

void note_client_token(const ClientToken& token, const KnownToken& known,
                       const std::vector<model::Id>& ids, WallTime now,
                       store::Transaction& transaction) {
  Json list = Json::array();
  for (const model::Id& id : ids) list.push_back(Json(id));
  const Json value =
      Json::object({{"ids", std::move(list)}, {"until", utc_text(now + kClientTokenLife)}});
  transaction.expectations.push_back({known.key, known.revision});
  transaction.writes.push_back({known.key, value.dump()});
  if (known.revision == Revision()) {
    transaction.counters.push_back({counter_key(token.who), 1, kClientTokensMax});
  }
}

Result<store::Transaction> forget_client_tokens(const store::Store& store, WallTime now) {
  WEIR_ASSIGN_OR_RETURN(const store::Listing listing, store.list(std::string(kTokens)));
  store::Transaction transaction;
  std::map<std::string, std::int64_t> forgotten;  // by caller
  for (const store::Entry& entry : listing.entries) {
    if (transaction.writes.size() == kTokensForgottenAtOnce) break;
    if (!is_over(value_of(entry), now)) continue;
    transaction.expectations.push_back({entry.key, entry.revision});
    transaction.writes.push_back({entry.key, std::nullopt});
    ++forgotten[std::string(who_of(entry.key))];
  }
  for (const auto& [who, count] : forgotten) {
    transaction.counters.push_back({counter_key(who), -count, std::nullopt});
  }
  return transaction;
}

}  // namespace weir::api
