#include "api/logins.h"

#include <algorithm>
#include <functional>
#include <initializer_list>
#include <memory>
#include <thread>
#include <utility>

#include "api/native_face.h"
#include "api/password.h"
#include "api/problem.h"
#include "api/resource_writer.h"
#include "api/responses.h"
#include "base/mutant.h"
#include "base/printable.h"
#include "base/random.h"
#include "model/object.h"

namespace weir::api {
namespace {

/// Units: bytes of account and name. Source: the 64 characters that people may have, of four bytes
/// at most. Reached: 400 naming the field.
constexpr std::size_t kNameMax = 256;
/// Units: bytes of what a browser says of itself. Chosen because the beginning says which it is.
/// Reached: the rest is left out.
constexpr std::size_t kUserAgentMax = 120;
/// Units: bytes of randomness of what tells one password from the next.
constexpr std::size_t kSerialSize = 8;

Error invalid(std::string field, std::string message) {
  return {ErrorCode::kInvalidArgument, std::move(message), std::move(field)};
}

http::Response retry_after(http::Response response, std::chrono::milliseconds wait) {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait).count();
  response.headers.push_back({"Retry-After", std::to_string(std::max<std::int64_t>(seconds, 1))});
  return response;
}

/// The texts of a flat body with these members alone, and all that is wrong with it.
class BodyReader {
 public:
  BodyReader(const http::Request& request, std::initializer_list<std::string_view> members) {
    if (!request.query.empty()) errors.push_back(invalid("query", "this call has no parameters"));
    if (request.header("If-Match") != nullptr) {
      errors.push_back(invalid("If-Match", "there is no revision to match"));
    }
    auto body = body_of(request);
    if (!body) {
      errors.push_back(body.error());
      return;
    }
    body_ = *std::move(body);
    for (const auto& [name, value] : body_.as_object()) {
      if (std::ranges::find(members, name) == members.end()) {
        errors.push_back(invalid(name, "is not a field of this call"));
      }
    }
  }
  std::string text(const char* name, std::size_t bytes_max, const char* absent = nullptr) {
    if (!body_.is_object()) return "";
    const Json* found = body_.find(name);
    if (found == nullptr && absent != nullptr) return absent;
    if (found == nullptr || !found->is_string()) {
      errors.push_back(invalid(name, found == nullptr ? "is missing" : "must be a text"));
      return "";
    }
    if (found->as_string().empty() || found->as_string().size() > bytes_max) {
      errors.push_back(invalid(name, "must have 1 to " + std::to_string(bytes_max) + " bytes"));
    }
    return found->as_string();
  }

  Errors errors;

 private:
  Json body_;
};

store::AuditRow audit_row(const CallRecord& record, std::string operation, std::string object) {
  return {.who = record.caller.who,
          .account = record.caller.account,
          .source = record.caller.source,
          .operation = std::move(operation),
          .object = std::move(object),
          .request_id = record.caller.request_id,
          .result = "ok"};
}

/// What wrong passwords of a user are counted under; neither part has a slash in it when there is
/// such a user. The first word keeps it apart from what sets of passwords are counted under.
std::string throttle_name(const std::string& account, const std::string& name) {
  return "login " + account + "/" + name;
}

using Verdict = LoginThrottle::Verdict;

Error wrong_login() { return {ErrorCode::kUnauthenticated, "user or password is wrong", ""}; }

Error wrong_old() { return invalid("oldPassword", "is wrong"); }

bool is_conflict(const Error& error) {
  return error.code == ErrorCode::kStale || error.code == ErrorCode::kAlreadyExists;
}

http::Response refused_type(const std::string& request_id) {
  return problem_response(status_word(415), "the body must be application/json", request_id);
}

}  // namespace

Logins::Logins(Parts parts)
    : parts_(std::move(parts)),
      throttle_(parts_.metrics, parts_.limits.throttle),
      pool_(parts_.metrics, parts_.limits.pool) {}

void Logins::count(std::string_view result) const {
  parts_.metrics.value(Metric::kLogins, {std::string(result)}).add();
}

http::Response Logins::throttled(std::chrono::milliseconds wait, const CallRecord& record) const {
  const Error error{ErrorCode::kRateLimited, "too many passwords: wait and try again", ""};
  return retry_after(problem_response({error}, record.caller.request_id), wait);
}

