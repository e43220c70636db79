// A node that serves elastic IPs: sockets and addresses come and go with the association.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <set>

#include "agent/node_fixture.h"
#include "base/log.h"

namespace weir::agent {
namespace {

using namespace std::chrono_literals;

net::IpAddress address(const std::string& text) { return *net::IpAddress::parse(text); }

class ElasticIpTest : public ::testing::Test {
 protected:
  void SetUp() override {
    weir::log::configure({.level = weir::log::Level::kError});
    // Its own, as the VIP of the sample is.
    Random random;
    elastic_ip_ = "127.127." + std::to_string(random.below(250)) + "." +
                  std::to_string(1 + random.below(250));
  }
  void start(std::vector<Binding> bindings, AddressCalls calls = {}) {
    node_ = std::make_unique<FakeNode>(ground_, std::move(bindings), std::move(calls));
    node_->start();
    node_->take(objects_.full());
  }
  void associate(const std::string& elastic_ip) {
    model::LoadBalancer lb;
    lb.subnet_id = "subnet-1";
    model::LoadBalancerAdmin admin;
    admin.vip = objects_.vip;
    admin.elastic_ip_address = elastic_ip;
    admin.elastic_ip_pool = elastic_ip.empty() ? "" : "edge";
    node_->take(objects_.delta({objects_.frame("alb-1", lb, admin)}));
  }
  net::Endpoint there(const std::string& elastic_ip) const { return {address(elastic_ip), 8080}; }
  bool answers(const net::Endpoint& endpoint) {
    const net::SocketAddress there = net::socket_address(endpoint);
    const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return ::connect(fd.get(), there.get(), there.size) == 0;
  }
  std::string failure() {
    const Json report = node_->report();
    return report.find("listeners")->as_array().at(0).string_or("detail", "");
  }
  static Binding binding(const std::string& network, BindingMode mode,
                         const std::string& interface = "") {
    Binding made;
    made.subnet = network;
    made.mode = mode;
    made.interface = interface;
    return made;
  }

  NodeGround ground_;
  SampleObjects objects_;
  std::string elastic_ip_;
  std::unique_ptr<FakeNode> node_;
};

TEST_F(ElasticIpTest, M9_M10_OpensItsSocketsWithTheAssociationAndClosesThemWithItsEnd) {
  start({});
  const auto& entries = node_->agent->sockets().entries();
  const auto generation = entries.at(objects_.endpoint()).generation;
  associate(elastic_ip_);
  ASSERT_TRUE(entries.contains(there(elastic_ip_)));
  EXPECT_EQ(entries.at(there(elastic_ip_)).sockets.size(), 2u) << "one per worker";
  EXPECT_TRUE(node_->engine().sockets.contains(there(elastic_ip_)));
  EXPECT_TRUE(answers(there(elastic_ip_)));
  EXPECT_EQ(failure(), "");
  EXPECT_EQ(node_->report().find("addresses")->as_array().size(), 2u);
  associate("");
  EXPECT_FALSE(entries.contains(there(elastic_ip_)));
  EXPECT_FALSE(node_->engine().sockets.contains(there(elastic_ip_)));
  EXPECT_FALSE(answers(there(elastic_ip_)));
  EXPECT_EQ(node_->report().find("addresses")->as_array().size(), 1u);
  EXPECT_EQ(entries.at(objects_.endpoint()).generation, generation) << "the VIP's stay";
}

TEST_F(ElasticIpTest, SaysThatItHasNoBindingForThePool) {
  start({binding("*", BindingMode::kLoopback)});
  associate("203.0.113.77");
  EXPECT_EQ(failure(), "this node has no binding for public pool edge of 203.0.113.77");
  EXPECT_TRUE(answers(objects_.endpoint())) << "the VIP does not suffer";
  associate("");
  EXPECT_EQ(failure(), "");
}

TEST_F(ElasticIpTest, BindsAheadOfTheAddressWhereSomebodyElseMovesIt) {
  start({binding("*", BindingMode::kLoopback), binding("pool/edge", BindingMode::kExternal)});
  associate("203.0.113.77");
  EXPECT_EQ(failure(), "");
  EXPECT_TRUE(node_->agent->sockets().entries().contains(there("203.0.113.77")));
}

TEST_F(ElasticIpTest, AddsItToTheInterfaceOfItsPoolAndTakesItAwayAfterTheLastConnection) {
  std::set<std::string> added;
  std::size_t connections = 3;
  AddressCalls calls;
  calls.add = [&](const std::string& interface, const net::IpAddress& one) {
    return Result<bool>(added.insert(interface + " " + one.text()).second);
  };
  calls.remove = [&](const std::string& interface, const net::IpAddress& one) {
    added.erase(interface + " " + one.text());
    return Result<void>();
  };
  calls.announce = [](const std::string&, const net::IpAddress&) { return Result<void>(); };
  calls.connections = [&](const net::IpAddress&) { return connections; };
  start({binding("pool/edge", BindingMode::kInterface, "eth7")}, calls);
  const std::string name = "eth7 " + elastic_ip_;
  associate(elastic_ip_);
  EXPECT_EQ(added, std::set<std::string>{name}) << "the VIP is on loopback";
  associate("");
  ground_.run_for(3s);
  EXPECT_EQ(added, std::set<std::string>{name}) << "connections run on";
  EXPECT_FALSE(answers(there(elastic_ip_))) << "and none is taken";
  connections = 0;
  ground_.run_for(3s);
  EXPECT_TRUE(added.empty());
}

}  // namespace
}  // namespace weir::agent
