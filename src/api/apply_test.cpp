// Declarative use of the native face: what apply makes, changes and leaves, and what it says.
#include <algorithm>

#include "api/apply_fixture.h"
#include "api/quotas.h"

namespace weir::api {
namespace {

using Lines = std::vector<std::string>;

TEST_F(ApplyTest, MakesWhatIsMissingWhateverTheOrderInTheFile) {
  const Answer made = apply(tree());
  ASSERT_EQ(made.status, 200) << made.body.dump();
  EXPECT_EQ(told(made), (Lines{"create lb web", "create tg servers", "create backend app",
                               "create listener front"}));
  const Answer listeners = api->get("listener?name=front");
  ASSERT_EQ(listeners.items().size(), 1U);
  const Json& spec = *listeners.items()[0].find("spec");
  const Answer backend = api->get("backend/" + spec.string_or("backendId", ""));
  EXPECT_EQ(backend.body.string_or("name", ""), "app");
  const Answer lb = api->get("lb/" + spec.string_or("loadBalancerId", ""));
  EXPECT_EQ(lb.body.string_or("name", ""), "web");
  EXPECT_EQ(listeners.items()[0].integer_or("revision", 0), lb.revision())
      << "the whole load balancer is one transaction";
}

TEST_F(ApplyTest, LeavesWhatIsEqualUntouched) {
  ASSERT_EQ(apply(tree()).status, 200);
  const Answer before = api->get("version");
  const Answer again = apply(tree());
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(told(again), Lines());
  EXPECT_EQ(api->get("version").revision(), before.revision());
}

TEST_F(ApplyTest, ChangesWhatDiffersAndSaysWhat) {
  ASSERT_EQ(apply(tree()).status, 200);
  Json documents = tree();
  Json& backend = documents.as_array()[1];
  (*backend.find("spec"))["algorithm"] = Json("LeastConn");
  backend["labels"] = Json::object({{"team", "blue"}});
  Json& target = documents.as_array()[2].find("spec")->find("targets")->as_array()[0];
  target["weight"] = Json(5);
  const Answer planned = plan(documents);
  const Answer changed = apply(documents);
  ASSERT_EQ(changed.status, 200) << changed.body.dump();
  EXPECT_EQ(told(changed), (Lines{"update tg servers", "update backend app"}));
  EXPECT_EQ(fields_of(changed, "app"), (Lines{"labels.team: null -> \"blue\"",
                                              "spec.algorithm: \"RoundRobin\" -> \"LeastConn\""}));
  const Lines weight = fields_of(changed, "servers");
  ASSERT_EQ(weight.size(), 1U);
  EXPECT_TRUE(weight[0].starts_with("spec.targets[target-")) << weight[0];
  EXPECT_TRUE(weight[0].ends_with("].weight: 10 -> 5")) << weight[0];
  EXPECT_EQ(planned.at("changes"), changed.at("changes")) << "the plan said so";
}

TEST_F(ApplyTest, APlanStoresNothingAndGivesNoIds) {
  const Answer before = api->get("version");
  const Answer planned = plan(tree());
  ASSERT_EQ(planned.status, 200) << planned.body.dump();
  EXPECT_EQ(told(planned).size(), 4U);
  for (const Json& change : planned.at("changes").as_array()) {
    EXPECT_EQ(change.string_or("id", "?"), "");
  }
  EXPECT_EQ(fields_of(planned, "front"),
            (Lines{"spec.loadBalancerId: null -> \"web\"", "spec.protocol: null -> \"Http\"",
                   "spec.port: null -> 80", "spec.backendId: null -> \"app\""}));
  EXPECT_EQ(api->get("version").revision(), before.revision());
}

TEST_F(ApplyTest, WhatAFileLeavesOutGetsItsDefaultButTargetsStay) {
  ASSERT_EQ(apply(tree()).status, 200);
  const std::string backend = api->get("backend?name=app").items()[0].string_or("id", "");
  ASSERT_EQ(
      api->patch_spec("backend/" + backend, Json::object({{"description", "by hand"}})).status,
      200);
  Json documents = tree();
  documents.as_array()[2].find("spec")->erase("targets");
  const Answer again = apply(documents);
  EXPECT_EQ(told(again), Lines{"update backend app"});
  EXPECT_EQ(fields_of(again, "app"), Lines{"spec.description: \"by hand\" -> \"\""});
  EXPECT_EQ(api->get("target").items().size(), 1U);
}

TEST_F(ApplyTest, SaysAllErrorsOfAllDocumentsAtOnceAndStoresNothing) {
  Json documents = tree();
  (*documents.as_array()[0].find("spec"))["port"] = Json(0);
  (*documents.as_array()[1].find("spec"))["algorithm"] = Json("Guess");
  (*documents.as_array()[2].find("spec"))["color"] = Json("red");
  documents.push_back(document("boat", "one", Json::object()));
  documents.push_back(document("target", "one", Json::object()));
  documents.push_back(document("listener", "lost",
                               Json::object({{"loadBalancerId", "nobody"},
                                             {"protocol", "Http"},
                                             {"port", 81},
                                             {"backendId", "app"}})));
  documents.push_back(Json("text"));
  const Answer before = api->get("version");
  const Answer refused = apply(documents);
  EXPECT_EQ(refused.problem(), "400 INVALID_ARGUMENT");
  EXPECT_EQ(refused.fields(),
            (Lines{"objects[4].kind", "objects[5].kind", "objects[7]", "objects[2].spec.color",
                   "objects[1].spec.algorithm", "objects[0].spec.port",
                   "objects[6].spec.loadBalancerId", "objects[6].spec.backendId"}));
  EXPECT_EQ(api->get("version").revision(), before.revision());
}

TEST_F(ApplyTest, TwoDocumentsOfOneNameAreRefused) {
  Json documents = tree();
  documents.push_back(documents.as_array()[0]);
  const Answer refused = apply(documents);
  EXPECT_EQ(refused.fields(), Lines{"objects[4].name"});
  EXPECT_EQ(refused.message(), "objects[4].name: listener 'front' is declared twice");
}

TEST_F(ApplyTest, ANameThatSeveralHaveNeedsAnId) {
  const std::string first = make_lb("twin").id();
  make_lb("twin");
  Json twin = document("lb", "twin",
                       Json::object({{"type", "alb"},
                                     {"subnetId", "subnet-default"},
                                     {"azs", names({"local-1a"})},
                                     {"description", "the first"}}));
  Json documents = Json::array();
  documents.push_back(twin);
  const Answer refused = apply(documents);
  EXPECT_EQ(refused.problem(), "409 CONFLICT");
  EXPECT_EQ(refused.fields(), Lines{"objects[0].name"});
  documents.as_array()[0]["id"] = Json(first);
  EXPECT_EQ(told(apply(documents)), Lines{"update lb twin"});
  EXPECT_EQ(api->get("lb/" + first).at("spec").string_or("description", ""), "the first");
}

TEST_F(ApplyTest, ADocumentWithARevisionIsAppliedOnlyToThat) {
  ASSERT_EQ(apply(tree()).status, 200);
  const Json balancer = api->get("lb?name=web").items()[0];
  ASSERT_EQ(api->patch_spec("lb/" + balancer.string_or("id", ""),
                            Json::object({{"description", "meanwhile"}}))
                .status,
            200);
  Json documents = Json::array();
  documents.push_back(balancer);
  const Answer stale = apply(documents);
  EXPECT_EQ(stale.status, 412) << stale.body.dump();
  EXPECT_EQ(stale.fields(), Lines{"objects[0].revision"});
}

TEST_F(ApplyTest, WhatAGetShowsCanBeApplied) {
  ASSERT_EQ(apply(tree()).status, 200);
  Json documents = Json::array();
  for (const char* kind : {"vpc", "subnet", "lb", "tg", "backend", "listener"}) {
    for (const Json& item : api->get(kind).items()) documents.push_back(item);
  }
  const Answer same = apply(documents);
  EXPECT_EQ(same.status, 200) << same.body.dump();
  EXPECT_EQ(told(same), Lines());
}

TEST_F(ApplyTest, AQuotaIsJudgedOverTheWholeFile) {
  Json documents = Json::array();
  for (int i = 0; i < 6; ++i) {
    for (Json& one : tree("web-" + std::to_string(i)).as_array()) {
      documents.push_back(std::move(one));
    }
  }
  const Answer refused = apply(documents);
  EXPECT_EQ(refused.problem(), "429 QUOTA_EXCEEDED");
  EXPECT_TRUE(refused.message().starts_with("load balancer web-5: quota limit alb exceeded"))
      << refused.message();
  EXPECT_EQ(api->get("lb").items().size(), 0U);
}

class WideApplyTest : public ApplyTest {
 protected:
  void SetUp() override {
    options.quotas = {{"listener", 1000}};
    ApplyTest::SetUp();
  }
};

TEST_F(WideApplyTest, ALoadBalancerBeyondATransactionIsRefusedByItsName) {
  Json documents = tree("wide");
  for (int port = 100; port < 300; ++port) {
    documents.push_back(document("listener", "l" + std::to_string(port),
                                 Json::object({{"loadBalancerId", "wide"},
                                               {"protocol", "Http"},
                                               {"port", port},
                                               {"backendId", "app"}})));
  }
  for (const bool is_plan : {true, false}) {
    const Answer refused = is_plan ? plan(documents) : apply(documents);
    EXPECT_EQ(refused.problem(), "400 INVALID_ARGUMENT");
    EXPECT_TRUE(refused.message().starts_with("load balancer wide: too much in one call"))
        << refused.message();
  }
  EXPECT_EQ(api->get("lb").items().size(), 0U);
}

TEST_F(ApplyTest, AListenerThatGoesLeavesItsPortToAnother) {
  ASSERT_EQ(apply(tree("web", "red"), "red").status, 200);
  Json documents = tree("web", "red");
  documents.as_array()[0]["name"] = Json("other");
  const Answer moved = apply(documents, "red");
  ASSERT_EQ(moved.status, 200) << moved.body.dump();
  EXPECT_EQ(told(moved), (Lines{"delete listener front", "create listener other"}));
  EXPECT_EQ(api->get("listener").items().size(), 1U);
}

TEST_F(ApplyTest, PruneTakesAwayWhatIsNotDeclaredInReverseOrder) {
  ASSERT_EQ(apply(tree("web", "red")).status, 200);
  ASSERT_EQ(apply(tree("other", "blue")).status, 200);
  const Answer gone = apply(Json::array(), "red");
  ASSERT_EQ(gone.status, 200) << gone.body.dump();
  EXPECT_EQ(told(gone), (Lines{"delete listener front", "delete backend app", "delete tg servers",
                               "delete lb web"}));
  EXPECT_EQ(api->get("lb").items().size(), 1U);
  EXPECT_EQ(stored("quota/default/lb/alb"), "1");
  EXPECT_EQ(told(apply(Json::array(), "red")), Lines());
}

TEST_F(ApplyTest, PruneLeavesWhatSomebodyElseNeeds) {
  ASSERT_EQ(apply(tree("web", "red")).status, 200);
  const std::string lb = api->get("lb").items()[0].string_or("id", "");
  ASSERT_EQ(make_tg(lb, "by-hand").status, 201);
  const Answer refused = apply(Json::array(), "red");
  EXPECT_EQ(refused.problem(), "409 CONFLICT");
  EXPECT_TRUE(refused.message().contains("is in use by target group")) << refused.message();
  EXPECT_EQ(api->get("listener").items().size(), 1U) << "all of the load balancer or none";
}

TEST_F(ApplyTest, WhatIsDeclaredMustHaveTheLabelThatPruneSelectsBy) {
  const Answer refused = apply(tree("web", "blue"), "red");
  EXPECT_EQ(refused.fields().size(), 4U);
  EXPECT_EQ(refused.fields().front(), "objects[0].labels.team");
}

TEST_F(ApplyTest, ALimitThatSomebodySetHoldsForFilesToo) {
  const Caller service{.who = "root", .request_id = "r", .account = "default"};
  ASSERT_TRUE(set_quota(*store, {{"default", "lb/alb"}, 1, 5, {}}, service));
  Json two = tree("web-0");
  for (Json& one : tree("web-1").as_array()) two.push_back(std::move(one));
  EXPECT_EQ(plan(two).problem(), "429 QUOTA_EXCEEDED");
  const Answer refused = apply(two);
  EXPECT_TRUE(refused.message().starts_with("load balancer web-1: quota limit alb exceeded"))
      << refused.message();
  EXPECT_EQ(api->get("lb").items().size(), 0U);
  ASSERT_TRUE(set_quota(*store, {{"default", "lb/alb"}, 7, 5, {}}, service));
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(apply(tree("web-" + std::to_string(i))).status, 200) << "more than is configured";
  }
}

TEST_F(ApplyTest, TheNameOfALoadBalancerOfAnotherAccountIsNotTold) {
  ASSERT_EQ(apply(tree("secret")).status, 200);
  const std::string id = api->get("lb").items().front().string_or("id", "");
  ApiCaller other = somebody("x", "administrator", "evil");
  const Json documents =
      Json::array({document("lb", id, Json::object({{"type", "alb"}})),
                   document("tg", "servers", Json::object({{"loadBalancerId", id}}))});
  const Answer answer = other.post("apply?plan=true", body_of(documents));
  EXPECT_FALSE(answer.fields().empty()) << answer.body.dump();
  EXPECT_FALSE(answer.body.dump().contains("secret")) << answer.body.dump();
}

TEST_F(ApplyTest, RightsAreThoseOfTheSingleCalls) {
  ApiCaller viewer = somebody("v", "viewer");
  ApiCaller oper = somebody("o", "operator");
  EXPECT_EQ(viewer.post("apply?plan=true", body_of(tree("web", "red"))).status, 200);
  EXPECT_EQ(viewer.get("export").status, 200);
  EXPECT_EQ(viewer.post("apply", body_of(tree("web", "red"))).problem(), "403 PERMISSION_DENIED");
  EXPECT_EQ(oper.post("apply", body_of(tree("web", "red"))).status, 200);
  const Answer refused = oper.post("apply", body_of(Json::array(), "red"));
  EXPECT_EQ(refused.problem(), "403 PERMISSION_DENIED");
  EXPECT_TRUE(refused.message().contains("delete listener needs role administrator"))
      << refused.message();
  EXPECT_EQ(api->get("listener").items().size(), 1U);
  EXPECT_EQ(oper.post("apply?plan=true", body_of(Json::array(), "red")).status, 200);
  ApiCaller other = somebody("x", "administrator", "evil");
  const Answer theirs = other.post("apply?plan=true", body_of(Json::array(), "red"));
  EXPECT_EQ(told(theirs), Lines()) << "nobody prunes what others have";
  EXPECT_EQ(other.get("export").at("objects"), Json::array());
}

TEST_F(ApplyTest, EachTransactionHasItsAuditRow) {
  ASSERT_EQ(apply(tree()).status, 200);
  const Json row = api->get("audit?pageSize=1").items()[0];
  EXPECT_EQ(row.string_or("operation", ""), "apply lb");
  EXPECT_EQ(row.string_or("result", ""), "ok");
  EXPECT_TRUE(row.string_or("object", "").contains("listener-")) << row.dump();
}

TEST_F(ApplyTest, RefusesWhatItWouldIgnore) {
  EXPECT_EQ(api->call("POST", "apply?force=true", "{\"objects\":[]}").fields(), Lines{"force"});
  EXPECT_EQ(api->call("POST", "apply?plan=maybe", "{\"objects\":[]}").fields(), Lines{"plan"});
  EXPECT_EQ(api->call("POST", "apply", "{\"objects\":[],\"dryRun\":true}").fields(), Lines{"body"});
  EXPECT_EQ(api->call("POST", "apply", "{}").fields(), Lines{"objects"});
  EXPECT_EQ(api->call("POST", "apply", "{\"objects\":[],\"prune\":{}}").fields(), Lines{"prune"});
  EXPECT_EQ(api->call("GET", "apply").status, 405);
  EXPECT_EQ(api->call("POST", "export", "{}").status, 405);
  EXPECT_EQ(api->get("export?kind=boat&color=red").fields(), (Lines{"kind", "query"}));
}

TEST_F(ApplyTest, ExportShowsNamesAndNoDefaultsInOneOrder) {
  ASSERT_EQ(apply(tree()).status, 200);
  EXPECT_EQ(exported().dump(),
            "[{\"kind\":\"lb\",\"name\":\"web\",\"spec\":{\"subnetId\":\"subnet-default\",\"azs\":"
            "[\"local-1a\"]}},"
            "{\"kind\":\"tg\",\"name\":\"servers\",\"spec\":{\"loadBalancerId\":\"web\","
            "\"targets\":[{\"ipAddress\":\"127.0.0.1\",\"port\":8080}]}},"
            "{\"kind\":\"backend\",\"name\":\"app\",\"spec\":{\"loadBalancerId\":\"web\","
            "\"protocol\":\"Http\",\"port\":80,\"targetGroupIds\":[\"servers\"],\"healthCheck\":"
            "{\"protocol\":\"Tcp\"}}},"
            "{\"kind\":\"listener\",\"name\":\"front\",\"spec\":{\"loadBalancerId\":\"web\","
            "\"protocol\":\"Http\",\"port\":80,\"backendId\":\"app\"}}]");
  ASSERT_EQ(apply(tree("other")).status, 200);
  EXPECT_EQ(exported("?loadBalancer=other").as_array().size(), 4U);
  EXPECT_EQ(exported("?loadBalancer=other&kind=listener").as_array().size(), 1U);
  EXPECT_EQ(exported("?labels.team=none").as_array().size(), 0U);
  EXPECT_EQ(api->get("export?loadBalancer=nobody").status, 404);
}

}  // namespace
}  // namespace weir::api
