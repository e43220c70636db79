// Changes of the configuration while connections run: nothing breaks but what a change names.
#include <thread>

#include "dataplane/proxy/engine_fixture.h"

namespace weir::dataplane::proxy {
namespace {

using std::chrono::seconds;
using weir::testing::ok;

class ChangeTest : public EngineFixture {
 protected:
  void drain(int slot, std::chrono::seconds left) {
    add_drain(key(services_["web"], slot), left, virtual_clock_.wall_now());
    std::erase_if(services_["web"].targets,
                  [&](const snapshot::Target& target) { return target.slot.value == slot; });
  }
};

void echo(const Visit& visit) {
  for (std::string bytes = visit.stream.read_some(); !bytes.empty();
       bytes = visit.stream.read_some()) {
    if (!visit.stream.send(bytes)) return;
  }
}

bool echoes(Stream& client) { return client.send("ping") && client.read(4) == "ping"; }

TEST_F(ChangeTest, B13RelayedConnectionsToARemovedTargetEndExactlyAtTheEndOfItsDrain) {
  start_virtual();
  ScriptedServer server(echo);
  auto& service = add_service("web", snapshot::Protocol::kTcp, {server.endpoint()});
  listeners_.clear();
  add_listener("front", "web").idle_timeout = seconds(3600);
  apply();
  std::vector<Stream> clients;
  for (int i = 0; i < 10; ++i) clients.push_back(Stream::connect(listeners_["front"].endpoint));
  for (Stream& client : clients) ASSERT_TRUE(echoes(client));
  drain(1, seconds(300));
  apply();
  ASSERT_EQ(engine().progress().size(), 1);
  EXPECT_EQ(engine().progress().front().connections, 10);
  ASSERT_EQ(engine().progress().front().targets.size(), 1);
  EXPECT_EQ(engine().progress().front().targets.front().target, key(service, 1));
  clients.pop_back();
  EXPECT_TRUE(soon([&] { return engine().progress().front().connections == 9; }));
  advance(seconds(299));
  for (Stream& client : clients) EXPECT_TRUE(echoes(client));
  advance(std::chrono::milliseconds(1100));
  for (Stream& client : clients) EXPECT_EQ(client.wait_end(), Stream::End::kReset);
  EXPECT_TRUE(soon([&] { return engine().progress().front().connections == 0; }));
  EXPECT_EQ(failures("drain_ended"), 9);
}

TEST_F(ChangeTest, M41_ADrainOfNoTimeCutsAtOnce) {
  start_virtual();
  ScriptedServer server(echo);
  Stream client = Stream::connect(serve_tcp({server.endpoint()}));
  ASSERT_TRUE(echoes(client));
  drain(1, seconds(0));
  apply();
  advance(std::chrono::milliseconds(20));  // less than anybody notices
  EXPECT_EQ(client.wait_end(), Stream::End::kReset);
  EXPECT_EQ(failures("drain_ended"), 1);
}

TEST_F(ChangeTest, M41_TheLongestDrainEndsAfterAnHour) {
  start_virtual();
  ScriptedServer server(echo);
  add_service("web", snapshot::Protocol::kTcp, {server.endpoint()});
  add_listener("front", "web").idle_timeout = seconds(7200);
  apply();
  Stream client = Stream::connect(listeners_["front"].endpoint);
  ASSERT_TRUE(echoes(client));
  drain(1, seconds(3600));
  apply();
  advance(seconds(3599));
  EXPECT_TRUE(echoes(client));
  advance(seconds(2));
  EXPECT_EQ(client.wait_end(), Stream::End::kReset);
}

TEST_F(ChangeTest, M41_SaysHowManyConnectionsDrainAndHowOldTheOldestIs) {
  start_virtual();
  ScriptedServer server(echo);
  const auto front = serve_tcp({server.endpoint()});
  Stream oldest = Stream::connect(front);
  ASSERT_TRUE(echoes(oldest));
  advance(seconds(40));
  Stream newer = Stream::connect(front);
  ASSERT_TRUE(echoes(newer));
  drain(1, seconds(300));
  apply();
  EXPECT_EQ(engine().progress().front().oldest, seconds(40));
  advance(seconds(5));
  EXPECT_EQ(engine().progress().front().oldest, seconds(45));
  oldest.reset();
  EXPECT_TRUE(soon([&] { return engine().progress().front().oldest == seconds(5); }));
  EXPECT_EQ(engine().progress().front().connections, 1);
  newer.reset();
  EXPECT_TRUE(soon([&] { return engine().progress().front().connections == 0; }));
  EXPECT_EQ(engine().progress().front().oldest, seconds(0));
}

TEST_F(ChangeTest, M41_TargetsOfAReplacedGroupDrainAndTheNewOnesGetWhatIsNew) {
  start_virtual();
  ScriptedServer old(echo);
  auto fresh = ScriptedServer::named("f");
  const auto front = serve_tcp({old.endpoint()});
  Stream client = Stream::connect(front);
  ASSERT_TRUE(echoes(client));
  auto& service = services_["web"];
  drain(1, seconds(3));
  service.group_id = "tg-other";
  service.targets = {target(1, fresh->endpoint())};
  apply();
  EXPECT_TRUE(echoes(client));
  EXPECT_EQ(engine().progress().front().connections, 1);
  Stream other = Stream::connect(front);
  ASSERT_TRUE(other.send(get()));
  EXPECT_EQ(other.reply().body, "f");
  advance(seconds(4));
  EXPECT_EQ(client.wait_end(), Stream::End::kReset);
  // The slot is the same, the target is not.
  ASSERT_TRUE(other.send(get()));
  EXPECT_EQ(other.reply().body, "f");
}

TEST_F(ChangeTest, M41_ADrainGoesOnWhenItsServiceAndListenerLeave) {
  start_virtual();
  ScriptedServer server(echo);
  const auto front = serve_tcp({server.endpoint()});
  Stream client = Stream::connect(front);
  ASSERT_TRUE(echoes(client));
  drain(1, seconds(30));
  apply();
  services_.clear();
  listeners_.clear();
  apply();
  engine().remove_listener(front);
  EXPECT_EQ(engine().progress().front().connections, 1);
  advance(seconds(29));
  EXPECT_TRUE(echoes(client));
  advance(seconds(2));
  EXPECT_EQ(client.wait_end(), Stream::End::kReset);
}

TEST_F(ChangeTest, M41_AnExchangeOnADrainingTargetEndsWithItsTime) {
  start_virtual();
  std::atomic<bool> has_request = false;
  ScriptedServer server([&](const Visit& visit) {
    visit.stream.request();
    has_request = true;
    visit.stream.wait_end();
  });
  Stream client = Stream::connect(serve_http({server.endpoint()}));
  advance(seconds(7));
  ASSERT_TRUE(client.send(get()));
  ASSERT_TRUE(soon([&] { return has_request.load(); }));
  drain(1, seconds(20));
  apply();
  advance(seconds(19));
  EXPECT_EQ(engine().progress().front().connections, 1);
  EXPECT_EQ(engine().progress().front().oldest, seconds(19));
  advance(seconds(2));
  EXPECT_TRUE(soon([&] { return engine().progress().front().connections == 0; }));
  EXPECT_EQ(client.reply().status, 503);
}

TEST_F(ChangeTest, B13_WeightZeroAlgorithmAndCheckSettingsCutNothing) {
  start_virtual();
  ScriptedServer one(echo);
  ScriptedServer two(echo);
  add_service("web", snapshot::Protocol::kTcp, {one.endpoint(), two.endpoint()});
  add_listener("front", "web").idle_timeout = std::chrono::hours(100);
  apply();
  std::vector<Stream> clients;
  for (int i = 0; i < 4; ++i) clients.push_back(Stream::connect(listeners_["front"].endpoint));
  for (Stream& client : clients) ASSERT_TRUE(echoes(client));
  auto& service = services_["web"];
  const auto apply_and_expect_all = [&] {
    apply();
    advance(std::chrono::hours(4));
    for (Stream& client : clients) EXPECT_TRUE(echoes(client));
  };
  service.targets[0].weight = 0;
  service.targets[0].takes_new = false;
  service.targets[0].excluded = "weight 0";
  apply_and_expect_all();
  service.algorithm = snapshot::Algorithm::kLeastConnections;
  apply_and_expect_all();
  service.check.interval = seconds(33);
  service.is_check_closed = true;
  apply_and_expect_all();
  service.persistence = seconds(60);
  apply_and_expect_all();
  service.targets[1].weight = 0;
  service.targets[1].takes_new = false;
  apply_and_expect_all();
  EXPECT_EQ(Stream::connect(listeners_["front"].endpoint).wait_end(), Stream::End::kReset)
      << "no target is left for new connections";
}

TEST_F(ChangeTest, B13_WeightZeroLetsARequestFinishAndItsClientGoOnElsewhere) {
  std::atomic<bool> may_end = false;
  ScriptedServer slow([&](const Visit& visit) {
    visit.server.record(visit.stream.request());
    while (!may_end.load()) std::this_thread::yield();
    visit.stream.send(ok("slow"));
    visit.stream.read_to_end();
  });
  auto other = ScriptedServer::named("other");
  const auto front = serve_http({slow.endpoint()});
  Stream client = Stream::connect(front);
  ASSERT_TRUE(client.send(get()));
  ASSERT_TRUE(soon([&] { return slow.requests() == 1; }));
  auto& service = services_["web"];
  service.targets[0].weight = 0;
  service.targets[0].takes_new = false;
  service.targets.push_back(target(2, other->endpoint()));
  apply();
  may_end = true;
  EXPECT_EQ(client.reply().body, "slow");
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(client.send(get()));
    EXPECT_EQ(client.reply().body, "other");
  }
}

TEST_F(ChangeTest, ConnectionsToATargetRemovedWithoutADrainRecordRunOn) {
  start_virtual();
  ScriptedServer server(echo);
  const auto front = serve_tcp({server.endpoint()});
  Stream client = Stream::connect(front);
  ASSERT_TRUE(echoes(client));
  services_["web"].targets.clear();
  apply();
  EXPECT_TRUE(echoes(client));
  services_.clear();
  listeners_.clear();
  apply();
  engine().remove_listener(front);
  EXPECT_TRUE(echoes(client));
  EXPECT_EQ(engine().connections(), 1);
}

TEST_F(ChangeTest, ADrainThatIsTakenBackCutsNothing) {
  start_virtual();
  ScriptedServer server(echo);
  const auto front = serve_tcp({server.endpoint()});
  Stream client = Stream::connect(front);
  ASSERT_TRUE(echoes(client));
  drain(1, seconds(5));
  apply();
  drains_.clear();
  services_["web"].targets = {target(1, server.endpoint())};
  apply();
  advance(seconds(10));
  EXPECT_TRUE(echoes(client));
}

TEST_F(ChangeTest, ARunningExchangeOutlivesTheRemovalOfItsTarget) {
  std::atomic<bool> may_end = false;
  ScriptedServer server([&](const Visit& visit) {
    visit.server.record(visit.stream.request());
    while (!may_end.load()) std::this_thread::yield();
    visit.stream.send(ok("finished"));
    visit.stream.read_to_end();
  });
  auto other = ScriptedServer::named("other");
  Stream client = Stream::connect(serve_http({server.endpoint()}));
  ASSERT_TRUE(client.send(get()));
  ASSERT_TRUE(soon([&] { return server.requests() == 1; }));
  services_["web"].targets = {target(2, other->endpoint())};
  apply();
  may_end = true;
  EXPECT_EQ(client.reply().body, "finished");
  ASSERT_TRUE(client.send(get()));
  EXPECT_EQ(client.reply().body, "other");
}

TEST_F(ChangeTest, ClosesIdleConnectionsToATargetThatTakesNothingNew) {
  std::atomic<int> closed = 0;
  ScriptedServer server([&](const Visit& visit) {
    visit.stream.request();
    visit.stream.send(ok("a"));
    visit.stream.wait_end();
    ++closed;
  });
  const auto front = serve_http({server.endpoint()});
  Stream client = Stream::connect(front);
  ASSERT_TRUE(client.send(get()));
  ASSERT_EQ(client.reply().status, 200);
  services_["web"].targets[0].takes_new = false;
  apply();
  EXPECT_TRUE(soon([&] { return closed == 1; }));
}

TEST_F(ChangeTest, AConnectionOfARemovedListenerIsServedOnceMoreAndThenClosed) {
  auto server = ScriptedServer::named("a");
  const auto front = serve_http({server->endpoint()});
  Stream client = Stream::connect(front);
  ASSERT_TRUE(client.send(get()));
  ASSERT_EQ(client.reply().status, 200);
  listeners_.clear();
  apply();
  engine().remove_listener(front);
  EXPECT_FALSE(Stream::connect(front).valid());
  ASSERT_TRUE(client.send(get()));
  const Reply reply = client.reply();
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.field("Connection"), "close");
  EXPECT_EQ(client.wait_end(), Stream::End::kFinished);
}

