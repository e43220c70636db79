#include "agent/node_ops.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "agent/node_fixture.h"
#include "base/log.h"

namespace weir::agent {
namespace {

using namespace std::chrono_literals;

class NodeOpsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    weir::log::configure({.level = weir::log::Level::kError});
    node_ = std::make_unique<FakeNode>(ground_);
    node_->start();
    handler_ = node_ops_handler(*node_->agent, node_->metrics, ground_.clock);
  }
  http::Response get(const std::string& path, bool is_verbose = false) {
    http::Request request;
    request.method = "GET";
    request.path = {path};
    if (is_verbose) request.query = {{"verbose", ""}};
    return handler_(request);
  }

  NodeGround ground_;
  SampleObjects objects_;
  std::unique_ptr<FakeNode> node_;
  http::Handler handler_;
};

TEST_F(NodeOpsTest, IsReadyOnceAProxyServesWhatWasReceived) {
  EXPECT_EQ(get("livez").status, 200);
  EXPECT_EQ(get("readyz").status, 503);
  EXPECT_NE(get("readyz").body.find("[-] state nothing received yet"), std::string::npos);
  node_->take(objects_.full());
  EXPECT_EQ(get("readyz").status, 200);
  EXPECT_EQ(get("readyz").body, "ready\n");
  EXPECT_NE(get("readyz", true).body.find("[+] proxy has applied 1/5"), std::string::npos);
}

TEST_F(NodeOpsTest, IsNotAliveWhenTheLoopIsStuck) {
  ground_.clock.advance(kLoopSilenceMax);
  EXPECT_EQ(get("livez").status, 503);
}

TEST_F(NodeOpsTest, KnowsNothingElse) {
  EXPECT_EQ(get("debug").status, 404);
  http::Request request;
  request.method = "POST";
  request.path = {"metrics"};
  EXPECT_EQ(handler_(request).status, 405);
}

TEST_F(NodeOpsTest, AsksTheProxiesForTheirSamples) {
  node_->metrics.add_source([this](std::vector<Sample>& out) {
    for (Sample& sample : node_->agent->samples()) out.push_back(std::move(sample));
  });
  node_->engine().connections = 7;
  std::atomic<bool> is_done{false};
  std::string text;
  std::jthread asker([&] {
    text = get("metrics").body;
    is_done = true;
  });
  while (!is_done) ground_.loop->turn(1ms);
  asker.join();
  EXPECT_NE(text.find("weir_listener_connections_total{listener=\"l1\"} 7"), std::string::npos);
  EXPECT_NE(text.find("weir_proxy_processes{state=\"serving\"} 1"), std::string::npos);
}

TEST_F(NodeOpsTest, KeepsCountersWhenAProxyIsReplaced) {
  const auto ask = [this] {
    std::atomic<bool> is_done{false};
    std::vector<Sample> samples;
    std::jthread asker([&] {
      samples = node_->agent->samples();
      is_done = true;
    });
    while (!is_done) ground_.loop->turn(1ms);
    double value = 0;
    for (const Sample& sample : samples) {
      if (sample.metric == Metric::kListenerConnections) value += sample.value;
    }
    return value;
  };
  node_->engine().connections = 7;
  node_->agent->replace_proxy();
  ground_.run_for(50ms);
  FakeEngine& old = *ground_.proxies->at(0).engine;
  old.connections = 9;
  node_->engine().connections = 1;
  EXPECT_EQ(ask(), 10);
  old.connections = 12;
  old.is_stopped = true;  // It ends, and says its last numbers.
  ground_.run_for(100ms);
  EXPECT_EQ(ask(), 13);
}

}  // namespace
}  // namespace weir::agent
