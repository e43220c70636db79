// Availability groups on the native face and in the store: who belongs to one, what comes and goes
// with a member, and batches of instances.
#include "model/availability_group.h"

#include <algorithm>
#include <set>
#include <thread>

#include "api/fake_node.h"
#include "api/v1_fixture.h"

namespace weir::api {
namespace {

class AvailabilityGroupTest : public V1Test {
 protected:
  void SetUp() override {
    start();
    subnet =
        api->create("subnet", "servers",
                    Json::object({{"vpcId", "vpc-default"}, {"addressPrefix", "127.9.0.0/20"}}))
            .id();
  }
  std::string group(const std::string& name = "members", const char* azs = R"(["local-1a"])") {
    const Answer made = api->create("ag", name, Json::object({{"azs", parse_json(azs).value()}}));
    EXPECT_EQ(made.status, 201) << made.body.dump();
    EXPECT_TRUE(made.id().starts_with("ag-"));
    return made.id();
  }
  Json member_spec(const std::string& ag, const std::string& address,
                   const std::string& az = "local-1a") const {
    return Json::object({{"subnetId", subnet}, {"az", az}, {"ipAddress", address}, {"agId", ag}});
  }
  std::string member(const std::string& ag, const std::string& address,
                     const std::string& az = "local-1a") {
    const Answer made = api->create("instance", "web.1", member_spec(ag, address, az));
    EXPECT_EQ(made.status, 201) << made.body.dump();
    return made.id();
  }
  /// The ids of a batch that begins at this address.
  std::vector<std::string> batch(const std::string& ag, const std::string& address, int count) {
    const Json body = Json::object({{"name", "web-[1]"}, {"spec", member_spec(ag, address)}});
    const Answer made = api->call("POST", "instance?count=" + std::to_string(count), body.dump());
    EXPECT_EQ(made.status, 201) << made.body.dump();
    std::vector<std::string> ids;
    for (const Json& one : made.items()) ids.push_back(one.string_or("id", ""));
    return ids;
  }
  Answer service(const std::string& lb, const std::string& ag, const std::string& name = "web",
                 const std::string& algorithm = "RoundRobin") {
    Json spec = backend_spec(lb, "", "Tcp");
    spec["agIds"] = Json::array({Json(ag)});
    spec["algorithm"] = Json(algorithm);
    return api->create("backend", name, std::move(spec));
  }
  /// {instance id: slot} of the members.
  std::map<std::string, std::int64_t> slots(const std::string& ag) {
    std::map<std::string, std::int64_t> found;
    for (const Json& slot : api->get("ag/" + ag).at("admin").find("slots")->as_array()) {
      found[slot.string_or("targetId", "")] = slot.integer_or("slot", -1);
    }
    return found;
  }
  Answer leave(const std::string& instance) {
    return api->patch_spec("instance/" + instance, Json::object({{"agId", ""}}));
  }
  std::vector<std::string> health(const std::string& backend) {
    std::vector<std::string> addresses;
    for (const Json& target : api->get("backend/" + backend + "/health").at("targets").as_array()) {
      EXPECT_EQ(target.integer_or("weight", 0), 10);
      addresses.push_back(target.string_or("ipAddress", "") + ":" +
                          std::to_string(target.integer_or("port", 0)));
    }
    return addresses;
  }

