// The addresses of this machine's interfaces, read and changed over netlink, and their
// announcement to the neighbours by ARP: the binding `interface`. Works in the network namespace
// of the calling thread. Keeps no state and follows no changes.
// Thread: any; each call opens its own socket and waits for the kernel alone.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/address.h"

namespace weir::net {

struct Interface {
  int index = 0;
  std::array<std::uint8_t, 6> mac{};  // zero on interfaces without Ethernet addresses
  bool is_up = false;
  bool is_loopback = false;
};

/// Errors:  kNotFound, kInvalidArgument for a name of more than 15 bytes, kUnavailable
Result<Interface> find_interface(const std::string& name);

struct InterfaceAddress {
  Prefix prefix;  // the address itself and its length; bits may stand right of the mask
  bool is_ours =
      false;  // added by add_address(), of this process or an earlier one; needs Linux 5.18
};

/// IPv4 addresses only.
/// Errors:  as find_interface()
Result<std::vector<InterfaceAddress>> interface_addresses(const std::string& name);

/// Adds `address`/32. False when it was there already.
/// Errors:  kPermissionDenied without CAP_NET_ADMIN, kNotFound without the interface,
///          kInvalidArgument for IPv6 (not supported yet), kUnavailable
Result<bool> add_address(const std::string& interface, const IpAddress& address);

/// Removes `address`/32. No error when it, or the whole interface, is gone already.
/// Errors:  kPermissionDenied, kInvalidArgument, kUnavailable
Result<void> remove_address(const std::string& interface, const IpAddress& address);

/// Sends one gratuitous ARP request, so that neighbours and switches learn where `address` is now.
/// Nothing on loopback.
/// Errors:  kPermissionDenied without CAP_NET_RAW, kFailedPrecondition without an Ethernet
///          address, kNotFound, kInvalidArgument for IPv6, kUnavailable (also when the interface
///          is down)
/// Source:  RFC 5227, 2.3: an announcement is a request whose sender and target address are both
///          the announced one
Result<void> announce_address(const std::string& interface, const IpAddress& address);

}  // namespace weir::net
