// Draining against the clocks: when the time of a target begins, and what may end or move it.
#include "dataplane/proxy/engine_fixture.h"

namespace weir::dataplane::proxy {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

void echo(const Visit& visit) {
  for (std::string bytes = visit.stream.read_some(); !bytes.empty();
       bytes = visit.stream.read_some()) {
    if (!visit.stream.send(bytes)) return;
  }
}

bool echoes(Stream& client) { return client.send("ping") && client.read(4) == "ping"; }

/// An echo server as group A of service "web", in force; B is to replace it.
class DrainTest : public EngineFixture {
 protected:
  net::Endpoint serve() {
    start_virtual();
    add_service("web", snapshot::Protocol::kTcp, {a_.endpoint()});
    snapshot::Listener& front = add_listener("front", "web");
    front.idle_timeout = std::chrono::hours(100);
    apply();
    return front.endpoint;
  }
  /// The write that replaces A; B is not usable yet, so A stays in force.
  void replace(seconds time) {
    add_drain(key(services_["web"], 1), time, virtual_clock_.wall_now());
    services_["web"].next_group_id = "tg-b";
    services_["web"].next_targets = {target(1, b_.endpoint())};
    apply();
  }
  void take_over() {
    services_["web"].group_id = "tg-b";
    services_["web"].targets = {target(1, b_.endpoint())};
    services_["web"].next_group_id.clear();
    services_["web"].next_targets.clear();
    apply();
  }
  void remove(seconds time) {
    add_drain(key(services_["web"], 1), time, virtual_clock_.wall_now());
    services_["web"].targets.clear();
    apply();
  }
  DrainProgress progress() { return engine().progress().at(0); }
  bool ends_after(Stream& client, seconds time) {
    advance(time - milliseconds(500));
    if (!echoes(client)) return false;
    advance(seconds(1));
    return client.wait_end() == Stream::End::kReset;
  }

