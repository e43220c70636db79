// A connection relayed byte by byte: of a TCP listener, or of an HTTP listener after 101. Each
// direction ends by itself (half-close); a direction whose receiver is slow stops reading. Keeps
// the entries of its own listener and target, no Snapshot. Thread: one worker.
#pragma once

#include <cstdint>

#include "dataplane/proxy/buffer.h"
#include "dataplane/proxy/directory.h"
#include "dataplane/proxy/slab.h"

namespace weir::dataplane::proxy {

struct Parts;

class TcpRelay final : public SlabObject, public Timed, public TargetUser {
 public:
  explicit TcpRelay(Parts& parts);
  ~TcpRelay();

  /// Two sockets that were an HTTP exchange until now, all of them counted already.
  struct Tunnel {
    Ref<TargetEntry> target;
    Ref<ListenerEntry> listener;
    Pending to_target;
    Pending to_client;
    int target_fd = -1;
    int client_fd = -1;
  };

  // One of these, once, after the slab has made it.
  /// A new client connection; `fd` is counted by the reactor.
  void start(int fd, ListenerEntry& listener, const net::Endpoint& peer);
  void adopt(Tunnel tunnel);

  void on_events(TagKind side, std::uint32_t events);
  void on_again() { move(); }
  void on_timer();
  /// The engine stops: a connection that is kept without a word ends now.
  void end_waiting();
  void cut(FailureKind why) override;
  void close_if_idle() override {}

 private:
  struct Side {
    int fd = -1;
    Pending unsent;  // to this side
    bool is_readable = false;
    bool reads_to_end = false;  // a short read is not the last
    bool is_finished = false;   // its end has been read
    bool is_shut = false;       // it has been told the other's end
  };
  enum class Moved : std::uint8_t { kAll, kMore, kBroken };

  void choose();
  void connect();
  void no_target();
  bool begin_silence();
  void end_silence();
  void connect_failed(FailureKind why);
  void established();
  void move();
  Moved pass(Side& from, Side& to);
  void flush(Side& side);
  void stop_sending(Side& from, Side& to);
  void count(const Side& to, std::uint64_t received, std::uint64_t sent);
  void reset();
  void close_target();
  void close();
  Tag tag(TagKind kind) const { return {kind, slab_index, slab_generation}; }

  Parts& parts_;
  Ref<ListenerEntry> listener_;
  Ref<ServiceEntry> service_;  // until connected
  Ref<TargetEntry> target_;
  net::Endpoint peer_;  // of a new client connection
  Side client_;
  Side upstream_;
  Instant progress_{};
  bool is_connected_ = false;
  bool is_retried_ = false;
  bool is_our_failure_ = false;  // why it was retried
  bool is_silent_ = false;       // nobody can serve: the client hears nothing
  Instant silent_until_{};
};

}  // namespace weir::dataplane::proxy
