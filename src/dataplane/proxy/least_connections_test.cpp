// Least connections as the targets see it.
#include <atomic>
#include <future>
#include <set>

#include "dataplane/proxy/engine_fixture.h"
#include "dataplane/proxy/plan.h"

namespace weir::dataplane::proxy {
namespace {

class LeastConnectionsTest : public EngineFixture,
                             public ::testing::WithParamInterface<std::size_t> {
 protected:
  void SetUp() override { start({.workers = GetParam(), .clock = &virtual_clock_, .limits = {}}); }

  /// A target of the next slot that greets every connection with its number and holds it.
  std::size_t add_target(snapshot::Service& service, int weight) {
    const std::size_t number = servers_.size();
    servers_.push_back(std::make_unique<ScriptedServer>([number](const Visit& visit) {
      if (visit.stream.send(std::string(1, static_cast<char>('0' + number))))
        visit.stream.read_to_end();
    }));
    service.targets.push_back(
        target(static_cast<int>(number) + 1, servers_.back()->endpoint(), weight));
    counts_.push_back(0);
    return number;
  }
  snapshot::Service& add_tcp(const std::vector<int>& weights) {
    auto& service = add_service("web", snapshot::Protocol::kTcp);
    service.algorithm = snapshot::Algorithm::kLeastConnections;
    for (const int weight : weights) add_target(service, weight);
    front_ = add_listener("front", "web").endpoint;
    apply();
    return service;
  }
  /// Opens connections that last, one after the other.
  void connect(int count) {
    for (int i = 0; i < count; ++i) {
      clients_.push_back(Stream::connect(front_));
      const std::string greeting = clients_.back().read(1);
      ASSERT_EQ(greeting.size(), 1u);
      homes_.push_back(static_cast<std::size_t>(greeting[0] - '0'));
      ++counts_[homes_.back()];
    }
  }
  /// Ends those to target `number` and waits until the engine has seen it.
  void disconnect_from(std::size_t number) {
    for (std::size_t i = clients_.size(); i-- > 0;) {
      if (homes_[i] != number) continue;
      clients_.erase(clients_.begin() + static_cast<std::ptrdiff_t>(i));
      homes_.erase(homes_.begin() + static_cast<std::ptrdiff_t>(i));
    }
    counts_[number] = 0;
    const auto left = static_cast<double>(clients_.size());
    EXPECT_TRUE(soon([&] { return sample(Metric::kTargetConnectionsActive) == left; }));
  }

  net::Endpoint front_;
  std::vector<std::unique_ptr<ScriptedServer>> servers_;
  std::vector<Stream> clients_;
  std::vector<std::size_t> homes_;  // target of each client
  std::vector<int> counts_;
};

TEST_P(LeastConnectionsTest, M31_ConnectionsSettleAtTheRatioOfTheWeights) {
  add_tcp({10, 20, 30});
  connect(120);
  EXPECT_EQ(counts_, (std::vector<int>{20, 40, 60}));
}

TEST_P(LeastConnectionsTest, M30_NewConnectionsGoToTheTargetThatHasLost) {
  add_tcp({10, 10, 10});
  connect(30);
  ASSERT_EQ(counts_, (std::vector<int>{10, 10, 10}));
  disconnect_from(1);
  connect(10);
  EXPECT_EQ(counts_, (std::vector<int>{10, 10, 10}));
}

TEST_P(LeastConnectionsTest, M30_ATargetThatJoinsFillsUpFirst) {
  auto& service = add_tcp({10, 10});
  connect(20);
  add_target(service, 10);
  apply();
  connect(10);
  EXPECT_EQ(counts_, (std::vector<int>{10, 10, 10}));
}

TEST_P(LeastConnectionsTest, M31_ConnectionsThatBeganBeforeAChangeOfWeightsCount) {
  auto& service = add_tcp({10, 10});
  connect(20);
  service.targets[1].weight = 30;
  apply();
  connect(20);
  EXPECT_EQ(counts_, (std::vector<int>{10, 30}));
}

TEST_P(LeastConnectionsTest, M30_ConnectionsThatBeganUnderAnotherAlgorithmCount) {
  auto& service = add_tcp({10});
  service.algorithm = snapshot::Algorithm::kRoundRobin;
  apply();
  connect(10);
  service.algorithm = snapshot::Algorithm::kLeastConnections;
  add_target(service, 10);
  apply();
  connect(10);
  EXPECT_EQ(counts_, (std::vector<int>{10, 10}));
}

TEST_P(LeastConnectionsTest, SkipsTargetsThatTakeNothingNewAndWeightZero) {
  auto& service = add_tcp({10, 10, 0});
  service.targets[0].takes_new = false;
  apply();
  connect(10);
  EXPECT_EQ(counts_, (std::vector<int>{0, 10, 0}));
}

TEST_P(LeastConnectionsTest, TriesTheNextTargetWhenTheLeastLoadedRefuses) {
  add_tcp({10, 10});
  servers_[0]->stop();
  connect(10);
  EXPECT_EQ(counts_, (std::vector<int>{0, 10}));
}

TEST_P(LeastConnectionsTest, B1_ATargetThatRefusesLooksIdleAndIsTriedOncePerSecondAlone) {
  add_tcp({10, 10, 10});
  servers_[0]->stop();
  connect(60);
  EXPECT_EQ(counts_, (std::vector<int>{0, 30, 30}));
  EXPECT_EQ(sample(Metric::kTargetConnectFailures), 1);
  EXPECT_EQ(sample(Metric::kProxyRetries), 1) << "more would run out";
  advance(kPassedOver);
  connect(20);
  EXPECT_EQ(counts_, (std::vector<int>{0, 40, 40}));
  EXPECT_EQ(sample(Metric::kTargetConnectFailures), 2);
}

TEST_P(LeastConnectionsTest, ATargetThatRefusedJustNowIsAskedWhereThereIsNoOther) {
  add_tcp({10});
  servers_[0]->stop();
  for (int i = 1; i <= 3; ++i) {
    Stream refused = Stream::connect(front_);
    EXPECT_EQ(refused.wait_end(), Stream::End::kReset);
    EXPECT_EQ(sample(Metric::kTargetConnectFailures), i);
  }
}

/// Answers with its name; a request for /hold waits for the release.
std::unique_ptr<ScriptedServer> holding_server(std::string name, std::atomic<int>& held,
                                               std::shared_future<void> release) {
  return std::make_unique<ScriptedServer>([=, &held](const Visit& visit) {
    for (Received request = visit.stream.request(); !request.head.empty();
         request = visit.stream.request()) {
      if (request.target() == "/hold") {
        held.fetch_add(1);
        release.wait();
      }
      if (!visit.stream.send(weir::testing::ok(name))) return;
    }
  });
}

TEST_P(LeastConnectionsTest, M30_TheNextRequestGoesToTheTargetWithTheFewestInFlight) {
  std::promise<void> release;
  std::atomic<int> held{0};
  const std::shared_future<void> released = release.get_future().share();
  const auto one = holding_server("one", held, released);
  const auto two = holding_server("two", held, released);
  auto& service = add_service("web", snapshot::Protocol::kHttp, {one->endpoint(), two->endpoint()});
  service.algorithm = snapshot::Algorithm::kLeastConnections;
  front_ = add_listener("front", "web").endpoint;
  apply();
  Stream slow = Stream::connect(front_);
  ASSERT_TRUE(slow.send(get("/hold")));
  EXPECT_TRUE(soon([&] { return held.load() == 1; }));
  std::set<std::string> others;
  for (int i = 0; i < 20; ++i) {
    Stream client = Stream::connect(front_);
    ASSERT_TRUE(client.send(get()));
    others.insert(client.reply().body);
    EXPECT_TRUE(soon([&] { return sample(Metric::kTargetConnectionsActive) == 1; }));
  }
  release.set_value();
  EXPECT_EQ(others.size(), 1u);
  EXPECT_FALSE(others.contains(slow.reply().body));
}

INSTANTIATE_TEST_SUITE_P(Workers, LeastConnectionsTest, ::testing::Values(1, 2));

}  // namespace
}  // namespace weir::dataplane::proxy
