// One proxy process as its node sees it: feeds it the newest state whenever its socket takes more
// (never a backlog of old changes), and passes on what it reports. When to start and to retire one
// is decided in proxy_children.h. Thread: owner loop.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "agent/drain_left.h"
#include "agent/frame_pipe.h"
#include "agent/listen_sockets.h"
#include "base/json.h"
#include "base/metrics.h"
#include "snapshot/object_set.h"
#include "snapshot/verdict.h"

namespace weir::agent {

/// What a child is fed from; owned by the agent, outlives every child.
struct ProxyFeed {
  const snapshot::ObjectSet& objects;
  const snapshot::Verdicts& verdicts;
  const ListenSockets& sockets;
  /// Node id and body of the `local` frame; sent again when it changes.
  const std::string& node_id;
  const Json& local;
};

class ProxyChild final : private FramePipe::User {
 public:
  enum class State {
    kStarting,  // fed, not ready yet
    kServing,   // ready
    kOrphan,    // of a node that is gone: serves what it knows, is not fed
    kRetiring,  // accepts nothing, ends with its last connection; still fed, for drains
  };

  class User {
   public:
    virtual ~User() = default;
    virtual void child_ready(ProxyChild& child) = 0;
    /// Sockets of an orphan have come.
    virtual void child_offers(const net::Endpoint& endpoint, std::vector<UniqueFd> sockets) = 0;
    /// The orphan has offered all it has.
    virtual void child_offered(ProxyChild& child) = 0;
    virtual void child_reports(ProxyChild& child, const model::Frame& frame) = 0;
    /// Its socket is closed: it ended, or will soon. May destroy the child.
    virtual void child_gone(ProxyChild& child, const std::string& reason) = 0;
  };

  /// A child to be fed, or an orphan when `state` says so. `pid` 0 = unknown.
  ProxyChild(net::EventLoop& loop, UniqueFd socket, const ProxyFeed& feed, User& user,
             State state = State::kStarting, pid_t pid = 0);

  /// Notes what has changed and sends as much as the socket takes.
  void objects_changed(std::span<const snapshot::ObjectSet::Key> keys);
  void verdict_changed(const snapshot::TargetKey& target);
  void sockets_changed();
  /// Tells it to stop accepting and to end with its last connection or after `drain`; said
  /// again, the earlier end counts.
  void retire(std::chrono::seconds drain);
  /// Asks a question ("stats?", "explain?"); the answer comes as a report.
  void ask(const model::Frame& question);

  State state() const { return state_; }
  pid_t pid() const { return pid_; }
  /// What it said it has applied.
  Version applied() const { return applied_; }
  /// A record that it has not applied yet is not there.
  const DrainsLeft& drains() const { return drains_; }
  /// Endpoints whose sockets it holds and whose listeners it has applied.
  bool serves(const net::Endpoint& endpoint) const;
  /// The samples it delivered last.
  const std::vector<Sample>& samples() const { return samples_; }

 private:
  void pipe_frame(FramePipe& pipe, model::Frame frame) override;
  void pipe_idle(FramePipe& pipe) override;
  void pipe_closed(FramePipe& pipe, const std::string& reason) override;

  void feed_all();
  void pump();
  void send_sockets();
  void send_objects();
  void send_verdicts();
  void drop_sockets();
  bool is_fed() const { return state_ != State::kOrphan; }
  void take_offer(FramePipe& pipe, const model::Frame& frame);
  void take_drains(const model::Frame& frame);
  void take_stats(const model::Frame& frame);

  // Constant after construction.
  const ProxyFeed& feed_;
  User& user_;
  // Owned by the loop's thread.
  State state_;
  pid_t pid_;
  std::set<snapshot::ObjectSet::Key> changed_objects_;
  std::set<snapshot::TargetKey> changed_verdicts_;
  std::map<net::Endpoint, std::uint64_t> sent_sockets_;  // by generation
  Json sent_local_;
  std::optional<Version> commit_;  // to be said once everything up to there was sent
  Version applied_;
  DrainsLeft drains_;
  std::vector<Sample> samples_;
  std::vector<Sample> samples_coming_;
  FramePipe pipe_;  // last: its callbacks need the rest
};

}  // namespace weir::agent
