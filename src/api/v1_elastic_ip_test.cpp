// Elastic IPs as official clients see them.
#include <set>

#include "api/people_fixture.h"
#include "api/v1_fixture.h"

namespace weir::api {
namespace {

class V1ElasticIpTest : public V1Test {
 protected:
  static Json create_body(int count = 1) {
    return Json::object(
        {{"maxCount", count},
         {"elasticIpSpec", Json::object({{"bandwidthMbps", 5}, {"provider", "bgp"}})}});
  }
  std::vector<std::string> create(int count = 1) {
    const Answer answer = v1_post("elasticIps/", create_body(count));
    EXPECT_EQ(answer.status, 200) << answer.body.dump();
    std::vector<std::string> ids;
    const Json* list = answer.at("result").find("elasticIpIds");
    if (list == nullptr) return ids;
    for (const Json& id : list->as_array()) ids.push_back(id.as_string());
    return ids;
  }
  Answer associate(const std::string& lb, const std::string& id) {
    return v1_post("loadBalancers/" + lb + ":associateElasticIp",
                   Json::object({{"elasticIpId", id}}));
  }
  Answer disassociate(const std::string& lb, const std::string& id, bool deletes = false) {
    return v1_post("loadBalancers/" + lb + "%3AdisassociateElasticIp",
                   Json::object({{"elasticIpId", id}, {"deleteElasticIp", deletes}}));
  }
  Json elastic_ip(const std::string& id) { return shown("elasticIps/" + id, "elasticIp"); }
  Json private_ip(const std::string& lb) {
    return *shown("loadBalancers/" + lb, "loadBalancer").find("privateIp");
  }
  /// How many a list finds with one filter.
  std::int64_t found(const std::string& collection, const std::string& name,
                     const std::string& value) {
    return shown(collection + "/?filters.1.name=" + name + "&filters.1.values.1=" + value,
                 "totalCount")
        .as_integer();
  }
};

TEST_F(V1ElasticIpTest, ResourceGroupsEmptyTheListThatKnowsThemAndNoOther) {
  create();
  EXPECT_EQ(shown("elasticIps/?resourceGroupIds.1=rg-1", "totalCount"), Json(0));
  EXPECT_EQ(shown("vpcs/?resourceGroupIds.1=rg-1", "totalCount"), Json(1));
}

TEST_F(V1ElasticIpTest, M9_ShowsWhatTheSpecificationNames) {
  const std::string id = create().front();
  const std::string lb = v1_lb();
  Json shown_free = elastic_ip(id);
  EXPECT_EQ(shown_free.string_or("elasticIpId", ""), id);
  EXPECT_EQ(shown_free.string_or("elasticIpAddress", ""), "127.127.0.1");
  EXPECT_EQ(shown_free.string_or("elasticIpPoolId", ""), "default");
  EXPECT_EQ(shown_free.integer_or("bandwidthMbps", 0), 5);
  EXPECT_EQ(shown_free.string_or("provider", ""), "bgp");
  EXPECT_EQ(shown_free.string_or("status", ""), "NOT_ASSOCIATED");
  EXPECT_EQ(shown_free.string_or("az", "x"), "");
  EXPECT_EQ(shown_free.string_or("ipType", ""), "standard");
  EXPECT_EQ(shown_free.find("charge")->string_or("chargeStatus", ""), "normal");
  EXPECT_EQ(shown_free.find("instanceId"), nullptr);
  EXPECT_EQ(shown_free.find("address"), nullptr) << "the native name";
  EXPECT_EQ(associate(lb, id).status, 200);
  const Json bound = elastic_ip(id);
  EXPECT_EQ(bound.string_or("status", ""), "ASSOCIATED");
  EXPECT_EQ(bound.string_or("instanceId", ""), lb);
  EXPECT_EQ(bound.string_or("instanceType", ""), "lb");
  EXPECT_EQ(bound.string_or("privateIpAddress", ""),
            private_ip(lb).string_or("privateIpAddress", "-"));
  EXPECT_EQ(private_ip(lb).string_or("elasticIpId", ""), id);
  EXPECT_EQ(private_ip(lb).string_or("elasticIpAddress", ""), "127.127.0.1");
}

TEST_F(V1ElasticIpTest, M9_M10_IsBoundAndUnboundAtAnyTime) {
  for (const char* type : {"alb", "nlb", "dnlb"}) {
    const std::string lb = v1_lb(type, type);
    const auto ids = create(2);
    EXPECT_EQ(associate(lb, ids[0]).status, 200);
    EXPECT_EQ(associate(lb, ids[0]).status, 200) << "it is so already";
    EXPECT_EQ(associate(lb, ids[1]).problem(), "409 CONFLICT") << "it has one";
    EXPECT_EQ(disassociate(lb, ids[1]).problem(), "400 FAILED_PRECONDITION");
    EXPECT_EQ(v1("DELETE", "elasticIps/" + ids[0]).problem(), "400 FAILED_PRECONDITION");
    EXPECT_EQ(disassociate(lb, ids[0]).status, 200);
    EXPECT_EQ(private_ip(lb).find("elasticIpId"), nullptr);
    EXPECT_EQ(v1("DELETE", "elasticIps/" + ids[0]).status, 200);
    EXPECT_EQ(associate(lb, ids[0]).problem(), "404 NOT_FOUND");
    EXPECT_EQ(associate(lb, ids[1]).status, 200);
    EXPECT_EQ(disassociate(lb, ids[1], true).status, 200);
    EXPECT_EQ(v1("GET", "elasticIps/" + ids[1]).problem(), "404 NOT_FOUND");
  }
  EXPECT_EQ(stored("quota/default/eip"), "0");
}

TEST_F(V1ElasticIpTest, CallsWithoutAnIdOrWithNonsenseAreRefusedByName) {
  const std::string lb = v1_lb();
  const std::string path = "loadBalancers/" + lb;
  for (const char* verb : {":associateElasticIp", ":disassociateElasticIp"}) {
    for (const char* body : {"{}", R"({"elasticIpId":null})", R"({"elasticIpId":""})"}) {
      const Answer answer = v1("POST", path + verb, body);
      EXPECT_EQ(answer.problem(), "400 INVALID_ARGUMENT");
      EXPECT_EQ(answer.fields(), std::vector<std::string>{"elasticIpId"});
    }
    EXPECT_EQ(v1("POST", path + verb, R"({"elasticIpId":7})").problem(), "400 INVALID_ARGUMENT");
  }
  const Answer both =
      v1("POST", path + ":disassociateElasticIp", R"({"elasticIpId":7,"deleteElasticIp":"x"})");
  EXPECT_EQ(both.fields(), (std::vector<std::string>{"deleteElasticIp", "elasticIpId"}));
  EXPECT_EQ(v1("POST", "loadBalancers/alb-0000000000:associateElasticIp",
               R"({"elasticIpId":"fip-0000000000"})")
                .problem(),
            "404 NOT_FOUND");
}

TEST_F(V1ElasticIpTest, CreatesAllOfThemOrNone) {
  EXPECT_EQ(create(8).size(), 8u);
  EXPECT_EQ(stored("quota/default/eip"), "8");
  EXPECT_EQ(v1_post("elasticIps/", create_body(3)).problem(), "429 QUOTA_EXCEEDED");
  EXPECT_EQ(stored("quota/default/eip"), "8");
  EXPECT_EQ(create(2).size(), 2u);
  std::set<std::string> addresses;
  for (const Json& one : shown("elasticIps/?pageSize=50", "elasticIps").as_array()) {
    addresses.insert(one.string_or("elasticIpAddress", ""));
  }
  EXPECT_EQ(addresses.size(), 10u);
}

TEST_F(V1ElasticIpTest, ADryRunFindsWhatIsWrongAndMakesNothing) {
  Json body = create_body(10);
  body["dryRun"] = true;
  const Answer good = v1_post("elasticIps/", body);
  EXPECT_EQ(good.status, 200) << good.body.dump();
  EXPECT_TRUE(good.at("result").find("elasticIpIds")->as_array().empty());
  EXPECT_EQ(stored("quota/default/eip"), "");
  body["maxCount"] = 11;
  EXPECT_EQ(v1_post("elasticIps/", body).problem(), "429 QUOTA_EXCEEDED");
  body["elasticIpSpec"]["provider"] = "moon";
  EXPECT_EQ(v1_post("elasticIps/", body).problem(), "400 INVALID_ARGUMENT");
}

TEST_F(V1ElasticIpTest, RefusesWhatIsWrongInTheWordsOfTheCall) {
  const auto fields = [&](const char* body) { return v1("POST", "elasticIps", body).fields(); };
  using Fields = std::vector<std::string>;
  EXPECT_EQ(fields("{}"), (Fields{"elasticIpSpec", "maxCount"}));
  EXPECT_EQ(fields(R"({"maxCount":101,"elasticIpSpec":7})"), (Fields{"elasticIpSpec", "maxCount"}));
  EXPECT_EQ(fields(R"({"maxCount":2,"elasticIpSpec":{"bandwidthMbps":0},"ipType":"edge",
                       "elasticIpAddress":"127.127.0.9","resourceGroupId":"x","dryRun":"x"})"),
            (Fields{"elasticIpSpec.bandwidthMbps", "elasticIpSpec.provider", "dryRun",
                    "elasticIpAddress", "ipType", "resourceGroupId"}));
  EXPECT_EQ(fields(R"({"maxCount":1,"elasticIpSpec":{"bandwidthMbps":1,"provider":"moon",
                       "chargeSpec":{"chargeDuration":99}},"elasticIpAddress":"1.2.3.4"})"),
            (Fields{"elasticIpSpec.chargeSpec.chargeDuration", "elasticIpSpec.provider",
                    "elasticIpAddress"}));
}

