// Passwords and console sessions: set, logged in with, ended, and what an attacker gets.
#include "api/logins.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <thread>

#include "api/api_fixture.h"
#include "api/password.h"
#include "api/people_fixture.h"

namespace weir::api {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

class LoginsTest : public PeopleTest {
 protected:
  double logins(const std::string& result) {
    return metrics.value(Metric::kLogins, {result}).get();
  }
  /// Without the headers that a browser would add.
  Answer log_in_with(const Json& body, std::vector<http::HeaderLine> headers = {}) {
    return caller_of("").call("POST", "session", body.dump(), std::move(headers));
  }
  std::string newest_audit() {
    const auto row = store->audit_rows(1)->front().second;
    return row.who + "|" + row.account + "|" + row.operation + "|" + row.object + "|" + row.result;
  }
};

TEST_F(LoginsTest, APasswordOpensASessionThatDoesWhatItsUserMay) {
  const std::string ann = make_person("ann", "operator", "shop");
  EXPECT_EQ(newest_audit(),
            "token-" + token.substr(5, 10) + "|default|set password|" + ann + "|ok");
  const Answer login = log_in("ann", kPassword, "shop");
  ASSERT_EQ(login.status, 201) << login.message();
  EXPECT_EQ(login.body.string_or("account", ""), "shop");
  EXPECT_EQ(login.body.string_or("expiresTime", ""), "2026-01-01T13:00:00Z");
  EXPECT_EQ(login.body.string_or("lastLoginTime", "?"), "");
  EXPECT_EQ(newest_audit(), "ann/" + login.id() + "|shop|log in|" + ann + "/" + login.id() + "|ok");
  ApiCaller page = page_of(login);
  EXPECT_EQ(page.create("vpc", "net", Json::object()).status, 201);
  EXPECT_EQ(page.get("vpc").items().size(), 1U);
  EXPECT_EQ(page.remove("vpc/" + page.get("vpc").items()[0].string_or("id", "")).problem(),
            "403 PERMISSION_DENIED");
  const Answer current = page.get("session/current");
  EXPECT_EQ(current.body.string_or("user", ""), "ann");
  EXPECT_EQ(current.body.string_or("role", ""), "operator");
  EXPECT_EQ(current.body.string_or("csrfToken", ""), login.body.string_or("csrfToken", "?"));
  EXPECT_EQ(log_in("ann", kPassword, "shop").body.string_or("lastLoginTime", ""),
            "2026-01-01T01:00:00Z");
}

TEST_F(LoginsTest, NeitherPasswordNorCookieIsStoredOrShown) {
  const std::string ann = make_person("ann", "administrator");
  const Answer login = log_in("ann", kPassword);
  const std::string cookie = login.header("Set-Cookie");
  const std::string value = cookie.substr(cookie.find('=') + 1, cookie.find(';') - 13);
  EXPECT_GT(value.size(), 64U);
  for (const auto& entry : store->list("").value().entries) {
    EXPECT_EQ(entry.value.find(kPassword), std::string::npos) << entry.key;
    EXPECT_EQ(entry.value.find(value.substr(value.rfind('.') + 1)), std::string::npos) << entry.key;
  }
  for (const std::string& path : {std::string("user"), "user/" + ann, std::string("session")}) {
    const std::string said = page_of(login).get(path).body.dump();
    EXPECT_EQ(said.find("argon2"), std::string::npos) << path;
    EXPECT_EQ(said.find("sha256"), std::string::npos) << path;
  }
}

TEST_F(LoginsTest, TheCookieIsForThisServerAloneAndScriptsCannotReadIt) {
  make_person("ann", "viewer");
  const std::string cookie = log_in("ann", kPassword).header("Set-Cookie");
  EXPECT_TRUE(cookie.starts_with("weir-session=user-")) << cookie;
  EXPECT_TRUE(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict")) << cookie;
  EXPECT_EQ(cookie_line("x", true).value,
            "__Host-weir-session=x; Path=/; HttpOnly; SameSite=Strict; Secure");
  EXPECT_EQ(cookie_line("", true).value,
            "__Host-weir-session=; Path=/; HttpOnly; SameSite=Strict; Secure; Max-Age=0");
}

TEST_F(LoginsTest, BehindAProxyThatSpeaksTlsTheCookieIsForTlsAlone) {
  make_person("ann", "viewer");
  const std::string host = server->api_endpoint().substr(server->api_endpoint().rfind('/') + 1);
  const Answer login = log_in_with(Json::object({{"user", "ann"}, {"password", kPassword}}),
                                   {{"Origin", "https://" + host}});
  ASSERT_EQ(login.status, 201) << login.message();
  const std::string cookie = login.header("Set-Cookie");
  EXPECT_TRUE(cookie.starts_with("__Host-weir-session=")) << cookie;
  EXPECT_TRUE(cookie.ends_with("; Secure")) << cookie;
  ApiCaller page = caller_of("");
  page.set_credentials({{"Cookie", "weir-session=planted; " + cookie.substr(0, cookie.find(';'))},
                        {"X-Weir-Csrf", login.body.string_or("csrfToken", "")}});
  EXPECT_EQ(page.get("session/current").status, 200);
  const std::string ended = page.remove("session/current").header("Set-Cookie");
  EXPECT_TRUE(ended.starts_with("__Host-weir-session=;")) << ended;
}

TEST_F(LoginsTest, WrongPasswordUnknownUserAndUserWithoutPasswordAnswerAlike) {
  make_person("ann", "viewer");
  make_user("bob", "viewer");
  const auto said = [](const Answer& answer) {
    std::string text;
    for (const auto& line : answer.headers) {
      if (line.name != "X-Request-Id") text += line.name + ": " + line.value + "\n";
    }
    return answer.problem() + " " + answer.message() + "\n" + text;
  };
  const std::string wrong = said(log_in("ann", "not this password"));
  EXPECT_TRUE(wrong.starts_with("401 ACCESS_ERROR user or password is wrong\n")) << wrong;
  EXPECT_EQ(said(log_in("nobody", "not this password")), wrong);
  EXPECT_EQ(said(log_in("bob", "not this password")), wrong);
  EXPECT_EQ(said(log_in("ann", "not this password", "shop")), wrong);
  EXPECT_EQ(said(log_in("a/b", "x")), wrong);
  EXPECT_EQ(logins("refused"), 5);
  // Delays do not tell them apart either.
  for (int i = 0; i < 4; ++i) log_in("ann", "not this password");
  for (int i = 0; i < 4; ++i) log_in("nobody", "not this password");
  const std::string delayed = said(log_in("ann", kPassword));
  EXPECT_TRUE(delayed.starts_with("429 ")) << delayed;
  EXPECT_NE(delayed.find("Retry-After: 1\n"), std::string::npos) << delayed;
  EXPECT_EQ(said(log_in("nobody", kPassword)), delayed);
  EXPECT_EQ(logins("throttled"), 2);
  clock.advance(seconds(1));
  EXPECT_EQ(log_in("ann", kPassword).status, 201);
}

TEST_F(LoginsTest, ARefusedLoginIsInTheAuditUnderTheUserItWasAbout) {
  const std::string ann = make_person("ann", "viewer", "shop");
  log_in("ann", "not this password", "shop");
  EXPECT_EQ(newest_audit(), "unauthenticated|shop|log in|" + ann + "|refused: ACCESS_ERROR");
  log_in("my secret typed here", "x");
  EXPECT_EQ(newest_audit(), "unauthenticated||log in||refused: ACCESS_ERROR")
      << "what nobody is called may be a password in the wrong field";
}

TEST_F(LoginsTest, ARefusedCallNamesWhosePasswordOrWhichSessionItWasAbout) {
  const std::string ann = make_person("ann", "viewer", "shop");
  const std::string body = R"({"password":"another horse battery"})";
  somebody("op", "operator", "shop").call("PUT", "user/" + ann + "/password", body);
  EXPECT_TRUE(newest_audit().ends_with("|shop|set password|" + ann + "|refused: PERMISSION_DENIED"))
      << newest_audit();
  api->remove("session/session-0123456789");
  EXPECT_TRUE(newest_audit().ends_with("|end session|session-0123456789|refused: NOT_FOUND"))
      << newest_audit();
}

TEST_F(LoginsTest, WhatAPageOfAnotherSiteSendsStandsUnderTheUserWhoseBrowserItUsed) {
  make_person("ann", "administrator", "shop");
  const Answer login = log_in("ann", kPassword, "shop");
  ApiCaller page = page_of(login);
  EXPECT_EQ(
      page.call("DELETE", "session/" + login.id(), "", {{"Origin", "https://evil.example"}}).status,
      403);
  EXPECT_EQ(newest_audit(), "ann/" + login.id() + "|shop|end session|" + login.id() +
                                "|refused: PERMISSION_DENIED");
  // Nor does it keep the session awake.
  clock.advance(minutes(20));
  page.call("DELETE", "session/" + login.id(), "", {{"Origin", "https://evil.example"}});
  clock.advance(minutes(20));
  EXPECT_EQ(page.get("vpc").status, 401);
}

TEST_F(LoginsTest, WhoeverMayHaveANameMayLogInWithIt) {
  std::string name;
  for (int i = 0; i < 64; ++i) name += "中";
  const std::string account = "shop";
  make_person(name, "viewer", account);
  EXPECT_EQ(log_in(name, kPassword, account).status, 201);
}

TEST_F(LoginsTest, ACallWithoutMemoryForItIsNoWrongPassword) {
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  GTEST_SKIP() << "the sanitizer ends the program";
#endif
#endif
  // Four tebibytes: where the system gives them, this cannot be tried.
  constexpr std::size_t kNobodysMemory = std::size_t{1} << 42U;
  const std::unique_ptr<void, decltype(&std::free)> given(std::malloc(kNobodysMemory), &std::free);
  if (given) GTEST_SKIP() << "memory without end";
  const std::string ann = make_person("ann", "viewer");
  const std::string key = "people/password/" + ann;
  Json record = parse_json(stored(key)).value();
  record["hash"] = Json("$argon2id$v=19$m=4294967295,t=1,p=1$" + std::string(22, 'A') + "$" +
                        std::string(43, 'A'));
  store::Transaction transaction;
  transaction.writes = {{key, record.dump()}};
  ASSERT_TRUE(store->commit(transaction));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(log_in("ann", kPassword).problem(), "503 UNAVAILABLE");
  EXPECT_EQ(metrics.value(Metric::kLoginDelays).get(), 0);
  EXPECT_EQ(logins("refused"), 0);
  EXPECT_EQ(logins("busy"), 10);
}

TEST_F(LoginsTest, NobodyLogsInOrSetsPasswordsWithoutEnd) {
  const std::string ann = make_person("ann", "viewer");
  make_person("bob", "viewer");
  for (int i = 0; i < 30; ++i) ASSERT_EQ(log_in("ann", kPassword).status, 201) << i;
  const Answer refused = log_in("ann", kPassword);
  EXPECT_EQ(refused.problem(), "429 RATE_LIMIT");
  EXPECT_EQ(refused.header("Retry-After"), "60");
  EXPECT_EQ(log_in("bob", kPassword).status, 201);
  for (int i = 0; i < 28; ++i) ASSERT_EQ(set_password(ann, kPassword).status, 200) << i;
  EXPECT_EQ(set_password(ann, kPassword).status, 429);
  clock.advance(minutes(1));
  EXPECT_EQ(set_password(ann, kPassword).status, 200);
  EXPECT_EQ(log_in("ann", kPassword).status, 201);
}

TEST_F(LoginsTest, RefusesWhatDoesNotFitAllAtOnce) {
  const Answer bad = log_in_with(Json::object({{"user", 5}, {"role", "king"}}));
  EXPECT_EQ(bad.problem(), "400 INVALID_ARGUMENT");
  EXPECT_EQ(bad.fields(), (std::vector<std::string>{"role", "user", "password"}));
  EXPECT_EQ(log_in("ann", std::string(300, 'x')).fields(), std::vector<std::string>{"password"});
  EXPECT_EQ(log_in_with(Json::object(), {{"Content-Type", "text/plain"}}).status, 415);
  EXPECT_EQ(caller_of("").call("PUT", "session", "{}").status, 401);
  EXPECT_EQ(api->call("PUT", "session", "{}").status, 405);
  EXPECT_EQ(api->call("DELETE", "password").status, 405);
  const std::string ann = make_user("ann", "viewer");
  EXPECT_EQ(set_password(ann, "short").fields(), std::vector<std::string>{"password"});
  EXPECT_EQ(set_password("user-0000000000", kPassword).problem(), "404 NOT_FOUND");
  EXPECT_EQ(api->get("session").items().size(), 0U) << "tokens have no sessions";
  EXPECT_EQ(api->get("session/current").status, 404);
}

TEST_F(LoginsTest, APageOfAnotherSiteCanDoNothing) {
  make_person("ann", "administrator");
  const Answer login = log_in("ann", kPassword);
  const std::string cookie = login.header("Set-Cookie");
  const http::HeaderLine sent{"Cookie", cookie.substr(0, cookie.find(';'))};
  const http::HeaderLine csrf{"X-Weir-Csrf", login.body.string_or("csrfToken", "")};
  ApiCaller page = caller_of("");
  const std::string body = Json::object({{"name", "net"}, {"spec", Json::object()}}).dump();
  const auto write = [&](std::vector<http::HeaderLine> credentials) {
    page.set_credentials(std::move(credentials));
    return page.call("POST", "vpc", body).status;
  };
  EXPECT_EQ(write({sent}), 403) << "no token";
  EXPECT_EQ(write({sent, {"X-Weir-Csrf", std::string(64, 'a')}}), 403);
  EXPECT_EQ(write({sent, csrf, {"Origin", "https://evil.example"}}), 403);
  EXPECT_EQ(write({sent, csrf, {"Origin", "null"}}), 403);
  EXPECT_EQ(write({sent, csrf, {"Sec-Fetch-Site", "cross-site"}}), 403);
  EXPECT_EQ(write({csrf}), 401) << "the token alone is nothing";
  const std::string own = server->api_endpoint();
  EXPECT_EQ(write({sent, csrf, {"Origin", own}, {"Sec-Fetch-Site", "same-origin"}}), 201);
  EXPECT_EQ(api->get("vpc?name=net").items().size(), 1U);
  // Nor can it log somebody in as itself.
  const Json good = Json::object({{"user", "ann"}, {"password", kPassword}});
  EXPECT_EQ(log_in_with(good, {{"Origin", "https://evil.example"}}).status, 403);
  EXPECT_EQ(log_in_with(good, {{"Sec-Fetch-Site", "same-site"}}).status, 403);
  EXPECT_EQ(log_in_with(good, {{"Origin", own}}).status, 201);
}

TEST_F(LoginsTest, ASessionEndsAfterHalfAnHourWithoutACallAndAfterTwelveHours) {
  make_person("ann", "viewer");
  ApiCaller idle = page_of(log_in("ann", kPassword));
  ApiCaller busy = page_of(log_in("ann", kPassword));
  for (int i = 0; i < 24; ++i) {
    EXPECT_EQ(busy.get("vpc").status, 200) << i;
    clock.advance(minutes(30) - seconds(1));
    if (i == 0) EXPECT_EQ(idle.get("vpc").status, 200);
  }
  EXPECT_EQ(idle.get("vpc").problem(), "401 ACCESS_ERROR");
  EXPECT_EQ(busy.get("vpc").status, 200);
  clock.advance(seconds(24));
  EXPECT_EQ(busy.get("vpc").problem(), "401 ACCESS_ERROR") << "twelve hours, though never idle";
}

TEST_F(LoginsTest, SessionsAreSeenAndEndedByTheirUserAlone) {
  make_person("ann", "viewer");
  make_person("bob", "administrator");
  const Answer first = log_in("ann", kPassword);
  clock.advance(seconds(2));
  const Answer second = log_in("ann", kPassword);
  ApiCaller ann = page_of(second);
  ApiCaller other = page_of(first);
  ApiCaller bob = page_of(log_in("bob", kPassword));
  const Answer list = ann.get("session");
  ASSERT_EQ(list.items().size(), 2U);
  EXPECT_EQ(list.items()[0].string_or("id", ""), second.id()) << "newest first";
  EXPECT_TRUE(list.items()[0].bool_or("isCurrent", false));
  EXPECT_EQ(list.items()[0].string_or("source", ""), "127.0.0.1");
  EXPECT_EQ(list.items()[0].string_or("userAgent", ""), "weir");
  EXPECT_EQ(bob.get("session/" + first.id()).status, 404);
  EXPECT_EQ(bob.remove("session/" + first.id()).status, 404);
  EXPECT_EQ(other.get("vpc").status, 200);
  EXPECT_EQ(ann.remove("session/" + first.id()).status, 200);
  EXPECT_EQ(other.get("vpc").status, 401);
  const Answer logout = ann.remove("session/current");
  EXPECT_EQ(logout.status, 200);
  EXPECT_NE(logout.header("Set-Cookie").find("Max-Age=0"), std::string::npos);
  EXPECT_EQ(ann.get("vpc").status, 401);
  EXPECT_EQ(bob.get("vpc").status, 200);
}

TEST_F(LoginsTest, AChangedPasswordEndsAllSessionsAndTheOldOneOpensNoneNew) {
  const std::string ann = make_person("ann", "viewer");
  ApiCaller first = page_of(log_in("ann", kPassword));
  ApiCaller second = page_of(log_in("ann", kPassword));
  const std::string next = "another horse battery";
  const auto change = [&](const std::string& old, const std::string& to) {
    return first.call("PUT", "password",
                      Json::object({{"oldPassword", old}, {"password", to}}).dump());
  };
  EXPECT_EQ(change("not this password", next).fields(), std::vector<std::string>{"oldPassword"});
  EXPECT_EQ(change(kPassword, "short").fields(), std::vector<std::string>{"password"});
  EXPECT_EQ(second.get("vpc").status, 200);
  const auto before = store->list("session/").value().entries;
  EXPECT_EQ(change(kPassword, next).status, 200);
  EXPECT_EQ(newest_audit().substr(newest_audit().find('|')),
            "|default|change password|" + ann + "|ok");
  EXPECT_EQ(first.get("vpc").status, 401);
  EXPECT_EQ(second.get("vpc").status, 401);
  EXPECT_TRUE(store->list("session/").value().entries.empty());
  // One that a login with the old password stores at this moment is none either.
  store::Transaction late;
  for (const auto& entry : before) late.writes.push_back({entry.key, entry.value});
  ASSERT_TRUE(store->commit(late));
  EXPECT_EQ(second.get("vpc").status, 401);
  EXPECT_EQ(log_in("ann", kPassword).status, 401);
  ApiCaller third = page_of(log_in("ann", next));
  EXPECT_EQ(third.get("vpc").status, 200);
  EXPECT_EQ(set_password(ann, kPassword).status, 200) << "an administrator needs no old one";
  EXPECT_EQ(third.get("vpc").status, 401);
  const Answer key = api->call("PUT", "password", R"({"oldPassword":"x","password":"y"})");
  EXPECT_EQ(key.problem(), "400 INVALID_ARGUMENT") << "the first token belongs to no user";
}

TEST_F(LoginsTest, AStolenSessionIsNoWayToGuessThePasswordNorToSetIt) {
  const std::string ann = make_person("ann", "administrator");
  ApiCaller page = page_of(log_in("ann", kPassword));
  const auto guess = [&] {
    return page.call("PUT", "password",
                     R"({"oldPassword":"not this password","password":"correct horse battery"})");
  };
  for (int i = 0; i < 5; ++i) EXPECT_EQ(guess().status, 400);
  EXPECT_EQ(guess().status, 429);
  EXPECT_EQ(page.call("PUT", "user/" + ann + "/password", R"({"password":"another horse battery"})")
                .problem(),
            "400 INVALID_ARGUMENT")
      << "not one's own without the old one";
}

TEST_F(LoginsTest, PasswordsOfOthersAreForAdministratorsOfTheirAccount) {
  const std::string ann = make_person("ann", "viewer", "shop");
  const std::string body = R"({"password":"another horse battery"})";
  const std::string path = "user/" + ann + "/password";
  EXPECT_EQ(somebody("op", "operator", "shop").call("PUT", path, body).status, 403);
  EXPECT_EQ(somebody("root", "administrator", "evil").call("PUT", path, body).status, 404);
  EXPECT_EQ(somebody("boss", "administrator", "shop").call("PUT", path, body).status, 200);
  EXPECT_EQ(log_in("ann", "another horse battery", "shop").status, 201);
}

TEST_F(LoginsTest, AUserWhoGoesTakesPasswordAndSessionsAlong) {
  const std::string ann = make_person("ann", "viewer");
  ApiCaller page = page_of(log_in("ann", kPassword));
  EXPECT_EQ(api->remove("user/" + ann).status, 200);
  EXPECT_EQ(page.get("vpc").status, 401);
  EXPECT_TRUE(store->list("session/").value().entries.empty());
  EXPECT_TRUE(store->list("people/password/").value().entries.empty());
  EXPECT_EQ(log_in("ann", kPassword).status, 401);
  make_user("ann", "administrator");
  EXPECT_EQ(log_in("ann", kPassword).status, 401) << "a namesake has no password yet";
}

TEST_F(LoginsTest, ARightPasswordWithAWeakHashIsHashedAnewAndSessionsGoOn) {
  const std::string ann = make_person("ann", "viewer");
  ApiCaller page = page_of(log_in("ann", kPassword));
  const std::string key = "people/password/" + ann;
  Json record = parse_json(stored(key)).value();
  const std::string weak =
      hash_password(kPassword, {.passes = 1, .kibibytes = 64, .lanes = 1}).value();
  record["hash"] = Json(weak);
  store::Transaction transaction;
  transaction.writes = {{key, record.dump()}};
  ASSERT_TRUE(store->commit(transaction));
  EXPECT_EQ(log_in("ann", "not this password").status, 401);
  EXPECT_NE(stored(key).find("m=64,"), std::string::npos) << "a wrong one proves nothing";
  EXPECT_EQ(log_in("ann", kPassword).status, 201);
  EXPECT_NE(stored(key).find("m=19456,"), std::string::npos);
  EXPECT_EQ(page.get("vpc").status, 200);
  EXPECT_EQ(log_in("ann", kPassword).status, 201);
}

TEST_F(LoginsTest, TheOldestOfTooManySessionsEnds) {
  make_person("ann", "viewer");
  std::vector<ApiCaller> pages;
  for (int i = 0; i < 21; ++i) {
    const Answer login = log_in("ann", kPassword);
    ASSERT_EQ(login.status, 201) << i;
    pages.push_back(page_of(login));
    clock.advance(seconds(1));
  }
  EXPECT_EQ(pages[0].get("vpc").status, 401);
  EXPECT_EQ(pages[1].get("vpc").status, 200);
  EXPECT_EQ(pages[20].get("session").items().size(), 20U);
}

TEST_F(LoginsTest, AWatchEndsWithTheSessionAndKeepsNoneAwake) {
  make_person("ann", "viewer");
  const Answer login = log_in("ann", kPassword);
  ApiCaller page = page_of(login);
  const auto watch = [&](const std::function<void()>& meanwhile) {
    std::vector<std::string> lines;
    std::atomic<bool> is_listed = false;
    std::jthread other([&] {
      eventually([&] { return is_listed.load(); });
      meanwhile();
    });
    http::ClientRequest request;
    request.target = "/weir/v1/vpc?watch=true";
    const std::string cookie = login.header("Set-Cookie");
    request.headers = {{"Cookie", cookie.substr(0, cookie.find(';'))}};
    auto client = http::Client::open(server->api_endpoint()).value();
    const auto done = client->stream_lines(request, soon(), [&](std::string_view line) {
      lines.emplace_back(line);
      is_listed = is_listed || line.find("listed") != std::string_view::npos;
      return true;
    });
    EXPECT_TRUE(done) << to_string(done.error());
    return lines;
  };
  // The watch asks again and again, and is no sign of life.
  EXPECT_FALSE(watch([&] { clock.advance(kSessionIdleMax); }).empty());
  EXPECT_EQ(page.get("vpc").status, 401);
}

TEST_F(LoginsTest, AnEndedSessionEndsItsWatchesAtOnce) {
  make_person("ann", "viewer");
  const Answer login = log_in("ann", kPassword);
  ApiCaller page = page_of(login);
  const std::string cookie = login.header("Set-Cookie");
  http::ClientRequest request;
  request.target = "/weir/v1/vpc?watch=true";
  request.headers = {{"Cookie", cookie.substr(0, cookie.find(';'))}};
  auto client = http::Client::open(server->api_endpoint()).value();
  std::jthread other;
  const auto done = client->stream_lines(request, soon(), [&](std::string_view line) {
    if (line.find("listed") != std::string_view::npos) {
      other = std::jthread([&] { EXPECT_EQ(page.remove("session/current").status, 200); });
    }
    return true;
  });
  EXPECT_TRUE(done) << to_string(done.error());
}

TEST_F(LoginsTest, TheSweepTakesAwayWhatHasEnded) {
  make_person("ann", "viewer");
  log_in("ann", kPassword);
  clock.advance(minutes(20));
  ApiCaller page = page_of(log_in("ann", kPassword));
  clock.advance(minutes(15));
  Sessions sessions(*store, clock, metrics);  // as after a restart: it knows of no call
  sessions.sweep();
  EXPECT_EQ(store->list("session/").value().entries.size(), 2U) << "its half hour begins anew";
  clock.advance(minutes(30));
  sessions.sweep();
  EXPECT_TRUE(store->list("session/").value().entries.empty());
  EXPECT_EQ(page.get("vpc").status, 401);
  EXPECT_EQ(newest_audit(), "control||end sessions||ok");
}

TEST_F(LoginsTest, ManyAtOnceWaitInAQueueAndTheRestIsToldSo) {
  make_person("ann", "viewer");
  std::atomic<int> others = 0;
  std::atomic<int> slow = 0;
  {
    std::vector<std::jthread> callers;
    for (int i = 0; i < 8; ++i) {
      callers.emplace_back([&, i] {
        ApiCaller one = caller_of("");
        const Answer answer = one.post(
            "session",
            Json::object({{"user", "u" + std::to_string(i)}, {"password", "not this password"}}));
        if (answer.status != 401 && answer.status != 503 && answer.status != 429) ++others;
      });
      callers.emplace_back([&] {
        if (caller().get("vpc").status != 200) ++slow;
      });
    }
  }
  EXPECT_EQ(others, 0);
  EXPECT_EQ(slow, 0);
}

class BusyLoginsTest : public LoginsTest {
 protected:
  void SetUp() override {
    options.logins.pool.queue_max = 0;
    start();
  }
};

TEST_F(BusyLoginsTest, BeyondItsQueueALoginIsRefusedAndNotCountedAgainstAnybody) {
  for (int i = 0; i < 30; ++i) {
    const Answer refused = log_in("bob", kPassword);
    EXPECT_EQ(refused.problem(), "503 UNAVAILABLE") << refused.message();
    EXPECT_EQ(refused.header("Retry-After"), "1");
  }
  EXPECT_EQ(logins("busy"), 30);
  EXPECT_EQ(metrics.value(Metric::kLoginDelays).get(), 0);
  EXPECT_EQ(metrics.value(Metric::kApiLimitReached, {"password_queue"}).get(), 30);
}

}  // namespace
}  // namespace weir::api
