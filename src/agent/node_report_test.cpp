// What the report of a node says when it has no room for all that the node has.
#include "agent/node_report.h"

#include <gtest/gtest.h>

#include "base/log.h"
#include "testing/temporary_folder.h"
#include "testing/virtual_clock.h"

namespace weir::agent {
namespace {

/// So that a hundred addresses find no room.
const std::string kLong(2000, 'x');

class NodeReportTest : public ::testing::Test {
 protected:
  void SetUp() override { log::configure({.level = log::Level::kError}); }
  static std::vector<WantedAddress> wanted(int first, int count,
                                           const std::string& subnet = "subnet-1") {
    Binding binding;
    binding.subnet = subnet;
    binding.mode = BindingMode::kInterface;
    binding.interface = "eth1";
    std::vector<WantedAddress> all;
    for (int i = first; i < first + count; ++i) {
      const std::string text =
          "127.9." + std::to_string(i / 200) + "." + std::to_string(1 + i % 200);
      all.push_back({*net::IpAddress::parse(text), subnet, binding});
    }
    return all;
  }
  Json report() {
    return report_json({.snapshot = snapshot_,
                        .objects = objects_,
                        .sockets = sockets_,
                        .addresses = addresses_,
                        .unbound = unbound_,
                        .serving = nullptr,
                        .applied = {},
                        .drains = drains_});
  }
  static std::size_t listed(const Json& report) {
    return report.find("addresses")->as_array().size();
  }

  testing::TemporaryFolder folder_;
  testing::VirtualClock clock_;
  AddressCalls calls_{
      .add = [](const std::string&, const net::IpAddress&) { return Result<bool>(true); },
      .remove = [](const std::string&, const net::IpAddress&) { return Result<void>(); },
      .announce = [](const std::string&, const net::IpAddress&) { return Result<void>(); },
      .connections = [](const net::IpAddress&) { return 1; }};
  Addresses addresses_{calls_, folder_.file("addresses.json"), clock_};
  snapshot::Snapshot snapshot_;
  snapshot::ObjectSet objects_;
  ListenSockets sockets_{1};
  std::map<net::IpAddress, std::string> unbound_;
  DrainsLeft drains_;
};

TEST_F(NodeReportTest, NamesAllAddressesWhenThereIsRoom) {
  addresses_.ensure(wanted(0, 100, "subnet-1"));
  const Json said = report();
  EXPECT_EQ(listed(said), 100U);
  EXPECT_EQ(said.find("more"), nullptr);
  EXPECT_EQ(said.find("listsAllReleasing"), nullptr);
}

TEST_F(NodeReportTest, NamesAddressesThatAreBeingReleasedBeforeOthers) {
  addresses_.ensure(wanted(0, 100, kLong));
  addresses_.ensure(wanted(0, 99, kLong));
  const Json said = report();
  EXPECT_EQ(said.find("addresses")->as_array().front().string_or("address", ""),
            wanted(99, 1).front().address.text());
  EXPECT_TRUE(said.bool_or("listsAllReleasing", false));
  EXPECT_EQ(listed(said) + static_cast<std::size_t>(said.find("more")->integer_or("addresses", 0)),
            100U);
}

TEST_F(NodeReportTest, SaysWhenThereIsNoRoomForAllThatAreBeingReleased) {
  addresses_.ensure(wanted(0, 100, kLong));
  addresses_.ensure({});
  const Json said = report();
  EXPECT_GT(listed(said), 50U);
  EXPECT_LT(listed(said), 100U);
  EXPECT_FALSE(said.bool_or("listsAllReleasing", false));
}

}  // namespace
}  // namespace weir::agent
