// The access matrix: every call of both faces, made by everybody who may meet it, generated from
// the tables of kinds and calls. Nobody learns anything of another account.
#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "api/logins.h"
#include "api/native_face.h"
#include "api/native_pages.h"
#include "api/people_face.h"
#include "api/people_fixture.h"
#include "api/policy.h"
#include "api/refusals.h"
#include "api/v1_kinds.h"
#include "api/v1_operations.h"

namespace weir::api {
namespace {

using model::Kind;
using model::Role;

/// One call that names an object of the account, where its path takes one.
struct MatrixCall {
  std::string method;
  std::string path;
  std::string operation;  // for messages
  Rule rule;
  bool names_object = false;  // of the account: others get 404
  bool is_page = false;       // of the service itself: no object behind it
  bool is_own = false;        // of one user alone: not even the account sees it
};

/// Whether the word stands in the text by itself: a random id may hold any four digits.
bool says(const std::string& text, const std::string& word) {
  const auto is_inside = [&](std::size_t at) {
    return at < text.size() && std::isalnum(static_cast<unsigned char>(text[at])) != 0;
  };
  for (std::size_t at = text.find(word); at != text.npos; at = text.find(word, at + 1)) {
    const bool is_ended = is_inside(at + word.size() - 1) && is_inside(at + word.size());
    if (!is_ended && !(at > 0 && is_inside(at - 1))) return true;
  }
  return false;
}

class AccessMatrixTest : public PeopleTest {
 protected:
  void SetUp() override {
    PeopleTest::SetUp();
    owner_ = keep("owner", somebody("acme-admin", "administrator", "acme"));
    keep("viewer", somebody("acme-viewer", "viewer", "acme"));
    keep("operator", somebody("acme-operator", "operator", "acme"));
    keep("auditor", somebody("acme-auditor", "auditor", "acme"));
    other_ = keep("other", somebody("evil-admin", "administrator", "evil"));
    keep("no token", caller_of(""));
    const std::string late = make_user("acme-late", "administrator", "acme");
    keep("expired", caller_of(make_token(late, 1).body.string_or("secret", "")));
    const Answer revoked = make_token(late, 90);
    keep("revoked", caller_of(revoked.body.string_or("secret", "")));
    make_objects();
    make_pages();
    EXPECT_EQ(api->remove("token/" + revoked.id()).status, 200);
    clock.advance(std::chrono::hours(25));
    open_pages();
    make_calls();
  }

  /// Users of the account who come with a session's cookie; one is there for too long already.
  void make_pages() {
    make_person("acme-page", "administrator", "acme");
    make_person("acme-page-viewer", "viewer", "acme");
    keep("session expired", page_of(log_in("acme-page", kPassword, "acme")));
  }
  void open_pages() {
    const Answer page = log_in("acme-page", kPassword, "acme");
    ids_["session"] = page.id();
    page_ = keep("session", page_of(page));
    keep("session of a viewer", page_of(log_in("acme-page-viewer", kPassword, "acme")));
    ApiCaller* ended = keep("session revoked", page_of(log_in("acme-page", kPassword, "acme")));
    EXPECT_EQ(ended->remove("session/current").status, 200);
    // A page of another site has the cookie, and not what shows that it may write.
    ApiCaller foreign = page_of(page);
    const std::string cookie = page.header("Set-Cookie");
    foreign.set_credentials({{"Cookie", cookie.substr(0, cookie.find(';'))}});
    foreign_ = keep("page of another site", std::move(foreign));
  }

  ApiCaller* keep(const std::string& name, ApiCaller one) {
    callers_.emplace_back(name, std::make_unique<ApiCaller>(std::move(one)));
    return callers_.back().second.get();
  }

