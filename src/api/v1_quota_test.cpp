// Quotas on the JD Cloud face: what they say, and that a changed one is in force.
#include <algorithm>

#include "api/concurrency_fixture.h"
#include "api/people_fixture.h"
#include "api/quotas.h"
#include "api/v1_fixture.h"

namespace weir::api {
namespace {

class V1Quota : public V1Test {
 protected:
  Json quota(const std::string& query) { return shown("quotas/?" + query, "quota"); }
  std::int64_t limit(const std::string& query) { return quota(query).integer_or("maxLimit", -1); }
  std::int64_t count(const std::string& query) { return quota(query).integer_or("count", -1); }
  Answer modify(const std::string& body) { return v1("PATCH", "quotas/", body); }
  static bool names(const Answer& answer, std::string_view field) {
    const auto fields = answer.fields();
    return std::ranges::find(fields, field) != fields.end();
  }
};

TEST_F(V1Quota, SaysTheLimitsOfTheProductAndCountsWhatThereIs) {
  const std::string lb = v1_lb();
  const std::string group = v1_group(lb);
  EXPECT_EQ(
      quota("type=loadbalancer"),
      Json::object(
          {{"type", "loadbalancer"}, {"parentResourceId", ""}, {"maxLimit", 5}, {"count", 1}}));
  EXPECT_EQ(limit("type=loadbalancer&lbType=dnlb"), 100);
  EXPECT_EQ(count("type=loadbalancer&lbType=dnlb"), 0);
  EXPECT_EQ(limit("type=target_group&parentResourceId=" + lb), 20);
  EXPECT_EQ(count("type=target_group&parentResourceId=" + lb), 1);
  EXPECT_EQ(limit("type=listener&parentResourceId=" + v1_lb("d", "dnlb")), 50);
  EXPECT_EQ(limit("type=target&parentResourceId=" + group), 100);
  EXPECT_EQ(count("type=target&parentResourceId=" + group), 0);
  EXPECT_EQ(limit("type=vpc"), 10);
  EXPECT_EQ(limit("type=elastic_ip"), 10);
  EXPECT_EQ(limit("type=security_group&parentResourceId=vpc-default"), 50);
}

TEST_F(V1Quota, AChangedOneIsInForceAtOnceUpwardsAndDownwards) {
  const std::string lb = v1_lb();
  ASSERT_EQ(
      modify(R"({"type":"target_group","parentResourceId":")" + lb + R"(","maxLimit":1})").status,
      200);
  EXPECT_EQ(limit("type=target_group&parentResourceId=" + lb), 1);
  v1_group(lb);
  const Json second = Json::object({{"targetGroupName", "second"}, {"loadBalancerId", lb}});
  EXPECT_EQ(v1_post("targetGroups", second).status, 429);
  EXPECT_EQ(
      modify(R"({"type":"target_group","parentResourceId":")" + lb + R"(","maxLimit":21})").status,
      200);
  for (int i = 0; i < 20; ++i) v1_group(lb, "g" + std::to_string(i));
  EXPECT_EQ(v1_post("targetGroups", second).status, 429);
  EXPECT_EQ(count("type=target_group&parentResourceId=" + lb), 21);
  // Of another load balancer nothing has changed.
  EXPECT_EQ(limit("type=target_group&parentResourceId=" + v1_lb("other")), 20);
}

TEST_F(V1Quota, OfAnAccountIsItsOwnAndADryRunKnowsIt) {
  ASSERT_EQ(modify(R"({"type":"elastic_ip","maxLimit":1})").status, 200);
  const Json two =
      Json::object({{"maxCount", 2},
                    {"dryRun", true},
                    {"elasticIpSpec", Json::object({{"bandwidthMbps", 5}, {"provider", "bgp"}})}});
  EXPECT_EQ(v1_post("elasticIps", two).status, 429);
  EXPECT_EQ(limit("type=elastic_ip"), 1);
  EXPECT_EQ(stored("limit/default/eip"), "1");
}

TEST_F(V1Quota, GoesWithTheObjectThatItIsOf) {
  const std::string vpc = made("vpcs/", Json::object({{"vpcName", "own"}}), "vpcId");
  ASSERT_EQ(modify(R"({"type":"subnet","parentResourceId":")" + vpc + R"(","maxLimit":7})").status,
            200);
  EXPECT_EQ(stored("limit/" + vpc + "/subnet"), "7");
  EXPECT_EQ(v1("DELETE", "vpcs/" + vpc).status, 200);
  EXPECT_EQ(stored("limit/" + vpc + "/subnet"), "");
}

TEST_F(V1Quota, EverythingThatIsWrongIsToldAtOnceAndByName) {
  const Answer nothing = modify("{}");
  EXPECT_EQ(nothing.status, 400);
  EXPECT_TRUE(names(nothing, "type") && names(nothing, "maxLimit"));
  for (const char* bad : {"-1", "1000001", "\"7\"", "7.5", "[]"}) {
    const Answer answer = modify(std::string(R"({"type":"vpc","maxLimit":)") + bad + "}");
    EXPECT_TRUE(answer.status == 400 && names(answer, "maxLimit")) << bad;
  }
  EXPECT_TRUE(names(modify(R"({"type":"backend","maxLimit":401})"), "parentResourceId"));
  EXPECT_TRUE(names(modify(R"({"type":"vpc","lbType":"xlb","maxLimit":1})"), "lbType"));
  EXPECT_TRUE(
      names(modify(R"({"type":"vpc","parentResourceId":"x","maxLimit":1})"), "parentResourceId"));
  EXPECT_EQ(modify(R"({"type":"backend","parentResourceId":"alb-none","maxLimit":1})").status, 404);
  EXPECT_EQ(v1("GET", "quotas?type=fish").status, 400);
  EXPECT_EQ(limit("type=vpc"), 10);
}

TEST_F(V1Quota, WhatComesLaterSaysSo) {
  for (const char* word : {"urlMap", "rules", "extensionCertificate", "ruleExtendAction",
                           "customizedConfiguration", "securityPolicy"}) {
    const Answer answer = v1("GET", std::string("quotas?type=") + word);
    EXPECT_EQ(answer.status, 400) << word;
    EXPECT_TRUE(answer.message().ends_with("not supported yet")) << answer.message();
  }
  const std::string group = v1_group(v1_lb());
  const Answer fixed =
      modify(R"({"type":"target","parentResourceId":")" + group + R"(","maxLimit":7})");
  EXPECT_EQ(fixed.status, 400);
  EXPECT_TRUE(fixed.message().ends_with("not supported yet")) << fixed.message();
}

TEST_F(V1Quota, WithoutATypeInstancesAndAvailabilityGroupsAreCounted) {
  const Json list = shown("quotas", "quotas");
  ASSERT_EQ(list.as_array().size(), 2u);
  EXPECT_EQ(list.as_array()[0].string_or("resourceType", ""), "instance");
  EXPECT_EQ(list.as_array()[1], Json::object({{"resourceType", "ag"}, {"limit", 20}, {"used", 0}}));
  const Json one = shown("quotas?filters.1.name=resourceTypes&filters.1.values.1=ag", "quotas");
  EXPECT_EQ(one.as_array().size(), 1u);
  EXPECT_EQ(v1("GET", "quotas?filters.1.name=fish&filters.1.values.1=ag").status, 400);
}

TEST_F(V1Quota, TheConfiguredNumberIsNoLimitOfItsOwn) {
  ASSERT_EQ(modify(R"({"type":"vpc","maxLimit":3})").status, 200);
  EXPECT_EQ(stored("limit/default/vpc"), "3");
  ASSERT_EQ(modify(R"({"type":"vpc","maxLimit":10})").status, 200);
  EXPECT_EQ(stored("limit/default/vpc"), "");
  EXPECT_EQ(limit("type=vpc"), 10);
}

TEST_F(V1Quota, BytesThatAreNoTextAreNotSaidBack) {
  const Answer answer = v1("GET", "quotas/?type=listener&parentResourceId=%FF");
  EXPECT_EQ(answer.status, 404);
  const std::string text = answer.body.dump();
  EXPECT_TRUE(std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; })) << text;
  EXPECT_TRUE(names(answer, "parentResourceId"));
}