http::Response Logins::busy(const CallRecord& record) const {
  const Error error{ErrorCode::kUnavailable, "too many logins at once: try again", ""};
  return retry_after(problem_response({error}, record.caller.request_id), std::chrono::seconds(1));
}

http::Response Logins::later(Answer answer, Answer give_up) {
  http::Response response;
  response.later = [this, answer = std::move(answer),
                    give_up = std::move(give_up)](std::unique_ptr<http::Reply> reply) {
    // Whoever does not take the work leaves the reply here.
    std::unique_ptr<http::Reply> kept = pool_.post(answer, std::move(reply));
    if (kept) kept->send(give_up());
  };
  return response;
}

http::Response Logins::log_in(const http::Request& request, CallRecord& record) {
  const std::string& request_id = record.caller.request_id;
  const auto origin = check_origin(request);
  if (!origin) return problem_response({origin.error()}, request_id);
  if (!has_json_type(request)) return refused_type(request_id);
  BodyReader body(request, {"account", "user", "password"});
  Login login;
  const std::string account =
      body.text("account", kNameMax, std::string(model::kDefaultOwner).c_str());
  const std::string name = body.text("user", kNameMax);
  login.given = body.text("password", kPasswordBytesMax);
  if (!body.errors.empty()) return problem_response(body.errors, request_id);
  auto user = parts_.people.find_user(account, name);
  if (!user) return problem_response({user.error()}, request_id);
  login.user = *std::move(user);
  // Nobody's is looked for, too: it takes the time that others take.
  auto password = read_password(parts_.store, login.user ? login.user->id : "nobody");
  if (!password) return problem_response({password.error()}, request_id);
  if (login.user) {
    login.password = *std::move(password);
    record.object = login.user->id;
    record.caller.account = account;
  }
  login.source = record.caller.source;
  login.attempt = {throttle_name(account, name), throttled_address(login.source), false,
                   parts_.clock.now()};
  login.attempt.is_known = login.password && login.password->knows(login.attempt.address);
  if (const std::string* agent = request.header("User-Agent")) {
    login.user_agent = printable(*agent, kUserAgentMax);
  }
  login.is_tls = is_https(request);
  login.record = record;
  const auto wait = throttle_.begin(login.attempt);
  if (wait.count() > 0) {
    count("throttled");
    return throttled(wait, record);
  }
  return later([this, login] { return finish_login(login); },
               [this, login] {
                 throttle_.end(login.attempt, Verdict::kNone);
                 count("busy");
                 return busy(login.record);
               });
}

/// The same work whether or not there is such a user and such a password.
Outcome<Sessions::Opened> Logins::judge_login(const Login& login) {
  const std::string& hash = login.password ? login.password->hash : hash_of_nobody();
  const auto is_right = is_password(login.given, hash);
  if (!is_right) {
    throttle_.end(login.attempt, Verdict::kNone);
    return is_right.error();
  }
  if (!*is_right || !login.password) {
    throttle_.end(login.attempt, Verdict::kWrong);
    return wrong_login();
  }
  std::string new_hash;
  if (is_weaker(hash)) new_hash = hash_password(login.given).value_or("");
  auto opened = open_session(login, new_hash);
  // One that was right, and is no longer, is neither forgiven nor held against anybody.
  throttle_.end(login.attempt, opened.ok() ? Verdict::kRight : Verdict::kNone);
  return opened;
}

http::Response Logins::finish_login(const Login& login) {
  const CallRecord& record = login.record;
  const auto opened = judge_login(login);
  if (opened.ok()) {
    count("done");
    http::Response response = json_response(201, opened.value->shown);
    response.headers.push_back(cookie_line(opened.value->cookie, login.is_tls));
    return response;
  }
  http::Response response = problem_response(opened.errors, record.caller.request_id);
  const bool is_refused = opened.errors.front().code == ErrorCode::kUnauthenticated;
  count(is_refused ? "refused" : "busy");
  if (is_refused) response.headers.push_back({"WWW-Authenticate", "Bearer"});
  parts_.audit.note_refused(response, record);
  return response;
}

