// Availability groups on the JD Cloud face: the calls of service ag, members of a batch, and
// backend services that name a group.
#include <algorithm>

#include "api/v1_fixture.h"

namespace weir::api {
namespace {

class V1AgTest : public V1Test {
 protected:
  void SetUp() override {
    start();
    subnet = made("subnets/",
                  Json::object({{"vpcId", "vpc-default"},
                                {"subnetName", "servers"},
                                {"addressPrefix", "127.9.1.0/24"}}),
                  "subnetId");
  }
  std::string group(const std::string& name = "members", const char* azs = R"(["local-1a"])") {
    return made("availabilityGroups",
                Json::object({{"agName", name}, {"azs", parse_json(azs).value()}}), "agId");
  }
  Json batch_body(const std::string& ag, const std::string& address, int count,
                  const std::string& name = "web-[01]") const {
    const Json interface = Json::object({{"subnetId", subnet}, {"primaryIpAddress", address}});
    const Json spec = Json::object(
        {{"name", name},
         {"az", "local-1a"},
         {"agId", ag},
         {"primaryNetworkInterface", Json::object({{"networkInterface", interface}})}});
    return Json::object({{"instanceSpec", spec}, {"maxCount", count}});
  }
  std::vector<std::string> batch(const std::string& ag, const std::string& address, int count) {
    const Answer answer = v1_post("instances", batch_body(ag, address, count));
    EXPECT_EQ(answer.status, 200) << answer.body.dump();
    std::vector<std::string> ids;
    const Json* list = answer.at("result").find("instanceIds");
    for (const Json& id : list == nullptr ? Json::Array() : list->as_array()) {
      ids.push_back(id.as_string());
    }
    return ids;
  }
  Json backend_body(const std::string& lb, const std::string& ag) const {
    Json body = v1_backend_body(lb, "");
    body.erase("targetGroupIds");
    body["agIds"] = Json::array({Json(ag)});
    return body;
  }
  Answer abandon(const std::string& ag, const std::vector<std::string>& ids) {
    Json list = Json::array();
    for (const std::string& id : ids) list.push_back(Json(id));
    return v1_post("availabilityGroups/" + ag + ":abandonInstances",
                   Json::object({{"instanceIds", std::move(list)}}));
  }
  Json count(const std::string& path) { return shown(path, "totalCount"); }
  static std::string filter(const std::string& name, const std::string& value) {
    return "filters.1.name=" + name + "&filters.1.values.1=" + value;
  }

