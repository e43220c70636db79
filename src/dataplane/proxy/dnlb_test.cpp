// Listeners of distributed network load balancers: what clients see when nobody can serve them, and
// flows that are equal in all five values.
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <set>

#include "balancing/slot_table.h"
#include "dataplane/proxy/engine_fixture.h"

namespace weir::dataplane::proxy {
namespace {

void echo(const Visit& visit) {
  for (std::string bytes = visit.stream.read_some(); !bytes.empty();
       bytes = visit.stream.read_some()) {
    if (!visit.stream.send(bytes)) return;
  }
}

/// Neither bytes nor an end have come.
bool hears_nothing(const Stream& stream) {
  char byte = 0;
  return ::recv(stream.fd(), &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == EAGAIN;
}

class DnlbTest : public EngineFixture {
 protected:
  /// A listener whose one target, if any, takes nothing new.
  net::Endpoint serve_nobody(const std::vector<net::Endpoint>& targets = {}) {
    for (snapshot::Target& target : add_service("web", snapshot::Protocol::kTcp, targets).targets) {
      target.takes_new = false;
    }
    snapshot::Listener& listener = add_listener("front", "web");
    listener.drops_without_target = true;
    apply();
    return listener.endpoint;
  }
  /// A connection that the engine keeps without a word.
  Stream connect_silent(const net::Endpoint& front) {
    const double before = failures("no_target");
    Stream client = Stream::connect(front);
    EXPECT_TRUE(client.send("hello"));
    EXPECT_TRUE(soon([&] { return failures("no_target") == before + 1; }));
    return client;
  }
  /// Time goes on, and the worker has seen it.
  void pass(const net::Endpoint& front, std::chrono::seconds by) {
    advance(by);
    connect_silent(front).reset();
    EXPECT_TRUE(soon([&] { return sample(Metric::kListenerConnectionsActive) == 1; }));
  }
};

TEST_F(DnlbTest, B12_AClientThatNobodyCanServeHearsNothing) {
  start_virtual();
  const auto front = serve_nobody();
  Stream client = connect_silent(front);
  for (int i = 0; i < 12; ++i) {
    ASSERT_TRUE(hears_nothing(client)) << "after " << i * 10 << " s";
    pass(front, std::chrono::seconds(10));
  }
  EXPECT_TRUE(hears_nothing(client));
}

TEST_F(DnlbTest, B12_IsServedWithWhatItHasSentWhenATargetTakesTrafficAgain) {
  start_virtual();
  ScriptedServer server(echo);
  const auto front = serve_nobody({server.endpoint()});
  Stream client = connect_silent(front);
  pass(front, std::chrono::seconds(5));
  services_["web"].targets[0].takes_new = true;
  apply();
  advance(2 * kSilencePause);
  EXPECT_EQ(client.read(5), "hello");
  ASSERT_TRUE(client.send("again"));
  EXPECT_EQ(client.read(5), "again");
}

TEST_F(DnlbTest, ResetsAClientThatWaitsLongerThanOneWouldTryToConnect) {
  start_virtual();
  const auto front = serve_nobody();
  Stream client = connect_silent(front);
  advance(kSilence + kSilencePause);
  EXPECT_EQ(client.wait_end(), Stream::End::kReset);
  EXPECT_EQ(failures("no_target"), 1) << "one connection fails once";
}

TEST_F(DnlbTest, ResetsWhomItHasNoRoomToKeepAndCountsThem) {
  Limits limits;
  limits.silent_max = 2;
  start_virtual(limits);
  const auto front = serve_nobody();
  Stream first = connect_silent(front);
  Stream second = connect_silent(front);
  Stream third = Stream::connect(front);
  EXPECT_EQ(third.wait_end(), Stream::End::kReset);
  EXPECT_EQ(sample(Metric::kProxyLimitReached, {"silent_connections"}), 1);
  EXPECT_TRUE(hears_nothing(first) && hears_nothing(second));
  second.reset();
  EXPECT_TRUE(soon([&] { return sample(Metric::kListenerConnectionsActive) == 1; }));
  EXPECT_TRUE(hears_nothing(connect_silent(front))) << "the room is free again";
}

TEST_F(DnlbTest, KeepsNothingOfAClientThatGivesUp) {
  start_virtual();
  const auto front = serve_nobody();
  connect_silent(front).reset();
  EXPECT_TRUE(soon([&] { return engine().connections() == 0; }));
}

TEST_F(DnlbTest, B12_AClientThatHasAskedAndEndedItsSideIsServedToo) {
  start_virtual();
  ScriptedServer server([](const Visit& visit) {
    const std::string question = visit.stream.read_to_end();
    visit.stream.send("answer to " + question);
  });
  const auto front = serve_nobody({server.endpoint()});
  Stream client = connect_silent(front);
  client.finish();
  pass(front, std::chrono::seconds(5));
  EXPECT_TRUE(hears_nothing(client));
  services_["web"].targets[0].takes_new = true;
  apply();
  advance(2 * kSilencePause);
  EXPECT_EQ(client.read_to_end(), "answer to hello");
  EXPECT_EQ(client.end(), Stream::End::kFinished);
}

TEST_F(DnlbTest, KeepsNoMoreThanAQuarterOfItsDescriptorsWithoutAWord) {
  Limits limits;
  limits.descriptors = kReservedDescriptors + 14;
  start_virtual(limits);
  const auto front = serve_nobody();
  std::vector<Stream> kept;
  for (int i = 0; i < 3; ++i) kept.push_back(connect_silent(front));
  Stream refused = Stream::connect(front);
  EXPECT_EQ(refused.wait_end(), Stream::End::kReset);
  EXPECT_EQ(sample(Metric::kProxyLimitReached, {"silent_connections"}), 1);
}

TEST_F(DnlbTest, LetsAClientGoWhoseListenerIsGone) {
  start_virtual();
  Stream client = connect_silent(serve_nobody());
  listeners_.clear();
  apply();
  advance(2 * kSilencePause);
  EXPECT_EQ(client.wait_end(), Stream::End::kReset);
}

TEST_F(DnlbTest, AClientThatWaitsDoesNotHoldUpAStop) {
  start_virtual();
  Stream client = connect_silent(serve_nobody());
  engine().stop(virtual_clock_.now() + std::chrono::minutes(10));
  EXPECT_EQ(client.wait_end(), Stream::End::kReset);
  EXPECT_TRUE(soon([&] { return engine().is_stopped(); }));
}

TEST_F(DnlbTest, ResetsAClientWhoseTargetRefuses) {
  ScriptedServer dead(echo);
  const auto refused = dead.endpoint();
  dead.stop();
  const auto front = serve_nobody({refused});
  services_["web"].targets[0].takes_new = true;
  apply();
  Stream client = Stream::connect(front);
  EXPECT_EQ(client.wait_end(), Stream::End::kReset);
}

/// A connection from this very port of 127.0.0.1.
Stream connect_from_port(std::uint16_t port, const net::Endpoint& front) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const auto own = net::socket_address({*net::IpAddress::parse("127.0.0.1"), port});
  const auto there = net::socket_address(front);
  const bool is_connected = ::bind(fd.get(), own.get(), own.size) == 0 &&
                            ::connect(fd.get(), there.get(), there.size) == 0;
  return Stream(is_connected ? std::move(fd) : UniqueFd());
}

TEST_F(DnlbTest, M34_TheSameFiveValuesAlwaysReachTheSameTarget) {
  auto& service = add_service("web", snapshot::Protocol::kTcp);
  service.algorithm = snapshot::Algorithm::kFiveTupleHash;
  std::vector<std::unique_ptr<ScriptedServer>> servers;
  std::vector<balancing::WeightedSlot> members;
  for (int i = 0; i < 3; ++i) {
    servers.push_back(std::make_unique<ScriptedServer>([i](const Visit& visit) {
      if (visit.stream.send(std::to_string(i))) visit.stream.read_to_end();
    }));
    service.targets.push_back(target(i + 1, servers.back()->endpoint()));
    members.push_back({service.targets.back().slot, 10});
  }
  auto table = balancing::slot_table(members, nullptr);
  ASSERT_TRUE(table.ok());
  service.flow_table = {std::make_shared<const balancing::SlotTable>(*std::move(table)), 0x5eed};
  snapshot::Listener& listener = add_listener("front", "web");
  listener.drops_without_target = true;
  apply();
  std::set<std::string> homes;
  for (int flow = 0; flow < 20; ++flow) {
    // The kernel picks a port that is free; a reset gives it back at once.
    Stream first = Stream::connect(listener.endpoint);
    const std::uint16_t port = first.local().port;
    const std::string home = first.read(1);
    first.reset();
    homes.insert(home);
    for (int again = 0; again < 3; ++again) {
      Stream stream = connect_from_port(port, listener.endpoint);
      if (!stream.valid()) continue;  // Somebody else has taken the port.
      EXPECT_EQ(stream.read(1), home) << "port " << port;
      stream.reset();
    }
  }
  EXPECT_EQ(homes.size(), 3u) << "M35: one address is spread over the targets";
}

}  // namespace
}  // namespace weir::dataplane::proxy
