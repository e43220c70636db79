#include "api/sessions.h"

#include <algorithm>
#include <set>
#include <utility>

#include "api/password_record.h"
#include "api/secrets.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/mutant.h"
#include "base/random.h"
#include "model/utc.h"

namespace weir::api {
namespace {

constexpr std::string_view kPrefix = "session/";
constexpr std::string_view kIdPrefix = "session-";
// Units: bytes of randomness. Source: reliability guide, section 6 (256 random bits).
constexpr std::size_t kSecretSize = 32;
constexpr std::size_t kIdSize = 5;
constexpr std::size_t kUserIdCharacters = 32;

Error refused() { return {ErrorCode::kUnauthenticated, "the session has ended: log in", ""}; }

bool is_hex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_user_id(std::string_view text) {
  return !text.empty() && text.size() <= kUserIdCharacters &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

std::string id_of(std::string_view key) {
  return std::string(kIdPrefix) + std::string(key.substr(key.rfind('/') + 1));
}

Json parsed(const store::Entry& entry) {
  auto json = parse_json(entry.value);
  return json ? *std::move(json) : Json::object();
}

}  // namespace

Sessions::Sessions(store::Store& store, const Clock& clock, Metrics& metrics)
    : store_(store),
      clock_(clock),
      open_(metrics.value(Metric::kSessions)),
      started_(clock.now()),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

Sessions::~Sessions() {
  thread_.request_stop();
  {
    const MutexLock lock(mutex_);
    is_stopping_ = true;
  }
  ended_.notify_all();
  thread_.join();
}

void Sessions::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    sweep();
    const Instant next = std::chrono::steady_clock::now() + kSessionSweepPause;
    const MutexLock lock(mutex_);
    while (!is_stopping_ && ended_.wait_until(mutex_, next)) {
    }
  }
}

Result<Sessions::Opened> Sessions::plan(const Opening& opening, store::Transaction& transaction) {
  WEIR_ASSIGN_OR_RETURN(const store::Listing old, store_.list(session_prefix(opening.user_id)));
  std::vector<std::pair<std::string, std::string>> by_age;  // created, key
  for (const store::Entry& entry : old.entries) {
    by_age.emplace_back(parsed(entry).string_or("created", ""), entry.key);
  }
  std::ranges::sort(by_age);
  const std::size_t kept = kSessionsPerUserMax - 1;
  for (std::size_t i = 0; i + kept < by_age.size(); ++i) {
    transaction.writes.push_back({by_age[i].second, std::nullopt});
  }
  const std::string number = secret_hex(kIdSize);
  const std::string key = session_prefix(opening.user_id) + number;
  Opened opened;
  opened.id = std::string(kIdPrefix) + number;
  opened.cookie = opening.user_id + "." + number + "." + secret_hex(kSecretSize);
  const WallTime now = clock_.wall_now();
  const Json document = Json::object({{"sha256", sha256_hex(opened.cookie)},
                                      {"user", opening.user_id},
                                      {"serial", opening.serial},
                                      {"epoch", store_.version().epoch.value},
                                      {"created", utc_text(now)},
                                      {"expires", utc_text(now + kSessionMax)},
                                      {"source", opening.source},
                                      {"userAgent", opening.user_agent}});
  transaction.writes.push_back({key, document.dump()});
  {
    // Before it is stored: the sweep must not find it unused.
    const MutexLock lock(mutex_);
    used_[key] = clock_.now();
  }
  opened.shown = shown(key, document);
  opened.shown["csrfToken"] = Json(csrf_token(opened.cookie));
  return opened;
}

Result<void> Sessions::plan_end_of_all(std::string_view user_id,
                                       store::Transaction& transaction) const {
  WEIR_ASSIGN_OR_RETURN(const store::Listing all, store_.list(session_prefix(user_id)));
  for (const store::Entry& entry : all.entries) {
    transaction.writes.push_back({entry.key, std::nullopt});
  }
  return {};
}