Outcome<Sessions::Opened> Logins::open_session(const Login& login, const std::string& new_hash) {
  const PersonName& user = *login.user;
  for (int attempt = 0; attempt < kWriteAttemptsMax; ++attempt) {
    auto now = read_password(parts_.store, user.id);
    if (!now) return now.error();
    // What was verified must still be what is there.
    if (!*now || (*now)->serial != login.password->serial) return wrong_login();
    PasswordRecord password = **std::move(now);
    const std::string last_login = password.last_login;
    if (!new_hash.empty()) password.hash = new_hash;
    password.note_login(login.attempt.address, utc_text(parts_.clock.wall_now()));
    store::Transaction transaction;
    transaction.expectations = {{password_key(user.id), password.revision}};
    transaction.writes = {{password_key(user.id), password.text()}};
    auto opened = parts_.sessions.plan({user.id, password.serial, login.source, login.user_agent},
                                       transaction);
    if (!opened) return opened.error();
    transaction.audit = audit_row(login.record, "log in", user.id + "/" + opened->id);
    transaction.audit.who = user.name + "/" + opened->id;
    transaction.audit.account = user.account;
    const auto committed = parts_.store.commit(transaction);
    if (committed) {
      opened->shown["user"] = Json(user.name);
      opened->shown["account"] = Json(user.account);
      opened->shown["lastLoginTime"] = Json(last_login);
      return *std::move(opened);
    }
    if (!is_conflict(committed.error())) return committed.error();
    std::this_thread::yield();
  }
  return Error{ErrorCode::kUnavailable, "too many logins of this user at once", ""};
}

http::Response Logins::own_password(const http::Request& request, const CallRecord& record) {
  BodyReader body(request, {"oldPassword", "password"});
  const std::string old = body.text("oldPassword", kPasswordBytesMax);
  const std::string given = body.text("password", kPasswordBytesMax);
  const Caller& caller = record.caller;
  if (caller.user.empty()) {
    body.errors.push_back(invalid("", "what was made at the first start belongs to no user"));
  }
  auto user = parts_.people.user_of(caller.user, caller);
  if (!user) return problem_response({user.error()}, caller.request_id);
  const std::string problem = *user ? check_password(given, (*user)->name) : "";
  if (!problem.empty()) body.errors.push_back(invalid("password", problem));
  if (!body.errors.empty() || !*user) {
    return body.errors.empty() ? not_found(caller.request_id)
                               : problem_response(body.errors, caller.request_id);
  }
  NewPassword change{.user = **std::move(user),
                     .given = given,
                     .old = old,
                     .attempt = {},
                     .record = record,
                     .operation = "change password"};
  // From wherever they come: who stole a token or a session has as many addresses as they like.
  const std::string name = throttle_name(change.user.account, change.user.name);
  change.attempt = {name, "password of " + name, true, parts_.clock.now()};
  return this->change(std::move(change));
}

http::Response Logins::password_of(const http::Request& request, const CallRecord& record) {
  const Caller& caller = record.caller;
  auto user = is_plausible_id(request.path[3])
                  ? parts_.people.user_of(request.path[3], caller)
                  : Result<std::optional<PersonName>>(std::optional<PersonName>());
  if (!user) return problem_response({user.error()}, caller.request_id);
  if (!*user) {
    return problem_response({Error{ErrorCode::kNotFound, "user not found", ""}}, caller.request_id);
  }
  BodyReader body(request, {"password"});
  const std::string given = body.text("password", kPasswordBytesMax);
  const std::string problem = check_password(given, (*user)->name);
  if (!problem.empty()) body.errors.push_back(invalid("password", problem));
  if ((*user)->id == caller.user) {
    body.errors.push_back(invalid("",
                                  "your own password is changed with the old one: PUT "
                                  "/weir/v1/password"));
  }
  if (!body.errors.empty()) return problem_response(body.errors, caller.request_id);
  // Whatever tokens and addresses an administrator has.
  const std::string by = "set by " + (caller.user.empty() ? caller.who : caller.user);
  return change({.user = **std::move(user),
                 .given = given,
                 .old = std::nullopt,
                 .attempt = {by, by, true, parts_.clock.now()},
                 .record = record,
                 .operation = "set password"});
}

http::Response Logins::change(NewPassword change) {
  const auto wait = throttle_.begin(change.attempt);
  if (wait.count() > 0) return throttled(wait, change.record);
  return later([this, change] { return finish_change(change); },
               [this, change] {
                 throttle_.end(change.attempt, Verdict::kNone);
                 return busy(change.record);
               });
}