  std::string subnet;
};

using Texts = std::vector<std::string>;

TEST_F(V1AgTest, AGroupIsCreatedShownChangedAndDeleted) {
  const std::string ag = group("members", R"(["local-1a","local-1b"])");
  const Json shown_one = shown("availabilityGroups/" + ag, "ag");
  EXPECT_EQ(shown_one.string_or("id", ""), ag);
  EXPECT_EQ(shown_one.string_or("name", ""), "members");
  EXPECT_EQ(shown_one.find("azs")->dump(), R"(["local-1a","local-1b"])");
  EXPECT_EQ(shown_one.string_or("agType", ""), "vm");
  EXPECT_EQ(shown_one.string_or("configurationType", ""), "loose");
  EXPECT_EQ(shown_one.string_or("placementType", ""), "fd");
  EXPECT_EQ(shown_one.integer_or("count", -1), 0);
  EXPECT_FALSE(shown_one.bool_or("autoScaling", true));
  EXPECT_EQ(v1("PATCH", "availabilityGroups/" + ag,
               R"({"name":"other","description":"d","azs":["local-1b"]})")
                .status,
            200);
  const Json after = shown("availabilityGroups/" + ag, "ag");
  EXPECT_EQ(after.string_or("name", ""), "other");
  EXPECT_EQ(after.string_or("description", ""), "d");
  EXPECT_EQ(after.find("azs")->as_array().size(), 2U);
  EXPECT_EQ(v1("PATCH", "availabilityGroups/" + ag, R"({"name":"a/b"})").fields(), Texts{"name"});
  EXPECT_EQ(v1("DELETE", "availabilityGroups/" + ag).status, 200);
  EXPECT_EQ(v1("GET", "availabilityGroups/" + ag).problem(), "404 NOT_FOUND");
}

TEST_F(V1AgTest, WhatACreateLacksOrAsksTooEarlyIsRefusedByName) {
  const Answer nothing = v1_post("availabilityGroups", Json::object());
  Texts fields = nothing.fields();
  std::ranges::sort(fields);
  EXPECT_EQ(fields, (Texts{"agName", "azs"}));
  Json body = parse_json(R"({"agName":"g","azs":["local-1a"]})").value();
  body["instanceTemplateId"] = "it-1";
  EXPECT_EQ(v1_post("availabilityGroups", body).message(), "instanceTemplateId: not supported yet");
  body["instanceTemplateId"] = "";
  body["configurationType"] = "strict";
  EXPECT_EQ(v1_post("availabilityGroups", body).fields(), Texts{"configurationType"});
}

TEST_F(V1AgTest, ListsHaveTheFiltersOfTheProduct) {
  const std::string first = group("alpha");
  const std::string second = group("beta");
  batch(first, "127.9.1.10", 1);
  EXPECT_EQ(count("availabilityGroups"), Json(2));
  const auto found = [&](const std::string& name, const std::string& value) {
    return count("availabilityGroups?" + filter(name, value));
  };
  EXPECT_EQ(found("agName", "lph"), Json(1));
  EXPECT_EQ(found("agId", second), Json(1));
  EXPECT_EQ(found("instanceTemplateId", "it-1"), Json(0));
  EXPECT_EQ(found("vpcId", "vpc-default"), Json(1));
  EXPECT_EQ(found("placementType", "fd"), Json(2));
  EXPECT_EQ(shown("availabilityGroups?" + filter("agId", first), "ags")
                .as_array()
                .at(0)
                .find("instances")
                ->as_array()
                .size(),
            1U);
  EXPECT_EQ(v1("GET", "availabilityGroups?" + filter("color", "red")).problem(),
            "400 INVALID_ARGUMENT");
}

TEST_F(V1AgTest, M82_SaysForEachZoneHowManyMembersItHasAndMayHave) {
  const std::string ag = group("members", R"(["local-1a","local-1b"])");
  batch(ag, "127.9.1.10", 2);
  EXPECT_EQ(shown("availabilityGroups/" + ag, "ag").find("instancesQuotas")->dump(),
            R"([{"az":"local-1a","limit":300,"used":2},{"az":"local-1b","limit":300,"used":0}])");
}

TEST_F(V1AgTest, M81_ABatchIsRegisteredWithNumberedNamesAndFollowingAddresses) {
  const std::string ag = group();
  const auto ids = batch(ag, "127.9.1.10", 12);
  ASSERT_EQ(ids.size(), 12U);
  const Json last = shown("instances/" + ids[11], "instance");
  EXPECT_EQ(last.string_or("instanceName", ""), "web-12");
  EXPECT_EQ(last.string_or("privateIpAddress", ""), "127.9.1.21");
  EXPECT_EQ(last.find("ag")->dump(), R"({"id":")" + ag + R"(","name":"members"})");
  EXPECT_EQ(last.string_or("faultDomain", ""), "2");
  EXPECT_EQ(count("instances?" + filter("agId", ag)), Json(12));
  EXPECT_EQ(count("instances?" + filter("faultDomain", "2")), Json(3));
  EXPECT_EQ(count("instances?" + filter("faultDomain", "5")), Json(2));
  const Json of_group = shown("availabilityGroups/" + ag, "ag");
  EXPECT_EQ(of_group.integer_or("count", 0), 12);
  const Json& one = of_group.find("instances")->as_array().at(0);
  EXPECT_EQ(one.string_or("status", ""), "running");
  EXPECT_FALSE(one.find("networkInterfaceSpec")->string_or("privateIpAddress", "").empty());
}

TEST_F(V1AgTest, ABatchThatMeetsAServerSaysAtWhichPlaceAndRegistersNobody) {
  const std::string ag = group();
  batch(ag, "127.9.1.12", 1);
  const Answer refused = v1_post("instances", batch_body(ag, "127.9.1.11", 3));
  EXPECT_EQ(refused.problem(), "409 CONFLICT");
  EXPECT_EQ(refused.fields(),
            Texts{"instanceSpec.primaryNetworkInterface.networkInterface.primaryIpAddress"});
  EXPECT_TRUE(refused.message().contains("(2 of 3)")) << refused.message();
  EXPECT_EQ(count("instances"), Json(1));
  EXPECT_EQ(v1_post("instances", batch_body("ag-nosuchthin", "127.9.1.20", 2)).fields(),
            Texts{"instanceSpec.agId"});
}

TEST_F(V1AgTest, AbandonedInstancesLeaveTogetherOrNotAtAllAndStayRegistered) {
  const std::string ag = group();
  const auto ids = batch(ag, "127.9.1.10", 3);
  const Answer refused = abandon(ag, {ids[0], "i-nosuchthin"});
  EXPECT_EQ(refused.problem(), "404 NOT_FOUND");
  EXPECT_EQ(refused.fields(), Texts{"instanceIds[1]"});
  EXPECT_EQ(shown("availabilityGroups/" + ag, "ag").integer_or("count", 0), 3);
  EXPECT_EQ(abandon(ag, {}).fields(), Texts{"instanceIds"});
  EXPECT_EQ(v1_post("availabilityGroups/" + ag + ":abandonInstances", Json::object()).fields(),
            Texts{"instanceIds"});
  EXPECT_EQ(abandon("ag-nosuchthin", {ids[0]}).problem(), "404 NOT_FOUND");
  ASSERT_EQ(abandon(ag, {ids[0], ids[2]}).status, 200);
  EXPECT_EQ(shown("availabilityGroups/" + ag, "ag").integer_or("count", 0), 1);
  EXPECT_EQ(count("instances"), Json(3));
  EXPECT_EQ(shown("instances/" + ids[0], "instance").find("ag"), nullptr);
  EXPECT_EQ(v1("DELETE", "availabilityGroups/" + ag).problem(), "409 CONFLICT");
  EXPECT_EQ(v1("DELETE", "instances/" + ids[1]).status, 200);
  EXPECT_EQ(v1("DELETE", "availabilityGroups/" + ag).status, 200);
}

TEST_F(V1AgTest, M24_M79_ABackendServiceTakesAGroupAtCreationAndShowsItsMembersHealth) {
  const std::string ag = group();
  batch(ag, "127.9.1.10", 2);
  const std::string lb = v1_lb();
  const std::string backend = made("backends/", backend_body(lb, ag), "backendId");
  EXPECT_EQ(shown("backends/" + backend, "backend").find("agIds")->dump(), R"([")" + ag + R"("])");
  EXPECT_EQ(count("backends?" + filter("agId", ag)), Json(1));
  const Json healths = shown("backends/" + backend + "/health", "targetHealths");
  ASSERT_EQ(healths.as_array().size(), 2U);
  const Json& one = healths.as_array().at(0);
  EXPECT_EQ(one.string_or("agId", ""), ag);
  EXPECT_EQ(one.find("targetGroupId"), nullptr);
  EXPECT_EQ(one.integer_or("weight", 0), 10);
  EXPECT_EQ(one.integer_or("port", 0), 80);
  EXPECT_EQ(one.string_or("type", ""), "vm");
  EXPECT_EQ(one.string_or("status", ""), "unhealthy");
  EXPECT_EQ(count("loadBalancers/?" + filter("targetPrivateIpAddress", "127.9.1.11")), Json(1));
}

TEST_F(V1AgTest, M24_M25_TheGroupOfABackendServiceIsReplacedByTheOtherKindAndDetached) {
  const std::string ag = group();
  batch(ag, "127.9.1.10", 1);
  const std::string lb = v1_lb();
  const std::string tg = v1_group(lb);
  const std::string backend = v1_backend(lb, tg);
  const auto groups = [&] {
    const Json now = shown("backends/" + backend, "backend");
    return now.find("targetGroupIds")->dump() + now.find("agIds")->dump();
  };
  const auto update = [&](const std::string& body) {
    return v1("PATCH", "backends/" + backend, body);
  };
  EXPECT_EQ(update(R"({"agIds":[")" + ag + R"("]})").status, 200);
  EXPECT_EQ(groups(), R"([][")" + ag + R"("])");
  EXPECT_EQ(update(R"({"description":"x","agIds":null})").status, 200);
  EXPECT_EQ(groups(), R"([][")" + ag + R"("])");
  EXPECT_EQ(update(R"({"agIds":[")" + ag + R"("],"targetGroupIds":[")" + tg + R"("]})").fields(),
            Texts{"agIds"});
  EXPECT_EQ(update(R"({"targetGroupIds":[")" + tg + R"("]})").status, 200);
  EXPECT_EQ(groups(), R"([")" + tg + R"("][])");
  EXPECT_EQ(update(R"({"agIds":[")" + ag + R"("]})").status, 200);
  EXPECT_EQ(update(R"({"agIds":[]})").status, 200);
  EXPECT_EQ(groups(), "[][]");
}

TEST_F(V1AgTest, M80_WeightAndPortOfSingleMembersCannotBeSet) {
  const std::string ag = group();
  const auto ids = batch(ag, "127.9.1.10", 1);
  const std::string lb = v1_lb();
  Json body = backend_body(lb, ag);
  body["agInfoSpec"] = Json::array({Json::object({{"agId", ag}, {"defaultWeight", 20}})});
  const Answer refused = v1_post("backends/", body);
  EXPECT_EQ(refused.message(), "agInfoSpec: not supported yet");
  body["agInfoSpec"] = Json();
  const std::string backend = made("backends/", body, "backendId");
  EXPECT_EQ(shown("backends/" + backend, "backend").find("agInfos"), nullptr);
  EXPECT_EQ(v1("GET", "backends/" + backend + "/agTargets").message(),
            "describeAgTargets is not supported yet");
  EXPECT_EQ(v1("PATCH", "backends/" + backend + ":updateAgTargets",
               R"({"targetUpdateSpecs":[{"targetId":")" + ids[0] + R"(","weight":3}]})")
                .message(),
            "updateAgTargets is not supported yet");
}

TEST_F(V1AgTest, TemplatesAndScalingComeLater) {
  const std::string ag = group();
  for (const char* call : {":setInstanceTemplate", ":abandonInstances%20"}) {
    const Answer answer = v1("POST", "availabilityGroups/" + ag + call, "{}");
    EXPECT_EQ(answer.problem(),
              std::string(call).contains("%20") ? "404 NOT_FOUND" : "400 INVALID_ARGUMENT");
  }
  EXPECT_EQ(v1("POST", "autoScaling/" + ag, "{}").message(),
            "enableAutoScaling is not supported yet");
  EXPECT_EQ(v1("PUT", "autoScaling/" + ag + ":disable", "{}").message(),
            "disableAutoScaling is not supported yet");
  EXPECT_EQ(v1("GET", "asRules").message(), "describeAsRules is not supported yet");
  EXPECT_EQ(v1("GET", "autoScaling").problem(), "404 NOT_FOUND");
}

}  // namespace
}  // namespace weir::api
