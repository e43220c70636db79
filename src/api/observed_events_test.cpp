// What nodes report becomes events: over the real stream, as a reader sees them.
#include "api/observed_events.h"

#include "api/event_fixture.h"
#include "api/fake_node.h"

namespace weir::api {
namespace {

using snapshot::HealthState;
using Words = std::vector<std::string>;

class ObservedEventsTest : public PeopleTest {
 protected:
  std::string address() const { return server->stream_addresses().front(); }
  void make_chain() {
    lb = make_lb().id();
    tg = make_tg(lb).id();
    target = make_target(tg, 8080).id();
    backend = make_backend(lb, tg).id();
    listener = make_listener(lb, backend).id();
  }
  static Json list_of(const char* name, Json item) {
    return Json::object({{name, Json::array({std::move(item)})}});
  }
  Json::Array told(const std::string& query) {
    return api->get("events?limit=1000&" + query).items();
  }
  /// Waits for so many; the last of them.
  Json told_last(const std::string& query, std::size_t count) {
    EXPECT_TRUE(eventually([&] { return told(query).size() >= count; })) << query;
    const Json::Array all = told(query);
    EXPECT_EQ(all.size(), count) << query;
    return all.empty() ? Json::object() : all.back();
  }

  std::string lb, tg, target, backend, listener;
};

TEST_F(ObservedEventsTest, ANodeComesAndGoes) {
  FakeNode node("n1");
  ASSERT_EQ(node.follow(address()), "full");
  EXPECT_EQ(event_word(told_last("kind=node&type=connected", 1)), "connected n1");
  node.leave();
  const Json gone = told_last("kind=node&type=disconnected", 1);
  EXPECT_EQ(event_word(gone), "disconnected n1");
  EXPECT_EQ(gone.string_or("time", ""), utc_text(clock.wall_now()));
}

TEST_F(ObservedEventsTest, AnObjectIsToldAsAppliedOnceItsNodeHasIt) {
  FakeNode node("n1");
  ASSERT_EQ(node.follow(address()), "full");
  make_chain();
  ASSERT_TRUE(node.take_until([&] { return node.has("listener", listener); }));
  EXPECT_EQ(told("type=applied").size(), 0U);
  ASSERT_TRUE(node.report());
  const Json applied = told_last("type=applied&object=" + listener, 1);
  EXPECT_EQ(applied.find("nodes")->dump(), "[\"n1\"]");
  EXPECT_EQ(applied.find("object")->integer_or("revision", 0),
            api->get("listener/" + listener).revision());
}

TEST_F(ObservedEventsTest, AnObjectThatANodeCannotApplyIsInErrorUntilItCan) {
  FakeNode node("n1");
  ASSERT_EQ(node.follow(address()), "full");
  make_chain();
  ASSERT_TRUE(node.take_until([&] { return node.has("listener", listener); }));
  ASSERT_TRUE(node.report(list_of("errors", Json::object({{"kind", "listener"},
                                                          {"id", listener},
                                                          {"reason", "unsupported"},
                                                          {"detail", "field x"},
                                                          {"revision", 1}}))));
  const Json error = told_last("type=error&object=" + listener, 1);
  EXPECT_EQ(error.string_or("reason", ""), "unsupported");
  EXPECT_EQ(error.string_or("detail", ""), "field x");
  EXPECT_EQ(error.string_or("node", ""), "n1");
  ASSERT_TRUE(node.report());
  told_last("type=recovered&object=" + listener, 1);
  EXPECT_EQ(told("type=applied&object=" + listener).size(), 0U);
}

TEST_F(ObservedEventsTest, TheStatusSaysWhichNodesAppliedAnObjectAndWhyOneCannot) {
  FakeNode node("n1");
  ASSERT_EQ(node.follow(address()), "full");
  make_chain();
  ASSERT_TRUE(node.take_until([&] { return node.has("listener", listener); }));
  const auto state = [&](const std::string& path) {
    const Json nodes = *api->get(path).at("status").find("nodes");
    return nodes.as_array().size() == 1 ? nodes.as_array()[0] : Json::object();
  };
  for (const std::string& path : {"backend/" + backend, "tg/" + tg}) {
    EXPECT_EQ(state(path).string_or("state", ""), "unknown") << path;
  }
  ASSERT_TRUE(node.report(list_of("errors", Json::object({{"kind", "tg"},
                                                          {"id", tg},
                                                          {"reason", "unsupported"},
                                                          {"detail", "field x"},
                                                          {"revision", 1}}))));
  EXPECT_TRUE(
      eventually([&] { return state("backend/" + backend).string_or("state", "") == "applied"; }));
  EXPECT_GE(state("backend/" + backend).integer_or("appliedRevision", 0),
            api->get("backend/" + backend).revision());
  EXPECT_EQ(state("tg/" + tg).string_or("state", ""), "failed");
  EXPECT_EQ(state("tg/" + tg).string_or("detail", ""), "unsupported: field x");
  EXPECT_EQ(api->patch_spec("backend/" + backend, Json::object({{"description", "x"}})).status,
            200);
  EXPECT_EQ(state("backend/" + backend).string_or("state", ""), "pending");
}

TEST_F(ObservedEventsTest, VerdictsAreToldWithReasonAndProberAndNotAgainByANodeThatComesBack) {
  FakeNode node("n1");
  ASSERT_EQ(node.follow(address()), "full");
  make_chain();
  ASSERT_TRUE(node.take_until([&] { return node.has("listener", listener); }));
  const snapshot::TargetKey key{backend, tg, Slot(0)};
  ASSERT_TRUE(node.verdict(key, HealthState::kHealthy));  // so since before control started
  ASSERT_TRUE(node.report());
  EXPECT_TRUE(eventually([&] { return told("type=applied&object=" + backend).size() == 1; }));
  ASSERT_TRUE(node.verdict(key, HealthState::kUnhealthy, "CONNECT_FAILED"));
  const Json down = told_last("type=verdict&object=" + backend, 1);
  EXPECT_EQ(down.string_or("state", ""), "unhealthy");
  EXPECT_EQ(down.string_or("reason", ""), "CONNECT_FAILED");
  EXPECT_EQ(down.string_or("target", ""), target);
  EXPECT_EQ(down.string_or("node", ""), "n1");
  FakeNode again("n1");
  again.have = node.have;
  ASSERT_EQ(again.follow(address()), "delta");
  told_last("type=connected", 1);
  ASSERT_TRUE(again.verdict(key, HealthState::kUnhealthy, "CONNECT_FAILED"));
  ASSERT_TRUE(again.verdict(key, HealthState::kHealthy));
  EXPECT_EQ(told_last("type=verdict", 2).string_or("state", ""), "healthy");
}

TEST_F(ObservedEventsTest, ListenersAndAddressesThatANodeServesAreTold) {
  FakeNode node("n1");
  ASSERT_EQ(node.follow(address()), "full");
  make_chain();
  const std::string vip = api->get("lb/" + lb).at("admin").string_or("vip", "");
  ASSERT_TRUE(node.take_until([&] { return node.has("listener", listener); }));
  Json first = list_of("listeners", FakeNode::state_of("id", listener, "serving"));
  first["addresses"] = Json::array({FakeNode::state_of("address", vip, "held")});
  ASSERT_TRUE(node.report());
  EXPECT_TRUE(eventually([&] { return told("type=applied&object=" + listener).size() == 1; }));
  ASSERT_TRUE(node.report(first));
  EXPECT_EQ(told_last("type=state&object=" + lb, 1).string_or("state", ""), "held");
  EXPECT_EQ(told_last("type=state&object=" + listener, 1).string_or("state", ""), "serving");
  Json second = list_of("listeners", FakeNode::state_of("id", listener, "failed"));
  second["addresses"] = *first.find("addresses");
  second["failingOpen"] = Json::array({Json(backend)});
  ASSERT_TRUE(node.report(second));
  EXPECT_EQ(told_last("type=state&object=" + listener, 2).string_or("state", ""), "failed");
  EXPECT_EQ(told_last("type=state&object=" + lb, 1).string_or("node", ""), "n1");
  told_last("type=fail-open-began&object=" + backend, 1);
  ASSERT_TRUE(node.report(first));
  told_last("type=fail-open-ended&object=" + backend, 1);
}

TEST_F(ObservedEventsTest, WhatNodesSayOfAnAccountIsForItAlone) {
  FakeNode node("n1");
  ASSERT_EQ(node.follow(address()), "full");
  make_chain();
  ApiCaller evil = somebody("eve", "administrator", "evil");
  ASSERT_TRUE(node.take_until([&] { return node.has("listener", listener); }));
  ASSERT_TRUE(node.verdict({backend, tg, Slot(0)}, HealthState::kUnhealthy, "TIMEOUT"));
  ASSERT_TRUE(node.report());
  told_last("type=verdict", 1);
  told_last("type=connected", 1);
  EXPECT_EQ(evil.get("events?limit=1000").items().size(), 0U);
}

TEST_F(ObservedEventsTest, ADrainBeginsAndEnds) {
  lb = make_lb("n", "nlb").id();
  tg = make_tg(lb).id();
  target = make_target(tg, 8080).id();
  Json spec = backend_spec(lb, tg, "Tcp");
  spec["connectionDrainingSeconds"] = Json(60);
  backend = api->create("backend", "b", spec).id();
  FakeNode node("n1");  // keeps the record from being over
  ASSERT_EQ(node.follow(address()), "full");
  EXPECT_EQ(api->remove("target/" + target).status, 200);
  const Json began = told_last("kind=drain&type=drain-began", 1);
  EXPECT_EQ(began.string_or("call", ""), "delete target");
  EXPECT_EQ(told("kind=drain&type=drain-ended").size(), 0U);
  const std::string record = began.find("object")->string_or("id", "");
  ASSERT_TRUE(node.take_until([&] { return node.has("drain", record); }));
  clock.advance(std::chrono::hours(2));
  ASSERT_TRUE(node.report());
  const Json ended = told_last("kind=drain&type=drain-ended", 1);
  EXPECT_EQ(event_word(ended), "drain-ended " + record);
  EXPECT_EQ(ended.string_or("who", ""), "control");
}

}  // namespace
}  // namespace weir::api