  ScriptedServer a_{echo};
  ScriptedServer b_{echo};
};

TEST_F(DrainTest, B13_M41_TheTimeOfAReplacedGroupBeginsWhenTheNewOneTakesOver) {
  const auto front = serve();
  replace(seconds(30));
  EXPECT_TRUE(progress().is_waiting);
  EXPECT_EQ(progress().connections, 0);
  advance(seconds(60));  // The new group has no healthy target for longer than the time.
  Stream late = Stream::connect(front);
  ASSERT_TRUE(echoes(late));
  EXPECT_TRUE(progress().is_waiting);
  EXPECT_EQ(progress().connections, 1);
  EXPECT_EQ(progress().later, seconds(60));
  take_over();
  EXPECT_FALSE(progress().is_waiting);
  EXPECT_EQ(progress().connections, 1);
  Stream fresh = Stream::connect(front);
  ASSERT_TRUE(echoes(fresh));
  EXPECT_TRUE(ends_after(late, seconds(30)));
  EXPECT_TRUE(echoes(fresh));
  EXPECT_TRUE(soon([&] { return progress().connections == 0; }));
}

TEST_F(DrainTest, M41_NoTimeCutsWhenTheNewGroupTakesOverAndNotBefore) {
  const auto front = serve();
  Stream client = Stream::connect(front);
  ASSERT_TRUE(echoes(client));
  replace(seconds(0));
  advance(seconds(5));
  EXPECT_TRUE(echoes(client));
  take_over();
  advance(milliseconds(20));
  EXPECT_EQ(client.wait_end(), Stream::End::kReset);
}

TEST_F(DrainTest, M41_ARecordThatGoesWhileItsTargetIsOutOfForceStillCuts) {
  Stream client = Stream::connect(serve());
  ASSERT_TRUE(echoes(client));
  remove(seconds(30));
  advance(seconds(10));
  drains_.clear();
  apply();
  apply();
  EXPECT_TRUE(engine().progress().empty());
  EXPECT_TRUE(ends_after(client, seconds(20)));
}

TEST_F(DrainTest, M41_ATargetThatLeavesTogetherWithItsWaitingRecordIsCutAfterItsTime) {
  Stream client = Stream::connect(serve());
  ASSERT_TRUE(echoes(client));
  replace(seconds(30));
  advance(seconds(100));
  // The load balancer is no longer placed on this node.
  services_.clear();
  listeners_.clear();
  drains_.clear();
  apply();
  EXPECT_TRUE(ends_after(client, seconds(30)));
}

TEST_F(DrainTest, M41_AGroupThatIsAttachedAgainBeforeItLeftIsNeverCut) {
  Stream client = Stream::connect(serve());
  ASSERT_TRUE(echoes(client));
  replace(seconds(3));
  drains_.clear();
  services_["web"].next_group_id.clear();
  services_["web"].next_targets.clear();
  apply();
  advance(seconds(100));
  EXPECT_TRUE(echoes(client));
}

TEST_F(DrainTest, M41_ATargetThatDrainsAndComesBackDrainsAnewByItsNextRecord) {
  const auto front = serve();
  Stream client = Stream::connect(front);
  ASSERT_TRUE(echoes(client));
  remove(seconds(30));
  advance(seconds(20));
  drains_.clear();
  services_["web"].targets = {target(1, a_.endpoint())};
  apply();
  advance(seconds(20));
  remove(seconds(30));
  EXPECT_TRUE(ends_after(client, seconds(30)));
}

TEST_F(DrainTest, M41_AWallClockThatJumpsCutsNobodyEarlyAndSparesNobody) {
  Stream client = Stream::connect(serve());
  ASSERT_TRUE(echoes(client));
  remove(seconds(300));
  advance(seconds(100));
  virtual_clock_.set_wall_forward(std::chrono::hours(24));
  apply();
  EXPECT_TRUE(echoes(client));
  virtual_clock_.set_wall_forward(-std::chrono::hours(72));
  apply();
  EXPECT_TRUE(ends_after(client, seconds(200)));
}

TEST_F(DrainTest, M41_ARecordFromAClockThatIsAheadLetsNobodyRunForLongerThanItsTime) {
  Stream client = Stream::connect(serve());
  ASSERT_TRUE(echoes(client));
  add_drain(key(services_["web"], 1), seconds(30),
            virtual_clock_.wall_now() + std::chrono::hours(24));
  services_["web"].targets.clear();
  apply();
  EXPECT_TRUE(ends_after(client, seconds(30)));
}

TEST_F(DrainTest, M41_OneRecordHoldsManyTargetsOfSeveralServices) {
  start_virtual();
  for (const char* id : {"one", "two"}) {
    add_service(id, snapshot::Protocol::kTcp, {a_.endpoint(), b_.endpoint()}).group_id = "tg";
    add_listener(id, id).idle_timeout = std::chrono::hours(100);
  }
  apply();
  std::vector<Stream> clients;
  for (const char* id : {"one", "two", "one", "two"}) {
    clients.push_back(Stream::connect(listeners_[id].endpoint));
    ASSERT_TRUE(echoes(clients.back()));
  }
  snapshot::Drain record{.id = "drain-1",
                         .group_id = "tg",
                         .services = {"one", "two"},
                         .slots = {Slot(1), Slot(2)},
                         .time = seconds(30),
                         .deadline = virtual_clock_.wall_now() + seconds(30)};
  drains_ = {std::make_shared<const snapshot::Drain>(record)};
  for (const char* id : {"one", "two"}) services_[id].targets.clear();
  apply();
  ASSERT_EQ(engine().progress().size(), 1);
  EXPECT_EQ(progress().connections, 4);
  EXPECT_EQ(progress().targets.size(), 4) << "two targets of two services";
  advance(seconds(29));
  for (Stream& client : clients) EXPECT_TRUE(echoes(client));
  advance(seconds(2));
  for (Stream& client : clients) EXPECT_EQ(client.wait_end(), Stream::End::kReset);
}

}  // namespace
}  // namespace weir::dataplane::proxy
