// Hash algorithms as clients see them.
#include <algorithm>
#include <cstdlib>
#include <set>

#include "balancing/slot_table.h"
#include "dataplane/proxy/engine_fixture.h"

namespace weir::dataplane::proxy {
namespace {

constexpr std::uint64_t kSeed = 0x5eed;

/// 127.1.0.0 and up.
net::IpAddress client_address(int number) {
  return net::IpAddress::v4(0x7F010000U + static_cast<std::uint32_t>(number));
}

class FlowTableTest : public EngineFixture, public ::testing::WithParamInterface<std::size_t> {
 protected:
  void SetUp() override { start({.workers = GetParam(), .clock = nullptr, .limits = {}}); }

  snapshot::Service& serve(const std::vector<int>& weights, snapshot::Algorithm algorithm) {
    auto& service = add_service("web", snapshot::Protocol::kTcp);
    service.algorithm = algorithm;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      servers_.push_back(std::make_unique<ScriptedServer>([i](const Visit& visit) {
        if (visit.stream.send(std::string(1, static_cast<char>('0' + i))))
          visit.stream.read_to_end();
      }));
      service.targets.push_back(
          target(static_cast<int>(i) + 1, servers_.back()->endpoint(), weights[i]));
    }
    build_table();
    front_ = add_listener("front", "web").endpoint;
    apply();
    return service;
  }
  /// The table after the one in force for the targets there are.
  void build_table() {
    auto& service = services_["web"];
    std::vector<balancing::WeightedSlot> members;
    for (const auto& target : service.targets) {
      members.push_back({target.slot, static_cast<std::uint16_t>(target.weight)});
    }
    auto table = balancing::slot_table(members, service.flow_table.slots.get());
    ASSERT_TRUE(table.ok());
    service.flow_table = {std::make_shared<const balancing::SlotTable>(*std::move(table)), kSeed};
  }
  /// The target that a connection from there reaches.
  int home_of(int client) {
    Stream stream = connect_from(client_address(client), front_);
    const std::string greeting = stream.read(1);
    stream.reset();
    return greeting.empty() ? -1 : greeting[0] - '0';
  }
  std::vector<int> homes(int clients) {
    std::vector<int> all;
    for (int client = 0; client < clients; ++client) all.push_back(home_of(client));
    return all;
  }

  net::Endpoint front_;
  std::vector<std::unique_ptr<ScriptedServer>> servers_;
};

TEST_P(FlowTableTest, M32_AClientAddressAlwaysReachesTheSameTarget) {
  serve({10, 10, 10}, snapshot::Algorithm::kSourceHash);
  const std::vector<int> first = homes(60);
  for (int round = 0; round < 5; ++round) EXPECT_EQ(homes(60), first);
}

TEST_P(FlowTableTest, M33_ClientAddressesAreSharedByWeight) {
  serve({10, 20, 30}, snapshot::Algorithm::kSourceHash);
  std::vector<int> counts(3, 0);
  for (const int home : homes(1200)) ++counts.at(static_cast<std::size_t>(home));
  // Five standard deviations of the largest share.
  constexpr int kChance = 85;
  EXPECT_LE(std::abs(counts[0] - 200), kChance);
  EXPECT_LE(std::abs(counts[1] - 400), kChance);
  EXPECT_LE(std::abs(counts[2] - 600), kChance);
}

TEST_P(FlowTableTest, M32_OnlyClientsOfATargetThatTakesNothingNewMoveAndTheyComeBack) {
  auto& service = serve({10, 10, 10}, snapshot::Algorithm::kSourceHash);
  const std::vector<int> before = homes(90);
  service.targets[1].takes_new = false;
  apply();
  const std::vector<int> during = homes(90);
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (before[i] == 1) {
      EXPECT_NE(during[i], 1);
    } else {
      EXPECT_EQ(during[i], before[i]);
    }
  }
  service.targets[1].takes_new = true;
  apply();
  EXPECT_EQ(homes(90), before);
}

