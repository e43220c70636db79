// Gives exchanges streams towards targets: on a connection that has room for one, last used first,
// else on a new one. Bounded per target in number and age; an idle connection that says anything is
// closed. One pool per worker, keyed by (service, slot, endpoint) through the directory's entries.
// Thread: one worker.
#pragma once

#include <functional>
#include <span>

#include "dataplane/proxy/counters.h"
#include "dataplane/proxy/limits.h"
#include "dataplane/proxy/upstream_connection.h"

namespace weir::dataplane::proxy {

struct Opened {
  enum class State : std::uint8_t { kReady, kConnecting, kFailed };
  State state;
  FailureKind failure = FailureKind::kConnectFailed;  // when kFailed
  UpstreamConnection* connection = nullptr;           // when not
};

class UpstreamPool {
 public:
  using ConnectFailed = std::function<void(const snapshot::TargetKey&)>;

  UpstreamPool(Reactor& reactor, const Limits& limits, WorkerCounters& counters,
               UpstreamCodecs& codecs, ConnectFailed connect_failed)
      : reactor_(reactor),
        limits_(limits),
        counters_(counters),
        codecs_(codecs),
        connect_failed_(std::move(connect_failed)) {}
  ~UpstreamPool();

  struct Request {
    TargetEntry& target;
    ServiceEntry& service;  // whose source addresses the connection leaves from
    StreamRequest stream;
    bool fresh = false;  // on a new connection
  };
  /// Opens a stream for `owner`. Ready: the owner writes at once; connecting: stream_ready()
  /// follows, or stream_failed().
  Opened open(const Request& request, StreamOwner& owner);
  /// The owner is done with its stream; unless `is_complete`, request or response is cut short.
  void release(UpstreamConnection& connection, StreamOwner& owner, bool is_complete);
  /// Takes the socket out of the pool for a tunnel; `rest` gets what came behind the head.
  int detach(UpstreamConnection& connection, StreamOwner& owner, Pending& unsent);

  /// A plain connection for a relay, with the descriptor accounted for: -1 and `failure` when it
  /// cannot be.
  int connect(const TargetEntry& target, ServiceEntry& service, bool& is_connected,
              FailureKind& failure);
  void report_failure(TargetEntry& target);

  /// Closes the connection that has been idle for longest. False when there is none.
  bool make_room();
  void close(UpstreamConnection& connection);
  void sweep() { connections_.sweep(); }
  UpstreamConnection* find(std::uint32_t index, std::uint32_t generation) {
    return connections_.find(index, generation);
  }
  Reactor& reactor() { return reactor_; }
  /// Connections, idle ones included.
  std::size_t size() const { return connections_.size(); }

 private:
  friend class UpstreamConnection;

  void attach(UpstreamConnection& connection, StreamOwner& owner, const StreamRequest& request);
  void evict(TargetEntry& target, UpstreamConnection& latest);
  void offer(UpstreamConnection& connection);
  void withdraw(UpstreamConnection& connection);
  void established(UpstreamConnection& connection);
  void connect_failed(UpstreamConnection& connection);
  void dismantle(UpstreamConnection& connection);

  Reactor& reactor_;
  const Limits& limits_;
  WorkerCounters& counters_;
  UpstreamCodecs& codecs_;
  ConnectFailed connect_failed_;
  List<UpstreamConnection, IdleTag> idle_;  // of all targets, last used first
  Slab<UpstreamConnection> connections_;
};

}  // namespace weir::dataplane::proxy