TEST_F(ChangeTest, AcceptsOnlyOnceASnapshotNamesTheListener) {
  auto server = ScriptedServer::named("a");
  add_service("web", snapshot::Protocol::kHttp, {server->endpoint()});
  const auto front = add_listener("front", "web").endpoint;
  Stream client = Stream::connect(front);
  ASSERT_TRUE(client.send(get()));
  EXPECT_EQ(engine().connections(), 0);
  apply();
  EXPECT_EQ(client.reply().status, 200);
}

TEST_F(ChangeTest, MarksWorkAtOnceAndOnTargetsOfThatServiceOnly) {
  auto one = ScriptedServer::named("1");
  auto two = ScriptedServer::named("2");
  Stream client = Stream::connect(serve_http({one->endpoint(), two->endpoint()}));
  const HealthMark down{key(services_["web"], 1), false, true};
  engine().mark({&down, 1});
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(client.send(get()));
    EXPECT_EQ(client.reply().body, "2");
  }
  // A Snapshot says again what holds.
  apply();
  std::string seen;
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(client.send(get()));
    seen += client.reply().body;
  }
  EXPECT_TRUE(seen == "1212" || seen == "2121") << seen;
}

TEST_F(ChangeTest, AServiceThatDoesNotChangeGoesOnWhereItsRoundRobinStood) {
  auto one = ScriptedServer::named("1");
  auto two = ScriptedServer::named("2");
  auto three = ScriptedServer::named("3");
  Stream client =
      Stream::connect(serve_http({one->endpoint(), two->endpoint(), three->endpoint()}));
  std::string seen;
  for (int i = 0; i < 9; ++i) {
    add_service("other", snapshot::Protocol::kTcp).name = "change " + std::to_string(i);
    apply();
    ASSERT_TRUE(client.send(get()));
    seen += client.reply().body;
  }
  EXPECT_EQ(seen, "123123123");
}

