#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if_arp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/unique_fd.h"
#include "net/netlink.h"
#include "net/system_error.h"

namespace weir::net {
namespace {

constexpr std::array<std::uint8_t, 6> kBroadcast{0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
constexpr std::size_t kFrameSize = 42;  // bytes: Ethernet header 14, ARP for IPv4 28
using Frame = std::array<std::uint8_t, kFrameSize>;

/// RFC 826 with the addresses of RFC 5227, 2.3.
Frame announcement(const std::array<std::uint8_t, 6>& mac, const IpAddress& address) {
  Frame frame{};
  auto at = frame.begin();
  const auto put = [&at](const auto& bytes) { at = std::ranges::copy(bytes, at).out; };
  const std::span<const std::uint8_t> ip = std::span(address.bytes()).last(4);
  put(kBroadcast);
  put(mac);
  put(std::array<std::uint8_t, 2>{ETH_P_ARP >> 8, ETH_P_ARP & 0xff});
  put(std::array<std::uint8_t, 8>{0, ARPHRD_ETHER, ETH_P_IP >> 8, ETH_P_IP & 0xff, 6, 4, 0,
                                  ARPOP_REQUEST});
  put(mac);
  put(ip);
  put(std::array<std::uint8_t, 6>{});  // target hardware address: ignored
  put(ip);
  return frame;
}

}  // namespace

Result<void> announce_address(const std::string& interface, const IpAddress& address) {
  const std::string what = "announce " + address.text() + " on " + interface;
  if (!address.is_v4())
    return Error{ErrorCode::kInvalidArgument, what + ": IPv6 is not supported yet", {}};
  WEIR_ASSIGN_OR_RETURN(const Interface found, find_interface(interface));
  if (found.is_loopback) return {};
  if (found.mac == std::array<std::uint8_t, 6>{}) {
    return Error{ErrorCode::kFailedPrecondition, what + ": no Ethernet address", {}};
  }
  // Protocol 0: this socket never receives.
  const UniqueFd fd(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return system_error(what, errno);
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_protocol = htons(ETH_P_ARP);
  to.sll_ifindex = found.index;
  to.sll_halen = kBroadcast.size();
  std::ranges::copy(kBroadcast, to.sll_addr);
  const Frame frame = announcement(found.mac, address);
  const ssize_t sent = sendto(fd.get(), frame.data(), frame.size(), 0,
                              reinterpret_cast<const sockaddr*>(&to), sizeof to);
  if (sent != static_cast<ssize_t>(frame.size())) return system_error(what, errno);
  return {};
}

}  // namespace weir::net
