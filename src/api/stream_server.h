// The control side of the stream (docs/formats/frames.md): listens for nodes on a Unix socket and
// on TLS addresses, and serves each with a session of its own. Thread: any, but for start and stop
// (owner).
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "api/node_session.h"
#include "base/mutex.h"
#include "net/channel.h"

namespace weir::api {

/// Nodes at once. Chosen because a node costs control two threads; larger clusters follow several
/// controls. Reached: the node is turned away; weir_stream_refused_total{reason="too_many"}.
inline constexpr std::size_t kNodesMax = 256;

class StreamServer {
 public:
  /// Errors:  those of net::ChannelListener::open()
  static Result<std::unique_ptr<StreamServer>> start(
      StreamParts parts, const std::vector<net::ChannelAddress>& addresses);
  ~StreamServer();

  /// With real ports, in the order given.
  const std::vector<std::string>& addresses() const { return addresses_; }
  /// Ends all streams; idempotent.
  void stop();

 private:
  struct Served {
    std::unique_ptr<NodeSession> session;
    std::atomic<bool> is_done{false};
    std::jthread thread;  // last: joined before what it uses goes
  };

  explicit StreamServer(StreamParts parts) : parts_(std::move(parts)) {}
  void accept_all(net::ChannelListener& listener, const std::stop_token& stop);
  void note_stranger(const Error& error) WEIR_EXCLUDES(mutex_);
  void serve(std::unique_ptr<net::Channel> channel) WEIR_EXCLUDES(mutex_);
  NodeStream joined(NodeSession& session) WEIR_EXCLUDES(mutex_);
  void left(NodeSession& session) WEIR_EXCLUDES(mutex_);
  void reap() WEIR_EXCLUDES(mutex_);
  void show_count() WEIR_REQUIRES(mutex_);

  const StreamParts parts_;
  std::vector<std::unique_ptr<net::ChannelListener>> listeners_;
  std::vector<std::string> addresses_;
  Mutex mutex_;
  std::vector<std::unique_ptr<Served>> served_ WEIR_GUARDED_BY(mutex_);
  std::map<std::string, NodeSession*> by_node_ WEIR_GUARDED_BY(mutex_);
  std::set<NodeSession*> joined_ WEIR_GUARDED_BY(mutex_);
  Instant strangers_logged_ WEIR_GUARDED_BY(mutex_);
  std::uint64_t strangers_ WEIR_GUARDED_BY(mutex_) = 0;  // since then
  std::vector<std::jthread> acceptors_;
};

}  // namespace weir::api
