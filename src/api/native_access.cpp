// Who makes a call of the native face: by a bearer token, or by a session's cookie.
#include "api/auth.h"
#include "api/native_face.h"
#include "api/refusals.h"

namespace weir::api {

Result<Principal> NativeFace::caller_of(const http::Request& request, SessionUse use) const {
  const std::string_view cookie = cookie_of(request);
  if (cookie.empty() || request.header("Authorization") != nullptr) {
    return authenticate(request, parts_.store, parts_.clock.wall_now());
  }
  if (is_write(request.method)) WEIR_TRY(check_cookie_write(request));
  return parts_.sessions.principal(cookie, use);
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
