// Creates that are repeated with a client token, on the JD Cloud face.
#include "api/client_tokens.h"

#include <set>
#include <thread>

#include "api/v1_fixture.h"

namespace weir::api {
namespace {

class ClientTokens : public V1Test {
 protected:
  Answer create(ApiCaller& with, const std::string& path, const Json& body,
                const std::string& token) {
    return with.call("POST", path_of(path), body.dump(), {{"x-jdcloud-client-token", token}});
  }
  Answer create(const std::string& path, const Json& body, const std::string& token) {
    return create(*api, path, body, token);
  }
  static Json vpc(const std::string& name) { return Json::object({{"vpcName", name}}); }
  static std::string id_of(const Answer& answer) {
    EXPECT_EQ(answer.status, 200) << answer.body.dump();
    return answer.at("result").string_or("vpcId", "");
  }
  std::size_t vpcs() { return api->get("vpc").items().size(); }
  static Json instance_body(const std::string& token) {
    Json body = parse_json(R"({"maxCount":2,"instanceSpec":{"name":"web","az":"local-1a",
        "primaryNetworkInterface":{"networkInterface":{"subnetId":"subnet-default",
        "primaryIpAddress":"127.64.0.90"}}}})")
                    .value();
    body["clientToken"] = token;
    return body;
  }
};

using Texts = std::vector<std::string>;

TEST_F(ClientTokens, ARepeatedCreateGetsTheFirstResultAgainAndMakesNothing) {
  const std::string lb = v1_lb();
  const std::string group = v1_group(lb);
  const Json body = v1_backend_body(lb, group);
  const Answer first = create("backends/", body, "t-1");
  ASSERT_EQ(first.status, 200) << first.body.dump();
  const Answer again = create("backends/", body, "t-1");
  EXPECT_EQ(again.status, 200) << "not 409, though the name is taken";
  EXPECT_EQ(again.at("result"), first.at("result"));
  EXPECT_EQ(again.etag, first.etag);
  EXPECT_EQ(create("backends/", body, "t-2").problem(), "409 ALREADY_EXISTS");
  EXPECT_EQ(create("backends/", body, "t-1").at("result"), first.at("result"));
}

TEST_F(ClientTokens, TheFirstResultIsThatOfTheFirstCallEvenWhenItsObjectHasGone) {
  const std::string id = id_of(create("vpcs/", vpc("a"), "t"));
  EXPECT_EQ(v1("DELETE", "vpcs/" + id).status, 200);
  EXPECT_EQ(id_of(create("vpcs/", vpc("a"), "t")), id);
  EXPECT_EQ(vpcs(), 1U) << "the default one alone";
}

TEST_F(ClientTokens, AnotherTokenAnotherOperationAndNoTokenMakeSomethingNew) {
  std::set<std::string> ids = {
      id_of(create("vpcs/", vpc("a"), "t-1")), id_of(create("vpcs/", vpc("a"), "t-2")),
      id_of(v1_post("vpcs/", vpc("a"))), id_of(v1_post("vpcs/", vpc("a")))};
  EXPECT_EQ(ids.size(), 4U);
  const Answer subnet =
      create("subnets/",
             Json::object(
                 {{"subnetName", "s"}, {"vpcId", *ids.begin()}, {"addressPrefix", "10.9.0.0/24"}}),
             "t-1");
  EXPECT_TRUE(subnet.at("result").string_or("subnetId", "").starts_with("subnet-"));
}

TEST_F(ClientTokens, ARefusedCallLeavesItsTokenFree) {
  EXPECT_EQ(create("vpcs/", vpc("a/b"), "t").problem(), "400 INVALID_ARGUMENT");
  EXPECT_TRUE(id_of(create("vpcs/", vpc("a"), "t")).starts_with("vpc-"));
}

TEST_F(ClientTokens, EightCallsAtOnceMakeOneObject) {
  for (int round = 0; round < 5; ++round) {
    const std::string token = "round-" + std::to_string(round);
    std::vector<Answer> answers(8);
    std::vector<std::thread> callers;
    for (Answer& answer : answers) {
      callers.emplace_back([&] {
        ApiCaller mine = caller();
        answer = create(mine, "vpcs/", vpc("a"), token);
      });
    }
    for (std::thread& each : callers) each.join();
    std::set<std::string> ids;
    for (const Answer& answer : answers) ids.insert(id_of(answer));
    EXPECT_EQ(ids.size(), 1U);
  }
  EXPECT_EQ(vpcs(), 6U);
}