TEST_F(ChangeTest, FailsNoRequestWhileEverythingChangesUnderLoad) {
  start({.workers = 2, .clock = nullptr, .limits = {}});
  std::vector<std::unique_ptr<ScriptedServer>> servers;
  for (int i = 0; i < 4; ++i) servers.push_back(ScriptedServer::named("a"));
  const auto front = serve_http({servers[0]->endpoint(), servers[1]->endpoint()});
  std::atomic<bool> is_over = false;
  std::atomic<int> requests = 0;
  std::atomic<int> failed = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&, i] {
      Stream client = Stream::connect(front);
      for (int n = 0; !is_over.load(); ++n) {
        // Some connections are kept, some are new.
        if (i % 2 == 0 && n % 10 == 9) client = Stream::connect(front);
        const bool is_good =
            client.send(n % 3 == 0 ? post("x") : get()) && client.reply().status == 200;
        requests.fetch_add(1);
        if (!is_good) {
          failed.fetch_add(1);
          client = Stream::connect(front);
        }
      }
    });
  }
  for (int change = 0; change < 300; ++change) {
    auto& service = services_["web"];
    switch (change % 6) {
      case 0:
        service.targets.push_back(target(3 + change, servers[2]->endpoint(), 5));
        break;
      case 1:
        service.targets[0].weight = 1 + change % 50;
        break;
      case 2:
        add_service("extra", snapshot::Protocol::kHttp, {servers[3]->endpoint()});
        add_listener("extra", "extra");
        break;
      case 3:
        service.targets.pop_back();
        service.forwarded.port = !service.forwarded.port;
        break;
      case 4:
        engine().remove_listener(listeners_["extra"].endpoint);
        listeners_.erase("extra");
        services_.erase("extra");
        break;
      default:
        service.group_id = "tg-" + std::to_string(change);
        break;
    }
    apply();
    EXPECT_TRUE(soon([&] { return requests.load() > 20 * change; }));
  }
  is_over = true;
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(failed.load(), 0) << "of " << requests.load();
  EXPECT_LE(sample(Metric::kSnapshotsAlive), 3);
}

