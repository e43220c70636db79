// TLS 1.3 with one pre-shared key over a connected, non-blocking socket: the only place that knows
// the library's calls for it. No certificates: who does not prove the key gets no byte. For
// channel.cpp; client-facing TLS is another matter.
// Thread: a TlsPsk any; a TlsSession one at a time (its owner holds a mutex).
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace weir::net {

enum class IoStatus {
  kDone,
  kWantRead,   // call again when the socket is readable
  kWantWrite,  // call again when the socket is writable
  kEnded,      // the peer ended the stream properly
  kBroken,     // the connection broke
  kRefused,    // the peer does not hold the key, or does not speak TLS
};

struct IoStep {
  IoStatus status = IoStatus::kBroken;
  std::size_t count = 0;  // bytes, when kDone
};

class TlsSession {
 public:
  struct State;
  explicit TlsSession(std::unique_ptr<State> state);
  ~TlsSession();

  /// Never kEnded. kDone means that both sides hold the key.
  IoStep handshake();
  IoStep read(std::span<char> into);
  /// May take only a part.
  IoStep write(std::string_view bytes);
  /// Tells the peer that the stream ends here; never waits.
  void end();
  /// Why the last call was kRefused or kBroken.
  const std::string& reason() const;

 private:
  std::unique_ptr<State> state_;
};

class TlsPsk {
 public:
  enum class Role { kClient, kServer };

  /// Range:   `key` is 64 hex digits
  /// Errors:  kUnauthenticated for an empty key, kInvalidArgument for one that is no such key,
  ///          kInternal
  static Result<std::unique_ptr<TlsPsk>> open(Role role, std::string_view key);
  ~TlsPsk();

  /// `fd` must outlive the session, this object its handshake.
  /// Errors:  kInternal when memory is out
  Result<std::unique_ptr<TlsSession>> start(int fd) const;

  struct State;
  explicit TlsPsk(std::unique_ptr<State> state);

 private:
  std::unique_ptr<State> state_;
};

}  // namespace weir::net
