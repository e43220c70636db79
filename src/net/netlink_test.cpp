#include "net/netlink.h"

#include <gtest/gtest.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <thread>

#include "base/unique_fd.h"
#include "net/socket.h"

namespace weir::net {
namespace {

using namespace std::chrono_literals;

const IpAddress kVip = *IpAddress::parse("10.77.0.5");

/// Runs `body` on a thread with a network of its own: two ends of a veth pair, up. Returns why it
/// cannot, or nothing.
std::string in_own_network(const std::function<void()>& body) {
  std::string reason;
  std::jthread thread([&] {
    if (unshare(CLONE_NEWNET) != 0) {
      reason = "needs root: no network namespace of its own";
    } else if (std::system("ip link add near type veth peer name far && ip link set near up && "
                           "ip link set far up && ip link set lo up") != 0) {
      reason = "needs ip and veth devices";
    } else {
      body();
    }
  });
  thread.join();
  return reason;
}

#define IN_OWN_NETWORK(...)                                                      \
  if (const std::string reason = in_own_network(__VA_ARGS__); !reason.empty()) { \
    GTEST_SKIP() << reason;                                                      \
  }

bool has_vip(const std::vector<InterfaceAddress>& addresses) {
  return std::ranges::any_of(addresses, [](const InterfaceAddress& each) {
    return each.prefix == Prefix{kVip, 32} && each.is_ours;
  });
}

TEST(Netlink, M73_TheMachineHasAnAddressOnlyWhileAnInterfaceHasIt) {
  const auto check = [] {
    EXPECT_FALSE(has_address(kVip));
    ASSERT_TRUE(add_address("near", kVip).ok());
    EXPECT_TRUE(has_address(kVip));
    ASSERT_TRUE(remove_address("near", kVip).ok());
    EXPECT_FALSE(has_address(kVip));
  };
  IN_OWN_NETWORK([&] {
    check();
    std::ofstream("/proc/sys/net/ipv4/ip_nonlocal_bind") << 1;
    const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const SocketAddress elsewhere = socket_address({kVip, 0});
    EXPECT_EQ(::bind(fd.get(), elsewhere.get(), elsewhere.size), 0) << "bind() proves nothing";
    // With a way to everywhere too.
    EXPECT_EQ(std::system("ip addr add 10.78.0.1/24 dev near && "
                          "ip route add default via 10.78.0.2 dev near"),
              0);
    check();
  });
}

TEST(Netlink, AnAddressIsAddedAndRemovedOnceHoweverOftenItIsAsked) {
  IN_OWN_NETWORK([] {
    for (const bool is_new : {true, false}) {
      const auto added = add_address("near", kVip);
      ASSERT_TRUE(added.ok()) << added.error().message;
      EXPECT_EQ(*added, is_new);
      EXPECT_TRUE(has_vip(*interface_addresses("near")));
    }
    EXPECT_TRUE(tcp_listen(Endpoint{kVip, 0}).ok());
    for (int i = 0; i < 2; ++i) {
      const auto removed = remove_address("near", kVip);
      ASSERT_TRUE(removed.ok()) << removed.error().message;
      EXPECT_FALSE(has_vip(*interface_addresses("near")));
    }
    EXPECT_FALSE(tcp_listen(Endpoint{kVip, 0}).ok());
  });
}

TEST(Netlink, AnAddressOfTheAdministratorIsListedAndStays) {
  IN_OWN_NETWORK([] {
    ASSERT_EQ(std::system("ip address add 10.77.0.5/24 dev near"), 0);
    EXPECT_TRUE(*add_address("near", kVip));
    EXPECT_TRUE(remove_address("near", kVip).ok());
    EXPECT_TRUE(remove_address("near", kVip).ok());
    const auto left = interface_addresses("near");
    ASSERT_TRUE(left.ok());
    ASSERT_EQ(left->size(), 1U);
    EXPECT_EQ(left->front().prefix, (Prefix{kVip, 24}));
    EXPECT_FALSE(left->front().is_ours);
  });
}

TEST(Netlink, ListsMoreAddressesThanOneAnswerHolds) {
  IN_OWN_NETWORK([] {
    for (std::uint32_t i = 0; i < 500; ++i) {
      ASSERT_TRUE(add_address("near", IpAddress::v4(0x0a4e0000 + i)).ok());
    }
    EXPECT_EQ(interface_addresses("near")->size(), 500U);
    EXPECT_EQ(interface_addresses("far")->size(), 0U);
  });
}

TEST(Netlink, FindsAnInterfaceByName) {
  IN_OWN_NETWORK([] {
    const auto near = find_interface("near");
    ASSERT_TRUE(near.ok()) << near.error().message;
    EXPECT_GT(near->index, 0);
    EXPECT_TRUE(near->is_up);
    EXPECT_NE(near->mac, (std::array<std::uint8_t, 6>{}));
    EXPECT_NE(near->mac, find_interface("far")->mac);
    EXPECT_TRUE(find_interface("lo")->is_loopback);
  });
}

TEST(Netlink, AnUnknownInterfaceIsNotFoundAndHasNothingToRemove) {
  EXPECT_EQ(find_interface("weir-none").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(add_address("weir-none", kVip).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(announce_address("weir-none", kVip).error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(remove_address("weir-none", kVip).ok());
  EXPECT_EQ(find_interface("").error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(find_interface("a-name-of-16-byte").error().code, ErrorCode::kInvalidArgument);
}

TEST(Netlink, Ipv6IsRefusedInWords) {
  const IpAddress address = *IpAddress::parse("2001:db8::1");
  EXPECT_EQ(add_address("lo", address).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(remove_address("lo", address).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(announce_address("lo", address).error().code, ErrorCode::kInvalidArgument);
}

TEST(Netlink, TheNeighboursHearOfAnAnnouncedAddress) {
  IN_OWN_NETWORK([] {
    const UniqueFd neighbour(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ARP)));
    sockaddr_ll at{};
    at.sll_family = AF_PACKET;
    at.sll_protocol = htons(ETH_P_ARP);
    at.sll_ifindex = find_interface("far")->index;
    ASSERT_EQ(bind(neighbour.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
    const auto announced = announce_address("near", kVip);
    ASSERT_TRUE(announced.ok()) << announced.error().message;
    ASSERT_TRUE(*wait_ready(neighbour.get(), POLLIN, SystemClock().now() + 5s));
    std::array<std::uint8_t, 64> frame{};
    ASSERT_GE(recv(neighbour.get(), frame.data(), frame.size(), 0), 42);
    const auto mac = find_interface("near")->mac;
    const std::array<std::uint8_t, 4> ip{10, 77, 0, 5};
    const auto same = [&](std::size_t offset, const auto& bytes) {
      return std::ranges::equal(std::span(frame).subspan(offset, bytes.size()), bytes);
    };
    EXPECT_TRUE(same(0, std::array<std::uint8_t, 6>{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}));
    EXPECT_TRUE(same(6, mac));
    EXPECT_TRUE(same(20, std::array<std::uint8_t, 2>{0, 1}));  // a request
    EXPECT_TRUE(same(22, mac));
    EXPECT_TRUE(same(28, ip));
    EXPECT_TRUE(same(38, ip));
    EXPECT_TRUE(announce_address("lo", kVip).ok());
  });
}

TEST(Netlink, WithoutPrivilegesChangesAreDeniedAndReadingWorks) {
  IN_OWN_NETWORK([] {
    // The raw call, for this thread alone: the library's would change the whole process.
    ASSERT_EQ(syscall(SYS_setresuid, 65534, 65534, 65534), 0);
    EXPECT_EQ(add_address("near", kVip).error().code, ErrorCode::kPermissionDenied);
    EXPECT_EQ(announce_address("near", kVip).error().code, ErrorCode::kPermissionDenied);
    EXPECT_TRUE(interface_addresses("near").ok());
  });
}

}  // namespace
}  // namespace weir::net
