// Weighted round robin as the targets see it.
#include <cmath>

#include "dataplane/proxy/engine_fixture.h"

namespace weir::dataplane::proxy {
namespace {

struct Case {
  std::size_t workers;
  std::vector<int> weights;
};

class ShareTest : public EngineFixture, public ::testing::WithParamInterface<Case> {
 protected:
  void SetUp() override {
    start({.workers = GetParam().workers, .clock = nullptr, .limits = {}});
    for (std::size_t i = 0; i < GetParam().weights.size(); ++i) {
      servers_.push_back(ScriptedServer::named(std::to_string(i)));
    }
  }
  net::Endpoint serve(snapshot::Protocol protocol) {
    auto& service = add_service("web", protocol);
    for (std::size_t i = 0; i < servers_.size(); ++i) {
      service.targets.push_back(
          target(static_cast<int>(i) + 1, servers_[i]->endpoint(), GetParam().weights[i]));
    }
    const auto front = add_listener("front", "web").endpoint;
    apply();
    return front;
  }
  void expect_shares(const std::vector<int>& counts, int requests) {
    int sum = 0;
    for (const int weight : GetParam().weights) sum += weight;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      const double fair = requests * static_cast<double>(GetParam().weights[i]) / sum;
      // Exact per worker, but for the period that is not complete.
      EXPECT_LE(std::abs(counts[i] - fair), 2.0 * static_cast<double>(GetParam().workers))
          << "target " << i << " of weight " << GetParam().weights[i];
    }
  }

  std::vector<std::unique_ptr<ScriptedServer>> servers_;
};

TEST_P(ShareTest, M29_SharesOfTenThousandRequestsFollowTheWeights) {
  const auto front = serve(snapshot::Protocol::kHttp);
  // Several connections, so that more than one worker serves.
  std::vector<Stream> clients;
  for (int i = 0; i < 8; ++i) clients.push_back(Stream::connect(front));
  std::vector<int> counts(servers_.size(), 0);
  const int requests = 10'000;
  for (int i = 0; i < requests; ++i) {
    Stream& client = clients[static_cast<std::size_t>(i) % clients.size()];
    ASSERT_TRUE(client.send(get()));
    const Reply reply = client.reply();
    ASSERT_EQ(reply.status, 200);
    ++counts[std::stoul(reply.body)];
  }
  expect_shares(counts, requests);
}

TEST_P(ShareTest, M29_SharesOfConnectionsFollowTheWeights) {
  const auto front = serve(snapshot::Protocol::kTcp);
  std::vector<int> counts(servers_.size(), 0);
  const int connections = 600;
  for (int i = 0; i < connections; ++i) {
    Stream client = Stream::connect(front);
    ASSERT_TRUE(client.send(get()));
    ++counts[std::stoul(client.reply().body)];
    client.reset();
  }
  expect_shares(counts, connections);
}

INSTANTIATE_TEST_SUITE_P(WeightSets, ShareTest,
                         ::testing::Values(Case{1, {10, 10, 10}}, Case{1, {1, 2, 3, 4}},
                                           Case{1, {100, 1}}, Case{1, {0, 5, 5}},
                                           Case{2, {10, 10, 10}}, Case{2, {1, 2, 3, 4}},
                                           Case{2, {100, 1}}, Case{2, {7, 3}}));

}  // namespace
}  // namespace weir::dataplane::proxy