TEST_F(V1Quota, OfWhatIsDeletedAlreadyNoneIsLeft) {
  const std::string lb = v1_lb();
  ASSERT_EQ(v1("DELETE", "loadBalancers/" + lb).status, 200);
  EXPECT_EQ(modify(R"({"type":"listener","parentResourceId":")" + lb + R"(","maxLimit":1})").status,
            404);
  EXPECT_EQ(stored("limit/" + lb + "/listener"), "");
}

class LimitsAtOneMoment : public ::testing::Test {
 protected:
  static store::Transaction one_more() {
    store::Transaction transaction;
    transaction.counters.push_back({"quota/acme/vpc", 1, 10});
    return transaction;
  }
  static Caller admin() { return {.who = "admin", .request_id = "r", .account = "acme"}; }

  testing::VirtualClock clock;
  Metrics metrics;
  store::MemoryStore store{clock, metrics};
};

TEST_F(LimitsAtOneMoment, ALimitThatIsLoweredAfterItWasReadMakesTheWriteReadAgain) {
  store::Transaction planned = one_more();
  ASSERT_TRUE(apply_limits(store, planned));
  ASSERT_TRUE(set_quota(store, {{"acme", "vpc"}, 0, 10, {}}, admin()));
  const auto lost = store.commit(planned);
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code, ErrorCode::kAlreadyExists);
  planned = one_more();
  ASSERT_TRUE(apply_limits(store, planned));
  const auto refused = store.commit(planned);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kQuotaExceeded);
}

