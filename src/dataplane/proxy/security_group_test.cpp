// Who is let in: decided at accept, by the filter in force, for new connections alone.
#include "dataplane/proxy/engine_fixture.h"
#include "dataplane/proxy/explain.h"
#include "snapshot/security_filter.h"

namespace weir::dataplane::proxy {
namespace {

class SecurityGroupTest : public EngineFixture {
 protected:
  /// Lets in these prefixes alone.
  void admit(const std::vector<std::string>& prefixes) {
    std::vector<snapshot::SecurityRule> rules;
    for (const std::string& text : prefixes) {
      rules.push_back({.id = "sgrule-1",
                       .group_id = "sg-1",
                       .is_inbound = true,
                       .allows = true,
                       .prefix = net::Prefix::parse(text).value()});
    }
    snapshot::Listener& front = listeners_.at("front");
    front.admission = snapshot::SecurityFilter({"sg-1"}, rules).inbound(front.endpoint.port);
    apply();
  }
  /// A listener in force that lets in 127.9.9.1 alone from the beginning.
  net::Endpoint serve(snapshot::Protocol protocol, const net::Endpoint& target) {
    add_service("web", protocol, {target});
    const net::Endpoint front = add_listener("front", "web").endpoint;
    admit({"127.9.9.1/32"});
    return front;
  }
  static net::IpAddress from(int last) {
    return net::IpAddress::v4(0x7F090900U + static_cast<std::uint32_t>(last));
  }
};

TEST_F(SecurityGroupTest, M8_WhoIsNotLetInIsResetAtOnceAndCounted) {
  auto target = ScriptedServer::named("a");
  const net::Endpoint front = serve(snapshot::Protocol::kHttp, target->endpoint());
  Stream good = connect_from(from(1), front);
  ASSERT_TRUE(good.send(get()));
  EXPECT_EQ(good.reply().status, 200);
  EXPECT_EQ(failures("denied"), 0);
  Stream bad = connect_from(from(2), front);
  EXPECT_EQ(bad.wait_end(), Stream::End::kReset);
  EXPECT_TRUE(soon([&] { return failures("denied") == 1; }));
  EXPECT_EQ(sample(Metric::kListenerConnections, {"front"}), 1) << "it was not taken";
  EXPECT_EQ(target->connections(), 1);
}

TEST_F(SecurityGroupTest, M8_OfTcpListenersTheSame) {
  ScriptedServer target([](const Visit& visit) { visit.stream.send(visit.stream.read(4)); });
  const net::Endpoint front = serve(snapshot::Protocol::kTcp, target.endpoint());
  Stream good = connect_from(from(1), front);
  ASSERT_TRUE(good.send("ping"));
  EXPECT_EQ(good.read(4), "ping");
  EXPECT_EQ(connect_from(from(2), front).wait_end(), Stream::End::kReset);
}

TEST_F(SecurityGroupTest, M8_AChangeHoldsForNewConnectionsAndTouchesNoOther) {
  auto target = ScriptedServer::named("a");
  const net::Endpoint front = serve(snapshot::Protocol::kHttp, target->endpoint());
  Stream held = connect_from(from(1), front);
  ASSERT_TRUE(held.send(get()));
  EXPECT_EQ(held.reply().status, 200);
  admit({"127.9.9.2/32"});
  // Workers take a Snapshot up with their next turn.
  EXPECT_TRUE(soon([&] {
    Stream asked = connect_from(from(1), front);
    return !asked.send(get()) || asked.reply().status == 0;
  }));
  Stream other = connect_from(from(2), front);
  ASSERT_TRUE(other.send(get()));
  EXPECT_EQ(other.reply().status, 200);
  ASSERT_TRUE(held.send(get()));
  EXPECT_EQ(held.reply().status, 200) << "who was let in stays";
}

TEST_F(SecurityGroupTest, M8_ExplainSaysWhichRuleKeepsAClientOut) {
  auto target = ScriptedServer::named("a");
  serve(snapshot::Protocol::kHttp, target->endpoint());
  const auto good = engine().explain({"front", {from(1), 0}});
  ASSERT_TRUE(good);
  EXPECT_EQ(good->targets.at(0).share, 1);
  const auto bad = engine().explain({"front", {from(2), 0}});
  ASSERT_TRUE(bad);
  EXPECT_EQ(bad->reason,
            "no rule of security group sg-1 allows TCP from 127.9.9.2: the connection is reset");
  EXPECT_EQ(bad->targets.at(0).share, 0);
  EXPECT_FALSE(bad->targets.at(0).excluded.empty());
}

}  // namespace
}  // namespace weir::dataplane::proxy
