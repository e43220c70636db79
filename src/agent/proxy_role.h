// What `weir proxy` runs: an agent loop that takes the frames of its node, compiles, and feeds an
// engine. It outlives its node: without one it serves on with what it has and offers its listening
// sockets to the next. Parses no client byte itself. Thread: owner loop, but for connect_failed().
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "agent/frame_pipe.h"
#include "base/json.h"
#include "dataplane/engine.h"
#include "net/event_loop.h"
#include "snapshot/compile.h"

namespace weir::agent {

/// Verdicts that come one after another make one compilation. Chosen because marks have stopped the
/// traffic already, and a change must show within 500 ms.
inline constexpr std::chrono::milliseconds kVerdictPause{20};
/// At most one report of draining connections per so many.
inline constexpr std::chrono::milliseconds kDrainReportPause{200};
/// How long an orphan whose folder is gone may still drain: no node can come any more.
inline constexpr std::chrono::seconds kAbandonedDrain{60};
/// Drain of a proxy that gets SIGTERM itself, as from an init system that ends all processes.
inline constexpr std::chrono::seconds kTermDrain{5};
/// How long a role that ends waits for its node to take the last samples. Chosen because a node
/// that is busy for longer must not hold up the end. Reached: the proxy ends without them.
inline constexpr std::chrono::milliseconds kLastWordsMax{200};

/// An engine with the calls for listening sockets that belong to a user-space engine only.
struct RoleEngine {
  std::unique_ptr<dataplane::Engine> engine;
  std::function<Result<void>(const net::Endpoint&, std::vector<UniqueFd>)> listen;
  std::function<void(const net::Endpoint&)> unlisten;
  std::function<bool()> is_stopped;
};

struct ProxyRoleOptions {
  /// Makes the engine with so many workers, once.
  std::function<Result<RoleEngine>(int workers)> make_engine;
  /// The node's data directory, for lock and rendezvous; empty = without them.
  std::string folder;
  std::string build;
  /// The role is over: the process should end.
  std::function<void()> ended;
};

class ProxyRole final : private FramePipe::User {
 public:
  /// `loop` must outlive the role. `node` is the socket to the node.
  ProxyRole(net::EventLoop& loop, UniqueFd node, ProxyRoleOptions options);
  ~ProxyRole() override;

  /// Stops accepting and ends with the last connection or after `drain`; a second call can only
  /// shorten it.
  void retire(std::chrono::seconds drain);
  /// Traffic could not connect. Thread: any
  void connect_failed(const snapshot::TargetKey& target);

 private:
  void pipe_frame(FramePipe& pipe, model::Frame frame) override;
  void pipe_idle(FramePipe& pipe) override;
  void pipe_closed(FramePipe& pipe, const std::string& reason) override;

  void take_local(const model::Frame& frame);
  void take_listen(FramePipe& pipe, const model::Frame& frame);
  void take_unlisten(const model::Frame& frame);
  void take_object(const model::Frame& frame);
  void take_verdict(const model::Frame& frame);
  void take_retire(const model::Frame& frame);
  void answer_stats(const model::Frame& question);
  void mark(const snapshot::TargetKey& target);

  void apply_soon();
  void apply();
  void report_drains();
  void send(const model::Frame& frame);
  void send_samples(const std::string& id);

  void open_pipe(UniqueFd socket);
  void call_node();
  void offer();
  void watch_end();
  void end();
  void say_ended();

  // Constant after construction.
  net::EventLoop& loop_;
  const ProxyRoleOptions options_;
  // Owned by the loop's thread.
  UniqueFd lock_;
  RoleEngine engine_;
  snapshot::LocalNode local_;
  snapshot::ObjectSet objects_;
  snapshot::Verdicts verdicts_;
  snapshot::CompiledPtr compiled_;
  snapshot::Changes changes_;                               // since then
  std::set<snapshot::TargetKey> marked_;                    // down, since then
  std::map<net::Endpoint, std::vector<UniqueFd>> sockets_;  // our copies, for a later node
  std::vector<std::string> drains_in_force_;                // records that are reported
  Json reported_drains_ = Json::array();                    // to the node of this pipe
  std::size_t drains_left_out_ = 0;
  bool is_ready_ = false;
  bool is_in_batch_ = false;  // objects have come, their commit has not
  bool is_retiring_ = false;
  bool is_ending_ = false;
  bool has_ended_ = false;
  Instant retire_deadline_ = Instant::max();
  net::TimerId apply_timer_ = 0;
  net::TimerId drain_timer_ = 0;
  net::TimerId call_timer_ = 0;
  net::TimerId end_timer_ = 0;
  std::unique_ptr<FramePipe> pipe_;
};

}  // namespace weir::agent
