// Drain records as users see them: how long, what is left, and when they go.
#include "api/draining.h"

#include "api/api_fixture.h"
#include "api/fake_node.h"

namespace weir::api {
namespace {

using std::chrono::seconds;

class Draining : public ApiTest {
 protected:
  std::string address() const { return server->stream_addresses().front(); }
  /// An nlb with two targets behind one backend service.
  void make_chain(int draining_seconds) {
    lb = make_lb("n", "nlb").id();
    tg = make_tg(lb).id();
    first = make_target(tg, 8080).id();
    make_target(tg, 8081);
    Json spec = backend_spec(lb, tg, "Tcp");
    spec["connectionDrainingSeconds"] = Json(draining_seconds);
    backend = api->create("backend", "b", spec).id();
  }
  Json drains() { return api->get("backend/" + backend + "/health").at("drains"); }
  Json drain() { return drains().as_array().at(0); }
  std::string record() { return api->get("drain").items().at(0).string_or("id", ""); }
  /// Of the target in slot 0, of this backend service.
  Json report(const std::string& id, int connections, int oldest, bool is_waiting = false,
              int later = 0) const {
    Json target = Json::object({{"serviceId", backend},
                                {"slot", 0},
                                {"connections", connections},
                                {"oldestSeconds", oldest}});
    Json targets = Json::array();
    if (connections > 0) targets.push_back(std::move(target));
    Json drain = Json::object({{"id", id},
                               {"waiting", is_waiting},
                               {"connections", connections},
                               {"oldestSeconds", oldest},
                               {"laterSeconds", later},
                               {"targets", std::move(targets)}});
    return Json::object({{"drains", Json::array({std::move(drain)})}});
  }