TEST_F(LimitsAtOneMoment, AnObjectThatIsDeletedMeanwhileGetsNoLimit) {
  store::Transaction made;
  made.writes.push_back({"root/vpc-1", "live"});
  const auto root = store.commit(made);
  ASSERT_TRUE(root);
  store::Transaction gone;
  gone.writes.push_back({"root/vpc-1", std::nullopt});
  ASSERT_TRUE(store.commit(gone));
  const QuotaChange change{{"vpc-1", "subnet"}, 7, 50, store::Expectation{"root/vpc-1", *root}};
  const auto refused = set_quota(store, change, admin());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kStale);
}

TEST_F(LimitsAtOneMoment, AConfigurationThatIsLoweredHoldsForWhatTheAccountChose) {
  ASSERT_TRUE(set_quota(store, {{"acme", "vpc"}, 8, 10, {}}, admin()));
  EXPECT_EQ(quota_state(store, {"acme", "vpc"}, 10)->max, 8);
  EXPECT_EQ(quota_state(store, {"acme", "vpc"}, 5)->max, 5);
  // What the service has granted holds whatever is configured for all.
  const Caller service{.who = "root", .request_id = "r", .account = "default"};
  ASSERT_TRUE(set_quota(store, {{"acme", "vpc"}, 12, 10, {}}, service));
  EXPECT_EQ(quota_state(store, {"acme", "vpc"}, 5)->max, 12);
}

class QuotaRace : public Concurrency {};

TEST_F(QuotaRace, NothingIsMadeBeyondALimitThatWasAnswered) {
  const std::string lb = make_lb().id();
  std::atomic<std::int64_t> seen{-1};
  together([&](ApiCaller& own, int i) {
    if (i > 0) {
      own.create("tg", "t" + std::to_string(i), Json::object({{"loadBalancerId", lb}}));
      return;
    }
    const Json body =
        Json::object({{"type", "target_group"}, {"parentResourceId", lb}, {"maxLimit", 3}});
    // Fifty writers below the same load balancer are no reason to give up.
    EXPECT_EQ(own.call("PATCH", "/v1/regions/local/quotas/", body.dump()).status, 200);
    const Answer now =
        own.get("/v1/regions/local/quotas/?type=target_group&parentResourceId=" + lb);
    seen = now.at("result").find("quota")->integer_or("count", -1);
  });
  const auto made = static_cast<std::int64_t>(api->get("tg").items().size());
  EXPECT_GE(seen, 0);
  EXPECT_LE(made, std::max<std::int64_t>(seen, 3));
}

