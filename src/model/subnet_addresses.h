// Which addresses of a subnet a load balancer may take. Source: product.md A.14. Thread: any
// (pure).
#pragma once

#include <functional>
#include <optional>

#include "net/address.h"

namespace weir::model {

/// Network, gateway (first host), DHCP (second host) and broadcast address.
bool is_reserved(const net::Prefix& subnet, const net::IpAddress& address);

/// The lowest address that is neither reserved nor taken, or nothing.
std::optional<net::IpAddress> free_address(
    const net::Prefix& subnet, const std::function<bool(const net::IpAddress&)>& is_taken);

/// Whether a VPC with this prefix is bound to loopback: any loopback server may be a target.
bool is_loopback_prefix(const net::Prefix& prefix);

}  // namespace weir::model