TEST_F(ChangeTest, P8StopsAcceptingEndsKeptConnectionsAndStopsWithTheLast) {
  auto server = ScriptedServer::named("a");
  const auto front = serve_http({server->endpoint()});
  Stream client = Stream::connect(front);
  ASSERT_TRUE(client.send(get()));
  ASSERT_EQ(client.reply().status, 200);
  engine().stop(clock_.now() + seconds(60));
  ASSERT_TRUE(soon([&] { return !Stream::connect(front).valid(); }));
  EXPECT_FALSE(engine().is_stopped());
  ASSERT_TRUE(client.send(get()));
  EXPECT_EQ(client.reply().field("Connection"), "close");
  EXPECT_EQ(client.wait_end(), Stream::End::kFinished);
  EXPECT_TRUE(soon([&] { return engine().is_stopped(); }));
  EXPECT_EQ(engine().connections(), 0);
}

TEST_F(ChangeTest, P8CutsWhatIsLeftAtTheDeadlineOfStop) {
  start_virtual();
  ScriptedServer server(echo);
  add_service("web", snapshot::Protocol::kTcp, {server.endpoint()});
  add_listener("front", "web").idle_timeout = seconds(3600);
  apply();
  Stream client = Stream::connect(listeners_["front"].endpoint);
  ASSERT_TRUE(echoes(client));
  engine().stop(virtual_clock_.now() + seconds(300));
  advance(seconds(299));
  EXPECT_TRUE(echoes(client));
  EXPECT_FALSE(engine().is_stopped());
  advance(seconds(2));
  EXPECT_EQ(client.wait_end(), Stream::End::kReset);
  EXPECT_TRUE(soon([&] { return engine().is_stopped(); }));
}

