#include "net/netlink.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "net/system_error.h"

namespace weir::net {
namespace {

/// Chosen because the kernel answers within the call; the limit only keeps a fault from stopping
/// the loop. Reached: the call fails with EAGAIN, and whoever asked says so in the log.
constexpr timeval kAnswerLimit{.tv_sec = 2, .tv_usec = 0};
/// Who added an address, as the kernel keeps it (IFA_PROTO). Chosen because no number from 4 on is
/// taken.
constexpr std::uint8_t kAddedByWeir = 'W';
constexpr std::uint8_t kHostPrefix = 32;
/// Size of requests and of the receive buffer, in bytes.
/// Source:  libmnl's own advice, a page of 8 KiB for answers; a request of ours has under 100.
constexpr std::size_t kRequestSize = 256;
constexpr std::size_t kAnswerSize = 8192;

struct SocketCloser {
  void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
};
using SocketPointer = std::unique_ptr<mnl_socket, SocketCloser>;

/// One request and its answers; each message of an answer goes to `reader`. Returns an errno, 0 =
/// done.
int exchange(nlmsghdr* request, mnl_cb_t reader, void* context) {
  const SocketPointer socket(mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC));
  if (socket == nullptr || mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0) return errno;
  if (setsockopt(mnl_socket_get_fd(socket.get()), SOL_SOCKET, SO_RCVTIMEO, &kAnswerLimit,
                 sizeof kAnswerLimit) != 0 ||
      mnl_socket_sendto(socket.get(), request, request->nlmsg_len) < 0) {
    return errno;
  }
  const unsigned port = mnl_socket_get_portid(socket.get());
  alignas(nlmsghdr) std::array<char, kAnswerSize> answer;
  while (true) {
    const ssize_t size = mnl_socket_recvfrom(socket.get(), answer.data(), answer.size());
    if (size < 0) return errno;
    const int state = mnl_cb_run(answer.data(), static_cast<std::size_t>(size), request->nlmsg_seq,
                                 port, reader, context);
    if (state == MNL_CB_ERROR) return errno;
    if (state == MNL_CB_STOP) return 0;
  }
}

class Request {
 public:
  Request(std::uint16_t type, std::uint16_t flags) : header_(mnl_nlmsg_put_header(bytes_.data())) {
    header_->nlmsg_type = type;
    header_->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    header_->nlmsg_seq = 1;
  }
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  template <class Body>
  Body& body() {
    return *static_cast<Body*>(mnl_nlmsg_put_extra_header(header_, sizeof(Body)));
  }
  nlmsghdr* header() { return header_; }

 private:
  alignas(nlmsghdr) std::array<char, kRequestSize> bytes_{};
  nlmsghdr* header_;
};

/// Calls `visit(attribute)` for each attribute after the body of `Body`.
template <class Body, class Visit>
void for_attributes(const nlmsghdr* message, Visit visit) {
  const auto* attribute =
      static_cast<const nlattr*>(mnl_nlmsg_get_payload_offset(message, sizeof(Body)));
  const auto* end = static_cast<const char*>(mnl_nlmsg_get_payload_tail(message));
  while (mnl_attr_ok(attribute, static_cast<int>(end - reinterpret_cast<const char*>(attribute)))) {
    visit(attribute);
    attribute = mnl_attr_next(attribute);
  }
}

int read_interface(const nlmsghdr* message, void* context) {
  auto& result = *static_cast<Interface*>(context);
  const auto* link = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(message));
  result.index = link->ifi_index;
  result.is_up = (link->ifi_flags & IFF_UP) != 0;
  result.is_loopback = (link->ifi_flags & IFF_LOOPBACK) != 0;
  for_attributes<ifinfomsg>(message, [&](const nlattr* attribute) {
    if (mnl_attr_get_type(attribute) != IFLA_ADDRESS) return;
    if (mnl_attr_get_payload_len(attribute) != result.mac.size()) return;
    std::memcpy(result.mac.data(), mnl_attr_get_payload(attribute), result.mac.size());
  });
  return MNL_CB_OK;
}

struct AddressList {
  unsigned index = 0;
  std::vector<InterfaceAddress> addresses;
};