TEST_F(V1ElasticIpTest, ModifiesTheBandwidthAndNothingElse) {
  const std::string id = create().front();
  EXPECT_EQ(v1("PATCH", "elasticIps/" + id, R"({"bandwidthMbps":1000})").status, 200);
  EXPECT_EQ(elastic_ip(id).integer_or("bandwidthMbps", 0), 1000);
  for (const char* body : {"{}", R"({"bandwidthMbps":1001})", R"({"bandwidthMbps":"9"})"}) {
    const Answer refused = v1("PATCH", "elasticIps/" + id, body);
    EXPECT_EQ(refused.problem(), "400 INVALID_ARGUMENT") << body;
    EXPECT_EQ(refused.fields(), std::vector<std::string>{"bandwidthMbps"}) << body;
  }
}

TEST_F(V1ElasticIpTest, M9_ALoadBalancerIsMadeTogetherWithItsElasticIp) {
  for (const char* name : {"bandwidthMbps", "bandwidth"}) {
    const std::string lb =
        made("loadBalancers",
             Json::object({{"loadBalancerName", name},
                           {"subnetId", "subnet-default"},
                           {"azs", Json::array({Json("local-1a")})},
                           {"elasticIp", Json::object({{name, 7}, {"provider", "bgp"}})}}),
             "loadBalancerId");
    const Json ip = private_ip(lb);
    const Json bound = elastic_ip(ip.string_or("elasticIpId", ""));
    EXPECT_EQ(bound.integer_or("bandwidthMbps", 0), 7);
    EXPECT_EQ(bound.string_or("instanceId", ""), lb);
    EXPECT_EQ(bound.string_or("elasticIpAddress", ""), ip.string_or("elasticIpAddress", "-"));
    EXPECT_EQ(v1("DELETE", "loadBalancers/" + lb).status, 200);
    EXPECT_EQ(elastic_ip(ip.string_or("elasticIpId", "")).string_or("status", ""),
              "NOT_ASSOCIATED");
  }
}

