#include "agent/addresses.h"

#include <gtest/gtest.h>

#include <set>

#include "agent/listen_sockets.h"
#include "agent/local_connections.h"
#include "base/log.h"
#include "net/socket.h"
#include "testing/temporary_folder.h"
#include "testing/virtual_clock.h"

namespace weir::agent {
namespace {

using namespace std::chrono_literals;

net::IpAddress ip(const char* text) { return *net::IpAddress::parse(text); }

class AddressesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    log::configure({.level = log::Level::kError});
    restart();
  }
  void restart() {
    AddressCalls calls;
    calls.add = [this](const std::string& interface, const net::IpAddress& address) {
      if (is_interface_gone_) return Result<bool>(Error{ErrorCode::kNotFound, "no interface", {}});
      return Result<bool>(present_.insert(interface + " " + address.text()).second);
    };
    calls.remove = [this](const std::string& interface, const net::IpAddress& address) {
      if (is_forbidden_) return Result<void>(Error{ErrorCode::kPermissionDenied, "no right", {}});
      present_.erase(interface + " " + address.text());
      return Result<void>();
    };
    calls.announce = [this](const std::string&, const net::IpAddress&) {
      ++announced_;
      return Result<void>();
    };
    calls.connections = [this](const net::IpAddress&) { return connections_; };
    addresses_ = std::make_unique<Addresses>(calls, folder_.file("addresses.json"), clock_);
  }
  std::vector<WantedAddress> wanted(BindingMode mode = BindingMode::kInterface) {
    Binding binding;
    binding.subnet = "subnet-1";
    binding.mode = mode;
    if (mode == BindingMode::kInterface) binding.interface = "eth1";
    return {{ip("10.0.0.9"), "subnet-1", binding}};
  }

  testing::TemporaryFolder folder_;
  testing::VirtualClock clock_;
  std::set<std::string> present_;
  std::size_t connections_ = 0;
  int announced_ = 0;
  bool is_interface_gone_ = false;
  bool is_forbidden_ = false;
  std::unique_ptr<Addresses> addresses_;
};

TEST_F(AddressesTest, AreAddedOnceAndAnnounced) {
  addresses_->ensure(wanted());
  addresses_->ensure(wanted());
  EXPECT_EQ(present_, std::set<std::string>{"eth1 10.0.0.9"});
  EXPECT_EQ(announced_, 1);
}

TEST_F(AddressesTest, StayUntilTheLastConnectionHasEnded) {
  addresses_->ensure(wanted());
  connections_ = 2;
  addresses_->ensure({});
  EXPECT_FALSE(addresses_->release_idle());
  EXPECT_EQ(present_.size(), 1U);
  connections_ = 0;
  EXPECT_TRUE(addresses_->release_idle());
  EXPECT_TRUE(present_.empty());
  EXPECT_TRUE(addresses_->states().empty());
}

TEST_F(AddressesTest, GoAtTheLimitWhateverIsConnected) {
  addresses_->ensure(wanted());
  connections_ = 1;
  addresses_->ensure({});
  clock_.advance(kAddressReleaseMax);
  EXPECT_TRUE(addresses_->release_idle());
  EXPECT_TRUE(present_.empty());
}

TEST_F(AddressesTest, AreKeptWhenTheyAreWantedAgainMeanwhile) {
  addresses_->ensure(wanted());
  addresses_->ensure({});
  addresses_->ensure(wanted());
  EXPECT_FALSE(addresses_->release_idle());
  EXPECT_EQ(announced_, 1);
}

TEST_F(AddressesTest, ThatWereThereBeforeStayWhenTheNodeIsDone) {
  present_.insert("eth1 10.0.0.9");
  addresses_->ensure(wanted());
  addresses_->ensure({});
  addresses_->release_idle();
  EXPECT_EQ(present_.size(), 1U);
}

TEST_F(AddressesTest, OfANodeThatWasKilledAreTakenAwayByTheNext) {
  addresses_->ensure(wanted());
  restart();
  EXPECT_TRUE(addresses_->release_idle());
  EXPECT_TRUE(present_.empty());
}

TEST_F(AddressesTest, OfANodeThatWasKilledAreAddedAgainAfterAReboot) {
  addresses_->ensure(wanted());
  present_.clear();
  restart();
  addresses_->ensure(wanted());
  EXPECT_EQ(present_.size(), 1U);
}

