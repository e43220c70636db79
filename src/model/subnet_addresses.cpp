#include "model/subnet_addresses.h"

#include <algorithm>

namespace weir::model {
namespace {

/// First and last IPv4 address of a prefix.
struct Bounds {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
};

Bounds bounds_of(const net::Prefix& prefix) {
  const std::uint32_t first = prefix.base.v4_value();
  const std::uint32_t host_bits =
      prefix.length == 0 ? ~std::uint32_t{0} : (std::uint32_t{1} << (32 - prefix.length)) - 1;
  return {first, first | host_bits};
}

}  // namespace

bool is_reserved(const net::Prefix& subnet, const net::IpAddress& address) {
  if (!subnet.base.is_v4() || !address.is_v4()) return false;
  const Bounds bounds = bounds_of(subnet);
  const std::uint32_t value = address.v4_value();
  return value == bounds.last || (value >= bounds.first && value - bounds.first <= 2);
}

std::optional<net::IpAddress> free_address(
    const net::Prefix& subnet, const std::function<bool(const net::IpAddress&)>& is_taken) {
  if (!subnet.base.is_v4()) return std::nullopt;
  const Bounds bounds = bounds_of(subnet);
  for (std::uint64_t value = std::uint64_t{bounds.first} + 3; value < bounds.last; ++value) {
    const auto address = net::IpAddress::v4(static_cast<std::uint32_t>(value));
    if (!is_taken(address)) return address;
  }
  return std::nullopt;
}

bool is_denied_target(const net::IpAddress& address) {
  static const net::Prefix kDenied[] = {{net::IpAddress::v4(0x00000000), 8},
                                        {net::IpAddress::v4(0x7F000000), 8},
                                        {net::IpAddress::v4(0xA9FE0000), 16},
                                        {net::IpAddress::v4(0xE0000000), 4},
                                        {net::IpAddress::v4(0xF0000000), 4}};
  return std::ranges::any_of(kDenied, [&](const auto& range) { return range.contains(address); });
}

bool is_loopback_prefix(const net::Prefix& prefix) {
  static const net::Prefix kLoopback{net::IpAddress::v4(0x7F000000), 8};
  return kLoopback.contains(prefix);
}

}  // namespace weir::model
