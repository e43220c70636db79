// A client connection that speaks HTTP/1: reads heads and bodies, hands them to its exchange, keeps
// what the socket did not take, and ends properly. Idle, it holds no buffer and no exchange. One
// exchange at a time; pipelined requests wait. Thread: one worker.
#pragma once

#include <cstdint>
#include <span>

#include "dataplane/proxy/buffer.h"
#include "dataplane/proxy/directory.h"
#include "dataplane/proxy/slab.h"
#include "http/h1_error.h"
#include "net/address.h"

namespace weir::dataplane::proxy {

struct Parts;
class Exchange;

/// What becomes of the connection when its exchange has ended.
enum class After : std::uint8_t {
  kKeep,    // the next request may come
  kClose,   // after what is to be sent
  kLinger,  // as kClose, and the client may still be sending: its bytes are read and dropped
  kReset,   // at once, so that the client sees that its answer is cut short
};

class Connection final : public SlabObject, public Timed {
 public:
  /// Owns `fd`, which the reactor counts already.
  Connection(Parts& parts, int fd, ListenerEntry& listener, const net::Endpoint& peer);
  ~Connection();

  /// Once, after the slab has made it.
  void start();
  void on_events(std::uint32_t events);
  void on_again();
  void on_timer();
  /// Ends the connection and its exchange now.
  void cut(FailureKind why);

  // For the exchange.
  SendState send(Output& output);
  /// Bytes wait for the socket: produce no more.
  bool is_blocked() const { return !pending_.empty(); }
  /// The exchange takes body bytes (again).
  void resume();
  void exchange_ended(After after);
  /// Gives the socket to a tunnel, with what is unsent to the client and what came from it behind
  /// its request.
  int detach(Pending& unsent, Pending& unread);
  /// The exchange has a connection to its target: none must be kept free for it.
  void upstream_opened();

  const net::Endpoint& peer() const { return peer_; }
  ListenerEntry& listener() { return *listener_; }

 private:
  // kReading -> kFlushing -> kLingering -> kClosed, each of the middle two where needed.
  enum class State : std::uint8_t { kReading, kFlushing, kLingering, kClosed };

  void advance();
  bool read_head();
  bool read_body();
  bool discard();
  bool receive(std::span<char>& bytes);
  void parse(std::span<char> bytes);
  void refuse(http::ParseError error);
  void answer(FailureKind why, std::string_view reason);
  void keep(std::span<const char> rest);
  void settle();
  void finish_closing();
  void close();
  Tag tag() const;

  Parts& parts_;
  Ref<ListenerEntry> listener_;
  Exchange* exchange_ = nullptr;
  Buffer* input_ = nullptr;  // bytes not parsed yet: an incomplete head, or pipelined requests
  Pending pending_;
  Instant linger_end_{};
  net::Endpoint peer_;
  int fd_;
  std::uint32_t scanned_ = 0;
  State state_ = State::kReading;
  After after_ = After::kKeep;
  bool is_partial_ = false;  // input_ was parsed and is no whole head
  bool is_readable_ = false;
  bool reads_to_end_ =
      false;  // the client closed its side or marked bytes as urgent: a short read is not the last
  bool is_advancing_ = false;
  bool is_fresh_ = true;       // no request has come yet
  bool is_reserving_ = false;  // a descriptor is kept free for its target
};

}  // namespace weir::dataplane::proxy