TEST_F(AddressesTest, ThatSomebodyRemovesArePutBackAndAnnounced) {
  addresses_->ensure(wanted());
  EXPECT_FALSE(addresses_->restore()) << "nothing is missing";
  EXPECT_EQ(announced_, 1);
  present_.clear();
  EXPECT_TRUE(addresses_->restore());
  EXPECT_EQ(present_.size(), 1U);
  EXPECT_EQ(announced_, 2);
}

TEST_F(AddressesTest, ThatCannotBePutBackAreFailuresAndTriedAgain) {
  addresses_->ensure(wanted());
  present_.clear();
  is_interface_gone_ = true;
  EXPECT_TRUE(addresses_->restore());
  EXPECT_EQ(addresses_->states().begin()->second.failure, "no interface");
  EXPECT_TRUE(addresses_->has_work());
  is_interface_gone_ = false;
  addresses_->ensure(wanted());
  EXPECT_EQ(present_.size(), 1U);
  EXPECT_EQ(addresses_->states().begin()->second.failure, "");
}

TEST_F(AddressesTest, ThatCannotBeAddedAreTriedAgain) {
  is_interface_gone_ = true;
  addresses_->ensure(wanted());
  EXPECT_EQ(addresses_->states().begin()->second.failure, "no interface");
  EXPECT_TRUE(addresses_->has_work());
  is_interface_gone_ = false;
  addresses_->ensure(wanted());
  EXPECT_EQ(addresses_->states().begin()->second.failure, "");
  EXPECT_FALSE(addresses_->has_work());
}

TEST_F(AddressesTest, OfOtherModesAreLeftToOthers) {
  addresses_->ensure(wanted(BindingMode::kExternal));
  EXPECT_TRUE(present_.empty());
  EXPECT_EQ(addresses_->states().size(), 1U);
  addresses_->ensure({});
  EXPECT_TRUE(addresses_->states().empty());
}

TEST_F(AddressesTest, AreAllGivenBackWhenTheNodeEnds) {
  addresses_->ensure(wanted());
  addresses_->release_all();
  EXPECT_TRUE(present_.empty());
  restart();
  EXPECT_FALSE(addresses_->release_idle());
}

TEST_F(AddressesTest, StayOnRecordWhenTheyCannotBeTakenAway) {
  addresses_->ensure(wanted());
  is_forbidden_ = true;
  EXPECT_FALSE(addresses_->release_all());
  is_forbidden_ = false;
  restart();
  EXPECT_TRUE(addresses_->release_all());
  EXPECT_TRUE(present_.empty());
}

TEST(LocalConnections, CountsWhatEndsHereAndStillRuns) {
  constexpr std::string_view kTable =
      "  sl  local_address rem_address   st tx_queue\n"
      "   0: 0100007F:1F90 00000000:0000 0A 00000000\n"
      "   1: 0100007F:1F90 0200007F:9C40 01 00000000\n"
      "   2: 0100007F:1F90 0200007F:9C41 06 00000000\n"
      "   3: 0200007F:9C40 0100007F:1F90 01 00000000\n"
      "   4: 0100007F:1F90 0200007F:9C42 08 00000000\n";
  EXPECT_EQ(count_connections(kTable, ip("127.0.0.1")), 2U);
  EXPECT_EQ(count_connections(kTable, ip("127.0.0.9")), 0U);
}

TEST(LocalConnections, SeesARealOne) {
  const auto address = ip("127.77.3.1");
  const auto listener = net::tcp_listen({address, 0});
  const auto client = net::tcp_connect(*net::local_endpoint(listener->get()), std::nullopt);
  EXPECT_EQ(local_connections(address), 1U);
}

TEST(Binding, IsReadFromOneLine) {
  const auto binding = parse_binding("web=interface:eth1,10.0.0.5,10.0.0.6");
  ASSERT_TRUE(binding.ok());
  EXPECT_EQ(binding->subnet, "web");
  EXPECT_EQ(binding->interface, "eth1");
  EXPECT_EQ(binding->sources.size(), 2U);
  EXPECT_EQ(binding_text(*binding), "web=interface:eth1,10.0.0.5,10.0.0.6");
  for (const char* const wrong : {"web", "web=bridge", "=loopback", "web=interface",
                                  "web=external:eth0", "web=loopback,here", "web=loopback,"}) {
    EXPECT_FALSE(parse_binding(wrong).ok()) << wrong;
  }
}

}  // namespace
}  // namespace weir::agent
