#include "api/client_tokens.h"

#include <algorithm>
#include <map>

#include "base/digest.h"
#include "model/utc.h"

namespace weir::api {
namespace {

constexpr std::string_view kTokens = "client-token/";

// Members of a stored token.
constexpr std::string_view kIds = "ids";
constexpr std::string_view kRequest = "request";
constexpr std::string_view kCounter = "counter";
constexpr std::string_view kUntil = "until";

std::string counter_key(std::string_view who) {
  return "quota/" + std::string(who) + "/client-token";
}

bool is_over(const Json& value, WallTime now) {
  const auto until = model::parse_utc(value.string_or(kUntil, ""));
  return !until || *until <= now;
}

Json value_of(const store::Entry& entry) {
  auto json = parse_json(entry.value);
  return json ? *std::move(json) : Json::object();
}

/// The members of each object in the order of their names.
Json sorted(const Json& json) {
  if (json.is_array()) {
    Json list = Json::array();
    for (const Json& item : json.as_array()) list.push_back(sorted(item));
    return list;
  }
  if (!json.is_object()) return json;
  Json::Object members = json.as_object();
  std::ranges::sort(members, {}, &Json::Member::first);
  for (auto& [name, value] : members) value = sorted(value);
  return Json::object(std::move(members));
}

}  // namespace

std::string client_token_problem(std::string_view token) {
  const bool is_plain = std::ranges::all_of(token, [](char c) { return c > ' ' && c < '\x7f'; });
  if (is_plain && !token.empty() && token.size() <= kClientTokenBytesMax) return "";
  return "must be 1 to " + std::to_string(kClientTokenBytesMax) +
         " printable ASCII characters without spaces, found " + std::to_string(token.size()) +
         (is_plain ? " bytes" : " bytes, some of them others");
}

Result<RepeatToken> repeat_token_of(const http::Request& request, const char* header,
                                    bool creates) {
  const std::string* token = request.header(header);
  const bool is_read = request.method == "GET" || request.method == "HEAD";
  if (token == nullptr || is_read) return RepeatToken{};
  std::string problem =
      creates ? client_token_problem(*token) : "is for calls that create a resource of its own";
  if (!problem.empty()) return Error{ErrorCode::kInvalidArgument, std::move(problem), header};
  return RepeatToken{*token, header, ""};
}

std::string request_digest(const Json& body) {
  Json asked = sorted(body);
  if (asked.is_object()) asked.erase("clientToken");
  return sha256_hex(asked.dump());
}

std::string ClientToken::key() const {
  return std::string(kTokens) + who + "/" + operation + "/" + repeat.text;
}

Result<KnownToken> read_client_token(const store::Store& store, const ClientToken& token,
                                     WallTime now) {
  KnownToken known;
  const auto entry = store.get(token.key());
  if (!entry && entry.error().code == ErrorCode::kNotFound) return known;
  if (!entry) return entry.error();
  known.revision = entry->revision;
  const Json value = value_of(*entry);
  const Json* ids = value.find(kIds);
  if (is_over(value, now) || ids == nullptr || !ids->is_array()) return known;
  if (value.string_or(kRequest, "") != token.repeat.request) {
    return Error{ErrorCode::kConflict,
                 "stands for an earlier call that asked for something else: take another one",
                 token.repeat.field};
  }
  known.first.emplace();
  for (const Json& id : ids->as_array()) known.first->push_back(id.as_string());
  return known;
}

void note_client_token(const ClientToken& token, const KnownToken& known,
                       const std::vector<model::Object>& objects, WallTime now,
                       store::Transaction& transaction) {
  Json list = Json::array();
  for (const model::Object& object : objects) list.push_back(Json(object.id));
  const std::string counter = counter_key(token.who);
  const Json value = Json::object({{std::string(kIds), std::move(list)},
                                   {std::string(kRequest), token.repeat.request},
                                   {std::string(kCounter), counter},
                                   {std::string(kUntil), utc_text(now + kClientTokenLife)}});
  transaction.expectations.push_back({token.key(), known.revision});
  transaction.writes.push_back({token.key(), value.dump()});
  if (known.revision == Revision()) transaction.counters.push_back({counter, 1, kClientTokensMax});
}

Result<TokenPage> old_client_tokens(const store::Store& store, const std::string& after,
                                    WallTime now) {
  WEIR_ASSIGN_OR_RETURN(const store::Listing page,
                        store.list_page(kTokens, after, kTokensReadAtOnce));
  TokenPage old;
  if (page.entries.size() == kTokensReadAtOnce) old.last = page.entries.back().key;
  std::map<std::string, std::int64_t> forgotten;  // by counter
  for (const store::Entry& entry : page.entries) {
    const Json value = value_of(entry);
    if (!is_over(value, now)) continue;
    old.forget.expectations.push_back({entry.key, entry.revision});
    old.forget.writes.push_back({entry.key, std::nullopt});
    ++forgotten[value.string_or(kCounter, "")];
  }
  forgotten.erase("");  // of what cannot be read
  for (const auto& [counter, count] : forgotten) {
    old.forget.counters.push_back({counter, -count, std::nullopt});
  }
  return old;
}

}  // namespace weir::api
