// Decides when each target of the checked backend services is probed, and turns outcomes into
// verdict records. A new target is probed back to back until its first verdict, then once per
// interval; a failed connect in traffic brings the next probe forward; probes of one target never
// overlap. What a verdict means for traffic is compile's business; sending it on is the agent's.
// Thread: agent loop.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "health/probe.h"
#include "health/tracker.h"
#include "net/event_loop.h"
#include "snapshot/snapshot.h"
#include "snapshot/verdict.h"

namespace weir::health {

/// Probes that run at once; others wait in the order they fell due.
/// Chosen because it carries 1000 silent targets at the default interval and timeout with room to
/// spare and stays below half of the usual 4096 descriptors. Reached: the others wait, counted in
/// weir_health_limit_reached_total{limit="probes_running"}.
inline constexpr std::size_t kProbesRunningMax = 1024;

/// Pause between the starts of two probes of a target without a verdict, and the shortest pause
/// before a probe that traffic asked for. Source: product.md C.7.
inline constexpr std::chrono::milliseconds kBackToBackPause{200};

/// The probes to use, by check protocol. Both must outlive the checker.
struct Probes {
  Probe& tcp;
  Probe& http;
};

struct CheckerOptions {
  std::string prober{};  // node id, stands in every record
  std::size_t running_max = kProbesRunningMax;
  /// A new or changed record. May call back into the checker.
  std::function<void(const snapshot::Verdict&)> verdict;
  /// This target is checked no more and its record is void. May call back into the checker.
  std::function<void(const snapshot::TargetKey&)> gone;
};

class Checker {
 public:
  /// `loop` and `metrics` must outlive the checker.
  Checker(net::EventLoop& loop, Metrics& metrics, Probes probes, CheckerOptions options);
  ~Checker();
  Checker(const Checker&) = delete;
  Checker& operator=(const Checker&) = delete;

  /// Records from before a restart: they hold until the first new one. Call before the first
  /// configure(), which drops (and reports as gone) those it does not name.
  void seed(const snapshot::Verdicts& verdicts);

  /// From now on checks the targets of `services`, which ascend by id, and those of a group that
  /// shall replace the one in force. Level-triggered: targets that were there before keep their
  /// state, also when settings changed; one whose address or port changed starts anew. A target
  /// that security groups deny is unhealthy without a probe. With its check closed a service is not
  /// probed, and its records say so until the first verdicts after the opening. Cost: that of the
  /// services whose pointer changed.
  void configure(std::span<const std::shared_ptr<const snapshot::Service>> services);

  /// Traffic could not connect: probe now, at most once per kBackToBackPause. Unknown targets are
  /// ignored.
  void connect_failed(const snapshot::TargetKey& target);

  std::size_t running() const { return running_; }

 private:
  struct Settings;
  struct Check;
  struct Events;
  using Checks = std::map<snapshot::TargetKey, std::unique_ptr<Check>>;

  void update_service(const snapshot::Service& service, Events& events);
  void update_targets(const snapshot::Service& service, const std::string& group,
                      const std::vector<snapshot::Target>& targets, Events& events);
  void add(const snapshot::TargetKey& key, Settings settings, Events& events);
  void change(Check& check, Settings settings, Events& events);
  void forget(Check& check, Events& events);
  void deny(Check& check, Events& events);
  void start_anew(Check& check, Events& events);
  void remove_service(const std::string& id, Events& events);
  Checks::iterator remove(Checks::iterator at, Events& events);
  void emit(const Events& events) const;

  void schedule(Check& check, Instant when);
  void schedule_after_outcome(Check& check);
  void halt(Check& check);
  void due(Check& check);
  void begin(Check& check);
  void begin_waiting();
  void finish(Check& check, const ProbeOutcome& outcome);
  void observe(Check& check, const ProbeOutcome& outcome, Events& events);
  void note_not_run(const ProbeOutcome& outcome);
  void write_record(Check& check, const Transition& transition, Events& events);
  void put_record(Check& check, snapshot::Verdict record, Events& events);

  // Constant after construction.
  net::EventLoop& loop_;
  Metrics& metrics_;
  const Probes probes_;
  const CheckerOptions options_;

  // Owned by the agent loop.
  std::map<std::string, std::shared_ptr<const snapshot::Service>> services_;
  Checks checks_;
  snapshot::Verdicts seeds_;
  std::deque<snapshot::TargetKey> waiting_;  // may name checks that are gone or wait no more
  std::size_t running_ = 0;
  std::uint64_t sequence_ = 0;  // of the last record
  Instant next_warning_;        // earliest time to say again that probes cannot run
};

}  // namespace weir::health
