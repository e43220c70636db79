#include "health/checker.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "base/mutant.h"
#include "health/schedule.h"

namespace weir::health {

using snapshot::HealthState;
using snapshot::Service;
using snapshot::Target;
using snapshot::TargetKey;
using snapshot::Verdict;

namespace {

/// A probe that starts later than planned by less than this keeps its place on the grid of ticks.
/// Chosen because it is the start jitter that the reliability guide allows (H6).
constexpr std::chrono::milliseconds kStartJitter{100};

/// The first probes after a restart are spread over this time. Source: reliability.md H8, "back
/// within one second".
constexpr std::chrono::seconds kRestartSpread{1};

/// Pause between two log lines that say that probes cannot run. Chosen because people need it once.
constexpr std::chrono::minutes kWarningPause{1};

std::optional<net::IpAddress> source_for(const Service& service, const TargetKey& key,
                                         const net::IpAddress& target) {
  if (service.check_source && !mutant("check-source-ignored")) return service.check_source;
  std::vector<net::IpAddress> fitting;
  for (const auto& source : service.source_addresses) {
    if (source.is_v4() == target.is_v4()) fitting.push_back(source);
  }
  if (fitting.empty()) return std::nullopt;
  return fitting[key.slot.value % fitting.size()];
}

}  // namespace

/// What was asked for one target.
struct Checker::Settings {
  net::Endpoint traffic;  // its change makes the target another one
  ProbeTarget probe;
  bool is_closed = false;
  std::string denied{};  // why no probe may leave; empty: it may

  Thresholds thresholds() const {
    return {.healthy = probe.check.healthy_threshold, .unhealthy = probe.check.unhealthy_threshold};
  }
  friend bool operator==(const Settings&, const Settings&) = default;
};

struct Checker::Check {
  //   kIdle <--- check closed --- (any)
  //     | opened
  //     v
  //   kTimed --- due ---> kRunning --- outcome ---> kTimed
  //     |                    ^
  //     +- limit reached -> kWaiting
  enum class Stage { kIdle, kTimed, kWaiting, kRunning };

