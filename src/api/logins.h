// Passwords and sessions over HTTP: /weir/v1/session[/<id>], /weir/v1/password and
// /weir/v1/user/<id>/password. What hashes a password is answered later, by the threads of the
// PasswordPool. Called by native_face.cpp. Thread: any.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/audit_trail.h"
#include "api/login_throttle.h"
#include "api/outcome.h"
#include "api/password_pool.h"
#include "api/password_record.h"
#include "api/people.h"
#include "api/policy.h"
#include "api/sessions.h"
#include "http/server.h"
#include "store/store.h"

namespace weir::api {

class Logins {
 public:
  struct Parts {
    store::Store& store;
    const Clock& clock;
    Metrics& metrics;
    const People& people;
    Sessions& sessions;
    AuditTrail& audit;
    LoginSettings limits{};
  };
  explicit Logins(Parts parts);

  /// POST /weir/v1/session: the one call without a caller. Notes in `record` whom it is about.
  http::Response log_in(const http::Request& request, CallRecord& record);
  /// Any other call of these paths, by a caller that is known.
  http::Response respond(const http::Request& request, const CallRecord& record);

 private:
  /// A login that may go on to the hashing threads.
  struct Login {
    LoginThrottle::Attempt attempt;
    std::string source;
    std::optional<PersonName> user;  // nothing: nobody has this name
    std::optional<PasswordRecord> password;
    std::string given;
    std::string user_agent;
    bool is_tls = false;
    CallRecord record;
  };
  struct NewPassword {
    PersonName user;
    std::string given;
    /// What the caller says the old one is; nothing: an administrator, who need not know.
    std::optional<std::string> old;
    LoginThrottle::Attempt attempt;
    CallRecord record;
    std::string operation;
  };
  using Answer = std::function<http::Response()>;

  /// `answer` comes from a thread that hashes; `give_up` when there is none for it.
  http::Response later(Answer answer, Answer give_up);
  http::Response throttled(std::chrono::milliseconds wait, const CallRecord& record) const;
  http::Response busy(const CallRecord& record) const;
  http::Response finish_login(const Login& login);
  /// Errors:  kUnauthenticated, kUnavailable
  Outcome<Sessions::Opened> judge_login(const Login& login);
  /// Errors:  kUnauthenticated when the password was changed meanwhile, kUnavailable
  Outcome<Sessions::Opened> open_session(const Login& login, const std::string& new_hash);
  http::Response own_password(const http::Request& request, const CallRecord& record);
  http::Response password_of(const http::Request& request, const CallRecord& record);
  http::Response change(NewPassword change);
  http::Response finish_change(const NewPassword& change);
  /// The serial of the password that was found right; empty for an administrator's write.
  /// Errors:  kInvalidArgument for a wrong old one, kUnavailable
  Result<std::string> judge_old(const NewPassword& change);
  /// Errors:  kInvalidArgument when another password than `serial` is there by now, kNotFound,
  ///          kUnauthenticated, kPermissionDenied, kUnavailable
  Outcome<Json> store_password(const NewPassword& change, const std::string& serial);
  /// Adds that the caller is who they were, and may still do this, when they are another user.
  /// Errors:  kUnauthenticated, kPermissionDenied, kUnavailable
  Result<void> expect_caller(const NewPassword& change, store::Transaction& transaction) const;
  Result<Revision> commit_password(const NewPassword& change, const PasswordRecord& made,
                                   Revision user);
  http::Response session(const http::Request& request, const CallRecord& record);
  http::Response end_session(const http::Request& request, const CallRecord& record);
  void count(std::string_view result) const;

  const Parts parts_;
  LoginThrottle throttle_;
  PasswordPool pool_;  // last: its threads use all of the above
};

/// Whether a path is one of those above.
bool is_login_path(const std::vector<std::string>& path);
/// The methods of such a path; HEAD goes with GET.
std::span<const std::string_view> login_methods(const std::vector<std::string>& path);
/// Which call it is; nothing when there is no such method.
std::optional<NativeCall> login_call(const std::vector<std::string>& path, std::string_view method);
/// "log in": also the label of its metric.
std::string login_operation(const std::vector<std::string>& path, std::string_view method);

}  // namespace weir::api