  std::string lb, tg, first, backend;
};

TEST_F(Draining, M41_IsSetFromNothingToAnHourAndLastsAsLong) {
  for (const int time : {0, 1, 3600}) {
    const std::string one = make_lb("n" + std::to_string(time), "nlb").id();
    const std::string group = make_tg(one).id();
    const std::string target = make_target(group, 80).id();
    Json spec = backend_spec(one, group, "Tcp");
    spec["connectionDrainingSeconds"] = Json(time);
    const std::string id = api->create("backend", "b", spec).id();
    EXPECT_EQ(api->get("backend/" + id).at("spec").integer_or("connectionDrainingSeconds", -1),
              time);
    FakeNode node("n1");  // keeps the record from being over
    node.follow(address());
    EXPECT_EQ(api->remove("target/" + target).status, 200);
    const Json found = *api->get("drain?loadBalancerId=" + one).items().at(0).find("spec");
    EXPECT_EQ(found.string_or("deadline", ""), utc_text(clock.wall_now() + seconds(time)));
  }
  const std::string other = make_lb("other", "nlb").id();
  for (const int time : {-1, 3601}) {
    Json spec = backend_spec(other, "", "Tcp");
    spec["connectionDrainingSeconds"] = Json(time);
    EXPECT_EQ(api->create("backend", "b", spec).problem(), "400 INVALID_ARGUMENT");
  }
}

TEST_F(Draining, M40_PersistenceIsSetFromOneSecondToAnHourOnAnNlb) {
  const std::string one = make_lb("n", "nlb").id();
  Json spec = backend_spec(one, "", "Tcp");
  spec["sessionStickiness"] = Json(true);
  const Answer made = api->create("backend", "b", spec);
  EXPECT_EQ(made.at("spec").integer_or("sessionStickyTimeout", 0), 1440);
  const auto set = [&](std::int64_t time) {
    return api->patch_spec("backend/" + made.id(), Json::object({{"sessionStickyTimeout", time}}));
  };
  EXPECT_EQ(set(0).problem(), "400 INVALID_ARGUMENT");
  EXPECT_EQ(set(1).status, 200);
  EXPECT_EQ(set(3600).status, 200);
  EXPECT_EQ(set(3601).problem(), "400 INVALID_ARGUMENT");
  EXPECT_EQ(api->get("backend/" + made.id()).at("spec").integer_or("sessionStickyTimeout", 0),
            3600);
}

TEST_F(Draining, M38_PersistenceIsOffUntilItIsSwitchedOnAndOffAgain) {
  const std::string one = make_lb("n", "nlb").id();
  const std::string id = api->create("backend", "b", backend_spec(one, "", "Tcp")).id();
  const auto is_on = [&] {
    return api->get("backend/" + id).at("spec").bool_or("sessionStickiness", false);
  };
  EXPECT_FALSE(is_on());
  for (const bool on : {true, false}) {
    const Json spec = Json::object({{"sessionStickiness", on}});
    EXPECT_EQ(api->patch_spec("backend/" + id, spec).status, 200);
    EXPECT_EQ(is_on(), on);
  }
}

TEST_F(Draining, M41_HealthShowsWhatIsLeftOnAllNodesAndForHowLong) {
  FakeNode one("n1");
  FakeNode two("n2");
  one.follow(address());
  two.follow(address());
  make_chain(300);
  EXPECT_TRUE(drains().as_array().empty());
  EXPECT_EQ(api->remove("target/" + first).status, 200);
  EXPECT_EQ(drain().string_or("ipAddress", ""), "127.0.0.1");
  EXPECT_EQ(drain().integer_or("port", 0), 8080);
  EXPECT_EQ(drain().integer_or("slot", -1), 0);
  EXPECT_EQ(drain().integer_or("leftSeconds", 0), 300);
  EXPECT_EQ(drain().find("connections"), nullptr) << "no node has said yet";
  EXPECT_EQ(drain().string_or("targetId", ""), first) << "its group knows it no more";
  ASSERT_TRUE(one.take_until([&] { return one.count("drain") == 1; }));
  one.report(report(record(), 3, 40));
  EXPECT_TRUE(eventually([&] { return drain().integer_or("connections", 0) == 3; }));
  const std::size_t nodes = api->get("placement?loadBalancerId=" + lb).items().size();
  if (nodes == 2) {
    ASSERT_TRUE(two.take_until([&] { return two.count("drain") == 1; }));
    two.report(report(record(), 2, 90));
    EXPECT_TRUE(eventually([&] { return drain().integer_or("connections", 0) == 5; }));
    EXPECT_EQ(drain().integer_or("oldestSeconds", 0), 90);
  } else {
    EXPECT_EQ(drain().integer_or("oldestSeconds", 0), 40);
  }
  clock.advance(seconds(100));
  EXPECT_EQ(drain().integer_or("leftSeconds", 0), 200);
}

TEST_F(Draining, M41_TargetsOfAReplacedGroupAreNamed) {
  FakeNode node("n1");
  node.follow(address());
  make_chain(300);
  const std::string other = make_tg(lb, "other").id();
  const Json spec = Json::object({{"targetGroupIds", Json::array({Json(other)})}});
  EXPECT_EQ(api->patch_spec("backend/" + backend, spec).status, 200);
  ASSERT_EQ(drains().as_array().size(), 2u);
  std::set<std::string> named;
  for (const Json& one : drains().as_array()) named.insert(one.string_or("targetId", ""));
  EXPECT_TRUE(named.contains(first));
  EXPECT_EQ(named.size(), 2u);
}

TEST_F(Draining, M41_ANodeThatWasAwayAtTheDeadlineStillLearnsOfIt) {
  FakeNode node("n1");
  node.follow(address());
  make_chain(0);
  ASSERT_TRUE(node.take_until([&] { return node.has("backend", backend); }));
  node.report();
  node.leave();
  EXPECT_EQ(api->remove("target/" + first).status, 200);
  clock.advance(seconds(60));
  FakeNode back("n1");
  back.follow(address());
  ASSERT_EQ(back.count("drain"), 1u);
  back.report(report(record(), 4, 10));
  EXPECT_TRUE(back.take_until([&] { return back.count("drain") == 0; }))
      << "it is over once the node has it";
}

TEST_F(Draining, M41_NoRecordWaitsForANodeForEver) {
  FakeNode node("n1");
  node.follow(address());
  make_chain(0);
  ASSERT_TRUE(node.take_until([&] { return node.has("backend", backend); }));
  node.report();
  node.leave();
  EXPECT_EQ(api->remove("target/" + first).status, 200);
  EXPECT_EQ(api->get("drain").items().size(), 1u);
  clock.advance(seconds(3601));
  EXPECT_TRUE(eventually([&] { return api->get("drain").items().empty(); }));
}

TEST_F(Draining, M41_ARecordStaysWhileANodeStillUsesItsTargetAndUntilTheirTimeIsOver) {
  FakeNode node("n1");
  node.follow(address());
  make_chain(30);
  const std::string other = make_tg(lb, "other").id();
  const Json spec = Json::object({{"targetGroupIds", Json::array({Json(other)})}});
  EXPECT_EQ(api->patch_spec("backend/" + backend, spec).status, 200);
  ASSERT_TRUE(node.take_until([&] { return node.count("drain") == 1; }));
  const std::string id = record();
  node.report(report(id, 0, 0, true, 0));
  clock.advance(seconds(60));
  node.report(report(id, 2, 0, true, 60));
  EXPECT_TRUE(eventually([&] { return drain().integer_or("connections", 0) == 2; }));
  EXPECT_EQ(drain().integer_or("leftSeconds", 0), 30) << "its time has not begun";
  node.report(report(id, 2, 60, false, 60));
  EXPECT_TRUE(eventually([&] { return drain().integer_or("oldestSeconds", 0) == 60; }));
  clock.advance(seconds(10));
  EXPECT_EQ(drain().integer_or("leftSeconds", 0), 20);
  node.report(report(id, 0, 0, false, 60));
  EXPECT_TRUE(eventually([&] { return api->get("drain").items().empty(); }));
}

/// A record of revision 5, made at second 0, that ends at second 100.
class DrainRecord : public ::testing::Test {
 protected:
  DrainRecord() {
    drain_.id = "drain-1";
    drain_.revision = Revision(5);
    drain_.created = utc_text(at(0));
    drain_.spec = Json::object({{"deadline", utc_text(at(100))}});
  }
  void say(const std::string& node, const DrainReport& left) {
    NodeReport report;
    report.streams = 1;
    report.has_reported = true;
    report.applied.revision = Revision(5);
    report.drains["drain-1"] = left;
    observed_.nodes[node] = std::make_shared<const NodeReport>(std::move(report));
  }
  static WallTime at(int second) { return WallTime{} + std::chrono::hours(1000) + seconds(second); }
  void say(const std::string& node, std::uint64_t applied, std::optional<std::int64_t> left) {
    NodeReport report;
    report.has_reported = true;
    report.applied.revision = Revision(applied);
    if (left) report.drains["drain-1"] = {.connections = *left};
    observed_.nodes[node] = std::make_shared<const NodeReport>(std::move(report));
  }
  bool is_over(int second) const {
    return is_drain_over(drain_, {"n1", "n2"}, observed_, at(second));
  }

