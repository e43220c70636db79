// Users, tokens and access keys: made, told once, expiring, revoked at once.
#include <algorithm>
#include <array>
#include <atomic>
#include <thread>

#include "api/people_fixture.h"
#include "api/refusals.h"

namespace weir::api {
namespace {

TEST_F(PeopleTest, ATokenSpeaksForItsUserUntilItIsRevoked) {
  const std::string user = make_user("ann", "operator");
  const Answer made = make_token("ann");
  ASSERT_EQ(made.status, 201) << made.message();
  EXPECT_EQ(made.at("admin").string_or("userId", ""), user);
  EXPECT_EQ(made.at("admin").string_or("expiresTime", ""), "2026-04-01T01:00:00Z");
  EXPECT_EQ(made.at("spec").string_or("user", ""), "ann");
  ApiCaller ann = caller_of(made.body.string_or("secret", ""));
  EXPECT_EQ(ann.get("lb").status, 200);
  EXPECT_EQ(ann.create("vpc", "net", Json::object()).status, 201);
  EXPECT_EQ(store->audit_rows(1)->front().second.who, "ann/" + made.id());
  EXPECT_EQ(api->remove("token/" + made.id()).status, 200);
  EXPECT_EQ(ann.get("lb").problem(), "401 ACCESS_ERROR");
  EXPECT_EQ(api->get("token/" + made.id()).status, 404);
}

TEST_F(PeopleTest, ASecretIsToldOnceAndNeverStored) {
  make_user("ann", "viewer");
  const Answer token = make_token("ann");
  const Answer key = api->create("accesskey", "k", Json::object({{"user", "ann"}}));
  ASSERT_EQ(key.status, 201) << key.message();
  EXPECT_EQ(key.id().size(), 32U);
  for (const Answer* made : {&token, &key}) {
    const std::string secret = made->body.string_or("secret", "");
    EXPECT_GE(secret.size(), 64U);
    const std::string kind = made->body.string_or("kind", "");
    for (const std::string& path : {kind, kind + "/" + made->id()}) {
      const std::string shown = api->get(path).body.dump();
      EXPECT_NE(shown.find(made->id()), std::string::npos);
      for (const std::string& word : {secret, std::string("sha256"), std::string("sealed")}) {
        EXPECT_EQ(shown.find(word), std::string::npos) << path;
      }
    }
    for (const auto& entry : store->list("").value().entries) {
      EXPECT_EQ(entry.value.find(secret), std::string::npos) << entry.key;
    }
  }
}

TEST_F(PeopleTest, ATokenEndsWithItsDaysWithItsUserAndWithItsRole) {
  ApiCaller boss = somebody("boss", "administrator");
  const std::string ann = make_user("ann", "operator");
  ApiCaller shortly = caller_of(make_token("ann", 1).body.string_or("secret", ""));
  ApiCaller longer = caller_of(make_token("ann", 2).body.string_or("secret", ""));
  clock.advance(std::chrono::hours(24) - std::chrono::seconds(1));
  EXPECT_EQ(shortly.get("lb").status, 200);
  clock.advance(std::chrono::seconds(1));
  EXPECT_EQ(shortly.get("lb").status, 401);
  EXPECT_EQ(longer.create("vpc", "net", Json::object()).status, 201);
  EXPECT_EQ(boss.patch_spec("user/" + ann, Json::object({{"role", "viewer"}})).status, 200);
  EXPECT_EQ(longer.create("vpc", "other", Json::object()).problem(), "403 PERMISSION_DENIED");
  EXPECT_EQ(longer.get("lb").status, 200);
  EXPECT_EQ(boss.remove("user/" + ann).status, 200);
  EXPECT_EQ(longer.get("lb").status, 401) << "a user goes with all that speaks for them";
  const Answer left = api->get("token?user=ann");
  EXPECT_TRUE(left.items().empty());
}

TEST_F(PeopleTest, RefusesWhatDoesNotFitAllAtOnce) {
  make_user("ann", "viewer");
  const Answer user =
      api->post("user", Json::object({{"name", "a/b"},
                                      {"labels", Json::object({{"a", "b"}})},
                                      {"spec", Json::object({{"role", "king"}, {"shoe", 44}})}}));
  EXPECT_EQ(user.problem(), "400 INVALID_ARGUMENT");
  EXPECT_EQ(user.fields(), (std::vector<std::string>{"labels", "name", "spec.role", "spec.shoe"}));
  const Answer token = api->post(
      "token", Json::object({{"spec", Json::object({{"user", "bob"}, {"validDays", 0}})}}));
  EXPECT_EQ(token.fields(), (std::vector<std::string>{"name", "spec.validDays", "spec.user"}));
  EXPECT_EQ(api->create("user", "ann", Json::object({{"role", "viewer"}})).problem(),
            "409 ALREADY_EXISTS");
  EXPECT_EQ(api->create("user", "ann", Json::object({{"role", "viewer"}, {"account", "b"}})).status,
            201)
      << "names are unique in an account";
  EXPECT_EQ(make_token("ann").problem(), "409 CONFLICT") << "which ann?";
  EXPECT_EQ(make_token("nobody").problem(), "404 NOT_FOUND");
  EXPECT_EQ(api->get("user?shoe=44").problem(), "400 INVALID_ARGUMENT");
  EXPECT_EQ(api->call("PUT", "user/x", "{}").status, 405);
  EXPECT_EQ(api->patch("token/token-0123456789", Json::object()).status, 405);
  EXPECT_EQ(api->remove("user/user-0000000000").status, 404);
}

TEST_F(PeopleTest, AWriteThatNamesAnotherRevisionIsRefused) {
  const std::string user = make_user("ann", "viewer");
  const Answer shown = api->get("user/" + user);
  const Json change = Json::object({{"spec", Json::object({{"description", "x"}})}});
  EXPECT_EQ(api->patch("user/" + user, change, {{"If-Match", "\"1\""}}).problem(), "412 CONFLICT");
  const Answer changed = api->patch("user/" + user, change, {{"If-Match", shown.etag}});
  ASSERT_EQ(changed.status, 200) << changed.message();
  EXPECT_EQ(changed.etag, api->get("user/" + user).etag);
  EXPECT_EQ(changed.at("spec").string_or("role", ""), "viewer") << "what is not named stays";
  EXPECT_EQ(api->call("DELETE", "user/" + user, "", {{"If-Match", shown.etag}}).status, 412);
  EXPECT_EQ(api->call("DELETE", "user/" + user, "", {{"If-Match", changed.etag}}).status, 200);
}

TEST_F(PeopleTest, AnAccountHasBoundedUsersAndAUserBoundedTokens) {
  for (int i = 0; i < 100; ++i) make_user("u" + std::to_string(i), "viewer", "big");
  const auto one_more = Json::object({{"role", "viewer"}, {"account", "big"}});
  EXPECT_EQ(api->create("user", "more", one_more).problem(), "429 QUOTA_EXCEEDED");
  make_user("more", "viewer", "other");
  for (int i = 0; i < 50; ++i) EXPECT_EQ(make_token("u0").status, 201);
  EXPECT_EQ(make_token("u0").problem(), "429 QUOTA_EXCEEDED");
  EXPECT_EQ(make_token("u1").status, 201);
}

TEST_F(PeopleTest, ManyWritersAtOnceMakeANameOnceAndKeepTheLimits) {
  make_user("busy", "viewer");
  std::atomic<int> named = 0;
  std::atomic<int> issued = 0;
  {
    std::vector<std::jthread> writers;
    for (int i = 0; i < 8; ++i) {
      writers.emplace_back([&] {
        ApiCaller writer = caller();
        const auto same = writer.create("user", "same", Json::object({{"role", "viewer"}}));
        if (same.status == 201) ++named;
        for (int k = 0; k < 10; ++k) {
          const auto token = writer.create("token", "t", Json::object({{"user", "busy"}}));
          if (token.status == 201) ++issued;
        }
      });
    }
  }
  EXPECT_EQ(named, 1);
  EXPECT_EQ(issued, 50);
  EXPECT_EQ(api->get("token?user=busy").items().size(), 50U);
  EXPECT_TRUE(api->get("audit/verification").body.bool_or("isWhole", false));
}

TEST_F(PeopleTest, OfTwoAdministratorsThatDeleteEachOtherOneStays) {
  const std::string key = api->get("accesskey").items().at(0).string_or("id", "");
  EXPECT_EQ(api->remove("accesskey/" + key).status, 200);
  const std::string first = api->get("token").items().at(0).string_or("id", "");
  const std::string users[] = {make_user("ann", "administrator"),
                               make_user("bob", "administrator")};
  ApiCaller callers[] = {caller_of(make_token("ann").body.string_or("secret", "")),
                         caller_of(make_token("bob").body.string_or("secret", ""))};
  EXPECT_EQ(api->remove("token/" + first).status, 200);
  std::array<int, 2> statuses{};
  {
    std::vector<std::jthread> both;
    for (std::size_t i : {0U, 1U}) {
      both.emplace_back([&, i] { statuses[i] = callers[i].remove("user/" + users[1 - i]).status; });
    }
  }
  EXPECT_EQ(std::ranges::count(statuses, 200), 1);
}

TEST_F(PeopleTest, AWatchEndsWithItsToken) {
  make_user("ann", "viewer");
  const Answer made = make_token("ann");
  http::ClientRequest request;
  request.target = "/weir/v1/vpc?watch=true";
  request.headers = {{"Authorization", "Bearer " + made.body.string_or("secret", "")}};
  std::vector<std::string> types;
  const auto done = caller().client().stream_lines(request, soon(), [&](std::string_view line) {
    types.push_back(parse_json(line).value().string_or("type", ""));
    if (types.back() != "listed") return true;
    EXPECT_EQ(api->remove("token/" + made.id()).status, 200);
    EXPECT_EQ(api->create("vpc", "late", Json::object()).status, 201);
    return true;
  });
  EXPECT_TRUE(done) << "it has an end";
  EXPECT_EQ(types, (std::vector<std::string>{"put", "listed"}));
}

TEST_F(PeopleTest, TheKeysOfTheDataPlaneAreForAdministratorsOfTheService) {
  EXPECT_EQ(api->get("keyring").status, 200);
  EXPECT_EQ(somebody("ann", "operator").get("keyring").status, 403);
  EXPECT_EQ(somebody("eve", "administrator", "acme").get("keyring").status, 403);
}

TEST_F(PeopleTest, TheLastAdministratorStays) {
  const std::string first_token = api->get("token").items().at(0).string_or("id", "");
  const std::string first_key = api->get("accesskey").items().at(0).string_or("id", "");
  EXPECT_EQ(api->remove("token/" + first_token).status, 409) << "no key may make another token";
  EXPECT_EQ(api->remove("accesskey/" + first_key).status, 200);
  EXPECT_EQ(api->remove("token/" + first_token).problem(), "409 CONFLICT");
  const std::string boss = make_user("boss", "administrator");
  EXPECT_EQ(api->remove("token/" + first_token).status, 409) << "nothing speaks for boss yet";
  ApiCaller other = caller_of(make_token("boss").body.string_or("secret", ""));
  EXPECT_EQ(other.remove("token/" + first_token).status, 200);
  EXPECT_EQ(other.remove("user/" + boss).status, 409);
  EXPECT_EQ(other.patch_spec("user/" + boss, Json::object({{"role", "viewer"}})).status, 409);
}

TEST_F(PeopleTest, AdministratorsOfAnAccountManageItsOwnPeopleAlone) {
  ApiCaller boss = somebody("boss", "administrator", "acme");
  const std::string mine = make_user("mine", "viewer");
  EXPECT_EQ(boss.create("user", "eve", Json::object({{"role", "viewer"}, {"account", "default"}}))
                .problem(),
            "403 PERMISSION_DENIED");
  const Answer made = boss.create("user", "eve", Json::object({{"role", "operator"}}));
  ASSERT_EQ(made.status, 201);
  EXPECT_EQ(made.body.string_or("owner", ""), "acme");
  EXPECT_EQ(boss.get("user").items().size(), 2U);
  EXPECT_EQ(boss.get("user/" + mine).status, 404);
  EXPECT_EQ(boss.remove("user/" + mine).status, 404);
  EXPECT_EQ(boss.create("token", "t", Json::object({{"user", mine}})).status, 404);
  EXPECT_EQ(boss.get("token").items().size(), 1U);
  EXPECT_TRUE(boss.get("accesskey").items().empty());
  for (const Json& row : boss.get("audit").items()) {
    EXPECT_EQ(row.string_or("account", ""), "acme");
  }
  EXPECT_EQ(boss.get("audit/verification").problem(), "403 PERMISSION_DENIED");
}

TEST_F(PeopleTest, AnIdAlwaysMeansItsUserWhateverOthersAreCalled) {
  const std::string ann = make_user("ann", "viewer", "shop");
  EXPECT_EQ(api->create("user", ann, Json::object({{"role", "viewer"}})).fields(),
            std::vector<std::string>{"name"});
  const std::string bob = make_user("bob", "viewer");
  const Answer renamed = api->patch("user/" + bob, Json::object({{"name", ann}}));
  EXPECT_EQ(renamed.fields(), std::vector<std::string>{"name"});
  EXPECT_EQ(make_user("user-of-the-shop", "viewer").substr(0, 5), "user-");
  // One that was named so before names were held apart.
  Json stored_bob = parse_json(stored("people/user/" + bob)).value();
  stored_bob["name"] = Json(ann);
  store::Transaction transaction;
  transaction.writes = {{"people/user/" + bob, stored_bob.dump()}, {"people/root", "test"}};
  ASSERT_TRUE(store->commit(transaction));
  const Answer made = make_token(ann);
  ASSERT_EQ(made.status, 201) << made.message();
  EXPECT_EQ(made.at("admin").string_or("userId", ""), ann);
}

TEST_F(PeopleTest, TheAuditNamesTheUserWhoseTokenItIs) {
  const std::string ann = make_user("ann", "viewer");
  const auto newest = [&] { return store->audit_rows(1)->front().second.object; };
  const Answer made = make_token("ann");
  EXPECT_EQ(newest(), ann + "/" + made.id());
  const Answer key = api->create("accesskey", "k", Json::object({{"user", "ann"}}));
  EXPECT_EQ(newest(), ann + "/" + key.id());
  EXPECT_EQ(api->remove("token/" + made.id()).status, 200);
  EXPECT_EQ(newest(), ann + "/" + made.id());
}

TEST_F(PeopleTest, WhatHasExpiredTakesNoRoom) {
  make_user("ann", "viewer");
  for (int i = 0; i < 49; ++i) ASSERT_EQ(make_token("ann", 1).status, 201);
  ASSERT_EQ(make_token("ann", 9).status, 201);
  EXPECT_EQ(make_token("ann", 9).problem(), "429 QUOTA_EXCEEDED");
  clock.advance(std::chrono::hours(24));
  for (int i = 0; i < 49; ++i) ASSERT_EQ(make_token("ann", 9).status, 201) << i;
  EXPECT_EQ(make_token("ann", 9).problem(), "429 QUOTA_EXCEEDED");
  EXPECT_EQ(api->get("token?user=ann").items().size(), 50U) << "and is kept no longer than that";
}

TEST_F(PeopleTest, RefusalsOfNobodyHideNoneOfAUser) {
  Refusals refusals(*store, clock, metrics);
  const auto note = [&](const std::string& who, const std::string& source) {
    refusals.note({.who = who, .source = source, .operation = "create vpc", .result = "refused"});
    const store::AuditRow newest = store->audit_rows(1)->front().second;
    return newest.who == who && newest.source == source;
  };
  int written = 0;
  for (int i = 0; i < 1'000; ++i) {
    written += note("unauthenticated", "10.0.0." + std::to_string(i)) ? 1 : 0;
  }
  EXPECT_EQ(written, 100);
  EXPECT_TRUE(note("ann/token-0123456789", "10.0.0.1"));
  EXPECT_TRUE(note("bob/token-0123456789", "10.0.0.2"));
  refusals.write_counted();
  int of_nobody = 0;
  for (const auto& [number, row] : *store->audit_rows(2'000)) {
    of_nobody += row.who == "unauthenticated" ? 1 : 0;
  }
  EXPECT_EQ(of_nobody, 101) << "a hundred rows, and one that counts all the others";
}

}  // namespace
}  // namespace weir::api
