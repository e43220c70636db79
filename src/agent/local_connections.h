// Counts the connections of this machine by their local address, from the kernel's own list.
// Thread: any.
#pragma once

#include <cstddef>
#include <string_view>

#include "net/address.h"

namespace weir::agent {

/// Connections that end at `address`; sockets that listen and those in TIME_WAIT do not count.
/// Cost: reads the whole list of the network namespace (about 1 ms per 5 000 connections).
std::size_t local_connections(const net::IpAddress& address);

/// The same over text in the form of /proc/net/tcp or /proc/net/tcp6.
std::size_t count_connections(std::string_view table, const net::IpAddress& address);

}  // namespace weir::agent