int read_address(const nlmsghdr* message, void* context) {
  auto& list = *static_cast<AddressList*>(context);
  const auto* body = static_cast<const ifaddrmsg*>(mnl_nlmsg_get_payload(message));
  if (body->ifa_index != list.index || body->ifa_family != AF_INET) return MNL_CB_OK;
  InterfaceAddress found;
  found.prefix.length = body->ifa_prefixlen;
  for_attributes<ifaddrmsg>(message, [&](const nlattr* attribute) {
    const int type = mnl_attr_get_type(attribute);
    if (type == IFA_LOCAL && mnl_attr_get_payload_len(attribute) == sizeof(std::uint32_t)) {
      found.prefix.base = IpAddress::v4(ntohl(mnl_attr_get_u32(attribute)));
    } else if (type == IFA_PROTO) {
      found.is_ours = mnl_attr_get_u8(attribute) == kAddedByWeir;
    }
  });
  list.addresses.push_back(found);
  return MNL_CB_OK;
}

/// Adds or removes `address`/32; returns an errno.
int change_address(std::uint16_t type, std::uint16_t flags, int index, const IpAddress& address) {
  Request request(type, static_cast<std::uint16_t>(NLM_F_ACK | flags));
  auto& body = request.body<ifaddrmsg>();
  body.ifa_family = AF_INET;
  body.ifa_prefixlen = kHostPrefix;
  body.ifa_scope = RT_SCOPE_UNIVERSE;
  body.ifa_index = static_cast<unsigned>(index);
  const std::uint32_t network_order = htonl(address.v4_value());
  mnl_attr_put_u32(request.header(), IFA_LOCAL, network_order);
  mnl_attr_put_u32(request.header(), IFA_ADDRESS, network_order);
  if (type == RTM_NEWADDR) mnl_attr_put_u8(request.header(), IFA_PROTO, kAddedByWeir);
  return exchange(request.header(), nullptr, nullptr);
}

Result<void> check_family(const IpAddress& address) {
  if (address.is_v4()) return {};
  return Error{ErrorCode::kInvalidArgument,
               "an IPv6 address on an interface is not supported yet: " + address.text(),
               {}};
}

}  // namespace

Result<Interface> find_interface(const std::string& name) {
  const std::string what = "find interface \"" + name + "\"";
  if (name.empty() || name.size() >= IFNAMSIZ) return system_error(what, ENAMETOOLONG);
  Request request(RTM_GETLINK, NLM_F_ACK);
  request.body<ifinfomsg>().ifi_family = AF_UNSPEC;
  mnl_attr_put_strz(request.header(), IFLA_IFNAME, name.c_str());
  Interface result;
  const int number = exchange(request.header(), read_interface, &result);
  if (number != 0) return system_error(what, number);
  return result;
}

Result<std::vector<InterfaceAddress>> interface_addresses(const std::string& name) {
  WEIR_ASSIGN_OR_RETURN(const Interface interface, find_interface(name));
  Request request(RTM_GETADDR, NLM_F_DUMP);
  request.body<ifaddrmsg>().ifa_family = AF_INET;
  AddressList list;
  list.index = static_cast<unsigned>(interface.index);
  const int number = exchange(request.header(), read_address, &list);
  if (number != 0) return system_error("list the addresses of " + name, number);
  return std::move(list.addresses);
}

Result<bool> add_address(const std::string& interface, const IpAddress& address) {
  WEIR_TRY(check_family(address));
  WEIR_ASSIGN_OR_RETURN(const Interface found, find_interface(interface));
  const int number = change_address(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, found.index, address);
  if (number == 0) return true;
  if (number == EEXIST) return false;
  return system_error("add " + address.text() + " to " + interface, number);
}

Result<void> remove_address(const std::string& interface, const IpAddress& address) {
  WEIR_TRY(check_family(address));
  const Result<Interface> found = find_interface(interface);
  if (!found.ok() && found.error().code == ErrorCode::kNotFound) return {};
  if (!found.ok()) return found.error();
  const int number = change_address(RTM_DELADDR, 0, found->index, address);
  // ENODEV: the interface went between the two calls, and its addresses with it.
  if (number == 0 || number == EADDRNOTAVAIL || number == ENODEV) return {};
  return system_error("remove " + address.text() + " from " + interface, number);
}

}  // namespace weir::net
