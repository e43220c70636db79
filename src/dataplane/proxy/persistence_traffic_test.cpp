// Persistence by client address as clients and targets see it.
#include <atomic>
#include <set>
#include <thread>

#include "balancing/slot_table.h"
#include "dataplane/proxy/engine_fixture.h"

namespace weir::dataplane::proxy {
namespace {

using snapshot::Algorithm;
using std::chrono::seconds;

/// 127.2.0.0 and up.
net::IpAddress client_address(int number) {
  return net::IpAddress::v4(0x7F020000U + static_cast<std::uint32_t>(number));
}

class PersistenceTrafficTest : public EngineFixture {
 protected:
  /// Targets of slot 1, 2, ... that greet a connection with "0", "1", ...
  snapshot::Service& serve(std::size_t targets, Algorithm algorithm = Algorithm::kRoundRobin) {
    auto& service = add_service("web", snapshot::Protocol::kTcp);
    service.algorithm = algorithm;
    service.persistence = seconds(1440);
    for (std::size_t i = 0; i < targets; ++i) {
      servers_.push_back(std::make_unique<ScriptedServer>([i](const Visit& visit) {
        if (visit.stream.send(std::string(1, static_cast<char>('0' + i))))
          visit.stream.read_to_end();
      }));
      service.targets.push_back(target(static_cast<int>(i) + 1, servers_.back()->endpoint()));
    }
    if (algorithm == Algorithm::kSourceHash) build_table();
    front_ = add_listener("front", "web").endpoint;
    apply();
    return service;
  }
  void build_table() {
    auto& service = services_["web"];
    std::vector<balancing::WeightedSlot> members;
    for (const auto& target : service.targets) {
      members.push_back({target.slot, static_cast<std::uint16_t>(target.weight)});
    }
    auto table = balancing::slot_table(members, service.flow_table.slots.get());
    ASSERT_TRUE(table.ok());
    service.flow_table = {std::make_shared<const balancing::SlotTable>(*std::move(table)), 0x5eed};
  }
  /// The target that a connection from there reaches; -1 when none does.
  int home_of(int client) const {
    Stream stream = connect_from(client_address(client), front_);
    const std::string greeting = stream.read(1);
    stream.reset();
    return greeting.empty() ? -1 : greeting[0] - '0';
  }
  std::vector<int> homes(int clients) const {
    std::vector<int> all;
    for (int client = 0; client < clients; ++client) all.push_back(home_of(client));
    return all;
  }
  void mark(int slot, bool takes_new) {
    const HealthMark mark{key(services_["web"], slot), takes_new, true};
    engine().mark({&mark, 1});
  }
  double remembered() { return sample(Metric::kPersistenceAddresses, {"web"}); }