TEST_F(ChangeTest, KeepsAtMostThreeSnapshotsAliveHoweverManyConnectionsRun) {
  ScriptedServer server(echo);
  const auto front = serve_tcp({server.endpoint()});
  std::vector<Stream> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(Stream::connect(front));
    ASSERT_TRUE(echoes(clients.back()));
    services_["web"].targets[0].weight = 1 + i;
    apply();
    EXPECT_LE(sample(Metric::kSnapshotsAlive), 3);
  }
  for (Stream& client : clients) EXPECT_TRUE(echoes(client));
}

TEST_F(ChangeTest, R1PausesAcceptingAtTheDescriptorLimitAndServesEveryoneInTheEnd) {
  Limits limits;
  limits.descriptors = kReservedDescriptors + 40;
  start({.workers = 1, .clock = nullptr, .limits = limits});
  auto server = ScriptedServer::named("a");
  const auto front = serve_http({server->endpoint()});
  std::vector<Stream> clients;
  for (int i = 0; i < 200; ++i) {
    clients.push_back(Stream::connect(front));
    ASSERT_TRUE(clients.back().send(get("/", i % 2 == 0 ? "" : "Connection: close\r\n")));
  }
  EXPECT_LE(engine().connections(), 40);
  for (Stream& client : clients) {
    EXPECT_EQ(client.reply().status, 200);
    client.close();
  }
  EXPECT_GT(sample(Metric::kProxyLimitReached, {"accept_descriptors"}), 0);
}