TEST_P(FlowTableTest, ATargetThatJoinsTakesClientsAndNobodyElseMoves) {
  auto& service = serve({10, 10}, snapshot::Algorithm::kSourceHash);
  const std::vector<int> before = homes(90);
  servers_.push_back(std::make_unique<ScriptedServer>([](const Visit& visit) {
    if (visit.stream.send("2")) visit.stream.read_to_end();
  }));
  service.targets.push_back(target(3, servers_.back()->endpoint()));
  build_table();
  apply();
  const std::vector<int> after = homes(90);
  int moved = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (after[i] == before[i]) continue;
    EXPECT_EQ(after[i], 2);
    ++moved;
  }
  EXPECT_GT(moved, 0);
  EXPECT_LT(moved, 60);
}

TEST_P(FlowTableTest, M32_TheSecondChoiceOfAClientWhoseTargetRefusesIsAlwaysTheSame) {
  serve({10, 10, 10}, snapshot::Algorithm::kSourceHash);
  servers_[0]->stop();
  const std::vector<int> first = homes(60);
  EXPECT_EQ(std::ranges::count(first, 0), 0);
  EXPECT_EQ(std::ranges::count(first, -1), 0);
  EXPECT_EQ(homes(60), first);
}

TEST_P(FlowTableTest, M34_M35_ConnectionsOfOneAddressSpreadByTheirPort) {
  serve({10, 30}, snapshot::Algorithm::kFiveTupleHash);
  std::vector<int> counts(2, 0);
  for (int i = 0; i < 400; ++i) ++counts.at(static_cast<std::size_t>(home_of(0)));
  EXPECT_LE(std::abs(counts[0] - 100), 45);
}

TEST_P(FlowTableTest, M32_EveryRequestOfAClientAddressReachesTheSameTarget) {
  std::vector<std::unique_ptr<ScriptedServer>> named;
  auto& service = add_service("web", snapshot::Protocol::kHttp);
  service.algorithm = snapshot::Algorithm::kSourceHash;
  for (int i = 0; i < 3; ++i) {
    named.push_back(ScriptedServer::named(std::to_string(i)));
    service.targets.push_back(target(i + 1, named.back()->endpoint()));
  }
  build_table();
  front_ = add_listener("front", "web").endpoint;
  apply();
  std::set<std::string> all;
  for (int client = 0; client < 30; ++client) {
    std::set<std::string> seen;
    for (int connection = 0; connection < 3; ++connection) {
      Stream stream = connect_from(client_address(client), front_);
      for (int request = 0; request < 3; ++request) {
        // What others say about the client does not count.
        ASSERT_TRUE(
            stream.send(get("/", "X-Forwarded-For: 10.9.8." + std::to_string(request) + "\r\n")));
        seen.insert(stream.reply().body);
      }
    }
    EXPECT_EQ(seen.size(), 1u);
    all.insert(seen.begin(), seen.end());
  }
  EXPECT_EQ(all.size(), 3u);
}

TEST_P(FlowTableTest, ExplainNamesTheTargetThatTheFlowReaches) {
  serve({10, 20, 30}, snapshot::Algorithm::kSourceHash);
  for (int client = 0; client < 40; ++client) {
    const auto explained = engine().explain({"front", {client_address(client), 1234}});
    ASSERT_TRUE(explained.ok());
    EXPECT_TRUE(explained->is_certain);
    const auto home = static_cast<std::size_t>(home_of(client));
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_EQ(explained->targets[i].share, i == home ? 1 : 0);
      EXPECT_EQ(explained->targets[i].excluded.empty(), i == home);
    }
  }
}

TEST_P(FlowTableTest, ServesByTurnsWhileTheTableHasNotArrived) {
  auto& service = serve({10, 10}, snapshot::Algorithm::kSourceHash);
  service.flow_table = {};
  apply();
  std::vector<int> counts(2, 0);
  for (int i = 0; i < 40; ++i) ++counts.at(static_cast<std::size_t>(home_of(0)));
  EXPECT_GT(counts[0], 0);
  EXPECT_GT(counts[1], 0);
}

INSTANTIATE_TEST_SUITE_P(Workers, FlowTableTest, ::testing::Values(1, 2));

}  // namespace
}  // namespace weir::dataplane::proxy