  model::Object drain_;
  ObservedView observed_;
};

TEST_F(DrainRecord, IsOverEarlyOnlyWhenEveryNodeSaysThatNothingIsLeft) {
  EXPECT_FALSE(is_over(0));
  say("n1", 5, 0);
  EXPECT_FALSE(is_over(0)) << "a node has not spoken";
  say("n2", 4, std::nullopt);
  EXPECT_FALSE(is_over(0)) << "a node does not know of it yet";
  say("n2", 5, std::nullopt);
  EXPECT_FALSE(is_over(0)) << "a node has not said what is left";
  say("n2", 5, 1);
  EXPECT_FALSE(is_over(0));
  say("n2", 5, 0);
  EXPECT_TRUE(is_over(0));
}

TEST_F(DrainRecord, OutlivesItsDeadlineUntilEveryNodeHasItButNotForEver) {
  say("n1", 5, 9);
  say("n2", 4, std::nullopt);
  EXPECT_FALSE(is_over(102));
  EXPECT_FALSE(is_over(3599));
  EXPECT_TRUE(is_over(3600)) << "its slot may be another's from then on";
  say("n2", 6, 9);
  EXPECT_FALSE(is_over(101)) << "nodes end it by their own clock first";
  EXPECT_TRUE(is_over(102));
}

TEST_F(DrainRecord, M41_IsNotOverWhileANodeStillUsesATarget) {
  say("n1", {.is_waiting = true});
  say("n2", {});
  EXPECT_FALSE(is_over(0)) << "without a connection, but one may come";
  EXPECT_FALSE(is_over(102));
  EXPECT_FALSE(is_over(10'000));
  say("n1", {});
  EXPECT_TRUE(is_over(10'000));
}

TEST_F(DrainRecord, M41_LastsUntilTheLatestNodeHasEndedIt) {
  say("n1", {.connections = 1, .later_seconds = 50});
  say("n2", {.connections = 1});
  EXPECT_FALSE(is_over(151));
  EXPECT_TRUE(is_over(152));
}

}  // namespace
}  // namespace weir::api
