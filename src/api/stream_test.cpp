// The stream to the nodes, with a node that says and does what a test wants.
#include "api/api_fixture.h"
#include "api/fake_node.h"
#include "net/address.h"

namespace weir::api {
namespace {

class Stream : public ApiTest {
 protected:
  std::string address() const { return server->stream_addresses().front(); }
  /// A chain of one load balancer; its ids.
  void make_chain() {
    lb = make_lb().id();
    tg = make_tg(lb).id();
    make_target(tg, 8080);
    backend = make_backend(lb, tg).id();
    listener = make_listener(lb, backend).id();
    vip = api->get("lb/" + lb).at("admin").string_or("vip", "");
  }
  Json status(const std::string& path) { return api->get(path).at("status"); }
  std::string state(const std::string& path) { return status(path).string_or("state", ""); }

  std::string lb, tg, backend, listener, vip;
};

TEST_F(Stream, SendsANewNodeEverythingThatIsPlacedOnIt) {
  make_chain();
  FakeNode node("n1");
  EXPECT_EQ(node.follow(address()), "full");
  ASSERT_TRUE(node.take_until([&] { return node.has("lb", lb); }));
  EXPECT_TRUE(node.has("vpc", "vpc-default"));
  EXPECT_TRUE(node.has("subnet", "subnet-default"));
  EXPECT_TRUE(node.has("listener", listener));
  EXPECT_TRUE(node.has("backend", backend));
  EXPECT_TRUE(node.has("tg", tg));
  EXPECT_EQ(node.count("placement"), 1u);
  EXPECT_EQ(node.count("node"), 0u);
  EXPECT_EQ(api->get("node/n1").at("spec").string_or("az", ""), "local-1a");
  EXPECT_EQ(api->get("placement").items().size(), 1u);
}

TEST_F(Stream, PlacesALoadBalancerInItsOwnTransactionWhenANodeIsThere) {
  FakeNode node("n1");
  EXPECT_EQ(node.follow(address()), "full");
  const Answer made = make_lb();
  const Answer placements = api->get("placement?loadBalancerId=" + made.id());
  ASSERT_EQ(placements.items().size(), 1u);
  EXPECT_EQ(placements.items()[0].integer_or("revision", 0), made.revision());
  EXPECT_TRUE(node.take_until([&] { return node.has("lb", made.id()); }));
  EXPECT_EQ(node.have.revision.value, static_cast<std::uint64_t>(made.revision()));
}

TEST_F(Stream, SendsEachCommitOnce) {
  make_chain();
  FakeNode node("n1");
  node.follow(address());
  ASSERT_TRUE(node.take_until([&] { return node.has("lb", lb); }));
  const Answer changed =
      api->patch_spec("backend/" + backend, Json::object({{"description", "x"}}));
  const auto revision = static_cast<std::uint64_t>(changed.revision());
  ASSERT_TRUE(node.take_until([&] { return node.have.revision.value >= revision; }));
  EXPECT_EQ(node.frames_in_batch, 1u);
  const Answer gone = api->remove("listener/" + listener);
  ASSERT_TRUE(node.take_until([&] { return !node.has("listener", listener); }));
  EXPECT_EQ(node.have.revision.value, static_cast<std::uint64_t>(gone.revision()));
}

TEST_F(Stream, TellsItsRevisionEvenWhenNothingConcernsTheNode) {
  FakeNode node("n1");
  node.follow(address());
  const Answer made = api->create("vpc", "lab", Json::object());
  const auto revision = static_cast<std::uint64_t>(made.revision());
  EXPECT_TRUE(node.take_until([&] { return node.have.revision.value >= revision; }));
  EXPECT_EQ(node.frames_in_batch, 0u);
}

TEST_F(Stream, SendsANodeThatComesBackOnlyWhatChangedMeanwhile) {
  make_chain();
  FakeNode node("n1");
  node.follow(address());
  ASSERT_TRUE(node.take_until([&] { return node.has("lb", lb); }));
  node.leave();
  EXPECT_EQ(api->remove("listener/" + listener).status, 200);
  const std::string other = make_listener(lb, backend, 81).id();
  EXPECT_EQ(node.follow(address()), "delta");
  EXPECT_EQ(node.frames_in_batch, 2u);
  EXPECT_FALSE(node.has("listener", listener));
  EXPECT_TRUE(node.has("listener", other));
}

TEST_F(Stream, TakesEverythingBelowACascadedLoadBalancerAwayAtOnce) {
  make_chain();
  FakeNode node("n1");
  node.follow(address());
  ASSERT_TRUE(node.take_until([&] { return node.has("lb", lb); }));
  const Answer gone = api->remove("lb/" + lb + "?cascade=true");
  ASSERT_TRUE(node.take_until([&] { return !node.has("lb", lb); }));
  EXPECT_EQ(node.have.revision.value, static_cast<std::uint64_t>(gone.revision()));
  EXPECT_TRUE(node.holds_nothing());
}

TEST_F(Stream, SendsATombstoneForWhatIsNoLongerPlacedOnTheNode) {
  FakeNode node("n1");
  node.follow(address());
  make_chain();
  ASSERT_TRUE(node.take_until([&] { return node.has("listener", listener); }));
  node.leave();
  // It comes back without a binding of the subnet, beside one that has it.
  FakeNode second("n2");
  second.follow(address());
  FakeNode moved("n1", "loopback", "subnet-other");
  moved.have = node.have;
  moved.objects = node.objects;
  EXPECT_EQ(moved.follow(address()), "delta");
  EXPECT_TRUE(moved.take_until([&] { return moved.holds_nothing(); }));
  EXPECT_TRUE(second.take_until([&] { return second.has("listener", listener); }));
  const Answer placements = api->get("placement");
  ASSERT_EQ(placements.items().size(), 1u);
  EXPECT_EQ(placements.items()[0].find("spec")->integer_or("epoch", 0), 2);
}

TEST_F(Stream, RefusesANodeThatIsAheadAndChangesNothing) {
  FakeNode node("n1");
  const Epoch epoch = store->version().epoch;
  node.have = {epoch, Revision(1'000'000)};
  EXPECT_EQ(node.follow(address()), "refused");
  node.have = {Epoch(epoch.value + 1), Revision(1)};
  EXPECT_EQ(node.follow(address()), "refused");
  EXPECT_EQ(api->get("node").items().size(), 0u);
  EXPECT_EQ(metrics.value(Metric::kStreamRefused, {"ahead"}).get(), 2);
}

TEST_F(Stream, LeadsANodeOfAnOlderEpochToItsOwn) {
  make_chain();
  FakeNode node("n1");
  node.have = {Epoch(store->version().epoch.value - 1), Revision(1'000'000)};
  node.objects[{"lb", "alb-of-the-old-epoch"}] = node.have;
  EXPECT_EQ(node.follow(address()), "full");
  ASSERT_TRUE(node.take_until([&] { return node.has("lb", lb); }));
  EXPECT_FALSE(node.has("lb", "alb-of-the-old-epoch"));
  EXPECT_EQ(node.have.epoch, store->version().epoch);
}

TEST_F(Stream, RefusesAHelloItCannotRead) {
  FakeNode node("n1");
  ASSERT_TRUE(node.connect(address()));
  node.send("hello", "a/b", Json::object());
  EXPECT_EQ(node.next()->kind, "refused");
  ASSERT_TRUE(node.connect(address()));
  node.send("hello", "n1", Json::object({{"formats", Json::array({Json(9)})}}));
  EXPECT_EQ(node.next()->kind, "refused");
  EXPECT_EQ(metrics.value(Metric::kStreamRefused, {"format"}).get(), 1);
}

TEST_F(Stream, PlacesALoadBalancerOnEveryNodeWithAnExternalBinding) {
  FakeNode one("n1", "external");
  FakeNode two("n2", "external");
  one.follow(address());
  make_chain();
  EXPECT_EQ(api->get("placement").items().size(), 1u);
  two.follow(address());
  EXPECT_TRUE(two.take_until([&] { return two.has("listener", listener); }));
  EXPECT_EQ(api->get("placement").items().size(), 2u);
}

TEST_F(Stream, SharesLoadBalancersAmongNodesByTheirLoad) {
  FakeNode one("n1");
  FakeNode two("n2");
  one.follow(address());
  two.follow(address());
  for (const char* name : {"a", "b", "c", "d"}) EXPECT_EQ(make_lb(name).status, 201);
  EXPECT_EQ(api->get("placement?nodeId=n1").items().size(), 2u);
  EXPECT_EQ(api->get("placement?nodeId=n2").items().size(), 2u);
}

TEST_F(Stream, ShowsWhatNodesReportAsStatus) {
  make_chain();
  FakeNode node("n1");
  node.follow(address());
  ASSERT_TRUE(node.take_until([&] { return node.has("listener", listener); }));
  EXPECT_EQ(state("node/n1"), "connected");
  EXPECT_EQ(state("lb/" + lb), "CREATING");
  EXPECT_EQ(state("listener/" + listener), "pending");
  node.report(
      Json::object({{"addresses", Json::array({FakeNode::state_of("address", vip, "held")})},
                    {"listeners", Json::array({FakeNode::state_of("id", listener, "serving")})}}));
  EXPECT_TRUE(eventually([&] { return state("lb/" + lb) == "ACTIVE"; }));
  const Json listening = status("listener/" + listener);
  EXPECT_EQ(listening.string_or("state", ""), "serving");
  EXPECT_EQ(listening.string_or("datapath", ""), "proxy");
  EXPECT_EQ(listening.find("nodes")->as_array()[0].integer_or("appliedRevision", 0),
            static_cast<std::int64_t>(node.have.revision.value));
  node.report(
      Json::object({{"listeners", Json::array({FakeNode::state_of("id", listener, "failed")})},
                    {"errors", Json::array({Json::object({{"kind", "backend"},
                                                          {"id", backend},
                                                          {"revision", 1},
                                                          {"reason", "unsupported"},
                                                          {"detail", "spec.x"}})})}}));
  EXPECT_TRUE(eventually([&] { return state("listener/" + listener) == "failed"; }));
  const Json errors = *status("backend/" + backend).find("errors");
  EXPECT_EQ(errors.as_array()[0].string_or("reason", ""), "unsupported");
  node.leave();
  EXPECT_TRUE(eventually([&] { return state("node/n1") == "disconnected"; }));
}

TEST_F(Stream, ShowsVerdictsAsHealth) {
  make_chain();
  make_target(tg, 8081);
  FakeNode node("n1");
  node.follow(address());
  ASSERT_TRUE(node.take_until([&] { return node.has("backend", backend); }));
  const auto health = [&](std::size_t index) {
    return api->get("backend/" + backend + "/health").at("targets").as_array().at(index);
  };
  EXPECT_EQ(health(0).string_or("status", ""), "initial");
  node.verdict({backend, tg, Slot(0)}, snapshot::HealthState::kHealthy);
  node.verdict({backend, tg, Slot(1)}, snapshot::HealthState::kUnhealthy, "CONNECT_FAILED");
  EXPECT_TRUE(eventually([&] { return health(1).string_or("status", "") == "unhealthy"; }));
  EXPECT_EQ(health(1).string_or("reason", ""), "CONNECT_FAILED");
  EXPECT_EQ(health(1).string_or("node", ""), "n1");
  EXPECT_EQ(health(1).integer_or("port", 0), 8081);
  EXPECT_EQ(health(0).string_or("status", ""), "healthy");
  EXPECT_EQ(status("backend/" + backend).find("targets")->integer_or("healthy", 0), 1);
  node.verdict_gone({backend, tg, Slot(0)});
  EXPECT_TRUE(eventually([&] { return health(0).string_or("status", "") == "initial"; }));
  const Json closed = Json::object({{"admin", Json::object({{"closeHealthCheck", true}})}});
  EXPECT_EQ(api->patch("backend/" + backend, closed).status, 200);
  EXPECT_EQ(health(1).string_or("status", ""), "N/A");
}

TEST_F(Stream, B12_ShowsOnWhichNodesABackendServiceFailsOpen) {
  make_chain();
  FakeNode node("n1");
  node.follow(address());
  ASSERT_TRUE(node.take_until([&] { return node.has("backend", backend); }));
  const auto nodes = [&] {
    return api->get("backend/" + backend + "/health").at("failingOpenOn").dump();
  };
  EXPECT_EQ(nodes(), "[]");
  node.report(Json::object({{"failingOpen", Json::array({Json(backend), Json("backend-x")})}}));
  EXPECT_TRUE(eventually([&] { return nodes() == R"(["n1"])"; }));
  EXPECT_EQ(status("backend/" + backend).find("failingOpenOn")->dump(), R"(["n1"])");
  node.report();
  EXPECT_TRUE(eventually([&] { return nodes() == "[]"; })) << "an older node does not say it";
  node.report(Json::object({{"failingOpen", Json::array({Json(backend)})}}));
  EXPECT_TRUE(eventually([&] { return nodes() == R"(["n1"])"; }));
  node.leave();
  EXPECT_TRUE(eventually([&] { return nodes() == "[]"; })) << "the node is gone";
}

TEST_F(Stream, EndsADrainRecordWhenNoConnectionIsLeft) {
  make_chain();
  FakeNode node("n1");
  node.follow(address());
  const std::string target = api->get("target").items()[0].string_or("id", "");
  EXPECT_EQ(api->remove("target/" + target).status, 200);
  ASSERT_TRUE(node.take_until([&] { return node.count("drain") == 1; }));
  const std::string drain = api->get("drain").items()[0].string_or("id", "");
  const auto left = [&](int connections) {
    return Json::object(
        {{"drains", Json::array({Json::object({{"id", drain}, {"connections", connections}})})}});
  };
  node.report(left(3));
  node.report(left(0));
  EXPECT_TRUE(node.take_until([&] { return node.count("drain") == 0; }));
}

TEST_F(Stream, GivesAnAddressAgainOnlyWhenItsNodeReportsItGone) {
  FakeNode node("n1");
  node.follow(address());
  make_chain();
  ASSERT_TRUE(node.take_until([&] { return node.has("lb", lb); }));
  const Json held =
      Json::object({{"addresses", Json::array({FakeNode::state_of("address", vip, "held")})}});
  node.report(held);
  EXPECT_EQ(api->remove("lb/" + lb + "?cascade=true").status, 200);
  const std::string key = "address/vpc-default/" + vip;
  EXPECT_FALSE(stored(key).empty());
  EXPECT_NE(make_lb("next").at("admin").string_or("vip", ""), vip);
  Json spec = Json::object({{"subnetId", "subnet-default"},
                            {"azs", Json::array({Json("local-1a")})},
                            {"privateIpAddress", vip}});
  EXPECT_EQ(api->create("lb", "same", spec).problem(), "409 CONFLICT");
  ASSERT_TRUE(node.take_until([&] { return !node.has("lb", lb); }));
  node.report(held);  // its last connection still runs
  node.report(Json::object({{"addresses", Json::array()}}));
  EXPECT_TRUE(eventually([&] { return stored(key).empty(); }));
  EXPECT_EQ(api->create("lb", "same", spec).at("admin").string_or("vip", ""), vip);
}

TEST_F(Stream, AnAddressThatAReportHasNoRoomForIsNotGivenAgain) {
  FakeNode node("n1");
  node.follow(address());
  make_chain();
  ASSERT_TRUE(node.take_until([&] { return node.has("lb", lb); }));
  EXPECT_EQ(api->remove("lb/" + lb + "?cascade=true").status, 200);
  ASSERT_TRUE(node.take_until([&] { return !node.has("lb", lb); }));
  const Json more = Json::object({{"addresses", 3}});
  node.report(Json::object({{"addresses", Json::array()}, {"more", more}}));
  const std::string key = "address/vpc-default/" + vip;
  ASSERT_TRUE(eventually([&] {
    return api->get("node/n1").at("status").integer_or("appliedRevision", 0) >=
           static_cast<std::int64_t>(node.have.revision.value);
  }));
  const Json spec = Json::object({{"subnetId", "subnet-default"},
                                  {"azs", Json::array({Json("local-1a")})},
                                  {"privateIpAddress", vip}});
  EXPECT_EQ(api->create("lb", "same", spec).problem(), "409 CONFLICT");
  EXPECT_FALSE(stored(key).empty());
  node.report(
      Json::object({{"addresses", Json::array()}, {"more", more}, {"listsAllReleasing", true}}));
  EXPECT_TRUE(eventually([&] { return stored(key).empty(); }))
      << "there was room for all that are being released";
}

TEST_F(Stream, MovesLoadBalancersFromANodeThatIsDeletedAndFreesItsAddresses) {
  FakeNode lost("n1");
  ASSERT_EQ(lost.follow(address()), "full");
  make_chain();
  const std::string other = make_lb("other").id();
  ASSERT_TRUE(lost.take_until([&] { return lost.has("lb", other); }));
  ASSERT_TRUE(lost.report());
  const Answer refused = api->remove("node/n1");
  EXPECT_EQ(refused.problem(), "409 CONFLICT");
  EXPECT_NE(refused.message().find("node is connected"), std::string::npos);
  lost.leave();
  ASSERT_EQ(api->remove("lb/" + other).status, 200);
  FakeNode next("n2");
  ASSERT_EQ(next.follow(address()), "full");
  EXPECT_TRUE(eventually([&] { return api->remove("node/n1").status == 200; }));
  EXPECT_EQ(api->get("node/n1").status, 404);
  EXPECT_TRUE(next.take_until([&] { return next.has("listener", listener); }));
  EXPECT_TRUE(eventually([&] { return store->list("address/").value().entries.size() == 1; }));
}

TEST_F(Stream, LetsANodeThatWasDeletedWhileItCameSayHelloAgain) {
  FakeNode node("n1");
  ASSERT_EQ(node.follow(address()), "full");
  store::Transaction deletion;
  deletion.writes.push_back({"object/node/n1", std::nullopt});
  ASSERT_TRUE(store->commit(deletion).ok());
  EXPECT_FALSE(node.take_until([] { return false; })) << "the stream goes on";
  EXPECT_EQ(node.follow(address()), "delta");
  EXPECT_EQ(api->get("node/n1").status, 200);
}

TEST_F(Stream, ForgetsWhatANodeSaidOfTargetsWhenItComesAnew) {
  make_chain();
  FakeNode node("n1");
  node.follow(address());
  ASSERT_TRUE(node.take_until([&] { return node.has("lb", lb); }));
  const auto says = [&](const char* reason) {
    const Answer health = api->get("backend/" + backend + "/health");
    return health.body.dump().find(reason) != std::string::npos;
  };
  ASSERT_TRUE(node.verdict({backend, tg, Slot(0)}, snapshot::HealthState::kUnhealthy, "old"));
  ASSERT_TRUE(eventually([&] { return says("\"old\""); }));
  node.leave();
  EXPECT_EQ(node.follow(address()), "delta");
  EXPECT_TRUE(eventually([&] { return !says("\"old\""); }));
}

TEST_F(Stream, EndsWhenANodeCallsAListTheSameThatThisStreamWasNotTold) {
  make_chain();
  FakeNode node("n1");
  node.follow(address());
  ASSERT_TRUE(node.take_until([&] { return node.has("listener", listener); }));
  const Json lists =
      Json::object({{"addresses", Json::array({FakeNode::state_of("address", vip, "held")})},
                    {"listeners", Json::array({FakeNode::state_of("id", listener, "serving")})}});
  const Json same = Json::object({{"same", Json::array({Json("addresses"), Json("listeners")})}});
  node.report(lists);
  node.report(same);
  EXPECT_TRUE(eventually([&] { return state("listener/" + listener) == "serving"; }));
  node.leave();
  node.follow(address());
  node.report(same);
  EXPECT_FALSE(node.take_until([] { return false; })) << "until control ends it";
  EXPECT_EQ(node.follow(address()), "delta");
  node.report(lists);
  node.report(same);
  EXPECT_TRUE(eventually([&] { return state("listener/" + listener) == "serving"; }));
}

TEST_F(Stream, TakesAHelloThatNamesThousandsOfAddresses) {
  FakeNode node("n1");
  for (int i = 0; i < 1500; ++i) node.held.push_back(Json("127.0.0." + std::to_string(i)));
  EXPECT_EQ(node.follow(address()), "full");
}

TEST_F(Stream, WritesNoAuditRowWhenANodeIsRefused) {
  FakeNode node("n1", "loopback", "");
  const auto newest = store->audit_rows(1).value().at(0).first;
  EXPECT_EQ(node.follow(address()), "refused");
  EXPECT_EQ(store->audit_rows(1).value().at(0).first, newest);
}

/// Control takes nodes on every address of the machine.
class OpenStream : public ApiTest {
 protected:
  void SetUp() override {
    options.stream_listen = {"0.0.0.0:0"};
    options.ops_listen = "127.0.0.1:8421";
    start();
  }
};

TEST_F(OpenStream, IsNoTargetOnAnyAddressOfLoopback) {
  const auto stream = net::Endpoint::parse(server->stream_addresses().back());
  ASSERT_TRUE(stream) << to_string(stream.error());
  const std::string tg = make_tg(make_lb().id()).id();
  const auto target = [&](int port) {
    return api->post("target", Json::object({{"spec", Json::object({{"targetGroupId", tg},
                                                                    {"ipAddress", "127.0.0.9"},
                                                                    {"port", port}})}}));
  };
  const Answer refused = target(stream->port);
  EXPECT_EQ(refused.problem(), "400 INVALID_ARGUMENT");
  EXPECT_NE(refused.message().find("this service itself"), std::string::npos) << refused.message();
  EXPECT_EQ(target(stream->port - 1).status, 201);
}

TEST_F(OpenStream, NorAreTheApiAndThePagesOfTheNodeByThePortOfABackendService) {
  const auto listens = net::Endpoint::parse(server->api_endpoint().substr(7));
  ASSERT_TRUE(listens);
  const std::string lb = make_lb().id();
  const std::string tg = make_tg(lb).id();
  ASSERT_EQ(make_target(tg, 0).status, 201);
  Json spec = backend_spec(lb, tg);
  for (const int port : {static_cast<int>(listens->port), 8421}) {
    spec["port"] = port;
    const Answer refused = api->create("backend", "own", spec);
    EXPECT_EQ(refused.fields(), std::vector<std::string>{"spec.targetGroupIds[0]"});
    EXPECT_EQ(refused.problem(), "400 INVALID_ARGUMENT");
  }
  spec["port"] = 8422;
  EXPECT_EQ(api->create("backend", "other", spec).status, 201);
}

}  // namespace
}  // namespace weir::api
