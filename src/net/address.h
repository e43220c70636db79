// Addresses. Inside, every address is 16 bytes (IPv4 mapped into ::ffff:0:0/96), so that IPv6 is
// never a second code path.
// Thread: immutable values.
#pragma once

#include <sys/socket.h>

#include <array>
#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace weir::net {

class IpAddress {
 public:
  IpAddress() = default;  // ::
  static IpAddress v4(std::uint32_t host_order);
  /// Network order, IPv4 mapped.
  static IpAddress from_bytes(std::span<const std::uint8_t, 16> bytes);

  /// Reads a canonical literal only: "10.0.0.1" yes; "010.0.0.1", "0x7f.1", "2130706433",
  /// "10.0.0.1 " no.
  /// Errors:  kInvalidArgument
  static Result<IpAddress> parse(std::string_view text);

  bool is_v4() const;
  /// Host order; only when is_v4().
  std::uint32_t v4_value() const;
  bool is_loopback() const;
  bool is_unspecified() const;
  const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }
  std::string text() const;

  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  std::array<std::uint8_t, 16> bytes_{};
};

struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;

  /// "10.0.0.1:80" or "[::1]:80".
  /// Errors:  kInvalidArgument
  static Result<Endpoint> parse(std::string_view text);
  std::string text() const;

  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

/// An address prefix such as 10.0.0.0/24.
struct Prefix {
  IpAddress base;
  int length = 0;  // bits, counted in the family of `base` (0..32 for IPv4)

  /// Canonical only: no bit may stand right of the mask.
  /// Errors:  kInvalidArgument
  static Result<Prefix> parse(std::string_view text);
  /// False when the families differ: ::/0 holds no IPv4 address.
  bool contains(const IpAddress& address) const;
  bool contains(const Prefix& other) const;
  bool overlaps(const Prefix& other) const;
  std::string text() const;

  friend bool operator==(const Prefix&, const Prefix&) = default;
};

/// A socket address for the system calls: AF_INET for mapped addresses, AF_INET6 otherwise.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};
SocketAddress socket_address(const Endpoint& endpoint);
/// The unspecified endpoint for families other than AF_INET and AF_INET6.
Endpoint endpoint_of(const sockaddr_storage& storage);

}  // namespace weir::net