http::Response Logins::finish_change(const NewPassword& change) {
  const auto serial = judge_old(change);
  const Outcome<Json> stored =
      serial ? store_password(change, *serial) : Outcome<Json>(serial.error());
  if (serial) throttle_.end(change.attempt, stored.ok() ? Verdict::kRight : Verdict::kNone);
  if (stored.ok()) return json_response(200, *stored.value);
  http::Response response = problem_response(stored.errors, change.record.caller.request_id);
  parts_.audit.note_refused(response, change.record);
  return response;
}

Result<std::string> Logins::judge_old(const NewPassword& change) {
  if (!change.old) return std::string();
  const auto before = read_password(parts_.store, change.user.id);
  const auto is_right = before
                            ? is_password(*change.old, *before ? (*before)->hash : hash_of_nobody())
                            : Result<bool>(before.error());
  if (!is_right) {
    throttle_.end(change.attempt, Verdict::kNone);
    return is_right.error();
  }
  if (*is_right && *before) return (*before)->serial;
  throttle_.end(change.attempt, Verdict::kWrong);
  return wrong_old();
}

Outcome<Json> Logins::store_password(const NewPassword& change, const std::string& serial) {
  auto hash = hash_password(change.given);
  if (!hash) return hash.error();
  for (int attempt = 0; attempt < kWriteAttemptsMax; ++attempt) {
    auto before = read_password(parts_.store, change.user.id);
    if (!before) return before.error();
    // What was verified must still be what is there: somebody may have set another.
    const bool is_same = *before && (*before)->serial == serial;
    if (change.old && !is_same && !mutant("old-password-judged-once")) return wrong_old();
    // A user who has gone meanwhile takes no password: the expectation is that of the user, too.
    const auto user = parts_.store.get(user_key(change.user.id));
    if (!user) {
      return user.error().code == ErrorCode::kNotFound
                 ? Error{ErrorCode::kNotFound, "user not found", ""}
                 : user.error();
    }
    PasswordRecord made = *before ? **before : PasswordRecord{};
    made.hash = *hash;
    made.serial = secret_hex(kSerialSize);
    made.changed = utc_text(parts_.clock.wall_now());
    const auto committed = commit_password(change, made, user->revision);
    if (committed) {
      return Json::object({{"user", change.user.id}, {"changedTime", made.changed}});
    }
    if (!is_conflict(committed.error())) return committed.error();
    std::this_thread::yield();
  }
  return Error{ErrorCode::kUnavailable, "too many writes at once", ""};
}

Result<Revision> Logins::commit_password(const NewPassword& change, const PasswordRecord& made,
                                         Revision user) {
  store::Transaction transaction;
  transaction.expectations = {{password_key(change.user.id), made.revision},
                              {user_key(change.user.id), user}};
  transaction.writes = {{password_key(change.user.id), made.text()}};
  WEIR_TRY(expect_caller(change, transaction));
  WEIR_TRY(parts_.sessions.plan_end_of_all(change.user.id, transaction));
  transaction.audit = audit_row(change.record, change.operation, change.user.id);
  return parts_.store.commit(transaction);
}

Result<void> Logins::expect_caller(const NewPassword& change,
                                   store::Transaction& transaction) const {
  const Caller& caller = change.record.caller;
  if (change.old || caller.user.empty()) return {};
  const Error gone{ErrorCode::kUnauthenticated, "the caller has gone", ""};
  const auto stored = parts_.store.get(user_key(caller.user));
  if (!stored) return stored.error().code == ErrorCode::kNotFound ? gone : stored.error();
  transaction.expectations.push_back({user_key(caller.user), stored->revision});
  const Json credential = Json::object({{"user", caller.user}});
  WEIR_ASSIGN_OR_RETURN(const Principal now, principal_of(caller.who, credential, parts_.store,
                                                          parts_.clock.wall_now()));
  Caller then = caller;
  then.role = now.role;
  return check_right(then, rule_of(NativeCall::kSetPassword), change.record.operation);
}

