// The calls of logins.h in the OpenAPI document.
#include <algorithm>
#include <string>
#include <vector>

#include "api/logins.h"
#include "api/openapi_parts.h"
#include "api/schema_lines.h"

namespace weir::api {
namespace {

// clang-format off
constexpr SchemaLine kLogIn[] = {
    {"account", "string", "default, unless it is named"},
    {"user", "string", "the name of the user", true},
    {"password", "string", "", true},
};
constexpr SchemaLine kOpened[] = {
    {"kind", "string", "session", true},
    {"id", "string", "", true},
    {"user", "string", "the name of the user", true},
    {"account", "string", "", true},
    {"createdTime", "time", "", true},
    {"expiresTime", "time", "it ends sooner after 30 minutes without a call", true},
    {"lastLoginTime", "string", "of the login before; empty: there was none", true},
    {"source", "string", "address of the login", true},
    {"userAgent", "string", "", true},
    {"csrfToken", "string", "for the header X-Weir-Csrf of writes with the cookie", true},
};
constexpr SchemaLine kShown[] = {
    {"kind", "string", "session", true},
    {"id", "string", "", true},
    {"createdTime", "time", "", true},
    {"expiresTime", "time", "", true},
    {"source", "string", "", true},
    {"userAgent", "string", "", true},
    {"isCurrent", "boolean", "the one that asks"},
    {"user", "string", "of the one that asks alone, as the next three"},
    {"account", "string", ""},
    {"role", "string", ""},
    {"csrfToken", "string", ""},
};
constexpr SchemaLine kListed[] = {
    {"items[].kind", "string", "session", true},
    {"items[].id", "string", "", true},
    {"items[].createdTime", "time", "", true},
    {"items[].expiresTime", "time", "", true},
    {"items[].source", "string", "", true},
    {"items[].userAgent", "string", "", true},
    {"items[].isCurrent", "boolean", "the one that asks", true},
};
constexpr SchemaLine kOwnPassword[] = {
    {"oldPassword", "string", "", true},
    {"password", "string", "12 characters or more", true},
};
constexpr SchemaLine kPassword[] = {{"password", "string", "12 characters or more", true}};
constexpr SchemaLine kChanged[] = {
    {"user", "string", "id of the user, whose sessions have ended", true},
    {"changedTime", "time", "", true},
};
// clang-format on

/// Fills in what follows from method and path.
OpenApiCall call_of(std::string_view method, const std::string& path, std::string_view id,
                    std::string_view sentence) {
  OpenApiCall call{.method = method,
                   .path = "/weir/v1/" + path,
                   .id = std::string(id),
                   .summary = std::string(sentence),
                   .tag = path.starts_with("session") ? "session" : "user"};
  std::vector<std::string> segments = {"weir", "v1"};
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    segments.push_back(path.substr(at, end - at));
    at = end + 1;
  }
  call.rule = rule_of(login_call(segments, method).value_or(NativeCall::kLogIn));
  call.counted_as = login_operation(segments, method);
  return call;
}

}  // namespace

void add_login_calls(Json& paths) {
  OpenApiCall set = call_of("PUT", "user/{id}/password", "setPassword",
                            "set the password of another user, whose sessions end");
  set.parameters.push_back(path_parameter("id", "user"));
  set.body = schema_of(kPassword);
  set.answer = schema_of(kChanged);
  add_call(set, paths);
  OpenApiCall change = call_of("PUT", "password", "changePassword",
                               "change the caller's own password, whose sessions end");
  change.body = schema_of(kOwnPassword);
  change.answer = schema_of(kChanged);
  add_call(change, paths);
  OpenApiCall list = call_of("GET", "session", "listSessions", "list the caller's own sessions");
  list.answer = schema_of(kListed);
  add_call(list, paths);
  OpenApiCall open = call_of("POST", "session", "logIn",
                             "log in with a password: a cookie that speaks for the user");
  open.is_open = true;
  open.status = 201;
  open.body = schema_of(kLogIn);
  open.answer = schema_of(kOpened);
  add_call(open, paths);
  for (const std::string_view method : {"GET", "DELETE"}) {
    const bool is_end = method == "DELETE";
    OpenApiCall one = call_of(method, "session/{id}", is_end ? "endSession" : "showSession",
                              is_end ? "end one of the caller's own sessions; current: this one"
                                     : "show one of the caller's own sessions; current: this one");
    one.parameters.push_back(path_parameter("id", "session"));
    one.is_of_one = true;
    one.answer = schema_of(kShown);
    add_call(one, paths);
  }
}

}  // namespace weir::api
