// Which addresses of a subnet a load balancer may take (product.md A.14), and which no target may
// have. Called by the rules of writes and by compile. Thread: any (pure).
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

/// Whether no target may have the address, in a VPC that is not bound to loopback: this host,
/// link-local with metadata services, multicast, reserved, broadcast.
/// Source: reliability.md section 6, "Health checks"
bool is_denied_target(const net::IpAddress& address);

/// Whether a VPC with this prefix is bound to loopback: any loopback server may be a target.
bool is_loopback_prefix(const net::Prefix& prefix);

}  // namespace weir::model
