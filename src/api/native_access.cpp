// Who makes a call of the native face: by a bearer token, or by a session's cookie.
#include "api/auth.h"
#include "api/native_face.h"
#include "api/refusals.h"

namespace weir::api {
namespace {

bool is_by_cookie(const http::Request& request) {
  return !cookie_of(request).empty() && request.header("Authorization") == nullptr;
}

}  // namespace

Result<void> NativeFace::identify(const http::Request& request, Caller& caller) const {
  const bool is_cookie_write = is_write(request.method) && is_by_cookie(request);
  const auto allowed = is_cookie_write ? check_cookie_write(request) : Result<void>();
  // What a page of another site sends is no sign of life, and stands in the audit under the user
  // whose browser it used.
  const auto who = caller_of(request, allowed ? SessionUse::kCall : SessionUse::kWatch);
  if (!who) return who.error();
  caller.who = who->who;
  caller.account = who->account;
  caller.role = who->role;
  caller.user = who->user;
  caller.session = who->session;
  return allowed;
}

Result<Principal> NativeFace::caller_of(const http::Request& request, SessionUse use) const {
  if (!is_by_cookie(request)) {
    return authenticate(request, parts_.store, parts_.clock.wall_now());
  }
  return parts_.sessions.principal(cookie_of(request), use);
}

/// Whether the caller's token or session still speaks for the same account, in the same role.
std::function<bool()> NativeFace::right_to_follow(const http::Request& request,
                                                  const Caller& caller) const {
  http::Request credential;
  credential.method = "GET";
  credential.is_tls = request.is_tls;
  for (const char* name : {"Authorization", "Cookie"}) {
    if (const std::string* header = request.header(name)) {
      credential.headers.push_back({name, *header});
    }
  }
  return [this, credential = std::move(credential), account = caller.account, role = caller.role] {
    const auto who = caller_of(credential, SessionUse::kWatch);
    // A store that cannot be read for a moment takes nobody's right away.
    if (!who) return who.error().code == ErrorCode::kUnavailable;
    return who->account == account && who->role == role;
  };
}

}  // namespace weir::api