TEST_F(ChangeTest, R1IdleConnectionsToTargetsGiveWayToClients) {
  Limits limits;
  limits.descriptors = kReservedDescriptors + 20;
  start_virtual(limits);
  std::atomic<int> waiting = 0;
  ScriptedServer server([&](const Visit& visit) {
    visit.stream.request();
    // All at once, so that each has a connection of its own.
    for (int now = ++waiting; now < 6; now = waiting.load()) waiting.wait(now);
    waiting.notify_all();
    visit.stream.send(weir::testing::ok("a"));
    visit.stream.read_to_end();
  });
  const auto front = serve_http({server.endpoint()});
  std::vector<Stream> clients;
  for (int i = 0; i < 6; ++i) {
    clients.push_back(Stream::connect(front));
    ASSERT_TRUE(clients.back().send(get()));
  }
  for (Stream& client : clients) EXPECT_EQ(client.reply().status, 200);
  clients.clear();
  ASSERT_TRUE(soon([&] { return engine().connections() == 0; }));
  for (int i = 0; i < 9; ++i) clients.push_back(Stream::connect(front));
  EXPECT_TRUE(soon([&] { return engine().connections() == 9; }));
}

TEST_F(ChangeTest, RejectsANullSnapshotAndListenersWithoutSockets) {
  EXPECT_EQ(engine().apply(nullptr).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(engine().add_listener({}, {}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(ProxyEngine::open({.workers = 0, .clock = &clock_, .limits = {}}, {}).error().code,
            ErrorCode::kInvalidArgument);
}

TEST_F(ChangeTest, ExplainsSharesAndWhyATargetGetsNothing) {
  auto server = ScriptedServer::named("a");
  const auto at = server->endpoint();
  auto& service = add_service("web", snapshot::Protocol::kHttp);
  service.targets = {target(1, at, 30), target(2, at, 10), target(3, at, 0), target(4, at, 10)};
  service.targets[2].excluded = "weight 0";
  service.targets[3].takes_new = false;
  service.targets[3].excluded = "unhealthy CONNECT_FAILED";
  add_listener("front", "web");
  apply();
  const auto answer = engine().explain({"front", {}});
  ASSERT_TRUE(answer.ok());
  EXPECT_FALSE(answer->is_certain);
  ASSERT_EQ(answer->targets.size(), 4);
  EXPECT_DOUBLE_EQ(answer->targets[0].share, 0.75);
  EXPECT_DOUBLE_EQ(answer->targets[1].share, 0.25);
  EXPECT_EQ(answer->targets[2].excluded, "weight 0");
  EXPECT_EQ(answer->targets[3].excluded, "unhealthy CONNECT_FAILED");
  const HealthMark down{key(service, 1), false, true};
  engine().mark({&down, 1});
  EXPECT_DOUBLE_EQ(engine().explain({"front", {}})->targets[1].share, 1);
  EXPECT_NE(engine().explain({"front", {}})->targets[0].excluded, "");
  EXPECT_EQ(engine().explain({"nobody", {}}).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace weir::dataplane::proxy