  /// One object of each kind that users make, with names that are found in any leak.
  void make_objects() {
    note("vpc",
         owner_->create("vpc", "acme-vpc", Json::object({{"addressPrefix", "10.77.0.0/16"}})));
    note("subnet",
         owner_->create("subnet", "acme-subnet",
                        Json::object({{"vpcId", ids_["vpc"]}, {"addressPrefix", "10.77.1.0/24"}})));
    note("securityGroup",
         owner_->create("securityGroup", "acme-group", Json::object({{"vpcId", ids_["vpc"]}})));
    note("securityGroupRule",
         owner_->post(
             "securityGroupRule",
             Json::object({{"spec", Json::object({{"securityGroupId", ids_["securityGroup"]},
                                                  {"direction", "in"},
                                                  {"protocol", "TCP"},
                                                  {"addressPrefix", "10.77.0.0/16"}})}})));
    note("ag",
         owner_->create("ag", "acme-ag", Json::object({{"azs", Json::array({Json("local-1a")})}})));
    note("instance", owner_->create("instance", "acme-instance",
                                    Json::object({{"subnetId", ids_["subnet"]},
                                                  {"ipAddress", "10.77.1.50"},
                                                  {"az", "local-1a"}})));
    note("lb", owner_->create("lb", "acme-lb",
                              Json::object({{"type", "alb"},
                                            {"subnetId", ids_["subnet"]},
                                            {"azs", Json::array({Json("local-1a")})}})));
    note("eip", owner_->create("eip", "acme-eip",
                               Json::object({{"bandwidthMbps", 5}, {"provider", "bgp"}})));
    note("tg", owner_->create("tg", "acme-tg",
                              Json::object({{"loadBalancerId", ids_["lb"]}, {"type", "ip"}})));
    note("target",
         owner_->post("target", Json::object({{"spec", Json::object({{"targetGroupId", ids_["tg"]},
                                                                     {"ipAddress", "10.77.1.50"},
                                                                     {"port", 7777}})}})));
    note("backend",
         owner_->create("backend", "acme-backend", backend_spec(ids_["lb"], ids_["tg"])));
    note("listener", owner_->create("listener", "acme-listener",
                                    listener_spec(ids_["lb"], ids_["backend"], 8077)));
    note("eip", owner_->create(
                    "eip", "acme-eip",
                    Json::object(
                        {{"bandwidthMbps", 5}, {"provider", "bgp"}, {"address", "127.127.0.77"}})));
    note("user", owner_->create("user", "acme-user", Json::object({{"role", "viewer"}})));
    note("token", owner_->create("token", "acme-token", Json::object({{"user", "acme-user"}})));
    note("accesskey",
         owner_->create("accesskey", "acme-key", Json::object({{"user", "acme-user"}})));
  }
  void note(const std::string& kind, const Answer& made) {
    ASSERT_EQ(made.status, 201) << kind << ": " << made.message();
    ids_[kind] = made.id();
  }

  void make_calls() {
    const auto add = [this](MatrixCall call) { calls_.push_back(std::move(call)); };
    for (const auto& kind : model::kind_descriptions()) {
      // A path without an object behind it shows nothing of what others may learn.
      EXPECT_TRUE(!kind.is_user_made || ids_.contains(std::string(kind.word)))
          << "make_objects() makes no " << kind.word;
      for (const bool is_one : {false, true}) {
        for (const std::string_view method : native_methods(kind, is_one)) {
          const std::string word(kind.word);
          const auto call = native_call(kind, method, is_one, "");
          ASSERT_TRUE(call) << method << " " << word;
          const bool has_object = ids_.contains(word);
          const std::string id = has_object ? ids_[word] : "none";
          add({std::string(method), "/weir/v1/" + word + (is_one ? "/" + id : ""),
               std::string(method) + " " + word, rule_of(*call, kind.kind), is_one && has_object});
        }
      }
    }
    add({"GET", "/weir/v1/backend/" + ids_["backend"] + "/health", "health",
         rule_of(NativeCall::kHealth), true});
    add({"GET", "/weir/v1/explain?client=10.0.0.1&listener=" + ids_["listener"], "explain",
         rule_of(NativeCall::kExplain), true});
    for (const auto& kind : model::people_descriptions()) {
      const std::string word(kind.word);
      const PeopleKind which = *people_kind(word);
      for (const bool is_one : {false, true}) {
        for (const std::string_view method : people_methods(which, is_one)) {
          add({std::string(method), "/weir/v1/" + word + (is_one ? "/" + ids_[word] : ""),
               std::string(method) + " " + word, rule_of(*people_call(which, method, is_one)),
               is_one});
        }
      }
    }
    for (const NativePage& page : native_pages()) {
      // The one that names an object stands above.
      if (page.call == NativeCall::kExplain) continue;
      add({"GET", "/weir/v1/" + std::string(page.path), page.counted_as(), rule_of(page.call),
           false, true});
    }
    for (const std::string& path :
         {std::string("session"), "session/" + ids_["session"], std::string("password"),
          "user/" + ids_["user"] + "/password"}) {
      const std::vector<std::string> segments = segments_of(path);
      for (const std::string_view method : login_methods(segments)) {
        const auto call = login_call(segments, method);
        ASSERT_TRUE(call) << path;
        // Whoever logs in is nobody yet.
        if (*call == NativeCall::kLogIn) continue;
        add({std::string(method), "/weir/v1/" + path, login_operation(segments, method),
             rule_of(*call), path.starts_with("user"), false, path.starts_with("session/")});
      }
    }
    // Without a list of objects both are refused before they look at any.
    add({"POST", "/weir/v1/apply", "apply", rule_of(NativeCall::kApply), false, true});
    add({"POST", "/weir/v1/apply?plan=true", "plan apply", rule_of(NativeCall::kPlanApply), false,
         true});
    for (const V1Operation& operation : v1_operations()) {
      const V1Kind* kind = find_v1_kind(operation.collection);
      const std::string word = operation.call == V1Call::kListByGroup ? "securityGroup"
                               : kind == nullptr                      ? "instance"
                                                 : std::string(model::kind_name(kind->kind));
      std::string path = "/v1/regions/local/" + std::string(operation.collection);
      if (operation.is_one) path += "/" + ids_[word] + std::string(operation.tail);
      // What comes later looks at no object: it says so to everybody.
      const bool is_later = operation.call == V1Call::kLater;
      add({std::string(operation.method), path, std::string(operation.action),
           rule_of(operation.call), operation.is_one && !is_later, is_later});
    }
  }