TEST_F(V1ElasticIpTest, ALoadBalancerThatCannotHaveItsElasticIpIsNotMade) {
  const auto refused = [&](const char* elastic_ip) {
    return v1("POST", "loadBalancers",
              std::string(R"({"loadBalancerName":"web","subnetId":"subnet-default",)") +
                  R"("azs":["local-1a","local-1a"],"elasticIp":)" + elastic_ip + "}");
  };
  using Fields = std::vector<std::string>;
  EXPECT_EQ(refused(R"({"bandwidthMbps":0})").fields(),
            (Fields{"elasticIp.bandwidthMbps", "elasticIp.provider", "azs"}));
  EXPECT_EQ(refused("7").fields(), (Fields{"elasticIp", "azs"}));
  EXPECT_EQ(refused(R"({"bandwidthMbps":null,"provider":null})").fields(), Fields{"azs"})
      << "asks for none";
  create(10);
  EXPECT_EQ(v1("POST", "loadBalancers", R"({"loadBalancerName":"web","subnetId":"subnet-default",
                "azs":["local-1a"],"elasticIp":{"bandwidthMbps":1,"provider":"bgp"}})")
                .problem(),
            "429 QUOTA_EXCEEDED");
  EXPECT_EQ(shown("loadBalancers", "totalCount").as_integer(), 0);
}

