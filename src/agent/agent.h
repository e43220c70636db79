// The node: one object on one loop that owns what was received (objects, verdicts, replica), health
// checks, addresses, listening sockets and the proxy children. reconcile() is level-triggered and
// the only place that calls down; every event merely notes a change. Parses no client byte.
// Thread: owner loop, but for hello(), status() and samples() (any).
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "agent/addresses.h"
#include "agent/binding.h"
#include "agent/fail_open_watch.h"
#include "agent/handover.h"
#include "agent/listen_sockets.h"
#include "agent/node_report.h"
#include "agent/proxy_children.h"
#include "agent/proxy_questions.h"
#include "agent/rendezvous.h"
#include "agent/replica.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "health/checker.h"
#include "net/event_loop.h"
#include "snapshot/compile.h"

namespace weir::agent {

/// Changes that come this close together make one step. Chosen because control sends one batch per
/// write, and a change must show within 500 ms.
inline constexpr std::chrono::milliseconds kCoalesce{10};
/// Reports to control: at most one per kReportPause, at least one per kReportMax. To a control that
/// keeps lists they are short and may come more often: a change shows there once it is reported.
inline constexpr std::chrono::milliseconds kReportPause{200};
inline constexpr std::chrono::milliseconds kShortReportPause{50};
/// Longest time without a report. Chosen because a node that is far behind is seen within one ping.
/// Reached: a report goes though nothing has changed.
inline constexpr std::chrono::seconds kReportMax{5};
/// Failed binds and addresses are tried again, and released addresses looked at, this often.
inline constexpr std::chrono::seconds kRetryPause{1};
/// Addresses that somebody else took away are put back this often, and a replica that misses a
/// write is written anew. Chosen because both may fail again and again, and neither is cheap.
inline constexpr std::chrono::seconds kRestorePause{5};
/// How long a start, and a stop, waits for a proxy that an earlier node left behind. Chosen because
/// an orphan that lives answers within some milliseconds. Reached: the start goes on with sockets
/// of its own, and a warning is logged.
inline constexpr std::chrono::seconds kOrphanWaitMax{2};

struct AgentOptions {
  std::string node_id;
  std::string build;
  std::string region;
  std::string az;
  std::vector<Binding> bindings;
  /// Probes of distributed network load balancers leave from here where the node has it; ::  =
  /// from where those of others do.
  net::IpAddress check_source{};
  int workers = 1;
  /// The node's own folder: replica, rendezvous, record of addresses. Made when missing.
  std::string data_dir;
  std::chrono::seconds drain_limit{3600};
  std::function<Result<ProxyProcess>()> start_proxy;
  AddressCalls addresses;
  /// Sockets of an earlier image of this program.
  std::vector<InheritedSockets> inherited;
};

/// What others may know at any time.
struct AgentStatus {
  Version version;            // complete up to here
  Version applied;            // by the proxy that serves
  bool is_serving = false;    // a proxy serves
  bool is_following = false;  // control is in reach
  Instant last_turn;          // the loop was alive
  std::size_t listeners = 0;
  std::size_t failures = 0;  // listeners and addresses that could not be opened
};

class Agent final : private ProxyChildren::User {
 public:
  /// Where frames and whole reports (docs/formats/frames.md) go, if control is in reach.
  struct Uplink {
    std::function<void(const model::Frame&)> send;
    std::function<void(Json)> report;
  };

  /// Reads the replica; nothing runs yet. Loop, metrics and probes must outlive the agent.
  /// Errors:  kAlreadyExists when another node uses the folder, kUnavailable, kPermissionDenied
  static Result<std::unique_ptr<Agent>> open(net::EventLoop& loop, Metrics& metrics,
                                             health::Probes probes, AgentOptions options);
  ~Agent() override;

  /// Serves what the replica holds, without waiting for control.
  void start(Uplink uplink);
  /// Stops accepting, lets connections end until `drain`, gives addresses back, calls `stopped`.
  /// Called again it can only make the drain shorter; the first `stopped` is called.
  void stop(std::chrono::seconds drain, std::function<void()> stopped);
  /// Starts a new proxy and retires the present one when it is warm.
  void replace_proxy();