  net::Endpoint front_;
  std::vector<std::unique_ptr<ScriptedServer>> servers_;
};

struct Case {
  std::size_t workers;
  Algorithm algorithm;
};

class EachAlgorithm : public PersistenceTrafficTest, public ::testing::WithParamInterface<Case> {
 protected:
  void SetUp() override { start({.workers = GetParam().workers, .clock = nullptr, .limits = {}}); }
};

TEST_P(EachAlgorithm, M40_OneAddressAlwaysReachesOneTargetAndAllAreUsed) {
  serve(3, GetParam().algorithm);
  const std::vector<int> first = homes(60);
  EXPECT_EQ(std::set<int>(first.begin(), first.end()), (std::set<int>{0, 1, 2}));
  for (int again = 0; again < 3; ++again) EXPECT_EQ(homes(60), first);
  EXPECT_EQ(remembered(), 60);
}

TEST_P(EachAlgorithm, M40_OnlyTheClientsOfATargetThatFailsMoveAndTheyStayWhereTheyWent) {
  serve(3, GetParam().algorithm);
  const std::vector<int> before = homes(60);
  mark(2, false);
  const std::vector<int> without = homes(60);
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (before[i] == 1) {
      EXPECT_NE(without[i], 1);
    } else {
      EXPECT_EQ(without[i], before[i]);
    }
  }
  apply();  // The Snapshot says that it is well again.
  EXPECT_EQ(homes(60), without);
}

TEST_P(EachAlgorithm, M38_AClientMovesFreelyUntilPersistenceIsSwitchedOnAndAfterItIsSwitchedOff) {
  auto& service = serve(3, GetParam().algorithm);
  const bool is_hashed = GetParam().algorithm == Algorithm::kSourceHash;
  const auto spread = [&] {
    std::set<int> seen;
    std::vector<Stream> held;  // for the algorithm that counts connections
    for (int i = 0; i < 12; ++i) {
      held.push_back(connect_from(client_address(1), front_));
      const std::string greeting = held.back().read(1);
      seen.insert(greeting.empty() ? -1 : greeting[0] - '0');
    }
    return seen.size();
  };
  EXPECT_EQ(spread(), 1u);
  service.persistence = seconds(0);
  apply();
  EXPECT_EQ(spread(), is_hashed ? 1u : 3u);
  EXPECT_EQ(remembered(), 0);
  service.persistence = seconds(1440);
  apply();
  EXPECT_EQ(remembered(), 0) << "switching off forgets";
  EXPECT_EQ(spread(), 1u);
}

TEST_P(EachAlgorithm, M40_ExplainNamesTheTargetThatIsKeptAsCertain) {
  serve(3, GetParam().algorithm);
  const net::Endpoint client{client_address(1), 0};
  EXPECT_EQ(engine().explain({"front", client})->is_certain,
            GetParam().algorithm == Algorithm::kSourceHash);
  const int home = home_of(1);
  const auto explained = engine().explain({"front", client});
  ASSERT_TRUE(explained.ok());
  EXPECT_TRUE(explained->is_certain);
  for (const ExplainedTarget& target : explained->targets) {
    const bool is_home = target.slot.value == home + 1;
    EXPECT_EQ(target.share, is_home ? 1 : 0);
    EXPECT_EQ(target.excluded.empty(), is_home) << target.excluded;
  }
  mark(home + 1, false);
  EXPECT_EQ(engine().explain({"front", client})->is_certain,
            GetParam().algorithm == Algorithm::kSourceHash);
}

INSTANTIATE_TEST_SUITE_P(
    Workers, EachAlgorithm,
    ::testing::Values(Case{1, Algorithm::kRoundRobin}, Case{2, Algorithm::kRoundRobin},
                      Case{1, Algorithm::kLeastConnections}, Case{2, Algorithm::kLeastConnections},
                      Case{1, Algorithm::kSourceHash}, Case{2, Algorithm::kSourceHash}));

TEST_F(PersistenceTrafficTest, M40_AClientThatStaysAwayForTheWholeTimeIsScheduledAnew) {
  start_virtual();
  serve(2);
  const int home = home_of(1);
  for (int i = 0; i < 5; ++i) {
    advance(seconds(1439));
    EXPECT_EQ(home_of(1), home) << "each connection starts the time again";
  }
  advance(seconds(1440));
  EXPECT_TRUE(soon([&] { return remembered() == 0; }));
  std::set<int> seen;
  for (int i = 0; i < 4; ++i) {
    seen.insert(home_of(1));
    advance(seconds(1440));
  }
  EXPECT_EQ(seen.size(), 2u);
}

TEST_F(PersistenceTrafficTest, M40_AnotherTimeHoldsForTheClientsThereAre) {
  start_virtual();
  auto& service = serve(2);
  const int home = home_of(1);
  service.persistence = seconds(3600);
  apply();
  advance(seconds(3599));
  EXPECT_EQ(home_of(1), home);
  service.persistence = seconds(60);
  apply();
  advance(seconds(59));
  EXPECT_EQ(home_of(1), home);
  advance(seconds(60));
  EXPECT_EQ(remembered(), 0);
}

TEST_F(PersistenceTrafficTest, C11_AnotherAlgorithmWeightOrTargetMovesNobody) {
  start({.workers = 2, .clock = nullptr, .limits = {}});
  auto& service = serve(3);
  const std::vector<int> before = homes(30);
  service.algorithm = Algorithm::kLeastConnections;
  apply();
  EXPECT_EQ(homes(30), before);
  service.targets[0].weight = 100;
  apply();
  EXPECT_EQ(homes(30), before);
  service.algorithm = Algorithm::kSourceHash;
  build_table();
  apply();
  EXPECT_EQ(homes(30), before);
  servers_.push_back(ScriptedServer::named("9"));
  service.targets.push_back(target(4, servers_.back()->endpoint()));
  service.check.interval = seconds(17);
  apply();
  EXPECT_EQ(homes(30), before);
}

TEST_F(PersistenceTrafficTest, ATargetOfWeightZeroLosesItsClientsAndTheyStayAwayWhenItIsBack) {
  auto& service = serve(3);
  const std::vector<int> before = homes(30);
  service.targets[0].weight = 0;
  service.targets[0].takes_new = false;
  apply();
  const std::vector<int> without = homes(30);
  for (const int home : without) EXPECT_NE(home, 0);
  service.targets[0].weight = 10;
  service.targets[0].takes_new = true;
  apply();
  EXPECT_EQ(homes(30), without);
}

TEST_F(PersistenceTrafficTest,
       ClientsOfATargetThatLeftAndCameBackWhileTheyWereAwayAreScheduledAnew) {
  auto& service = serve(2);
  // A connection that lasts keeps the engine's memory of the target alive.
  Stream held = connect_from(client_address(9), front_);
  const std::size_t home = static_cast<std::size_t>(held.read(1)[0] - '0');
  const auto left = service.targets[home];
  std::erase_if(service.targets, [&](const auto& target) { return target.slot == left.slot; });
  apply();
  service.targets.insert(service.targets.begin() + static_cast<std::ptrdiff_t>(home), left);
  apply();
  EXPECT_FALSE(engine().explain({"front", {client_address(9), 0}})->is_certain);
  held.reset();
}

TEST_F(PersistenceTrafficTest, M40_ATargetThatFailedLosesItsClientsAlsoWhenTheyWereAwayMeanwhile) {
  serve(2);
  const int home = home_of(1);
  const net::Endpoint client{client_address(1), 0};
  ASSERT_TRUE(engine().explain({"front", client})->is_certain);
  mark(home + 1, false);
  apply();  // The Snapshot says that it is well again.
  EXPECT_FALSE(engine().explain({"front", client})->is_certain);
  std::set<int> seen;
  for (int number = 2; number < 6; ++number) seen.insert(home_of(number));
  EXPECT_EQ(seen.size(), 2u) << "it takes new clients";
}

TEST_F(PersistenceTrafficTest, AnAddressWhoseTargetRefusesMovesToAnotherAndStaysThere) {
  serve(3);
  const int home = home_of(1);
  servers_[static_cast<std::size_t>(home)]->stop();
  const int other = home_of(1);
  EXPECT_NE(other, home);
  EXPECT_NE(other, -1);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(home_of(1), other);
}

TEST_F(PersistenceTrafficTest, M40_ConnectionsOfOneAddressThatRaceReachOneTarget) {
  start({.workers = 2, .clock = nullptr, .limits = {}});
  serve(3);
  for (int round = 0; round < 50; ++round) {
    constexpr int kAtOnce = 8;
    std::vector<int> reached(kAtOnce, -1);
    std::atomic<int> ready = 0;
    std::vector<std::thread> clients;
    for (std::size_t i = 0; i < kAtOnce; ++i) {
      clients.emplace_back([&, i] {
        for (++ready; ready.load() < kAtOnce;) std::this_thread::yield();
        reached[i] = home_of(round);
      });
    }
    for (std::thread& client : clients) client.join();
    EXPECT_EQ(std::set<int>(reached.begin(), reached.end()).size(), 1u);
    EXPECT_NE(reached.front(), -1);
  }
}

TEST_F(PersistenceTrafficTest, M40_EveryConnectionReachesATargetWhileMarksAndChangesCome) {
  start({.workers = 2, .clock = nullptr, .limits = {}});
  auto& service = serve(4);
  std::atomic<bool> is_over = false;
  std::atomic<int> connections = 0;
  std::atomic<int> failed = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&, i] {
      for (int n = 0; !is_over.load(); ++n) {
        if (home_of(i * 8 + n % 8) < 0) failed.fetch_add(1);
        connections.fetch_add(1);
      }
    });
  }
  for (int change = 0; change < 100; ++change) {
    mark(1 + change % 3, false);
    service.persistence = seconds(change % 10 == 9 ? 0 : 1 + change);
    service.algorithm = change % 2 == 0 ? Algorithm::kRoundRobin : Algorithm::kLeastConnections;
    apply();
    const int seen = connections.load();
    EXPECT_TRUE(soon([&] { return connections.load() > seen + 5; }));
  }
  is_over = true;
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(failed.load(), 0) << "of " << connections.load();
}

}  // namespace
}  // namespace weir::dataplane::proxy
