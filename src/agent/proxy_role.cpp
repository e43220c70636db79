#include "agent/proxy_role.h"

#include <fcntl.h>

#include <algorithm>
#include <utility>

#include "agent/drain_left.h"
#include "agent/protocol.h"
#include "agent/proxy_child.h"
#include "agent/proxy_explain.h"
#include "agent/proxy_stats.h"
#include "agent/rendezvous.h"
#include "base/check.h"
#include "base/log.h"
#include "snapshot/fail_open.h"
#include "snapshot/verdict_id.h"

namespace weir::agent {
namespace {

/// Samples of one `stats` frame. Chosen because each takes at most 250 bytes: 4 000 fit a frame.
constexpr std::size_t kSamplesPerFrame = 4000;
/// Bytes of the list in a `drains` frame. Chosen because a frame takes 1 MiB. Reached: further
/// targets are counted in "more" and not listed.
constexpr std::size_t kListBytesMax = 900'000;
/// Pause before a snapshot that is not in force is applied again. Chosen because the engine has
/// waited for its workers already.
constexpr std::chrono::milliseconds kApplyRetryPause{100};
/// How often a retiring role looks whether its engine has ended.
constexpr std::chrono::milliseconds kEndPause{20};

std::map<std::string, std::vector<net::IpAddress>> sources_of(const Json& local) {
  std::map<std::string, std::vector<net::IpAddress>> sources;
  const Json* const subnets = local.find("sources");
  if (subnets == nullptr || !subnets->is_object()) return sources;
  for (const auto& [subnet, list] : subnets->as_object()) {
    if (!list.is_array()) continue;
    for (const Json& item : list.as_array()) {
      const auto address = net::IpAddress::parse(item.is_string() ? item.as_string() : "");
      if (address) sources[subnet].push_back(*address);
    }
  }
  return sources;
}

std::int64_t whole_seconds(Clock::Duration time) {
  return std::chrono::floor<std::chrono::seconds>(time).count();
}

DrainLeft left_of(const dataplane::DrainProgress& progress) {
  const auto later = std::chrono::ceil<std::chrono::seconds>(progress.later);
  DrainLeft left{.is_waiting = progress.is_waiting,
                 .connections = progress.connections,
                 .oldest_seconds = whole_seconds(progress.oldest),
                 .later_seconds = later.count()};
  for (const dataplane::DrainingTarget& target : progress.targets) {
    left.targets[{target.target.service, target.target.slot}] = {
        .connections = target.connections, .oldest_seconds = whole_seconds(target.oldest)};
  }
  return left;
}

std::vector<UniqueFd> copies_of(const std::vector<UniqueFd>& sockets) {
  std::vector<UniqueFd> copies;
  for (const UniqueFd& socket : sockets) {
    copies.emplace_back(fcntl(socket.get(), F_DUPFD_CLOEXEC, 0));
  }
  return copies;
}

}  // namespace

ProxyRole::ProxyRole(net::EventLoop& loop, UniqueFd node, ProxyRoleOptions options)
    : loop_(loop), options_(std::move(options)) {
  if (!options_.folder.empty()) {
    // Before anything is received, so that a node that starts later knows of this proxy.
    Result<UniqueFd> lock = hold_proxy_lock(options_.folder);
    if (lock) {
      lock_ = *std::move(lock);
    } else {
      log::warning("no lock for this proxy", {{"detail", lock.error().message}});
    }
  }
  open_pipe(std::move(node));
}

ProxyRole::~ProxyRole() {
  for (const net::TimerId timer : {apply_timer_, drain_timer_, call_timer_, end_timer_}) {
    loop_.cancel(timer);
  }
}

void ProxyRole::open_pipe(UniqueFd socket) {
  FramePipe::User& self = *this;
  pipe_ = std::make_unique<FramePipe>(loop_, std::move(socket), self);
  reported_drains_ = Json::array();  // Another node has heard nothing yet.
}

void ProxyRole::pipe_idle(FramePipe& /*pipe*/) {
  if (is_ending_) say_ended();
}

void ProxyRole::pipe_frame(FramePipe& pipe, model::Frame frame) {
  if (frame.kind == message::kLocal) return take_local(frame);
  if (frame.kind == message::kRetire) return take_retire(frame);
  if (!engine_.engine) return;  // Nothing means anything before `local`.
  if (frame.kind == message::kListen) return take_listen(pipe, frame);
  if (frame.kind == message::kUnlisten) return take_unlisten(frame);
  if (frame.kind == message::kVerdict) return take_verdict(frame);
  if (frame.kind == message::kStatsQuestion) return answer_stats(frame);
  if (frame.kind == message::kExplainQuestion) return send(explain_answer(*engine_.engine, frame));
  if (frame.kind == message::kCommit) {
    objects_.set_version(frame.version);
    is_in_batch_ = false;
    return apply();
  }
  if (is_object_kind(frame.kind)) take_object(frame);
}

void ProxyRole::take_local(const model::Frame& frame) {
  const Result<Json> body = parse_json(frame.body, body_limits());
  if (!body) return;
  local_.node_id = frame.id;
  local_.source_addresses = sources_of(*body);
  if (engine_.engine) return;
  auto engine = options_.make_engine(static_cast<int>(body->integer_or("workers", 1)));
  if (engine) {
    engine_ = *std::move(engine);
    return;
  }
  log::error("cannot start the proxy engine", {{"detail", engine.error().message}});
  end();
}

void ProxyRole::take_listen(FramePipe& pipe, const model::Frame& frame) {
  const Result<Json> body = parse_json(frame.body);
  const Result<net::Endpoint> endpoint = net::Endpoint::parse(frame.id);
  const std::int64_t count = body ? body->integer_or("descriptors", 0) : 0;
  auto sockets = pipe.take_descriptors(count > 0 ? static_cast<std::size_t>(count) : 0);
  if (!endpoint || sockets.empty()) {
    log::error("a listen frame without endpoint or sockets", {{"id", frame.id}});
    return;
  }
  sockets_[*endpoint] = copies_of(sockets);
  const Result<void> taken = engine_.listen(*endpoint, std::move(sockets));
  if (!taken) {
    log::error("the engine refused sockets",
               {{"endpoint", frame.id}, {"detail", taken.error().message}});
  }
}

void ProxyRole::take_unlisten(const model::Frame& frame) {
  const Result<net::Endpoint> endpoint = net::Endpoint::parse(frame.id);
  if (!endpoint) return;
  engine_.unlisten(*endpoint);
  sockets_.erase(*endpoint);
}

void ProxyRole::take_object(const model::Frame& frame) {
  // Half of a batch must not be compiled: its commit does that, verdicts included.
  is_in_batch_ = true;
  loop_.cancel(std::exchange(apply_timer_, 0));
  // A version lower than the one held was applied before.
  objects_.apply(frame);
  changes_.objects.emplace(frame.kind, frame.id);
}

void ProxyRole::take_verdict(const model::Frame& frame) {
  const Result<snapshot::TargetKey> target = snapshot::target_of_verdict_id(frame.id);
  if (!target) return;
  changes_.verdicts.insert(*target);
  if (frame.is_tombstone) {
    verdicts_.erase(*target);
    return apply_soon();
  }
  const Result<Json> body = parse_json(frame.body);
  Result<snapshot::Verdict> verdict =
      body ? snapshot::verdict_from_json(*body) : Result<snapshot::Verdict>(body.error());
  if (!verdict) {
    log::warning("a verdict that cannot be read",
                 {{"id", frame.id}, {"detail", verdict.error().message}});
    return;
  }
  verdicts_.insert_or_assign(*target, *std::move(verdict));
  mark(*target);
  apply_soon();
}

/// Down at once; up comes with the next Snapshot, which knows weight and administrative state too.
void ProxyRole::mark(const snapshot::TargetKey& target) {
  if (verdicts_.at(target).lets_traffic()) return;
  const auto now = compiled_ != nullptr ? snapshot::snapshot_of(*compiled_) : nullptr;
  if (now != nullptr && snapshot::keeps_traffic({*now, marked_}, verdicts_, target)) return;
  const dataplane::HealthMark down{.target = target, .takes_new = false, .keeps_old = true};
  engine_.engine->mark({&down, 1});
  marked_.insert(target);
}

void ProxyRole::apply_soon() {
  if (!is_ready_ || is_in_batch_ || apply_timer_ != 0) return;
  apply_timer_ = loop_.run_after(kVerdictPause, [this] { apply(); });
}

void ProxyRole::apply() {
  loop_.cancel(std::exchange(apply_timer_, 0));
  const snapshot::Changes changes = std::exchange(changes_, {});
  compiled_ = snapshot::compile(
      {.objects = objects_, .verdicts = verdicts_, .local = local_, .changes = &changes},
      std::move(compiled_));
  const auto snapshot = snapshot::snapshot_of(*compiled_);
  marked_.clear();
  const Result<dataplane::Applied> applied = engine_.engine->apply(snapshot);
  if (!applied) {
    log::error("the engine refused a snapshot",
               {{"version", to_string(snapshot->version)}, {"detail", applied.error().message}});
    return;
  }
  if (applied->version != snapshot->version) {
    log::warning(
        "a snapshot is not in force yet, it is applied again",
        {{"version", to_string(snapshot->version)}, {"in_force", to_string(applied->version)}});
    apply_timer_ = loop_.run_after(kApplyRetryPause, [this] { apply(); });
    return;
  }
  drains_in_force_.clear();
  for (const auto& drain : snapshot->drains) drains_in_force_.push_back(drain->id);
  report_drains();
  // Without its errors: the node compiles the same objects and reports them itself.
  send(signal_frame(message::kApplied, {}, snapshot->version));
  if (std::exchange(is_ready_, true)) return;
  send(signal_frame(message::kReady));
}

/// While there are drain records: what is left of them, whenever that changes.
void ProxyRole::report_drains() {
  loop_.cancel(std::exchange(drain_timer_, 0));
  DrainsLeft left;
  for (const std::string& id : drains_in_force_) left[id] = {};
  for (const dataplane::DrainProgress& progress : engine_.engine->progress()) {
    const auto found = left.find(progress.record);
    if (found != left.end()) found->second = left_of(progress);
  }
  BoundedDrains report = drains_json(left, kListBytesMax);
  if (std::exchange(drains_left_out_, report.more) == 0 && report.more > 0) {
    log::warning("more drains than a report holds", {{"left_out", report.more}});
  }
  if (report.list != reported_drains_) {
    send(message_frame(message::kDrains, {}, report.list));
    reported_drains_ = std::move(report.list);
  }
  if (drains_in_force_.empty()) return;
  drain_timer_ = loop_.run_after(kDrainReportPause, [this] { report_drains(); });
}

void ProxyRole::connect_failed(const snapshot::TargetKey& target) {
  loop_.post([this, target] {
    send(signal_frame(message::kConnectFailed, snapshot::verdict_id(target)));
  });
}

void ProxyRole::send(const model::Frame& frame) {
  if (pipe_) pipe_->send(frame);
}

void ProxyRole::answer_stats(const model::Frame& question) { send_samples(question.id); }

void ProxyRole::send_samples(const std::string& id) {
  std::vector<Sample> samples;
  if (engine_.engine) engine_.engine->stats(samples);
  samples.push_back({Metric::kBugs, {}, static_cast<double>(check::bug_count())});
  std::size_t at = 0;
  do {  // At least one frame: the asker waits for it.
    const std::size_t end = std::min(samples.size(), at + kSamplesPerFrame);
    const auto begin = samples.begin();
    const std::vector<Sample> part(begin + static_cast<std::ptrdiff_t>(at),
                                   begin + static_cast<std::ptrdiff_t>(end));
    send(message_frame(
        message::kStats, id,
        Json::object({{"more", end < samples.size()}, {"samples", samples_json(part)}})));
    at = end;
  } while (at < samples.size());
}

void ProxyRole::take_retire(const model::Frame& frame) {
  const Result<Json> body = parse_json(frame.body);
  retire(std::chrono::seconds(body ? body->integer_or("drainSeconds", 0) : 0));
}

void ProxyRole::retire(std::chrono::seconds drain) {
  if (!engine_.engine) return end();
  const Instant deadline = loop_.clock().now() + drain;
  if (deadline >= retire_deadline_) return;
  retire_deadline_ = deadline;
  log::info("this proxy retires", {{"drain_seconds", drain.count()}});
  engine_.engine->stop(deadline);
  if (std::exchange(is_retiring_, true)) return;
  // Only a proxy that could accept counts as one that a later node may wait for.
  lock_.reset();
  sockets_.clear();
  loop_.cancel(std::exchange(call_timer_, 0));
  watch_end();
}

void ProxyRole::watch_end() {
  if (engine_.is_stopped()) return end();
  end_timer_ = loop_.run_after(kEndPause, [this] { watch_end(); });
}

/// The last samples must leave first, or the node's totals would fall back.
void ProxyRole::end() {
  if (std::exchange(is_ending_, true)) return;
  send_samples("last");
  if (!pipe_ || !pipe_->is_open() || pipe_->is_idle()) return say_ended();
  // From here the kernel delivers what it has taken: pipe_idle(), pipe_closed(), or this.
  loop_.cancel(end_timer_);
  end_timer_ = loop_.run_after(kLastWordsMax, [this] { say_ended(); });
}

void ProxyRole::say_ended() {
  if (std::exchange(has_ended_, true)) return;
  loop_.cancel(std::exchange(end_timer_, 0));
  options_.ended();
}

void ProxyRole::pipe_closed(FramePipe& /*pipe*/, const std::string& reason) {
  pipe_.reset();
  if (is_ending_) return say_ended();
  if (is_retiring_) return;
  if (!is_ready_ || options_.folder.empty()) {
    log::warning("the node is gone before this proxy served", {{"detail", reason}});
    options_.ended();
    return;
  }
  log::warning("the node is gone, this proxy serves on", {{"detail", reason}});
  call_node();
}

void ProxyRole::call_node() {
  call_timer_ = 0;
  Result<UniqueFd> socket = call_at_rendezvous(options_.folder);
  if (socket) {
    log::info("found a node, offering sockets", {{"endpoints", sockets_.size()}});
    open_pipe(*std::move(socket));
    return offer();
  }
  if (socket.error().code == ErrorCode::kNotFound) {
    log::warning("the folder of the node is gone, no node can come", {{"path", options_.folder}});
    return retire(kAbandonedDrain);
  }
  call_timer_ = loop_.run_after(kOrphanPause, [this] { call_node(); });
}

void ProxyRole::offer() {
  send(message_frame(message::kOrphan, {}, Json::object({{"build", options_.build}}),
                     objects_.version()));
  for (const auto& [endpoint, sockets] : sockets_) {
    std::vector<int> descriptors;
    for (const UniqueFd& socket : sockets) descriptors.push_back(socket.get());
    const Json body = Json::object({{"descriptors", descriptors.size()}});
    pipe_->send(message_frame(message::kListen, endpoint.text(), body), descriptors);
  }
  send(signal_frame(message::kOffered));
}

}  // namespace weir::agent