/// "user-abcdefghij.0123456789.<64 hex digits>".
Sessions::Parsed Sessions::parse(std::string_view cookie) {
  const std::size_t first = std::min(cookie.find('.'), cookie.size());
  const std::string_view user = cookie.substr(0, first);
  const std::string_view rest = cookie.substr(std::min(first + 1, cookie.size()));
  const std::string_view number = rest.substr(0, std::min(2 * kIdSize, rest.size()));
  const std::string_view secret = rest.substr(std::min(2 * kIdSize + 1, rest.size()));
  Parsed found;
  found.is_good = is_user_id(user) && number.size() == 2 * kIdSize && is_hex(number) &&
                  rest.size() == 2 * kIdSize + 1 + 2 * kSecretSize && rest[2 * kIdSize] == '.' &&
                  is_hex(secret);
  if (!found.is_good) return found;
  found.key = session_prefix(user) + std::string(number);
  found.id = std::string(kIdPrefix) + std::string(number);
  return found;
}

Instant Sessions::used(const std::string& key) const {
  const auto found = used_.find(key);
  return found == used_.end() ? started_ : found->second;
}

bool Sessions::is_idle(const std::string& key) const {
  const MutexLock lock(mutex_);
  return clock_.now() - used(key) >= kSessionIdleMax;
}

Result<bool> Sessions::has_ended(const std::string& key, const Json& document) const {
  const auto expires = model::parse_utc(document.string_or("expires", ""));
  if (!expires || *expires <= clock_.wall_now() || is_idle(key)) return true;
  // A restore brings back what was there before, and with it sessions that had ended.
  const auto epoch = static_cast<std::int64_t>(store_.version().epoch.value);
  if (document.integer_or("epoch", -1) != epoch) return true;
  WEIR_ASSIGN_OR_RETURN(const auto password, read_password(store_, document.string_or("user", "")));
  if (mutant("session-outlives-password")) return false;
  return !password || password->serial != document.string_or("serial", "");
}

Result<Principal> Sessions::principal(std::string_view cookie, SessionUse use) {
  const Parsed asked = parse(cookie);
  // An unknown session takes the same steps as a known one.
  const auto stored = store_.get(asked.is_good ? asked.key : std::string(kPrefix));
  if (!stored && stored.error().code != ErrorCode::kNotFound) return stored.error();
  const Json document = stored ? parsed(*stored) : Json::object();
  const std::string expected = document.string_or("sha256", std::string(2 * kSecretSize, '-'));
  if (!equals_in_constant_time(expected, sha256_hex(cookie))) return refused();
  WEIR_ASSIGN_OR_RETURN(const bool is_over, has_ended(asked.key, document));
  if (is_over) return refused();
  auto principal = principal_of(asked.id, document, store_, clock_.wall_now());
  if (!principal) {
    return principal.error().code == ErrorCode::kUnauthenticated ? refused() : principal.error();
  }
  principal->session = asked.id;
  if (use == SessionUse::kCall) {
    const MutexLock lock(mutex_);
    used_[asked.key] = clock_.now();
  }
  return principal;
}

Json Sessions::shown(const std::string& key, const Json& document) const {
  return Json::object({{"kind", "session"},
                       {"id", id_of(key)},
                       {"createdTime", document.string_or("created", "")},
                       {"expiresTime", document.string_or("expires", "")},
                       {"source", document.string_or("source", "")},
                       {"userAgent", document.string_or("userAgent", "")}});
}

Result<std::vector<Json>> Sessions::list(const Caller& caller) const {
  std::vector<Json> found;
  if (caller.user.empty()) return found;
  WEIR_ASSIGN_OR_RETURN(const store::Listing all, store_.list(session_prefix(caller.user)));
  for (const store::Entry& entry : all.entries) {
    const Json document = parsed(entry);
    WEIR_ASSIGN_OR_RETURN(const bool is_over, has_ended(entry.key, document));
    if (is_over) continue;
    Json one = shown(entry.key, document);
    one["isCurrent"] = Json(id_of(entry.key) == caller.session);
    found.push_back(std::move(one));
  }
  std::ranges::sort(found, std::ranges::greater{}, [](const Json& session) {
    return std::pair(session.string_or("createdTime", ""), session.string_or("id", ""));
  });
  return found;
}

Outcome<Json> Sessions::end(const std::string& id, const Caller& caller) {
  const Error missing{ErrorCode::kNotFound, "session not found", ""};
  if (caller.user.empty() || !id.starts_with(kIdPrefix)) return missing;
  const std::string key = session_prefix(caller.user) + id.substr(kIdPrefix.size());
  const auto stored = store_.get(key);
  if (!stored && stored.error().code == ErrorCode::kNotFound) return missing;
  if (!stored) return stored.error();
  store::Transaction transaction;
  transaction.expectations = {{key, stored->revision}};
  transaction.writes = {{key, std::nullopt}};
  transaction.audit = {.who = caller.who,
                       .account = caller.account,
                       .source = caller.source,
                       .operation = "end session",
                       .object = caller.user + "/" + id,
                       .request_id = caller.request_id,
                       .result = "ok"};
  const auto committed = store_.commit(transaction);
  // Somebody else has ended it meanwhile.
  if (!committed && committed.error().code == ErrorCode::kStale) return missing;
  if (!committed) return committed.error();
  return shown(key, parsed(*stored));
}

