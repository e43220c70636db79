// The proxy processes of a node: keeps one serving, whatever ends. A crash starts another at once;
// a replacement is warm before the old one is told to retire; orphans of an earlier `weir node`
// hand over their sockets at the rendezvous and retire the same way. Does not know what a Snapshot
// is. Thread: owner loop.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/proxy_child.h"
#include "agent/proxy_stats.h"
#include "base/metrics.h"
#include "net/event_loop.h"

namespace weir::agent {

/// A child that has not said `ready` after this time is given up. Source: reliability guide, P3: a
/// failed replacement is reported within 10 s. Reached: it is killed and another is started;
/// weir_proxy_starts_total{reason="crash"}.
inline constexpr std::chrono::seconds kChildStartMax{10};
/// A crash loop: more than this within kCrashWindow, where a crash after `ready` counts 1 and one
/// before it kFailedStartWeight. Chosen so that the sixth failed start in 10 s waits, while a child
/// that works and is killed every 100 ms is still replaced at once. Reached: the next start waits;
/// weir_proxy_starts_total goes on counting.
inline constexpr int kCrashWeightMax = 100;
inline constexpr int kFailedStartWeight = 20;
inline constexpr std::chrono::seconds kCrashWindow{10};
/// Pause between starts in a crash loop: doubles from the first to the last.
inline constexpr std::chrono::milliseconds kCrashPauseMin{500};
inline constexpr std::chrono::milliseconds kCrashPauseMax{10'000};
/// Beyond its drain limit a retired child gets this long to end by itself, then it is killed.
inline constexpr std::chrono::seconds kRetireGrace{2};

struct ProxyProcess {
  UniqueFd socket;
  pid_t pid = 0;  // 0 = nothing to kill
};

struct ProxyChildrenOptions {
  /// Starts a process whose descriptor 3 is the other end of `socket`.
  std::function<Result<ProxyProcess>()> start;
  /// How long an old child may live on for its connections.
  std::chrono::seconds drain_limit{3600};
};

class ProxyChildren final : private ProxyChild::User {
 public:
  class User {
   public:
    virtual ~User() = default;
    /// Sockets of an orphan, to be adopted.
    virtual void sockets_offered(const net::Endpoint& endpoint, std::vector<UniqueFd> sockets) = 0;
    virtual void orphan_offered_all() = 0;
    /// What a child reports: `applied`, `drains`, `connect_failed`, answers.
    virtual void proxy_reports(const model::Frame& frame) = 0;
    /// Another child serves, or none does.
    virtual void serving_changed() = 0;
    /// After stop(): the last child has gone.
    virtual void proxies_stopped() = 0;
  };

  /// `loop`, `metrics` and `user` must outlive this.
  ProxyChildren(net::EventLoop& loop, Metrics& metrics, const ProxyFeed& feed, User& user,
                ProxyChildrenOptions options);
  ~ProxyChildren() override;

  /// Starts the first child.
  void start();
  /// Starts a successor; the present child serves until it is ready.
  void replace();
  /// Takes the connection of an orphan.
  void take_orphan(UniqueFd socket, pid_t pid);
  /// Retires all; no child is started any more. Called again it can only make the drain shorter.
  void stop(std::chrono::seconds drain);

  void objects_changed(std::span<const snapshot::ObjectSet::Key> keys);
  void verdict_changed(const snapshot::TargetKey& target);
  void sockets_changed();
  /// Sends a question to the serving child. False when there is none.
  bool ask_serving(const model::Frame& question);
  /// Sends a question to every child and answers how many will reply.
  std::size_t ask_all(const model::Frame& question);

  /// No process is left.
  bool is_empty() const;
  /// The child that serves, or null.
  const ProxyChild* serving() const;
  /// What all processes together have left, by drain id. Nothing left is said only once each of
  /// them has applied the record.
  DrainsLeft drains() const;
  /// Samples delivered last by all processes, ended ones included.
  std::vector<Sample> samples() const;

 private:
  using ChildPtr = std::unique_ptr<ProxyChild>;

  void child_ready(ProxyChild& child) override;
  void child_offers(const net::Endpoint& endpoint, std::vector<UniqueFd> sockets) override;
  void child_offered(ProxyChild& child) override;
  void child_reports(ProxyChild& child, const model::Frame& frame) override;
  void child_gone(ProxyChild& child, const std::string& reason) override;

  void start_child(std::string_view reason);
  void start_timed_out(const ProxyChild* child, pid_t pid);
  std::chrono::milliseconds pause_after_crash(bool was_ready);
  void start_after(std::chrono::milliseconds pause);
  bool crashed(ProxyChild& child, const std::string& reason);
  void retire(ChildPtr child, std::chrono::seconds drain);
  void retire_orphans();
  void kill_late_after(std::chrono::seconds limit, const ProxyChild& child);
  void count_processes();
  template <class Call>
  void for_each(const Call& call);
  template <class Call>
  void for_each(const Call& call) const;

  // Constant after construction.
  net::EventLoop& loop_;
  Metrics& metrics_;
  const ProxyFeed& feed_;
  User& user_;
  const ProxyChildrenOptions options_;

  // Owned by the loop's thread.
  ChildPtr current_;
  ChildPtr successor_;  // starting
  std::vector<ChildPtr> retiring_;
  std::vector<ChildPtr> orphans_;
  std::vector<const ProxyChild*> orphans_done_;  // have offered everything
  SampleTotals totals_;
  std::deque<std::pair<Instant, int>> crashes_;  // with their weight
  std::chrono::milliseconds pause_{0};
  net::TimerId start_timer_ = 0;
  bool is_stopping_ = false;
  std::chrono::seconds stop_drain_{0};
};

}  // namespace weir::agent
