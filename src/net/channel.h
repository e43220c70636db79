// A byte stream between control and a node: a Unix socket on one machine (trusted by file
// permissions), TCP with TLS 1.3 and a pre-shared node key between machines (mutual: who does not
// hold the key gets no byte). Blocking calls with deadlines. Not for client traffic.
// Thread: one thread may read while another writes; close() from any.
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace weir::net {

/// "unix:/path" or "address:port".
struct ChannelAddress {
  std::string text;
  /// Hex key shared by control and its nodes; required for address:port, unused for unix.
  std::string key;
};

class Channel {
 public:
  virtual ~Channel() = default;
  /// Reads at least one byte; 0 = the peer ended the stream.
  /// Errors:  kDeadlineExceeded when nothing came until `deadline`, kUnavailable when the stream
  /// broke or was closed
  virtual Result<std::size_t> read(std::span<char> into, Instant deadline) = 0;
  /// Writes all or fails; a write that failed may have sent a part, so it closes the channel.
  /// Errors:  as read()
  virtual Result<void> write(std::string_view bytes, Instant deadline) = 0;
  /// Wakes blocked calls; they fail with kUnavailable.
  /// Thread:  any
  virtual void close() = 0;
  /// Who is on the other end, for logs.
  virtual std::string peer() const = 0;
};

/// The handshake takes at most 5 s, whatever the deadline.
/// Errors:  kUnavailable when nobody answers, kDeadlineExceeded, kUnauthenticated when the key is
///          missing or not the peer's, kInvalidArgument for a malformed address or key
Result<std::unique_ptr<Channel>> connect_channel(const ChannelAddress& address, Instant deadline);

class ChannelListener {
 public:
  /// Port 0 picks one; a stale Unix socket file is replaced. The Unix socket file has mode 0600.
  /// Errors:  kAlreadyExists when somebody answers there, kUnauthenticated when a key is missing,
  ///          kInvalidArgument, kNotFound, kPermissionDenied, kUnavailable
  static Result<std::unique_ptr<ChannelListener>> open(const ChannelAddress& address);
  virtual ~ChannelListener() = default;
  /// Next peer, handshake included. Handshakes run side by side inside this call, each at most 5
  /// s, so that a slow peer holds up nobody; they rest while nobody calls.
  /// Thread:  one
  /// Errors:  kDeadlineExceeded, kUnauthenticated and kQuotaExceeded (no descriptor left): caller
  ///          logs and goes on; kUnavailable after close()
  virtual Result<std::unique_ptr<Channel>> accept(Instant deadline) = 0;
  virtual void close() = 0;
  /// The address with the real port.
  virtual std::string address() const = 0;
};

}  // namespace weir::net