TEST_F(ClientTokens, ABatchOfInstancesIsRepeatedByTheTokenOfItsBody) {
  const Answer first = v1_post("instances", instance_body("abc"));
  ASSERT_EQ(first.status, 200) << first.body.dump();
  ASSERT_EQ(first.at("result").find("instanceIds")->as_array().size(), 2U);
  EXPECT_EQ(v1_post("instances", instance_body("abc")).at("result"), first.at("result"));
  EXPECT_EQ(create("instances", instance_body("abc"), "abc").at("result"), first.at("result"));
  EXPECT_EQ(create("instances", instance_body(""), "abc").at("result"), first.at("result"));
  EXPECT_EQ(create("instances", instance_body("abc"), "x").fields(), Texts{"clientToken"});
  EXPECT_EQ(v1_post("instances", instance_body("other")).problem(), "409 CONFLICT");
}

TEST_F(ClientTokens, ATokenHasOneTo64PlainCharactersAndIsForCreates) {
  EXPECT_EQ(create("vpcs/", vpc("a"), std::string(64, 'x')).status, 200);
  for (const std::string& bad :
       {std::string(65, 'x'), std::string("a b"), std::string("\xc3\xa4")}) {
    const Answer refused = create("vpcs/", vpc("a"), bad);
    EXPECT_EQ(refused.problem(), "400 INVALID_ARGUMENT") << bad;
    EXPECT_EQ(refused.fields(), Texts{"x-jdcloud-client-token"}) << bad;
    EXPECT_EQ(v1_post("instances", instance_body(bad)).fields(), Texts{"clientToken"}) << bad;
  }
  Json number = instance_body("");
  number["clientToken"] = Json(7);
  EXPECT_EQ(v1_post("instances", number).fields(), Texts{"clientToken"});
  const Answer elsewhere =
      api->call("GET", path_of("vpcs/"), "", {{"x-jdcloud-client-token", "t"}});
  EXPECT_EQ(elsewhere.fields(), Texts{"x-jdcloud-client-token"});
}

TEST_F(ClientTokens, IsForgottenAfterADay) {
  const std::string first = id_of(create("vpcs/", vpc("a"), "t"));
  clock.advance(kClientTokenLife - std::chrono::hours(1));
  EXPECT_EQ(id_of(create("vpcs/", vpc("a"), "t")), first);
  clock.advance(std::chrono::hours(1));
  EXPECT_TRUE(eventually([&] { return store->list("client-token/").value().entries.empty(); }));
  EXPECT_NE(id_of(create("vpcs/", vpc("a"), "t")), first);
}

TEST_F(ClientTokens, OneWhoseTimeIsOverButWhichIsStillStoredIsTakenAnew) {
  const store::Entry entry{.key = "client-token/k/create vpc/t", .value = {}, .revision = {}};
  const ClientToken token{"k", "create vpc", "t"};
  ASSERT_EQ(token.key(), entry.key);
  store::Transaction old;
  note_client_token(token, {.key = entry.key, .revision = {}, .first = {}}, {"vpc-1"},
                    clock.wall_now() - kClientTokenLife, old);
  ASSERT_TRUE(store->commit(old));
  const auto known = read_client_token(*store, token, clock.wall_now());
  ASSERT_TRUE(known);
  EXPECT_FALSE(known->first);
  store::Transaction anew;
  note_client_token(token, *known, {"vpc-2"}, clock.wall_now(), anew);
  ASSERT_TRUE(store->commit(anew));
  EXPECT_EQ(stored("quota/k/client-token"), "1") << "counted once";
  EXPECT_EQ(read_client_token(*store, token, clock.wall_now())->first,
            std::vector<model::Id>{"vpc-2"});
}

TEST_F(ClientTokens, AKeyHasTenThousandAndNoMore) {
  store::Transaction full;
  full.counters = {{"quota/k/client-token", kClientTokensMax, std::nullopt}};
  ASSERT_TRUE(store->commit(full));
  store::Transaction more;
  const ClientToken token{"k", "create vpc", "t"};
  note_client_token(token, {.key = token.key(), .revision = {}, .first = {}}, {"vpc-1"},
                    clock.wall_now(), more);
  const auto refused = store->commit(more);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kQuotaExceeded);
}

}  // namespace
}  // namespace weir::api