class V1QuotaOfPeople : public PeopleTest {};

TEST_F(V1QuotaOfPeople, AnAccountLowersItsOwnAndTheServiceRaisesAnyones) {
  ApiCaller admin = somebody("acme-admin", "administrator", "acme");
  const auto set = [](ApiCaller& who, std::int64_t max, const std::string& account = "") {
    Json body = Json::object({{"type", "elastic_ip"}, {"maxLimit", max}});
    if (!account.empty()) body["account"] = Json(account);
    return who.call("PATCH", "/v1/regions/local/quotas/", body.dump());
  };
  const auto limit = [&] {
    const Answer answer = admin.get("/v1/regions/local/quotas/?type=elastic_ip");
    return answer.at("result").find("quota")->integer_or("maxLimit", -1);
  };
  const Answer raised = set(admin, 11);
  EXPECT_EQ(raised.status, 400);
  EXPECT_EQ(raised.fields(), std::vector<std::string>{"maxLimit"});
  EXPECT_EQ(set(admin, 4).status, 200);
  EXPECT_EQ(limit(), 4);
  EXPECT_EQ(set(admin, 10).status, 200);
  EXPECT_EQ(limit(), 10);
  EXPECT_EQ(stored("limit/acme/eip"), "");
  EXPECT_EQ(set(*api, 12, "acme").status, 200);
  EXPECT_EQ(limit(), 12);
  const Answer shown = api->get("/v1/regions/local/quotas/?type=elastic_ip&account=acme");
  EXPECT_EQ(shown.at("result").find("quota")->integer_or("maxLimit", -1), 12);
  // Within what was granted the account chooses again.
  EXPECT_EQ(set(admin, 13).status, 400);
  EXPECT_EQ(set(admin, 11).status, 200);
  EXPECT_EQ(limit(), 11);
  const Answer others = set(admin, 1, "default");
  EXPECT_EQ(others.status, 403);
  EXPECT_EQ(others.fields(), std::vector<std::string>{"account"});
  EXPECT_EQ(api->get("/v1/regions/local/quotas/?type=elastic_ip&account=%FF").status, 400);
}

TEST_F(V1QuotaOfPeople, AnotherAccountsObjectHasNoQuota) {
  ApiCaller admin = somebody("acme-admin", "administrator", "acme");
  const std::string body = R"({"type":"subnet","parentResourceId":"vpc-default","maxLimit":1})";
  EXPECT_EQ(admin.call("PATCH", "/v1/regions/local/quotas/", body).status, 404);
  EXPECT_EQ(stored("limit/vpc-default/subnet"), "");
}

TEST_F(V1QuotaOfPeople, AnAdministratorChangesThatOfTheOwnAccountAndOthersNone) {
  ApiCaller admin = somebody("acme-admin", "administrator", "acme");
  ApiCaller operator_ = somebody("acme-operator", "operator", "acme");
  const std::string body = R"({"type":"vpc","maxLimit":0})";
  EXPECT_EQ(operator_.call("PATCH", "/v1/regions/local/quotas/", body).status, 403);
  EXPECT_EQ(admin.call("PATCH", "/v1/regions/local/quotas/", body).status, 200);
  EXPECT_EQ(operator_.call("GET", "/v1/regions/local/quotas/?type=vpc").status, 200);
  EXPECT_EQ(admin.create("vpc", "none", Json::object()).status, 429);
  EXPECT_EQ(api->create("vpc", "other", Json::object()).status, 201);
  // The default VPC is another account's.
  EXPECT_EQ(admin.call("GET", "/v1/regions/local/quotas/?type=subnet&parentResourceId=vpc-default")
                .status,
            404);
}

}  // namespace
}  // namespace weir::api