http::Response Logins::session(const http::Request& request, const CallRecord& record) {
  const Caller& caller = record.caller;
  if (!request.query.empty()) {
    return problem_response({invalid("query", "this call has no parameters")}, caller.request_id);
  }
  auto all = parts_.sessions.list(caller);
  if (!all) return problem_response({all.error()}, caller.request_id);
  if (request.path.size() == 3) {
    return json_response(200, Json::object({{"items", Json::array(std::move(*all))}}));
  }
  const std::string id = request.path[3] == "current" ? caller.session : request.path[3];
  const auto found =
      std::ranges::find(*all, id, [](const Json& one) { return one.string_or("id", ""); });
  if (found == all->end()) return not_found(caller.request_id);
  if (id != caller.session) return json_response(200, *found);
  // Who the page belongs to, and what its writes have to send.
  (*found)["user"] = Json(caller.who.substr(0, caller.who.rfind('/')));
  (*found)["account"] = Json(caller.account);
  (*found)["role"] = Json(model::word_of(caller.role));
  (*found)["csrfToken"] = Json(csrf_token(cookie_of(request)));
  return json_response(200, *found);
}

http::Response Logins::end_session(const http::Request& request, const CallRecord& record) {
  const Caller& caller = record.caller;
  const bool is_plain = request.query.empty() && request.header("If-Match") == nullptr;
  if (!is_plain) {
    return problem_response({invalid("", "this call has neither parameters nor a revision")},
                            caller.request_id);
  }
  const std::string id = request.path[3] == "current" ? caller.session : request.path[3];
  const Outcome<Json> ended = parts_.sessions.end(id, caller);
  if (!ended.ok()) return problem_response(ended.errors, caller.request_id);
  http::Response response = json_response(200, *ended.value);
  if (id == caller.session)
    response.headers.push_back(cookie_line("", !cookie_of(request, true).empty()));
  return response;
}

http::Response Logins::respond(const http::Request& request, const CallRecord& record) {
  const Caller& caller = record.caller;
  const std::string method = request.method == "HEAD" ? "GET" : request.method;
  const auto call = login_call(request.path, method);
  if (!call) {
    std::string allowed;
    for (const std::string_view one : login_methods(request.path)) {
      allowed += (allowed.empty() ? "" : ", ") + std::string(one);
    }
    return wrong_method(allowed, caller.request_id);
  }
  const auto right = check_right(caller, rule_of(*call), record.operation);
  if (!right) return problem_response({right.error()}, caller.request_id);
  if (*call == NativeCall::kListSessions || *call == NativeCall::kShowSession) {
    return session(request, record);
  }
  if (*call == NativeCall::kEndSession) return end_session(request, record);
  if (!has_json_type(request)) return refused_type(caller.request_id);
  return *call == NativeCall::kSetPassword ? password_of(request, record)
                                           : own_password(request, record);
}

bool is_login_path(const std::vector<std::string>& path) {
  if (path.size() < 3 || path.size() > 5) return false;
  if (path.size() == 5) return path[2] == "user" && path[4] == "password";
  return path[2] == "session" || (path[2] == "password" && path.size() == 3);
}

std::span<const std::string_view> login_methods(const std::vector<std::string>& path) {
  static constexpr std::string_view kPassword[] = {"PUT"};
  static constexpr std::string_view kSessions[] = {"GET", "POST"};
  static constexpr std::string_view kSession[] = {"GET", "DELETE"};
  if (path[2] != "session") return kPassword;
  if (path.size() == 3) return kSessions;
  return kSession;
}

std::optional<NativeCall> login_call(const std::vector<std::string>& path,
                                     std::string_view method) {
  const auto methods = login_methods(path);
  if (std::ranges::find(methods, method) == methods.end()) return std::nullopt;
  if (method == "POST") return NativeCall::kLogIn;
  if (method == "DELETE") return NativeCall::kEndSession;
  if (method == "GET") {
    return path.size() == 3 ? NativeCall::kListSessions : NativeCall::kShowSession;
  }
  return path.size() == 5 ? NativeCall::kSetPassword : NativeCall::kChangePassword;
}

std::string login_operation(const std::vector<std::string>& path, std::string_view method) {
  const auto call = login_call(path, method);
  if (!call) return "other " + path[2];
  switch (*call) {
    case NativeCall::kLogIn:
      return "log in";
    case NativeCall::kListSessions:
      return "list sessions";
    case NativeCall::kShowSession:
      return "show session";
    case NativeCall::kEndSession:
      return "end session";
    case NativeCall::kSetPassword:
      return "set password";
    default:
      return "change password";
  }
}

}  // namespace weir::api