  TargetKey key;
  Settings settings;
  Tracker tracker;
  std::optional<Verdict> record;
  Stage stage = Stage::kIdle;
  Instant planned{};  // start of the next, or of the running, probe
  Instant started{};  // of the last probe
  net::TimerId timer = 0;
  Probe* probe = nullptr;
  ProbeId probe_id = 0;
};

/// What the owner is told once the checker's own state is consistent again.
struct Checker::Events {
  std::vector<TargetKey> gone;
  std::vector<Verdict> verdicts;
};

Checker::Checker(net::EventLoop& loop, Metrics& metrics, Probes probes, CheckerOptions options)
    : loop_(loop), metrics_(metrics), probes_(probes), options_(std::move(options)) {}

Checker::~Checker() {
  for (auto& [key, check] : checks_) halt(*check);
}

void Checker::seed(const snapshot::Verdicts& verdicts) {
  for (const auto& [key, verdict] : verdicts) {
    seeds_.insert_or_assign(key, verdict);
    sequence_ = std::max(sequence_, verdict.sequence);
  }
}

void Checker::configure(std::span<const std::shared_ptr<const Service>> services) {
  Events events;
  const auto service_id = [](const auto& service) -> const std::string& { return service->id; };
  (void)WEIR_BUG(!std::ranges::is_sorted(services, {}, service_id));
  // Both ascend by id.
  auto at = services_.begin();
  const auto remove_until = [&](const auto& is_reached) {
    while (at != services_.end() && !is_reached(at->first)) {
      remove_service(at->first, events);
      at = services_.erase(at);
    }
  };
  for (const auto& service : services) {
    // As a rule nearly all have stayed: no look into them.
    if (at == services_.end() || at->second != service) {
      remove_until([&](const std::string& id) { return id >= service->id; });
      const bool is_known = at != services_.end() && at->first == service->id;
      if (!is_known) at = services_.emplace_hint(at, service->id, nullptr);
      update_service(*service, events);
      at->second = service;
    }
    ++at;
  }
  remove_until([](const std::string&) { return false; });
  for (const auto& [key, verdict] : std::exchange(seeds_, {})) {
    if (!checks_.contains(key)) events.gone.push_back(key);
  }
  begin_waiting();
  emit(events);
}

void Checker::update_service(const Service& service, Events& events) {
  std::set<TargetKey> wanted;
  for (const Target& target : service.targets) {
    if (!target.is_forbidden) wanted.insert({service.id, service.group_id, target.slot});
  }
  for (const Target& target : service.next_targets) {
    if (!target.is_forbidden) wanted.insert({service.id, service.next_group_id, target.slot});
  }
  auto at = checks_.lower_bound({service.id, "", Slot(0)});
  while (at != checks_.end() && at->first.service == service.id) {
    at = wanted.contains(at->first) ? std::next(at) : remove(at, events);
  }
  update_targets(service, service.group_id, service.targets, events);
  update_targets(service, service.next_group_id, service.next_targets, events);
}

void Checker::update_targets(const Service& service, const std::string& group,
                             const std::vector<Target>& targets, Events& events) {
  for (const Target& target : targets) {
    if (target.is_forbidden) continue;
    const TargetKey key{service.id, group, target.slot};
    net::Endpoint checked = target.endpoint;
    if (service.check.port != 0) checked.port = service.check.port;
    Settings settings{.traffic = target.endpoint,
                      .probe = {.endpoint = checked,
                                .source = source_for(service, key, checked.address),
                                .check = service.check},
                      .is_closed = service.is_check_closed,
                      .denied = target.denied};
    const auto found = checks_.find(key);
    if (found == checks_.end()) {
      add(key, std::move(settings), events);
    } else if (found->second->settings != settings) {
      change(*found->second, std::move(settings), events);
    }
  }
}

void Checker::add(const TargetKey& key, Settings settings, Events& events) {
  const auto seed = seeds_.extract(key);
  std::optional<Verdict> record;
  if (!seed.empty()) record = std::move(seed.mapped());
  const HealthState held = record ? record->state : HealthState::kInitial;
  auto check = std::make_unique<Check>(Check{.key = key,
                                             .settings = std::move(settings),
                                             .tracker = Tracker({}, held),
                                             .record = std::move(record)});
  check->tracker.set_thresholds(check->settings.thresholds());
  const Instant now = loop_.clock().now();
  const bool is_held = held != HealthState::kInitial;
  if (check->settings.is_closed) {
    forget(*check, events);
  } else if (!check->settings.denied.empty()) {
    deny(*check, events);
  } else {
    schedule(*check, is_held ? now + spread(key, kRestartSpread) : now);
  }
  checks_.emplace(key, std::move(check));
}

void Checker::change(Check& check, Settings settings, Events& events) {
  const Settings old = std::exchange(check.settings, std::move(settings));
  check.tracker.set_thresholds(check.settings.thresholds());
  const bool is_other =
      old.traffic != check.settings.traffic || old.denied != check.settings.denied;
  if (is_other) return start_anew(check, events);
  if (check.settings.is_closed) {
    halt(check);
    return forget(check, events);
  }
  if (!check.settings.denied.empty()) return deny(check, events);
  const Instant now = loop_.clock().now();
  if (old.is_closed) return schedule(check, now);
  const bool is_held = check.tracker.state() != HealthState::kInitial;
  const Clock::Duration interval = check.settings.probe.check.interval;
  const bool is_other_interval = old.probe.check.interval != interval;
  if (is_held && is_other_interval && check.stage == Check::Stage::kTimed) {
    schedule(check, next_tick(Instant(spread(check.key, interval)), interval, now));
  }
}

/// What was known before the check was closed says nothing about the time of its opening: until its
/// first verdict from then on a target takes traffic as before, whatever it was and whether it was
/// there at all.
void Checker::forget(Check& check, Events& events) {
  check.tracker = Tracker(check.settings.thresholds());
  if (check.record && check.record->is_check_closed()) return;
  put_record(check, {.target = check.key, .reason = std::string(snapshot::kCheckClosed)}, events);
}

/// Security groups let no connection through to it: no probe is needed to know what one would find.
void Checker::deny(Check& check, Events& events) {
  check.tracker = Tracker(check.settings.thresholds(), HealthState::kUnhealthy);
  const ProbeOutcome outcome{ProbeReason::kConnectFailed, check.settings.denied};
  const bool is_said = check.record && check.record->state == HealthState::kUnhealthy &&
                       check.record->reason == probe_reason_name(outcome.reason) &&
                       check.record->detail == outcome.detail;
  if (is_said) return;
  write_record(check,
               {.to = HealthState::kUnhealthy, .at = loop_.clock().now(), .because = outcome},
               events);
}

void Checker::start_anew(Check& check, Events& events) {
  halt(check);
  if (check.settings.is_closed) return forget(check, events);
  if (!check.settings.denied.empty()) return deny(check, events);
  check.tracker = Tracker(check.settings.thresholds());
  const bool is_known = check.record && (check.record->state != HealthState::kInitial ||
                                         check.record->is_check_closed());
  if (is_known) write_record(check, {.at = loop_.clock().now(), .because = {}}, events);
  schedule(check, loop_.clock().now());
}

void Checker::remove_service(const std::string& id, Events& events) {
  auto at = checks_.lower_bound({id, "", Slot(0)});
  while (at != checks_.end() && at->first.service == id) at = remove(at, events);
}

Checker::Checks::iterator Checker::remove(Checks::iterator at, Events& events) {
  halt(*at->second);
  events.gone.push_back(at->first);
  return checks_.erase(at);
}

void Checker::emit(const Events& events) const {
  for (const auto& key : events.gone) options_.gone(key);
  for (const auto& verdict : events.verdicts) options_.verdict(verdict);
}

void Checker::connect_failed(const TargetKey& target) {
  const auto found = checks_.find(target);
  if (found == checks_.end() || found->second->stage != Check::Stage::kTimed) return;
  Check& check = *found->second;
  const Instant when = std::max(loop_.clock().now(), check.started + kBackToBackPause);
  if (when < check.planned) schedule(check, when);
}

void Checker::schedule(Check& check, Instant when) {
  loop_.cancel(std::exchange(check.timer, 0));
  check.stage = Check::Stage::kTimed;
  check.planned = when;
  check.timer = loop_.run_at(when, [this, &check] { due(check); });
}

void Checker::schedule_after_outcome(Check& check) {
  const auto& settings = check.settings.probe.check;
  const bool is_late = check.started - check.planned >= kStartJitter;
  const Instant start = is_late ? check.started : check.planned;
  // A probe that ran into its deadline ended when it was due to, even if the loop came later.
  const auto taken =
      std::min<Clock::Duration>(loop_.clock().now() - check.started, settings.timeout);
  const Instant at_least = std::max(start + taken, start + Clock::Duration(1));
  if (check.tracker.state() == HealthState::kInitial) {
    return schedule(check, next_tick(start, kBackToBackPause, at_least));
  }
  const Clock::Duration interval = settings.interval;
  schedule(check, next_tick(Instant(spread(check.key, interval)), interval, at_least));
}

void Checker::halt(Check& check) {
  loop_.cancel(std::exchange(check.timer, 0));
  if (check.stage == Check::Stage::kRunning) {
    check.probe->cancel(check.probe_id);
    --running_;
  }
  check.stage = Check::Stage::kIdle;
}

void Checker::due(Check& check) {
  check.timer = 0;
  if (running_ < options_.running_max) return begin(check);
  check.stage = Check::Stage::kWaiting;
  waiting_.push_back(check.key);
  metrics_.value(Metric::kHealthLimitReached, {"probes_running"}).add();
}

void Checker::begin(Check& check) {
  const auto& target = check.settings.probe;
  check.stage = Check::Stage::kRunning;
  check.started = loop_.clock().now();
  check.probe =
      target.check.protocol == snapshot::CheckProtocol::kHttp ? &probes_.http : &probes_.tcp;
  ++running_;
  check.probe_id =
      check.probe->start(target, check.started + target.check.timeout,
                         [this, &check](const ProbeOutcome& outcome) { finish(check, outcome); });
}

void Checker::begin_waiting() {
  while (!waiting_.empty() && running_ < options_.running_max) {
    const TargetKey key = std::move(waiting_.front());
    waiting_.pop_front();
    const auto found = checks_.find(key);
    if (found != checks_.end() && found->second->stage == Check::Stage::kWaiting) {
      begin(*found->second);
    }
  }
}

void Checker::finish(Check& check, const ProbeOutcome& outcome) {
  Events events;
  --running_;
  check.stage = Check::Stage::kTimed;
  if (outcome.reason != ProbeReason::kNotRun) observe(check, outcome, events);
  note_not_run(outcome);
  const std::string_view result = outcome.reason == ProbeReason::kNotRun ? "not_run"
                                  : outcome.success()                    ? "success"
                                                                         : "failure";
  metrics_.value(Metric::kHealthChecks, {check.key.service, std::string(result)}).add();
  schedule_after_outcome(check);
  begin_waiting();
  emit(events);
}

void Checker::observe(Check& check, const ProbeOutcome& outcome, Events& events) {
  const Transition transition = check.tracker.observe(outcome, loop_.clock().now());
  // An unhealthy target whose trouble is another one now says so: the reason is what people read.
  const bool is_other_trouble = transition.to == HealthState::kUnhealthy && !outcome.success() &&
                                check.record &&
                                check.record->reason != probe_reason_name(outcome.reason);
  if (transition.changed() || is_other_trouble) write_record(check, transition, events);
}

void Checker::note_not_run(const ProbeOutcome& outcome) {
  const Instant now = loop_.clock().now();
  if (outcome.reason != ProbeReason::kNotRun || now < next_warning_) return;
  next_warning_ = now + kWarningPause;
  log::warning("a health probe could not run; verdicts stay as they are",
               {{"detail", outcome.detail}});
}

void Checker::write_record(Check& check, const Transition& transition, Events& events) {
  put_record(check,
             {.target = check.key,
              .state = transition.to,
              .reason = std::string(probe_reason_name(transition.because.reason)),
              .detail = transition.because.detail},
             events);
}

void Checker::put_record(Check& check, Verdict record, Events& events) {
  const bool is_new_state = !check.record || check.record->state != record.state;
  record.since = is_new_state ? utc_text(loop_.clock().wall_now()) : check.record->since;
  record.prober = options_.prober;
  record.sequence = ++sequence_;
  check.record = record;
  events.verdicts.push_back(std::move(record));
}

}  // namespace weir::health
