// A listener that answers on a second address for a while: nothing breaks when that comes or goes.
#include "dataplane/proxy/engine_fixture.h"

namespace weir::dataplane::proxy {
namespace {

void echo(const Visit& visit) {
  for (std::string bytes = visit.stream.read_some(); !bytes.empty();
       bytes = visit.stream.read_some()) {
    if (!visit.stream.send(bytes)) return;
  }
}

bool echoes(Stream& client) { return client.send("ping") && client.read(4) == "ping"; }

class ElasticIpTest : public EngineFixture {
 protected:
  /// The engine gets sockets there, then a Snapshot that says so.
  net::Endpoint bind(const std::string& id) {
    snapshot::Listener& listener = listeners_.at(id);
    const net::Endpoint there{net::IpAddress::v4(0x7F7F'0001), listener.endpoint.port};
    std::vector<UniqueFd> sockets;
    for (std::size_t i = 0; i < workers_; ++i) {
      sockets.push_back(*net::tcp_listen(there, {.reuse_port = true}));
    }
    EXPECT_TRUE(engine().add_listener(there, std::move(sockets)).ok());
    listener.elastic_ip = there.address;
    apply();
    return there;
  }
  void unbind(const std::string& id) {
    snapshot::Listener& listener = listeners_.at(id);
    const net::Endpoint there{*listener.elastic_ip, listener.endpoint.port};
    listener.elastic_ip.reset();
    apply();
    engine().remove_listener(there);
  }
  static bool refuses(const net::Endpoint& endpoint) {
    const net::SocketAddress there = net::socket_address(endpoint);
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return ::connect(fd.get(), there.get(), there.size) != 0;
  }
};

TEST_F(ElasticIpTest, M9_M10_ConnectionsRunOnThroughBindingAndUnbinding) {
  start({.workers = 2, .clock = nullptr, .limits = {}});
  ScriptedServer server(echo);
  const net::Endpoint vip = serve_tcp({server.endpoint()});
  Stream before = Stream::connect(vip);
  ASSERT_TRUE(echoes(before));
  const net::Endpoint there = bind("front");
  EXPECT_TRUE(echoes(before));
  Stream outside = Stream::connect(there);
  ASSERT_TRUE(echoes(outside));
  unbind("front");
  EXPECT_TRUE(soon([&] { return refuses(there); }));
  EXPECT_TRUE(echoes(outside)) << "who was there stays";
  EXPECT_TRUE(echoes(before));
  Stream after = Stream::connect(vip);
  EXPECT_TRUE(echoes(after));
  Stream again = Stream::connect(bind("front"));
  EXPECT_TRUE(echoes(again));
  EXPECT_TRUE(echoes(outside));
}

TEST_F(ElasticIpTest, M9_RequestsOfOneConnectionGoOnAfterItsAddressIsUnbound) {
  auto server = ScriptedServer::named("hello");
  serve_http({server->endpoint()});
  Stream client = Stream::connect(bind("front"));
  ASSERT_TRUE(client.send(get()));
  EXPECT_EQ(client.reply().body, "hello");
  unbind("front");
  ASSERT_TRUE(client.send(get()));
  const Reply reply = client.reply();
  EXPECT_EQ(reply.body, "hello");
  EXPECT_EQ(reply.field("Connection"), "") << "and may go on";
}

TEST_F(ElasticIpTest, AnAddressThatMovesToAnotherListenerServesThatOne) {
  ScriptedServer one(echo);
  ScriptedServer two([](const Visit& visit) { visit.stream.send("other"); });
  add_service("one", snapshot::Protocol::kTcp, {one.endpoint()});
  add_service("two", snapshot::Protocol::kTcp, {two.endpoint()});
  for (const auto& [first, second] : {std::pair{"a", "b"}, std::pair{"d", "c"}}) {
    listeners_.clear();
    const auto port = add_listener(first, "one").endpoint.port;
    snapshot::Listener& other = listeners_[second];
    other.id = other.name = second;
    other.endpoint = {net::IpAddress::v4(0x7F00'0003), port};
    routes_[second] = "two";
    const net::Endpoint there = bind(first);
    Stream client = Stream::connect(there);
    ASSERT_TRUE(echoes(client));
    // Both at once, as one batch of control has it; the order of the listeners' ids is either.
    other.elastic_ip = there.address;
    listeners_.at(first).elastic_ip.reset();
    apply();
    Stream moved = Stream::connect(there);
    EXPECT_EQ(moved.read(5), "other") << first;
    EXPECT_TRUE(echoes(client)) << first;
    engine().remove_listener(there);
  }
}

}  // namespace
}  // namespace weir::dataplane::proxy