void Sessions::sweep() {
  const auto all = store_.list(kPrefix);
  if (!all) return;
  store::Transaction transaction;
  std::set<std::string> alive;
  for (const store::Entry& entry : all->entries) {
    const auto is_over = has_ended(entry.key, parsed(entry));
    const bool is_full = transaction.writes.size() >= kSessionsEndedAtOnce;
    if (is_over && *is_over && is_full) continue;
    if (is_over && *is_over) {
      transaction.writes.push_back({entry.key, std::nullopt});
      continue;
    }
    alive.insert(entry.key);
  }
  open_.set(static_cast<double>(alive.size()));
  {
    const MutexLock lock(mutex_);
    std::erase_if(used_, [&](const auto& entry) {
      // One that is being opened is not stored yet.
      return !alive.contains(entry.first) && clock_.now() - entry.second >= kSessionSweepPause;
    });
  }
  if (transaction.writes.empty()) return;
  transaction.audit = {.who = "control", .operation = "end sessions", .result = "ok"};
  const auto committed = store_.commit(transaction);
  if (!committed) {
    log::warning("ended sessions could not be taken away",
                 {{"error", to_string(committed.error())}});
  }
}

std::string_view cookie_name(bool is_tls) {
  return is_tls ? "__Host-weir-session" : "weir-session";
}

bool is_https(const http::Request& request) {
  const std::string* origin = request.header("Origin");
  return request.is_tls || (origin != nullptr && origin->starts_with("https://"));
}

std::string_view cookie_of(const http::Request& request) {
  // The one that no other host can plant goes first.
  const std::string_view safe = cookie_of(request, true);
  return safe.empty() && !request.is_tls ? cookie_of(request, false) : safe;
}

std::string_view cookie_of(const http::Request& request, bool is_tls) {
  const std::string* header = request.header("Cookie");
  if (header == nullptr) return {};
  const std::string name = std::string(cookie_name(is_tls)) + "=";
  std::string_view rest = *header;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(';'), rest.size());
    std::string_view one = rest.substr(0, end);
    while (one.starts_with(' ')) one.remove_prefix(1);
    if (one.starts_with(name)) return one.substr(name.size());
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return {};
}

http::HeaderLine cookie_line(std::string_view value, bool is_tls) {
  std::string text = std::string(cookie_name(is_tls)) + "=" + std::string(value) +
                     "; Path=/; HttpOnly; SameSite=Strict";
  if (is_tls) text += "; Secure";
  if (value.empty()) text += "; Max-Age=0";
  return {"Set-Cookie", std::move(text)};
}

std::string csrf_token(std::string_view cookie) {
  return sha256_hex("weir csrf " + std::string(cookie));
}

Result<void> check_origin(const http::Request& request) {
  const Error refused{ErrorCode::kPermissionDenied, "a page of another site made this call", ""};
  if (const std::string* site = request.header("Sec-Fetch-Site");
      site != nullptr && *site != "same-origin" && *site != "none") {
    return refused;
  }
  const std::string* origin = request.header("Origin");
  if (origin == nullptr) return {};
  const std::string* host = request.header("Host");
  if (host == nullptr) return refused;
  // Without TLS here, something else may speak it with the browser.
  const bool is_same =
      *origin == "https://" + *host || (!request.is_tls && *origin == "http://" + *host);
  if (!is_same) return refused;
  return {};
}

Result<void> check_cookie_write(const http::Request& request) {
  WEIR_TRY(check_origin(request));
  const std::string* given = request.header(kCsrfHeader);
  const bool is_good =
      given != nullptr && equals_in_constant_time(*given, csrf_token(cookie_of(request)));
  if (is_good || mutant("csrf-overlooked")) return {};
  return Error{ErrorCode::kPermissionDenied,
               "a write with a session's cookie needs the header " + std::string(kCsrfHeader) +
                   " with the csrfToken of that session",
               ""};
}

}  // namespace weir::api
