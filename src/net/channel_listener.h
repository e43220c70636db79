// What the two halves of the channels share: channel.cpp (a stream, connecting) and
// channel_listener.cpp (accepting). Not for other modules: they include channel.h.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "base/unique_fd.h"
#include "net/channel.h"
#include "net/tls_psk.h"

namespace weir::net {

/// Chosen because it is long for two round trips on any network and short for somebody who only
/// holds the line. Reached: the connection is closed; weir_stream_refused_total{reason="key"} at
/// control.
inline constexpr std::chrono::seconds kHandshakeLimit{5};

/// `tls` has its handshake behind it, or is null.
std::unique_ptr<Channel> make_channel(UniqueFd fd, std::unique_ptr<TlsSession> tls,
                                      std::string peer);

/// The path of "unix:/path"; nullopt for other addresses.
std::optional<std::string> unix_path(const ChannelAddress& address);

}  // namespace weir::net
