// Console sessions: opened by logins.cpp, asked for by each call that carries their cookie, ended
// by their users, by time, and with the password they were opened with. They stand below session/
// as a hash of the cookie and survive a restart; when a session was used last is in memory alone.
// Source: docs/adr/0023-logging-in.md. Thread: any.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "api/caller.h"
#include "api/outcome.h"
#include "api/people.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "http/server.h"
#include "store/store.h"

namespace weir::api {

/// Without a call. Source: reliability guide, section 6. Reached: 401.
inline constexpr std::chrono::minutes kSessionIdleMax{30};
/// Since the login. Source: as above. Reached: 401.
inline constexpr std::chrono::hours kSessionMax{12};
/// Of one user. Chosen because a person has a few browsers. Reached: the oldest ends.
inline constexpr std::size_t kSessionsPerUserMax = 20;
/// Between two looks for sessions that have ended.
inline constexpr std::chrono::seconds kSessionSweepPause{60};
/// Taken away in one transaction. Chosen because it has room for 500 keys.
inline constexpr std::size_t kSessionsEndedAtOnce = 400;

/// The header with which a write by cookie shows that a page of this server made it.
inline constexpr std::string_view kCsrfHeader = "X-Weir-Csrf";

/// Whether a call counts as a sign of life of whoever made it.
enum class SessionUse { kCall, kWatch };

class Sessions {
 public:
  /// Both must outlive it.
  Sessions(store::Store& store, const Clock& clock, Metrics& metrics);
  ~Sessions();

  /// What a new session is made of.
  struct Opening {
    std::string user_id;
    std::string serial;  // of the password
    std::string source;
    std::string user_agent;
  };
  struct Opened {
    std::string cookie;  // its value
    Json shown;          // with csrfToken
    std::string id;
  };
  /// Adds the writes of a new session to `transaction`; older ones of the user beyond the limit go.
  /// Errors:  kUnavailable
  Result<Opened> plan(const Opening& opening, store::Transaction& transaction)
      WEIR_EXCLUDES(mutex_);
  /// The sessions of this user go with `transaction`. Errors:  kUnavailable
  Result<void> plan_end_of_all(std::string_view user_id, store::Transaction& transaction) const;

  /// Whom the cookie speaks for. Errors:  kUnauthenticated, kUnavailable
  Result<Principal> principal(std::string_view cookie, SessionUse use) WEIR_EXCLUDES(mutex_);

  /// Those of the caller, newest first. Errors:  kUnavailable
  Result<std::vector<Json>> list(const Caller& caller) const WEIR_EXCLUDES(mutex_);
  /// One of the caller's. Errors:  kNotFound, kUnavailable
  Outcome<Json> end(const std::string& id, const Caller& caller);

  /// Takes away what has ended. For tests: call it alone.
  void sweep() WEIR_EXCLUDES(mutex_);

 private:
  struct Parsed {
    std::string key;  // in the store
    std::string id;   // "session-0123456789"
    bool is_good = false;
  };
  static Parsed parse(std::string_view cookie);

  void run(const std::stop_token& stop) WEIR_EXCLUDES(mutex_);
  bool is_idle(const std::string& key) const WEIR_EXCLUDES(mutex_);
  /// Whether it would be refused, but for its secret. Errors:  kUnavailable
  Result<bool> has_ended(const std::string& key, const Json& document) const WEIR_EXCLUDES(mutex_);
  Json shown(const std::string& key, const Json& document) const WEIR_EXCLUDES(mutex_);
  Instant used(const std::string& key) const WEIR_REQUIRES(mutex_);

  // Constant after construction.
  store::Store& store_;
  const Clock& clock_;
  MetricValue& open_;
  const Instant started_;

  mutable Mutex mutex_;
  Condition ended_;
  bool is_stopping_ WEIR_GUARDED_BY(mutex_) = false;
  std::map<std::string, Instant> used_ WEIR_GUARDED_BY(mutex_);  // by key, since the start
  std::jthread thread_;
};

/// "__Host-weir-session" inside TLS, else "weir-session".
std::string_view cookie_name(bool is_tls);
/// Whether the browser speaks TLS: with this server, or with what stands before it. check_origin()
/// has held the Origin against the Host.
bool is_https(const http::Request& request);
/// The value of the session's cookie in a request; empty when there is none.
std::string_view cookie_of(const http::Request& request);
/// The same of the cookie of one name.
std::string_view cookie_of(const http::Request& request, bool is_tls);
/// The line that gives a browser the cookie, or takes it away when `value` is empty.
http::HeaderLine cookie_line(std::string_view value, bool is_tls);

/// What a page must send in kCsrfHeader with its writes: a hash of the cookie, which a page of
/// another site can neither read nor compute.
std::string csrf_token(std::string_view cookie);

/// Refuses a call that a page of another site made.
/// Errors:  kPermissionDenied
Result<void> check_origin(const http::Request& request);
/// The same for a write by cookie, which also needs the header. Errors:  kPermissionDenied
Result<void> check_cookie_write(const http::Request& request);

}  // namespace weir::api
