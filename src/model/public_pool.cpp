#include "model/public_pool.h"

#include <algorithm>

namespace weir::model {
namespace {

/// First and last address that may be given.
struct Bounds {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
};

Bounds bounds_of(const net::Prefix& prefix) {
  const std::uint64_t first = prefix.base.v4_value();
  const std::uint64_t last = first + (std::uint64_t{1} << (32 - prefix.length)) - 1;
  // Of two addresses, or of one, neither is for the network.
  if (prefix.length >= 31) return {first, last};
  return {first + 1, last - 1};
}

bool may_give(const net::Prefix& prefix, const net::IpAddress& address) {
  if (!prefix.contains(address)) return false;
  const Bounds bounds = bounds_of(prefix);
  return address.v4_value() >= bounds.first && address.v4_value() <= bounds.last;
}

}  // namespace

PublicPool default_pool() {
  return {.name = "default", .prefixes = {{net::IpAddress::v4(0x7F7F0000), 24}}};  // 127.127.0.0
}

const PublicPool* pool_of(std::span<const PublicPool> pools, const net::IpAddress& address) {
  const auto found = std::ranges::find_if(pools, [&](const PublicPool& pool) {
    return std::ranges::any_of(pool.prefixes,
                               [&](const net::Prefix& prefix) { return prefix.contains(address); });
  });
  return found == pools.end() ? nullptr : &*found;
}

const PublicPool* pool_overlapping(std::span<const PublicPool> pools, const net::Prefix& prefix) {
  const auto found = std::ranges::find_if(pools, [&](const PublicPool& pool) {
    return std::ranges::any_of(pool.prefixes,
                               [&](const net::Prefix& one) { return one.overlaps(prefix); });
  });
  return found == pools.end() ? nullptr : &*found;
}

bool may_give(const PublicPool& pool, const net::IpAddress& address) {
  return std::ranges::any_of(pool.prefixes,
                             [&](const net::Prefix& prefix) { return may_give(prefix, address); });
}

std::optional<net::IpAddress> free_public_address(
    const PublicPool& pool, const std::function<bool(const net::IpAddress&)>& is_taken) {
  for (const net::Prefix& prefix : pool.prefixes) {
    const Bounds bounds = bounds_of(prefix);
    for (std::uint64_t value = bounds.first; value <= bounds.last; ++value) {
      const auto address = net::IpAddress::v4(static_cast<std::uint32_t>(value));
      if (!is_taken(address)) return address;
    }
  }
  return std::nullopt;
}

std::string pool_network(std::string_view pool) {
  return std::string(kPoolPrefix) + std::string(pool);
}

}  // namespace weir::model
