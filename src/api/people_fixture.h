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
};

}  // namespace weir::api