TEST_F(V1ElasticIpTest, ListsAreNarrowedByTheFiltersOfTheSpecification) {
  const auto ids = create(3);
  const std::string lb = v1_lb("web", "nlb");
  associate(lb, ids[1]);
  EXPECT_EQ(found("elasticIps", "elasticIpIds", ids[0]), 1);
  EXPECT_EQ(found("elasticIps", "elasticIpAddress", "127.127.0.2"), 1);
  EXPECT_EQ(found("elasticIps", "elasticIpPoolId", "default"), 3);
  EXPECT_EQ(found("elasticIps", "elasticIpPoolId", "other"), 0);
  EXPECT_EQ(found("elasticIps", "chargeStatus", "normal"), 3);
  EXPECT_EQ(found("elasticIps", "ipType", "standard"), 3);
  EXPECT_EQ(found("elasticIps", "azs", "local-1a"), 0);
  EXPECT_EQ(found("elasticIps", "providers", "bgp"), 3);
  EXPECT_EQ(found("elasticIps", "bandwidthPackageId", "x"), 0);
  EXPECT_EQ(found("elasticIps", "status", "ASSOCIATED"), 1);
  EXPECT_EQ(found("elasticIps", "status", "NOT_ASSOCIATED"), 2);
  EXPECT_EQ(found("elasticIps", "status", "ALL"), 3);
  EXPECT_EQ(v1("GET", "elasticIps/?filters.1.name=moon&filters.1.values.1=x").problem(),
            "400 INVALID_ARGUMENT");
  EXPECT_EQ(shown("loadBalancers/?filters.1.name=elasticIpAddress&filters.1.values.1=127.127.0.2&"
                  "filters.2.name=loadBalancerType&filters.2.values.1=nlb",
                  "totalCount")
                .as_integer(),
            1);
}

class ElasticIpRoles : public PeopleTest {};

TEST_F(ElasticIpRoles, WhoMayNotDeleteAnElasticIpMayNotDoItWhileDisassociating) {
  ApiCaller owner = somebody("acme-admin", "administrator", "acme");
  ApiCaller hand = somebody("acme-hand", "operator", "acme");
  ApiCaller stranger = somebody("evil-admin", "administrator", "evil");
  const std::string vpc =
      owner.create("vpc", "own", Json::object({{"addressPrefix", "10.77.0.0/16"}})).id();
  const std::string subnet =
      owner
          .create("subnet", "own",
                  Json::object({{"vpcId", vpc}, {"addressPrefix", "10.77.1.0/24"}}))
          .id();
  const std::string lb =
      owner
          .create("lb", "web",
                  Json::object({{"subnetId", subnet}, {"azs", Json::array({Json("local-1a")})}}))
          .id();
  const Json spec = Json::object({{"bandwidthMbps", 5}, {"provider", "bgp"}});
  const std::string foreign = stranger.create("eip", "mine", spec).id();
  const std::string id = hand.create("eip", "door", spec).id();
  const std::string path = "/v1/regions/local/loadBalancers/" + lb;
  const auto call = [&](ApiCaller& who, const char* verb, const std::string& elastic_ip,
                        bool deletes) {
    const Json body = Json::object({{"elasticIpId", elastic_ip}, {"deleteElasticIp", deletes}});
    return who.call("POST", path + verb, body.dump()).problem();
  };
  EXPECT_EQ(call(hand, ":associateElasticIp", foreign, false), "404 NOT_FOUND");
  EXPECT_EQ(call(stranger, ":associateElasticIp", foreign, false), "404 NOT_FOUND");
  EXPECT_EQ(call(hand, ":associateElasticIp", id, false), "200");
  EXPECT_EQ(call(hand, ":disassociateElasticIp", id, true), "403 PERMISSION_DENIED");
  EXPECT_EQ(call(owner, ":disassociateElasticIp", id, true), "200");
  EXPECT_EQ(owner.get("eip").items().size(), 0U);
  EXPECT_EQ(stranger.get("eip").items().size(), 1U);
  EXPECT_EQ(stored("quota/acme/eip"), "0");
}

}  // namespace
}  // namespace weir::api
