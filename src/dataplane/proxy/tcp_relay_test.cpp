#include <thread>

#include "dataplane/proxy/engine_fixture.h"

namespace weir::dataplane::proxy {
namespace {

class TcpRelayTest : public EngineFixture {};

void echo(const Visit& visit) {
  for (std::string bytes = visit.stream.read_some(); !bytes.empty();
       bytes = visit.stream.read_some()) {
    if (!visit.stream.send(bytes)) return;
  }
}

TEST_F(TcpRelayTest, CarriesBytesInBothDirections) {
  ScriptedServer server(echo);
  Stream client = Stream::connect(serve_tcp({server.endpoint()}));
  ASSERT_TRUE(client.send("hello"));
  EXPECT_EQ(client.read(5), "hello");
  ASSERT_TRUE(client.send("again"));
  EXPECT_EQ(client.read(5), "again");
}

TEST_F(TcpRelayTest, LetsTheServerSpeakFirst) {
  ScriptedServer server([](const Visit& visit) {
    visit.stream.send("220 ready\r\n");
    visit.stream.read_to_end();
  });
  Stream client = Stream::connect(serve_tcp({server.endpoint()}));
  EXPECT_EQ(client.read(11), "220 ready\r\n");
}

TEST_F(TcpRelayTest, B9DeliversTheOpenDirectionAfterAHalfCloseByTheClient) {
  const std::string large(5'000'000, 'x');
  ScriptedServer server([&](const Visit& visit) {
    const std::string question = visit.stream.read_to_end();
    visit.stream.send(question + large);
  });
  Stream client = Stream::connect(serve_tcp({server.endpoint()}));
  ASSERT_TRUE(client.send("all?"));
  client.finish();
  EXPECT_TRUE(client.read_to_end() == "all?" + large);
  EXPECT_EQ(client.end(), Stream::End::kFinished);
}

TEST_F(TcpRelayTest, B9DeliversTheOpenDirectionAfterAHalfCloseByTheServer) {
  const std::string large(5'000'000, 'y');
  std::atomic<bool> is_whole = false;
  ScriptedServer server([&](const Visit& visit) {
    visit.stream.send("done");
    visit.stream.finish();
    is_whole = visit.stream.read_to_end() == large;
  });
  Stream client = Stream::connect(serve_tcp({server.endpoint()}));
  EXPECT_EQ(client.read_to_end(), "done");
  ASSERT_TRUE(client.send(large));
  client.finish();
  EXPECT_TRUE(soon([&] { return is_whole.load(); }));
}

TEST_F(TcpRelayTest, HoldsBackASenderWhoseReceiverIsSlow) {
  ScriptedServer server([](const Visit& visit) {
    const std::string block(1 << 20, 'b');
    for (int i = 0; i < 64; ++i) {
      if (!visit.stream.send(block)) return;
    }
  });
  Stream client = Stream::connect(serve_tcp({server.endpoint()}));
  // 64 MB are on the way and nobody reads: the engine stops receiving after what sockets and one
  // read hold.
  const double before = settled(Metric::kListenerBytesOut);
  EXPECT_LT(before, 32e6);
  EXPECT_EQ(client.read_to_end().size(), std::size_t{64} << 20);
}

TEST_F(TcpRelayTest, ResetsTheClientWhenNoTargetIsUsable) {
  const auto front = serve_tcp({});
  Stream client = Stream::connect(front);
  EXPECT_EQ(client.wait_end(), Stream::End::kReset);
  EXPECT_EQ(failures("no_target"), 1);
}

TEST_F(TcpRelayTest, TriesAnotherTargetWhenOneRefuses) {
  start_virtual();
  ScriptedServer dead(echo);
  const auto refused = dead.endpoint();
  dead.stop();
  ScriptedServer server(echo);
  const auto front = serve_tcp({refused, server.endpoint()});
  for (int i = 0; i < 4; ++i) {
    Stream client = Stream::connect(front);
    ASSERT_TRUE(client.send("x"));
    EXPECT_EQ(client.read(1), "x");
    advance(std::chrono::seconds(1));  // Until then it is passed over.
  }
  EXPECT_EQ(sample(Metric::kTargetConnectFailures, {"web", "target-1"}), 4);
  ASSERT_FALSE(connect_failures().empty());
  EXPECT_EQ(connect_failures().front(), key(services_["web"], 1));
}

TEST_F(TcpRelayTest, ChoosesAgainWhenATargetIsRemovedThatHasNotTakenTheConnectionYet) {
  start_virtual();
  const SilentPort silent;
  ScriptedServer server(echo);
  Stream client = Stream::connect(serve_tcp({silent.endpoint()}));
  ASSERT_TRUE(client.send("x"));
  ASSERT_TRUE(
      soon([&] { return sample(Metric::kTargetConnectionsActive, {"web", "target-1"}) == 1; }));
  auto& service = services_["web"];
  service.targets = {target(2, server.endpoint())};
  add_drain(key(service, 1), {}, virtual_clock_.wall_now());
  apply();
  advance(std::chrono::seconds(1));
  EXPECT_EQ(client.read(1), "x");
  EXPECT_TRUE(connect_failures().empty());
}

TEST_F(TcpRelayTest, ResetsTheClientWhenEveryTargetRefuses) {
  ScriptedServer dead(echo);
  const auto refused = dead.endpoint();
  dead.stop();
  Stream client = Stream::connect(serve_tcp({refused}));
  EXPECT_EQ(client.wait_end(), Stream::End::kReset);
  EXPECT_EQ(failures("connect_failed"), 1);
}

TEST_F(TcpRelayTest, PassesAResetOn) {
  ScriptedServer server([](const Visit& visit) {
    visit.stream.read(1);
    visit.stream.reset();
  });
  Stream client = Stream::connect(serve_tcp({server.endpoint()}));
  ASSERT_TRUE(client.send("x"));
  EXPECT_EQ(client.wait_end(), Stream::End::kReset);
}

TEST_F(TcpRelayTest, ClosesAConnectionOnWhichNeitherSideSendsForTheIdleTime) {
  start_virtual();
  ScriptedServer server(echo);
  const auto front = serve_tcp({server.endpoint()});
  Stream client = Stream::connect(front);
  ASSERT_TRUE(client.send("x"));
  ASSERT_EQ(client.read(1), "x");
  advance(std::chrono::seconds(59));
  ASSERT_TRUE(client.send("y"));
  ASSERT_EQ(client.read(1), "y");
  advance(std::chrono::seconds(59));
  ASSERT_TRUE(client.send("z"));
  ASSERT_EQ(client.read(1), "z");
  advance(std::chrono::seconds(61));
  EXPECT_EQ(client.wait_end(), Stream::End::kFinished);
  EXPECT_EQ(failures("idle_timeout"), 1);
}

TEST_F(TcpRelayTest, KeepsNoBufferAndNoConnectionBehind) {
  ScriptedServer server(echo);
  const auto front = serve_tcp({server.endpoint()});
  for (int i = 0; i < 50; ++i) {
    Stream client = Stream::connect(front);
    ASSERT_TRUE(client.send("x"));
    ASSERT_EQ(client.read(1), "x");
  }
  EXPECT_TRUE(soon([&] { return engine().connections() == 0; }));
  EXPECT_EQ(sample(Metric::kTargetConnectionsActive), 0);
  EXPECT_EQ(sample(Metric::kListenerConnections), 50);
  EXPECT_EQ(sample(Metric::kListenerConnectionsActive), 0);
  EXPECT_EQ(sample(Metric::kListenerBytesIn), 50);
}

}  // namespace
}  // namespace weir::dataplane::proxy
