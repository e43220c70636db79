// Tests with several people: users of several accounts and what speaks for them. Only tests include
// it. Thread: the test's.
#pragma once

#include <string>

#include "api/api_fixture.h"

namespace weir::api {

class PeopleTest : public ApiTest {
 protected:
  /// The id of a new user.
  std::string make_user(const std::string& name, const std::string& role,
                        const std::string& account = "") {
    Json spec = Json::object({{"role", role}});
    if (!account.empty()) spec["account"] = Json(account);
    const Answer made = api->create("user", name, std::move(spec));
    EXPECT_EQ(made.status, 201) << made.message();
    return made.id();
  }
  Answer make_token(const std::string& user, int days = 90) {
    return api->create("token", "t", Json::object({{"user", user}, {"validDays", days}}));
  }
  /// Somebody new who calls with a token.
  ApiCaller somebody(const std::string& name, const std::string& role,
                     const std::string& account = "") {
    return caller_of(make_token(make_user(name, role, account)).body.string_or("secret", ""));
  }
  ApiCaller caller_of(const std::string& secret) {
    return ApiCaller(server->api_endpoint(), secret);
  }
  Answer set_password(const std::string& user_id, const std::string& password) {
    return api->call("PUT", "user/" + user_id + "/password",
                     Json::object({{"password", password}}).dump());
  }
  Answer log_in(const std::string& name, const std::string& password,
                const std::string& account = "") {
    Json body = Json::object({{"user", name}, {"password", password}});
    if (!account.empty()) body["account"] = Json(account);
    return caller_of("").post("session", body);
  }
  /// A page that was logged in with this answer.
  ApiCaller page_of(const Answer& login) {
    ApiCaller page = caller_of("");
    const std::string cookie = login.header("Set-Cookie");
    page.set_credentials({{"Cookie", cookie.substr(0, cookie.find(';'))},
                          {"X-Weir-Csrf", login.body.string_or("csrfToken", "")}});
    return page;
  }
  /// A user with a password.
  std::string make_person(const std::string& name, const std::string& role,
                          const std::string& account = "") {
    const std::string id = make_user(name, role, account);
    EXPECT_EQ(set_password(id, kPassword).status, 200);
    return id;
  }

  static constexpr const char* kPassword = "correct horse battery";
};

}  // namespace weir::api
