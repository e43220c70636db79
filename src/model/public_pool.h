// A pool of public addresses, from the configuration of control: what elastic IPs take their
// addresses from. Called by the rules of writes, by allocation and by placement. Thread: values.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "net/address.h"

namespace weir::model {

/// Units: bits. Chosen because allocation looks at one address after the other. Reached: the
/// configuration is refused.
inline constexpr int kPoolMaskMin = 16;
/// Chosen because every address of an allocation is held against them. Reached: the configuration
/// is refused.
inline constexpr std::size_t kPoolPrefixesMax = 16;
/// Chosen because every write of an address looks at all of them. Reached: the configuration is
/// refused.
inline constexpr std::size_t kPoolsMax = 100;

struct PublicPool {
  std::string name;
  std::string provider = "bgp";  // what a caller asks for
  std::string az{};              // its addresses serve this zone alone; empty: all
  std::vector<net::Prefix> prefixes{};

  friend bool operator==(const PublicPool&, const PublicPool&) = default;
};

/// What a service without configured pools has: a part of loopback that is no part of the default
/// subnet.
PublicPool default_pool();

/// Null when no pool has the address.
const PublicPool* pool_of(std::span<const PublicPool> pools, const net::IpAddress& address);
/// Null when no pool touches the prefix.
const PublicPool* pool_overlapping(std::span<const PublicPool> pools, const net::Prefix& prefix);

/// Whether an elastic IP may have the address: in the pool, and neither network nor broadcast
/// address of its prefix.
bool may_give(const PublicPool& pool, const net::IpAddress& address);
/// The lowest address that may be given and is not taken, or nothing.
std::optional<net::IpAddress> free_public_address(
    const PublicPool& pool, const std::function<bool(const net::IpAddress&)>& is_taken);

/// How the pool is called where subnets are named too, as in the bindings of a node: no id and no
/// name of a subnet has a slash.
inline constexpr std::string_view kPoolPrefix = "pool/";
std::string pool_network(std::string_view pool);

}  // namespace weir::model