  static std::vector<std::string> segments_of(const std::string& path) {
    std::vector<std::string> segments = {"weir", "v1"};
    for (std::size_t at = 0; at <= path.size();) {
      const std::size_t end = std::min(path.find('/', at), path.size());
      segments.push_back(path.substr(at, end - at));
      at = end + 1;
    }
    return segments;
  }

  /// Writes name a revision that never is, so that nothing they meet is changed.
  static Answer make(ApiCaller& caller, const MatrixCall& call) {
    const bool has_body = call.method.starts_with("P");
    std::vector<http::HeaderLine> headers;
    if (call.method != "GET") headers.push_back({"If-Match", "\"1\""});
    return caller.call(call.method, call.path, has_body ? "{}" : "", headers);
  }

  /// What an answer must not have for somebody of another account.
  std::vector<std::string> secrets() const {
    std::vector<std::string> all = {"acme", "10.77.", "7777", "8077", "127.127.0.77"};
    for (const auto& [kind, id] : ids_) all.push_back(id);
    return all;
  }

  std::vector<std::pair<std::string, std::unique_ptr<ApiCaller>>> callers_;
  ApiCaller* owner_ = nullptr;
  ApiCaller* other_ = nullptr;
  ApiCaller* page_ = nullptr;     // a session
  ApiCaller* foreign_ = nullptr;  // its cookie alone
  std::map<std::string, std::string> ids_;
  std::vector<MatrixCall> calls_;
};

TEST_F(AccessMatrixTest, EveryCallAnswersEachCallerByItsRoleAndNobodyWithoutOne) {
  const std::map<std::string, Role> roles = {{"owner", Role::kAdministrator},
                                             {"viewer", Role::kViewer},
                                             {"operator", Role::kOperator},
                                             {"auditor", Role::kAuditor},
                                             {"session", Role::kAdministrator},
                                             {"session of a viewer", Role::kViewer},
                                             {"page of another site", Role::kAdministrator}};
  ASSERT_GT(calls_.size(), 100U);
  for (const MatrixCall& call : calls_) {
    for (const auto& [name, caller] : callers_) {
      if (caller.get() == other_) continue;
      const std::string where = name + ": " + call.operation + " " + call.path;
      const Answer answer = make(*caller, call);
      const auto role = roles.find(name);
      const bool is_cookie = name.starts_with("session") || caller.get() == foreign_;
      // Programs' calls take no cookies.
      const bool is_nobody = role == roles.end() || (is_cookie && call.path.starts_with("/v1/"));
      if (is_nobody) {
        EXPECT_EQ(answer.problem(), "401 ACCESS_ERROR") << where;
      } else if (caller.get() == foreign_ && is_write(call.method)) {
        EXPECT_EQ(answer.problem(), "403 PERMISSION_DENIED") << where;
      } else if (!has_right(role->second, call.rule.right) || call.rule.is_of_service) {
        EXPECT_EQ(answer.problem(), "403 PERMISSION_DENIED") << where;
        EXPECT_EQ(answer.message().find("acme"), std::string::npos) << where;
      } else {
        EXPECT_NE(answer.status, 401) << where;
        EXPECT_NE(answer.status, 403) << where;
        EXPECT_NE(answer.status, 405) << where;
        EXPECT_LT(answer.status, 500 + 4 * (call.operation == "explain" ? 1 : 0)) << where;
        if (call.names_object) EXPECT_NE(answer.status, 404) << where;
        if (call.is_own && caller.get() != page_ && caller.get() != foreign_) {
          EXPECT_NE(answer.status, 200) << where;
        }
      }
    }
  }
}

TEST_F(AccessMatrixTest, WhatAnotherAccountHasIsNotThereInBodiesListsCountsAndMessages) {
  for (const MatrixCall& call : calls_) {
    const std::string where = call.operation + " " + call.path;
    const Answer answer = make(*other_, call);
    std::string said = answer.body.dump() + answer.etag;
    if (call.rule.is_of_service) {
      EXPECT_EQ(answer.problem(), "403 PERMISSION_DENIED") << where;
    } else if (call.names_object) {
      EXPECT_EQ(answer.problem(), "404 NOT_FOUND") << where;
      // What the caller said itself may be said back; the same for an id that never was.
      MatrixCall never = call;
      std::string hidden;
      for (const auto& [kind, id] : ids_) {
        const std::size_t at = never.path.find(id);
        if (at == std::string::npos) continue;
        hidden = id;
        never.path.replace(at, id.size(), std::string(id.size(), 'z'));
      }
      const Answer unknown = make(*other_, never);
      EXPECT_EQ(unknown.status, answer.status) << where;
      std::string as_unknown = answer.message();
      for (std::size_t at; (at = as_unknown.find(hidden)) != std::string::npos;) {
        as_unknown.replace(at, hidden.size(), std::string(hidden.size(), 'z'));
      }
      EXPECT_EQ(unknown.message(), as_unknown) << where;
      said = as_unknown;
    } else if (call.is_own) {
      EXPECT_NE(answer.status, 200) << where;
      continue;
    } else if (call.method == "GET" && !call.is_page && !call.path.ends_with("/none")) {
      ASSERT_EQ(answer.status, 200) << where;
      const Json& list = call.path.starts_with("/v1") ? answer.at("result") : answer.body;
      EXPECT_EQ(list.integer_or("totalCount", 0), 0) << where;
      if (const Json* items = list.find("items")) {
        for (const Json& item : items->as_array()) {
          EXPECT_EQ(item.string_or("owner", ""), "evil") << where;
        }
      }
    }
    // Its own refused calls name what it named.
    if (call.operation == "audit") {
      for (const Json& row : answer.items()) EXPECT_EQ(row.string_or("account", ""), "evil");
      continue;
    }
    for (const std::string& secret : secrets()) {
      EXPECT_FALSE(says(said, secret)) << where << " says " << secret << ": " << said;
    }
  }
}

TEST_F(AccessMatrixTest, AReferenceToWhatAnotherAccountHasIsAReferenceToNothing) {
  const auto refused = [&](const std::string& kind, Json spec, const std::string& id) {
    std::string text = spec.dump();
    const Answer answer = other_->create(kind, "mine", std::move(spec));
    text.replace(text.find(id), id.size(), std::string(id.size(), 'z'));
    const Answer never = other_->create(kind, "mine", parse_json(text).value());
    EXPECT_EQ(answer.status, never.status) << kind;
    EXPECT_EQ(answer.status, 404) << kind << answer.message();
    EXPECT_EQ(answer.fields(), never.fields()) << kind;
  };
  refused("subnet", Json::object({{"vpcId", ids_["vpc"]}, {"addressPrefix", "10.77.1.0/24"}}),
          ids_["vpc"]);
  refused("lb",
          Json::object({{"type", "alb"},
                        {"subnetId", ids_["subnet"]},
                        {"azs", Json::array({Json("local-1a")})}}),
          ids_["subnet"]);
  refused("tg", Json::object({{"loadBalancerId", ids_["lb"]}}), ids_["lb"]);
  refused("listener", listener_spec(ids_["lb"], "backend-0000000000", 8077), ids_["lb"]);
  const Answer target =
      other_->post("target", Json::object({{"spec", Json::object({{"targetGroupId", ids_["tg"]},
                                                                  {"ipAddress", "10.77.1.50"},
                                                                  {"port", 80}})}}));
  EXPECT_EQ(target.problem(), "404 NOT_FOUND");
  EXPECT_EQ(
      other_
          ->create("subnet", "s",
                   Json::object({{"vpcId", "vpc-default"}, {"addressPrefix", "127.70.0.0/24"}}))
          .status,
      404)
      << "the default VPC belongs to the service's own account";
}

TEST_F(AccessMatrixTest, TwoAccountsMayHaveTheSameNamesAndAddresses) {
  const Answer vpc =
      other_->create("vpc", "acme-vpc", Json::object({{"addressPrefix", "10.77.0.0/16"}}));
  ASSERT_EQ(vpc.status, 201) << vpc.message();
  EXPECT_EQ(vpc.body.string_or("owner", ""), "evil");
  EXPECT_EQ(other_
                ->create("subnet", "acme-subnet",
                         Json::object({{"vpcId", vpc.id()}, {"addressPrefix", "10.77.1.0/24"}}))
                .status,
            201);
  EXPECT_EQ(other_->create("user", "acme-user", Json::object({{"role", "viewer"}})).status, 201);
  EXPECT_EQ(owner_->get("vpc").items().size(), 1U);
  EXPECT_EQ(other_->get("vpc").items().size(), 1U);
  EXPECT_EQ(other_->get("vpc?owner=acme").items().size(), 0U);
  EXPECT_EQ(other_->get("vpc?id=" + ids_["vpc"]).items().size(), 0U);
  EXPECT_EQ(other_->get("tg?loadBalancerId=" + ids_["lb"]).items().size(), 0U);
  EXPECT_EQ(other_->get("target?targetGroupId=" + ids_["tg"]).items().size(), 0U);
}

TEST_F(AccessMatrixTest, TheEventsOfAnAccountAreThereForItselfAlone) {
  const Answer own = owner_->get("events?limit=1000");
  std::set<std::string> told;
  for (const Json& event : own.items()) {
    told.insert(event.find("object")->string_or("id", ""));
    EXPECT_EQ(event.find("object")->string_or("owner", ""), "acme") << event.dump();
  }
  EXPECT_TRUE(told.contains(ids_["lb"]));
  EXPECT_TRUE(told.contains(ids_["listener"]));
  for (const auto& [kind, id] : ids_) {
    const std::string path = "events?object=" + id;
    EXPECT_EQ(other_->get(path).body.find("items")->as_array().size(), 0U) << kind;
  }
}

TEST_F(AccessMatrixTest, AWatchTellsTheChangesOfItsOwnAccountAlone) {
  const std::int64_t since = other_->get("vpc").revision();
  EXPECT_EQ(owner_->patch_spec("vpc/" + ids_["vpc"], Json::object({{"description", "x"}})).status,
            200);
  const Answer own = other_->create("vpc", "evil-vpc", Json::object());
  ASSERT_EQ(own.status, 201);
  std::vector<std::string> seen;
  http::ClientRequest request;
  request.target = "/weir/v1/vpc?watch=true&revision=" + std::to_string(since);
  request.headers = {{"Authorization", "Bearer " + other_->token()}};
  const auto done = other_->client().stream_lines(request, soon(), [&](std::string_view line) {
    const Json event = parse_json(line).value();
    seen.push_back(event.find("object")->string_or("id", ""));
    return seen.back() != own.id();
  });
  ASSERT_TRUE(done);
  EXPECT_EQ(seen, std::vector<std::string>{own.id()});
}

}  // namespace
}  // namespace weir::api