  // What the link to control tells. `keeps_lists`: reports may come often.
  void control_connected(bool keeps_lists = false);
  void control_disconnected();
  void take_batch(Batch batch);
  void report_now();
  /// `explain?`: the answer goes up when the proxy that serves has given it.
  void take_question(const model::Frame& question) { questions_.ask(question); }

  Version version() const { return state_.objects.version(); }
  const ListenSockets& sockets() const { return sockets_; }
  /// Body of a hello, but for `have`. Thread: any
  Json hello() const;
  /// Thread: any
  AgentStatus status() const;
  /// Samples of the proxies; asks them and waits for kStatsPatience at most. Thread: any but the
  /// loop's own
  std::vector<Sample> samples() { return questions_.samples(); }

 private:
  /// For open() alone.
  Agent(net::EventLoop& loop, Metrics& metrics, health::Probes probes, AgentOptions options);
  Result<void> open_folder();
  void adopt_inherited();

  void sockets_offered(const net::Endpoint& endpoint, std::vector<UniqueFd> sockets) override;
  void orphan_offered_all() override;
  void proxy_reports(const model::Frame& frame) override;
  void serving_changed() override;
  void proxies_stopped() override;

  void begin();
  void reconcile_soon();
  void reconcile();
  void reconcile_machine();
  void update_local();
  void watch_check_source();
  void tick();
  void note_changed_keys(const Batch& batch);
  void note_replica(const Result<void>& result);
  void note_compiled();
  std::vector<WantedAddress> wanted_addresses();
  std::vector<WantedEndpoint> wanted_endpoints() const;

  void take_verdict(const snapshot::Verdict& verdict);
  void drop_verdict(const snapshot::TargetKey& target);
  void note_applied();

  void report_soon();
  void publish();

  // Constant after construction.
  net::EventLoop& loop_;
  Metrics& metrics_;
  AgentOptions options_;  // only `inherited` changes: it is taken

  // Owned by the loop's thread.
  UniqueFd node_lock_;
  ReplicaState state_;
  std::unique_ptr<Replica> replica_;
  bool is_replica_well_ = true;
  snapshot::LocalNode local_;
  Json local_json_ = Json::object();
  std::map<std::string, Binding> bindings_;        // by subnet id
  std::map<net::IpAddress, std::string> unbound_;  // addresses without a binding, their subnet
  snapshot::CompiledPtr compiled_;
  std::shared_ptr<const snapshot::Snapshot> snapshot_;  // never null
  snapshot::Changes changes_;                           // since the last step
  std::set<std::string> error_kinds_;
  FailOpenWatch fail_open_watch_;
  Instant orphans_until_{};  // until then a proxy may come whose connections nobody counts yet
  LeftOutWatch left_out_watch_;
  ListenSockets sockets_;
  Addresses addresses_;
  std::unique_ptr<Rendezvous> rendezvous_;
  Uplink uplink_;
  std::function<void()> stopped_;
  Version applied_;
  bool has_begun_ = false;
  bool is_stopping_ = false;
  bool is_following_ = false;
  net::TimerId begin_timer_ = 0;
  net::TimerId stop_timer_ = 0;
  Instant orphan_deadline_;  // of a stop
  net::TimerId reconcile_timer_ = 0;
  net::TimerId report_timer_ = 0;
  net::TimerId tick_timer_ = 0;
  Instant last_report_;
  std::chrono::milliseconds report_pause_ = kReportPause;
  Instant last_restore_;
  ProxyFeed feed_;
  ProxyChildren children_;
  ProxyQuestions questions_;
  health::Checker checker_;

  mutable Mutex mutex_;
  AgentStatus status_ WEIR_GUARDED_BY(mutex_);
  Json hello_ WEIR_GUARDED_BY(mutex_);
};

}  // namespace weir::agent
