// Creates that are repeated with a client token, on the JD Cloud face.
#include "api/client_tokens.h"

#include <functional>
#include <set>
#include <thread>

#include "api/v1_fixture.h"

namespace weir::api {
namespace {

using Texts = std::vector<std::string>;

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
  /// The same with the native API.
  Answer create_natively(ApiCaller& with, const std::string& path, const Json& body,
                         const std::string& key) {
    return with.call("POST", path, body.dump(), {{"Idempotency-Key", key}});
  }
  static Json native_vpc(const std::string& name) {
    return Json::object({{"name", name}, {"spec", Json::object()}});
  }
  static Json elastic_ips_body(int count) {
    return Json::object(
        {{"maxCount", count},
         {"elasticIpSpec", Json::object({{"bandwidthMbps", 5}, {"provider", "bgp"}})}});
  }
  std::vector<std::string> tokens() {
    std::vector<std::string> keys;
    for (const auto& entry : store->list("client-token/").value().entries) {
      keys.push_back(entry.key);
    }
    return keys;
  }
  /// What each of eight callers at once is answered.
  std::vector<Answer> eight(const std::function<Answer(ApiCaller&)>& call) {
    std::vector<Answer> answers(8);
    std::vector<std::thread> callers;
    for (Answer& answer : answers) {
      callers.emplace_back([&] {
        ApiCaller mine = caller();
        answer = call(mine);
      });
    }
    for (std::thread& each : callers) each.join();
    return answers;
  }
  static model::Object object_of(const std::string& id) {
    model::Object object;
    object.id = id;
    return object;
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
    std::set<std::string> ids;
    for (const Answer& answer :
         eight([&](ApiCaller& mine) { return create(mine, "vpcs/", vpc("a"), token); })) {
      ids.insert(id_of(answer));
    }
    EXPECT_EQ(ids.size(), 1U);
  }
  EXPECT_EQ(vpcs(), 6U);
}

TEST_F(ClientTokens, EightCallsAtOnceForATakenNameOrAddressAllGetTheFirstResult) {
  const std::string lb = v1_lb();
  const std::string group = v1_group(lb);
  for (int round = 0; round < 5; ++round) {
    const std::string number = std::to_string(round);
    Json instances = instance_body("round-" + number);
    instances["instanceSpec"]["primaryNetworkInterface"]["networkInterface"]["primaryIpAddress"] =
        Json("127.64." + number + ".90");
    std::set<std::string> results;
    for (const Answer& answer : eight([&](ApiCaller& mine) {
           return mine.call("POST", path_of("instances"), instances.dump());
         })) {
      EXPECT_EQ(answer.status, 200) << answer.body.dump();
      results.insert(answer.at("result").dump());
    }
    for (const Answer& answer : eight([&](ApiCaller& mine) {
           return create(mine, "backends/", v1_backend_body(lb, group, "web-" + number), number);
         })) {
      EXPECT_EQ(answer.status, 200) << answer.body.dump();
      results.insert(answer.at("result").dump());
    }
    EXPECT_EQ(results.size(), 2U) << "one of each";
  }
  EXPECT_EQ(api->get("instance").items().size(), 10U);
  EXPECT_EQ(api->get("backend").items().size(), 5U);
}

TEST_F(ClientTokens, ARepeatedBatchOfElasticIpsGetsTheIdsOfThoseThatExist) {
  const Answer first = create("elasticIps/", elastic_ips_body(3), "t");
  ASSERT_EQ(first.status, 200) << first.body.dump();
  const Json ids = *first.at("result").find("elasticIpIds");
  ASSERT_EQ(ids.as_array().size(), 3U);
  const Answer again = create("elasticIps/", elastic_ips_body(3), "t");
  EXPECT_EQ(again.at("result"), first.at("result"));
  for (const Json& id : ids.as_array()) {
    EXPECT_EQ(v1("GET", "elasticIps/" + id.as_string()).status, 200) << id.as_string();
  }
  EXPECT_EQ(api->get("eip").items().size(), 3U);
}

TEST_F(ClientTokens, ADryRunLeavesItsTokenFree) {
  Json dry = elastic_ips_body(1);
  dry["dryRun"] = Json(true);
  EXPECT_EQ(create("elasticIps/", dry, "t").status, 200);
  EXPECT_EQ(tokens(), Texts());
  EXPECT_EQ(create("elasticIps/", elastic_ips_body(1), "t").status, 200);
}

TEST_F(ClientTokens, ALoadBalancerWithAnElasticIpIsRepeatedToo) {
  const Json body =
      Json::object({{"loadBalancerName", "web"},
                    {"type", "alb"},
                    {"subnetId", "subnet-default"},
                    {"azs", Json::array({Json("local-1a")})},
                    {"elasticIp", Json::object({{"bandwidthMbps", 5}, {"provider", "bgp"}})}});
  const Answer first = create("loadBalancers/", body, "t");
  ASSERT_EQ(first.status, 200) << first.body.dump();
  EXPECT_EQ(create("loadBalancers/", body, "t").at("result"), first.at("result"));
  EXPECT_EQ(api->get("eip").items().size(), 1U);
}

TEST_F(ClientTokens, TheSameTokenForSomethingElseIsRefusedAndSaysSo) {
  id_of(create("vpcs/", vpc("a"), "t"));
  const Answer refused = create("vpcs/", vpc("b"), "t");
  EXPECT_EQ(refused.problem(), "409 CONFLICT");
  EXPECT_EQ(refused.fields(), Texts{"x-jdcloud-client-token"});
  EXPECT_TRUE(refused.message().contains("asked for something else")) << refused.message();
  EXPECT_EQ(vpcs(), 2U);
  const std::string reordered = R"({ "addressPrefix":"10.0.0.0/16", "vpcName":"c" })";
  const std::string ordered = R"({"vpcName":"c","addressPrefix":"10.0.0.0/16"})";
  const auto send = [&](const std::string& body) {
    return id_of(
        api->call("POST", path_of("vpcs/"), body, {{"x-jdcloud-client-token", "another"}}));
  };
  EXPECT_EQ(send(ordered), send(reordered)) << "the same, written otherwise";
  EXPECT_EQ(v1_post("instances", instance_body("abc")).status, 200);
  Json three = instance_body("abc");
  three["maxCount"] = Json(3);
  const Answer more = v1_post("instances", three);
  EXPECT_EQ(more.problem(), "409 CONFLICT");
  EXPECT_EQ(more.fields(), Texts{"clientToken"});
}

TEST_F(ClientTokens, TheNativeApiTakesAnIdempotencyKeyAndShowsTheObjectAsItIsNow) {
  const Answer first = create_natively(*api, "vpc", native_vpc("a"), "k");
  ASSERT_EQ(first.status, 201) << first.body.dump();
  const Answer again = create_natively(*api, "vpc", native_vpc("a"), "k");
  EXPECT_EQ(again.status, 201);
  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(again.etag, first.etag);
  ASSERT_EQ(api->patch("vpc/" + first.id(), Json::object({{"name", "renamed"}})).status, 200);
  EXPECT_EQ(create_natively(*api, "vpc", native_vpc("a"), "k").body.string_or("name", ""),
            "renamed");
  EXPECT_EQ(create_natively(*api, "vpc", native_vpc("b"), "k").problem(), "409 CONFLICT");
  ASSERT_EQ(api->remove("vpc/" + first.id()).status, 200);
  const Answer gone = create_natively(*api, "vpc", native_vpc("a"), "k");
  EXPECT_EQ(gone.problem(), "409 CONFLICT");
  EXPECT_EQ(gone.fields(), Texts{"Idempotency-Key"});
  EXPECT_TRUE(gone.message().contains("deleted since")) << gone.message();
}

TEST_F(ClientTokens, TheNativeApiRepeatsABatchByItsKeyAndItsCount) {
  const Json body = Json::object({{"name", "web-[1]"},
                                  {"spec", Json::object({{"subnetId", "subnet-default"},
                                                         {"az", "local-1a"},
                                                         {"ipAddress", "127.64.0.90"}})}});
  const Answer first = create_natively(*api, "instance?count=3", body, "k");
  ASSERT_EQ(first.status, 201) << first.body.dump();
  ASSERT_EQ(first.items().size(), 3U);
  EXPECT_EQ(create_natively(*api, "instance?count=3", body, "k").body, first.body);
  const Answer other = create_natively(*api, "instance?count=2", body, "k");
  EXPECT_EQ(other.problem(), "409 CONFLICT");
  EXPECT_EQ(other.fields(), Texts{"Idempotency-Key"});
}

TEST_F(ClientTokens, TheNativeApiRefusesAKeyWhereNothingCouldBeRepeated) {
  const std::string tg = make_tg(make_lb().id()).id();
  const Json target = Json::object(
      {{"spec", Json::object({{"targetGroupId", tg}, {"ipAddress", "127.0.0.1"}, {"port", 80}})}});
  EXPECT_EQ(create_natively(*api, "target", target, "k").fields(), Texts{"Idempotency-Key"});
  const Json user = Json::object({{"name", "ann"}, {"spec", Json::object({{"role", "viewer"}})}});
  EXPECT_EQ(create_natively(*api, "user", user, "k").fields(), Texts{"Idempotency-Key"});
  const Answer removed = api->call("DELETE", "tg/" + tg, "", {{"Idempotency-Key", "k"}});
  EXPECT_EQ(removed.fields(), Texts{"Idempotency-Key"});
  EXPECT_EQ(api->call("GET", "tg/" + tg, "", {{"Idempotency-Key", "k"}}).status, 200)
      << "a read can be repeated anyhow";
}

TEST_F(ClientTokens, AUsersTokenIsForgottenToo) {
  const std::string user = api->create("user", "ann", Json::object({{"role", "operator"}})).id();
  const Answer made = api->create("token", "t", Json::object({{"user", user}, {"validDays", 90}}));
  ApiCaller ann(server->api_endpoint(), made.body.string_or("secret", ""));
  const std::string counter = "quota/ann/" + made.id() + "/client-token";
  EXPECT_EQ(create_natively(ann, "vpc", native_vpc("a"), "k").status, 201);
  EXPECT_EQ(create(ann, "vpcs/", vpc("b"), "t").status, 200);
  EXPECT_EQ(tokens().size(), 2U);
  EXPECT_EQ(stored(counter), "2");
  clock.advance(kClientTokenLife);
  EXPECT_TRUE(eventually([&] { return tokens().empty(); }));
  EXPECT_EQ(stored(counter), "0");
}

TEST_F(ClientTokens, AnotherUsersTokenOfTheSameWordIsAnother) {
  const auto somebody = [&](const std::string& name) {
    const std::string user = api->create("user", name, Json::object({{"role", "operator"}})).id();
    const Answer made =
        api->create("token", "t", Json::object({{"user", user}, {"validDays", 90}}));
    return ApiCaller(server->api_endpoint(), made.body.string_or("secret", ""));
  };
  ApiCaller ann = somebody("ann");
  ApiCaller bob = somebody("bob");
  EXPECT_NE(id_of(create(ann, "vpcs/", vpc("a"), "t")), id_of(create(bob, "vpcs/", vpc("a"), "t")));
}

TEST_F(ClientTokens, ManyAreForgottenPageByPage) {
  constexpr int kMany = static_cast<int>(kTokensReadAtOnce) + 20;
  for (int i = 0; i < kMany; ++i) {
    store::Transaction old;
    note_client_token({"ann/key-" + std::to_string(i), "create vpc", {"t", "", ""}}, {},
                      {object_of("vpc-1")}, clock.wall_now() - kClientTokenLife, old);
    ASSERT_TRUE(store->commit(old));
  }
  clock.advance(std::chrono::minutes(1));
  EXPECT_TRUE(eventually([&] { return tokens().empty(); }));
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
      api->call("DELETE", path_of("vpcs/vpc-default"), "", {{"x-jdcloud-client-token", "t"}});
  EXPECT_EQ(elsewhere.fields(), Texts{"x-jdcloud-client-token"});
  EXPECT_EQ(api->call("GET", path_of("vpcs/"), "", {{"x-jdcloud-client-token", "t"}}).status, 200)
      << "a read can be repeated anyhow";
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
  const ClientToken token{"k", "create vpc", {"t", "", "digest"}};
  ASSERT_EQ(token.key(), entry.key);
  store::Transaction old;
  note_client_token(token, {}, {object_of("vpc-1")}, clock.wall_now() - kClientTokenLife, old);
  ASSERT_TRUE(store->commit(old));
  const auto known = read_client_token(*store, token, clock.wall_now());
  ASSERT_TRUE(known);
  EXPECT_FALSE(known->first);
  store::Transaction anew;
  note_client_token(token, *known, {object_of("vpc-2")}, clock.wall_now(), anew);
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
  const ClientToken token{"k", "create vpc", {"t", "", "digest"}};
  note_client_token(token, {}, {object_of("vpc-1")}, clock.wall_now(), more);
  const auto refused = store->commit(more);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kQuotaExceeded);
}

}  // namespace
}  // namespace weir::api