  std::string subnet;
};

using Texts = std::vector<std::string>;

TEST_F(AvailabilityGroupTest, M81_ABatchIsRegisteredIntoAGroupInOneTransaction) {
  const std::string ag = group();
  const auto ids = batch(ag, "127.9.0.10", 100);
  ASSERT_EQ(ids.size(), 100U);
  const Answer last = api->get("instance/" + ids[99]);
  EXPECT_EQ(last.revision(), api->get("instance/" + ids[0]).revision());
  EXPECT_EQ(last.revision(), api->get("ag/" + ag).revision());
  EXPECT_EQ(last.body.string_or("name", ""), "web-100");
  EXPECT_EQ(last.at("admin").string_or("ipAddress", ""), "127.9.0.109");
  const Answer shown = api->get("ag/" + ag);
  EXPECT_EQ(shown.at("status").integer_or("members", 0), 100);
  EXPECT_EQ(shown.at("status").integer_or("running", 0), 100);
  EXPECT_EQ(shown.at("admin").string_or("vpcId", ""), "vpc-default");
  std::set<std::int64_t> different;
  for (const auto& [id, slot] : slots(ag)) different.insert(slot);
  EXPECT_EQ(different.size(), 100U);
  EXPECT_EQ(stored("quota/vpc-default/instance"), "100");
}

TEST_F(AvailabilityGroupTest, ABatchIsMadeWholeOrNotAtAllAndSaysWhichOneIsWrong) {
  const std::string ag = group();
  member(ag, "127.9.0.12");
  const Json body = Json::object({{"name", "web-[1]"}, {"spec", member_spec(ag, "127.9.0.11")}});
  const Answer refused = api->call("POST", "instance?count=3", body.dump());
  EXPECT_EQ(refused.problem(), "409 CONFLICT");
  EXPECT_EQ(refused.fields(), Texts{"spec.ipAddress"});
  EXPECT_TRUE(refused.message().contains("(2 of 3)")) << refused.message();
  EXPECT_EQ(api->get("instance").items().size(), 1U);
  EXPECT_EQ(slots(ag).size(), 1U);
  Json all_wrong = body;
  (*all_wrong.find("spec"))["az"] = Json("mars-1a");
  const Answer once = api->call("POST", "instance?count=3", all_wrong.dump());
  EXPECT_EQ(std::ranges::count(once.fields(), "spec.az"), 1) << once.body.dump();
}

TEST_F(AvailabilityGroupTest, WhatCannotBeReadOfABatchIsToldOnce) {
  Json body = Json::object({{"name", "web-[1]"}, {"spec", member_spec(group(), "127.9.0.11")}});
  (*body.find("spec"))["colour"] = Json("red");
  (*body.find("spec"))["size"] = Json(7);
  const Answer refused = api->call("POST", "instance?count=100", body.dump());
  EXPECT_EQ(refused.problem(), "400 INVALID_ARGUMENT");
  EXPECT_EQ(refused.fields(), (Texts{"spec.colour", "spec.size"}));
  EXPECT_FALSE(refused.message().contains("of 100")) << refused.message();
  EXPECT_EQ(api->get("instance").items().size(), 0U);
}

TEST_F(AvailabilityGroupTest, TheNumberOfABatchIsOneToAHundredAndForInstancesAlone) {
  const Json body = Json::object({{"name", "web"}, {"spec", member_spec(group(), "127.9.0.10")}});
  for (const char* count : {"0", "101", "x", "-1", "1.5", ""}) {
    const Answer refused = api->call("POST", "instance?count=" + std::string(count), body.dump());
    EXPECT_EQ(refused.problem(), "400 INVALID_ARGUMENT") << count;
    EXPECT_EQ(refused.fields(), Texts{"count"}) << count;
  }
  EXPECT_EQ(api->call("POST", "vpc?count=2", "{}").fields(), Texts{"count"});
  EXPECT_EQ(api->get("instance").items().size(), 0U);
}

TEST_F(AvailabilityGroupTest, M78_M82_MembersStandInItsZonesAndForAnAlbThoseAreTheLoadBalancers) {
  const std::string one = group();
  const std::string two = group("both", R"(["local-1a","local-1b"])");
  const Answer far = api->create("instance", "web.1", member_spec(one, "127.9.0.10", "local-1b"));
  EXPECT_EQ(far.problem(), "400 FAILED_PRECONDITION");
  EXPECT_EQ(far.fields(), Texts{"spec.az"});
  member(two, "127.9.0.10", "local-1a");
  member(two, "127.9.0.11", "local-1b");
  const Answer alb = service(make_lb("a", "alb").id(), two);
  EXPECT_EQ(alb.problem(), "400 FAILED_PRECONDITION");
  EXPECT_EQ(alb.fields(), Texts{"spec.agIds[0]"});
  EXPECT_EQ(service(make_lb("b", "alb").id(), one).status, 201);
  for (const char* type : {"nlb", "dnlb"}) {
    const std::string algorithm = type == std::string("dnlb") ? "IpHash" : "RoundRobin";
    EXPECT_EQ(service(make_lb(type, type).id(), two, "web", algorithm).status, 201) << type;
  }
}

TEST_F(AvailabilityGroupTest, M78_OfAnotherVpcNeitherAMemberNorALoadBalancerComesToIt) {
  const std::string vpc =
      api->create("vpc", "other", Json::object({{"addressPrefix", "10.1.0.0/16"}})).id();
  const std::string other =
      api->create("subnet", "other",
                  Json::object({{"vpcId", vpc}, {"addressPrefix", "10.1.1.0/24"}}))
          .id();
  const std::string ag = group();
  EXPECT_EQ(service(make_lb("b", "alb").id(), ag).status, 201);
  Json spec = member_spec(ag, "10.1.1.7");
  spec["subnetId"] = Json(other);
  const Answer refused = api->create("instance", "web.1", spec);
  EXPECT_EQ(refused.problem(), "400 FAILED_PRECONDITION");
  EXPECT_EQ(refused.fields(), Texts{"spec.subnetId"});
  const std::string second = group("second");
  spec["agId"] = Json(second);
  ASSERT_EQ(api->create("instance", "web.1", spec).status, 201);
  EXPECT_EQ(service(make_lb("c", "alb").id(), second).fields(), Texts{"spec.agIds[0]"});
}

TEST_F(AvailabilityGroupTest, M82_MembersThatDoNotSayWhereTheyStandAreCountedOverFiveRacksOfAZone) {
  const std::string ag = group();
  std::map<std::int64_t, int> racks;
  for (const std::string& id : batch(ag, "127.9.0.10", 10)) {
    ++racks[api->get("instance/" + id).at("admin").integer_or("faultDomain", 0)];
  }
  EXPECT_EQ(racks, (std::map<std::int64_t, int>{{1, 2}, {2, 2}, {3, 2}, {4, 2}, {5, 2}}));
  Json spec = member_spec(ag, "127.9.0.30");
  spec["faultDomain"] = Json(4);
  const Answer fixed = api->create("instance", "web.1", spec);
  EXPECT_EQ(fixed.at("admin").integer_or("faultDomain", 0), 4);
  EXPECT_EQ(api->patch_spec("instance/" + fixed.id(), Json::object({{"faultDomain", 5}})).fields(),
            Texts{"spec.faultDomain"});
  spec["faultDomain"] = Json(6);
  spec["ipAddress"] = Json("127.9.0.31");
  EXPECT_EQ(api->create("instance", "web.1", spec).fields(), Texts{"spec.faultDomain"});
}

TEST_F(AvailabilityGroupTest, M81_AMemberThatLeavesDrainsInEveryServiceAndItsSlotIsNotGivenAgain) {
  const std::string ag = group();
  const auto ids = batch(ag, "127.9.0.10", 3);
  const std::string nlb = make_lb("n", "nlb").id();
  const std::string alb = make_lb("a", "alb").id();
  const std::string first = service(nlb, ag).id();
  const std::string second = service(alb, ag).id();
  const std::int64_t slot = slots(ag).at(ids[1]);
  ASSERT_EQ(leave(ids[1]).status, 200);
  EXPECT_EQ(slots(ag).size(), 2U);
  std::set<std::string> drained;
  for (const Json& drain : api->get("drain").items()) {
    const Json& spec = *drain.find("spec");
    EXPECT_EQ(spec.string_or("groupId", ""), ag);
    EXPECT_EQ(spec.find("targets")->as_array().at(0).string_or("address", ""), "127.9.0.11");
    drained.insert(spec.string_or("loadBalancerId", ""));
  }
  EXPECT_EQ(drained, (std::set<std::string>{nlb, alb}));
  EXPECT_EQ(health(first), (Texts{"127.9.0.10:80", "127.9.0.12:80"}));
  EXPECT_EQ(health(second), health(first));
  const std::string newcomer = member(ag, "127.9.0.20");
  EXPECT_NE(slots(ag).at(newcomer), slot);
  EXPECT_EQ(api->get("instance/" + ids[1]).at("spec").find("agId"), nullptr);
  EXPECT_EQ(api->patch_spec("instance/" + ids[1], Json::object({{"agId", ag}})).fields(),
            Texts{"spec.agId"});
}

TEST_F(AvailabilityGroupTest, M81_AHundredOf300MembersLeaveFiftyServicesInOneTransaction) {
  const std::string ag = group();
  const auto leaving = batch(ag, "127.9.0.10", 100);
  batch(ag, "127.9.1.10", 100);
  batch(ag, "127.9.2.10", 100);
  for (int i = 0; i < 50; ++i) {
    const std::string number = std::to_string(i);
    if (i % 10 == 0) make_lb("n" + number, "nlb");
    const std::string lb =
        api->get("lb?name=n" + std::to_string(i / 10 * 10)).items().at(0).string_or("id", "");
    Json spec = backend_spec(lb, "", "Tcp");
    spec["agIds"] = Json::array({Json(ag)});
    spec["algorithm"] = Json("IpHash");
    spec["connectionDrainingSeconds"] = Json(100 + i);
    const Answer made = api->create("backend", "web-" + number, std::move(spec));
    ASSERT_EQ(made.status, 201) << made.body.dump();
  }
  Json ids = Json::array();
  for (const std::string& id : leaving) ids.push_back(Json(id));
  const Answer left = v1_post("availabilityGroups/" + ag + ":abandonInstances",
                              Json::object({{"instanceIds", std::move(ids)}}));
  EXPECT_EQ(left.status, 200) << left.body.dump();
  EXPECT_EQ(slots(ag).size(), 200U);
  EXPECT_EQ(api->get("drain").items().size(), 50U);
}

TEST_F(AvailabilityGroupTest, M81_AMemberThatIsUnregisteredLeavesItsGroupInTheSameTransaction) {
  const std::string ag = group();
  const auto ids = batch(ag, "127.9.0.10", 2);
  service(make_lb("n", "nlb").id(), ag);
  const Answer removed = api->remove("instance/" + ids[0]);
  ASSERT_EQ(removed.status, 200);
  EXPECT_EQ(api->get("ag/" + ag).revision(), removed.revision());
  EXPECT_EQ(slots(ag).size(), 1U);
  EXPECT_EQ(api->get("drain").items().size(), 1U);
  EXPECT_EQ(stored("address/vpc-default/127.9.0.10"), "");
}

TEST_F(AvailabilityGroupTest, ADeletedGroupHasNeitherMembersNorServicesAndLeavesNothingBehind) {
  const std::string ag = group();
  const std::string id = member(ag, "127.9.0.10");
  const std::string lb = make_lb("n", "dnlb").id();
  const std::string backend = service(lb, ag, "web", "IpHash").id();
  const Answer refused = api->remove("ag/" + ag);
  EXPECT_EQ(refused.problem(), "409 CONFLICT");
  EXPECT_TRUE(refused.body.dump().contains(id) && refused.body.dump().contains(backend))
      << refused.body.dump();
  ASSERT_EQ(api->remove("instance/" + id).status, 200);
  EXPECT_EQ(api->remove("ag/" + ag).problem(), "409 CONFLICT");
  ASSERT_EQ(api->remove("backend/" + backend).status, 200) << "its group stays";
  EXPECT_EQ(api->get("table").items().size(), 1U);
  ASSERT_EQ(api->remove("ag/" + ag).status, 200);
  EXPECT_EQ(api->get("table").items().size(), 0U);
  EXPECT_EQ(stored("root/" + ag), "");
  EXPECT_EQ(stored("quota/default/ag"), "0");
}

TEST_F(AvailabilityGroupTest, ACascadeTakesTheServicesAndLeavesTheGroupWithItsMembers) {
  const std::string ag = group();
  const std::string id = member(ag, "127.9.0.10");
  const std::string lb = make_lb("n", "nlb").id();
  service(lb, ag);
  ASSERT_EQ(api->remove("lb/" + lb + "?cascade=true").status, 200);
  EXPECT_EQ(slots(ag).size(), 1U);
  EXPECT_TRUE(api->get("ag/" + ag).at("status").find("backends")->as_array().empty());
  ASSERT_EQ(leave(id).status, 200);
  EXPECT_EQ(api->remove("ag/" + ag).status, 200);
}

TEST_F(AvailabilityGroupTest, D4_TwentyGroupsAndNoMore) {
  for (int i = 0; i < 20; ++i) group("g" + std::to_string(i));
  const Answer refused =
      api->create("ag", "g20", Json::object({{"azs", Json::array({Json("local-1a")})}}));
  EXPECT_EQ(refused.problem(), "429 QUOTA_EXCEEDED");
}

TEST_F(AvailabilityGroupTest, ThreeHundredMembersAndNoMore) {
  const std::string ag = group();
  for (const char* first : {"127.9.0.10", "127.9.1.10", "127.9.2.10"}) batch(ag, first, 100);
  const Answer refused = api->create("instance", "web.1", member_spec(ag, "127.9.3.10"));
  EXPECT_EQ(refused.problem(), "429 QUOTA_EXCEEDED");
  EXPECT_EQ(refused.fields(), Texts{"spec.agId"});
  EXPECT_EQ(slots(ag).size(), model::kAgMembersMax);
}

TEST_F(AvailabilityGroupTest, OneTableOfSlotsServesAllItsLoadBalancersAndFollowsItsMembers) {
  const std::string ag = group();
  batch(ag, "127.9.0.10", 2);
  service(make_lb("a", "nlb").id(), ag, "web", "IpHash");
  service(make_lb("b", "dnlb").id(), ag, "web", "QuintupleHash");
  const auto table = [&] {
    const auto tables = api->get("table").items();
    EXPECT_EQ(tables.size(), 1U);
    return *tables.at(0).find("spec");
  };
  EXPECT_EQ(table().string_or("groupId", ""), ag);
  EXPECT_EQ(table().string_or("loadBalancerId", ""), "");
  const auto generation = table().integer_or("generation", 0);
  const auto ids = batch(ag, "127.9.0.20", 3);
  EXPECT_EQ(table().integer_or("generation", 0), generation + 1) << "once for the batch";
  leave(ids[0]);
  EXPECT_EQ(table().integer_or("generation", 0), generation + 2);
}

TEST_F(AvailabilityGroupTest, M25_AServiceGoesFromATargetGroupToAnAvailabilityGroupAndBack) {
  const std::string ag = group();
  batch(ag, "127.9.0.10", 2);
  const std::string lb = make_lb("n", "nlb").id();
  const std::string tg = make_tg(lb).id();
  make_target(tg, 8080);
  Json spec = backend_spec(lb, tg, "Tcp");
  const std::string backend = api->create("backend", "web", spec).id();
  const auto replace = [&](const char* field, const std::string& id) {
    return api->patch_spec("backend/" + backend, Json::object({{field, Json::array({Json(id)})}}));
  };
  ASSERT_EQ(replace("agIds", ag).status, 200);
  EXPECT_EQ(health(backend), (Texts{"127.9.0.10:80", "127.9.0.11:80"}));
  EXPECT_EQ(api->get("drain").items().size(), 1U) << "the target that left";
  const Answer both = api->patch_spec("backend/" + backend,
                                      Json::object({{"agIds", Json::array({Json(ag)})},
                                                    {"targetGroupIds", Json::array({Json(tg)})}}));
  EXPECT_EQ(both.fields(), Texts{"spec.agIds"});
  ASSERT_EQ(replace("targetGroupIds", tg).status, 200);
  EXPECT_EQ(health(backend), Texts{"127.0.0.1:8080"});
  const auto drains = api->get("drain").items();
  ASSERT_EQ(drains.size(), 1U) << "the members that left; the target is back";
  EXPECT_EQ(drains[0].find("spec")->find("targets")->as_array().size(), 2U);
}

TEST_F(AvailabilityGroupTest, ANodeGetsTheGroupItsMembersAndItsTableAsLongAsItNeedsThem) {
  FakeNode node("n1");
  ASSERT_EQ(node.follow(server->stream_addresses().front()), "full");
  const std::string ag = group();
  batch(ag, "127.9.0.10", 2);
  const std::string lb = make_lb("n", "nlb").id();
  const std::string backend = service(lb, ag, "web", "IpHash").id();
  ASSERT_TRUE(node.take_until([&] { return node.has("ag", ag) && node.count("table") == 1; }));
  EXPECT_EQ(node.count("instance"), 2U);
  const auto newcomers = batch(ag, "127.9.0.20", 2);
  ASSERT_TRUE(node.take_until([&] { return node.count("instance") == 4U; }));
  api->remove("instance/" + newcomers[0]);
  ASSERT_TRUE(node.take_until([&] { return node.count("instance") == 3U; }));
  // Replaced: it serves until the next group can, so it stays while the record of its members does.
  const std::string tg = make_tg(lb).id();
  api->patch_spec("backend/" + backend,
                  Json::object({{"targetGroupIds", Json::array({Json(tg)})}}));
  ASSERT_TRUE(node.take_until([&] { return node.count("drain") >= 1U && node.has("tg", tg); }));
  EXPECT_TRUE(node.has("ag", ag));
  EXPECT_EQ(node.count("instance"), 3U);
}

TEST_F(AvailabilityGroupTest, FourWritersOfOneGroupLoseNoMemberAndGiveNoSlotTwice) {
  const std::string ag = group();
  const std::string lb = make_lb("n", "nlb").id();
  std::vector<std::thread> writers;
  for (int writer = 0; writer < 4; ++writer) {
    writers.emplace_back([&, writer] {
      ApiCaller mine = caller();
      for (int i = 0; i < 10; ++i) {
        const std::string address =
            "127.9." + std::to_string(writer) + "." + std::to_string(10 + i);
        const Answer made = mine.create("instance", "web.1", member_spec(ag, address));
        EXPECT_EQ(made.status, 201) << made.body.dump();
        if (i % 3 == 0) EXPECT_EQ(mine.remove("instance/" + made.id()).status, 200);
      }
    });
  }
  const std::string backend = service(lb, ag, "web", "IpHash").id();
  EXPECT_FALSE(backend.empty());
  for (std::thread& writer : writers) writer.join();
  std::set<std::int64_t> different;
  for (const auto& [id, slot] : slots(ag)) {
    EXPECT_EQ(api->get("instance/" + id).status, 200);
    different.insert(slot);
  }
  EXPECT_EQ(different.size(), 24U);
  EXPECT_EQ(api->get("ag/" + ag).at("status").integer_or("members", 0), 24);
  EXPECT_EQ(health(backend).size(), 24U);
  EXPECT_EQ(api->get("table").items().size(), 1U);
}

TEST_F(AvailabilityGroupTest,
       ALoadBalancerOnANodeOfAnOlderReleaseTakesNoGroupUntilTheNodeIsUpdated) {
  const std::string ag = group();
  FakeNode node("n1");
  node.features = Json::array();
  ASSERT_EQ(node.follow(server->stream_addresses().front()), "full");
  const std::string lb = make_lb("n", "nlb").id();
  ASSERT_TRUE(eventually([&] { return api->get("placement").items().size() == 1U; }));
  const Answer refused = service(lb, ag);
  EXPECT_EQ(refused.fields(), Texts{"spec.agIds[0]"});
  EXPECT_TRUE(refused.message().contains("node n1")) << refused.message();
  EXPECT_TRUE(refused.message().contains("does not know availability groups"));
  const Answer with_group =
      api->create("backend", "web", backend_spec(lb, make_tg(lb).id(), "Tcp"));
  EXPECT_EQ(with_group.status, 201) << with_group.body.dump();
  const Json patch = Json::object({{"agIds", Json::array({Json(ag)})}});
  EXPECT_EQ(api->patch_spec("backend/" + with_group.id(), patch).fields(), Texts{"spec.agIds[0]"})
      << "nor does one replace a target group";
  node.features = Json::array({Json("availabilityGroups"), Json("fromTheFuture")});
  node.leave();
  ASSERT_EQ(node.follow(server->stream_addresses().front()), "delta");
  EXPECT_EQ(api->patch_spec("backend/" + with_group.id(), patch).status, 200);
}

TEST_F(AvailabilityGroupTest, ARaceBetweenNamingAGroupAndDeletingItLeavesNoReferenceToNothing) {
  const std::string lb = make_lb("n", "nlb").id();
  for (int round = 0; round < 20; ++round) {
    const std::string ag = group();
    Answer named;
    std::thread other([&] {
      ApiCaller mine = caller();
      Json spec = backend_spec(lb, "", "Tcp");
      spec["agIds"] = Json::array({Json(ag)});
      named = mine.create("backend", "web", std::move(spec));
    });
    const Answer removed = api->remove("ag/" + ag);
    other.join();
    EXPECT_NE(named.status == 201, removed.status == 200)
        << named.body.dump() << removed.body.dump();
    if (named.status == 201) api->remove("backend/" + named.id());
    api->remove("ag/" + ag);
  }
}

}  // namespace
}  // namespace weir::api
