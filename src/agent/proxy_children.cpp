#include "agent/proxy_children.h"

#include <signal.h>

#include <algorithm>
#include <utility>

#include "agent/protocol.h"
#include "base/log.h"

namespace weir::agent {
namespace {

constexpr std::string_view kFirst = "first";
constexpr std::string_view kCrash = "crash";
constexpr std::string_view kReplace = "replace";

/// Takes the child out of `children`, or answers null when it is not among them.
std::unique_ptr<ProxyChild> take(std::vector<std::unique_ptr<ProxyChild>>& children,
                                 const ProxyChild& child) {
  const auto at = std::ranges::find(children, &child, &std::unique_ptr<ProxyChild>::get);
  if (at == children.end()) return nullptr;
  auto taken = std::move(*at);
  children.erase(at);
  return taken;
}

}  // namespace

ProxyChildren::ProxyChildren(net::EventLoop& loop, Metrics& metrics, const ProxyFeed& feed,
                             User& user, ProxyChildrenOptions options)
    : loop_(loop), metrics_(metrics), feed_(feed), user_(user), options_(std::move(options)) {}

ProxyChildren::~ProxyChildren() { loop_.cancel(start_timer_); }

template <class Call>
void ProxyChildren::for_each(const Call& call) {
  if (current_) call(*current_);
  if (successor_) call(*successor_);
  for (const ChildPtr& child : retiring_) call(*child);
  for (const ChildPtr& child : orphans_) call(*child);
}

template <class Call>
void ProxyChildren::for_each(const Call& call) const {
  const_cast<ProxyChildren*>(this)->for_each([&call](const ProxyChild& child) { call(child); });
}

void ProxyChildren::start() { start_child(kFirst); }

void ProxyChildren::replace() {
  // One that is starting now is new enough.
  if (!is_stopping_ && !successor_) start_child(kReplace);
}

void ProxyChildren::start_child(std::string_view reason) {
  if (is_stopping_) return;
  Result<ProxyProcess> process = options_.start();
  metrics_.value(Metric::kProxyStarts, {std::string(reason)}).add();
  if (!process) {
    log::error("cannot start a proxy", {{"detail", process.error().message}});
    start_after(pause_after_crash(false));
    return;
  }
  log::info("started a proxy", {{"pid", process->pid}, {"reason", reason}});
  ChildPtr& place = current_ ? successor_ : current_;
  ProxyChild::User& self = *this;
  place = std::make_unique<ProxyChild>(loop_, std::move(process->socket), feed_, self,
                                       ProxyChild::State::kStarting, process->pid);
  loop_.run_after(kChildStartMax,
                  [this, child = place.get(), pid = process->pid] { start_timed_out(child, pid); });
  count_processes();
}

/// `child` may be gone: only compared.
void ProxyChildren::start_timed_out(const ProxyChild* child, pid_t pid) {
  for (const ChildPtr* place : {&current_, &successor_}) {
    if (place->get() != child || child->pid() != pid) continue;
    if (child->state() != ProxyChild::State::kStarting) continue;
    log::error("a proxy did not get ready in time, the one before serves on",
               {{"pid", child->pid()}, {"seconds", kChildStartMax.count()}});
    if (child->pid() > 0) kill(child->pid(), SIGKILL);
  }
}

void ProxyChildren::child_ready(ProxyChild& child) {
  pause_ = std::chrono::milliseconds(0);
  log::info("a proxy serves", {{"pid", child.pid()}, {"version", to_string(child.applied())}});
  if (&child == successor_.get()) {
    ChildPtr old = std::exchange(current_, std::move(successor_));
    retire(std::move(old), options_.drain_limit);
  }
  retire_orphans();
  count_processes();
  user_.serving_changed();
}

void ProxyChildren::child_offers(const net::Endpoint& endpoint, std::vector<UniqueFd> sockets) {
  user_.sockets_offered(endpoint, std::move(sockets));
}

void ProxyChildren::child_offered(ProxyChild& child) {
  if (child.state() != ProxyChild::State::kOrphan) return;  // Retired before it could say so.
  orphans_done_.push_back(&child);
  user_.orphan_offered_all();
  // What it offered goes to the serving child first: user_ has fed it by now.
  if (serving() != nullptr) retire_orphans();
}

void ProxyChildren::take_orphan(UniqueFd socket, pid_t pid) {
  log::info("a proxy of an earlier node offers its sockets", {{"pid", pid}});
  ProxyChild::User& self = *this;
  orphans_.push_back(std::make_unique<ProxyChild>(loop_, std::move(socket), feed_, self,
                                                  ProxyChild::State::kOrphan, pid));
  if (is_stopping_) retire(take(orphans_, *orphans_.back()), stop_drain_);
  count_processes();
}

void ProxyChildren::retire_orphans() {
  for (const ProxyChild* done : std::exchange(orphans_done_, {})) {
    if (ChildPtr orphan = take(orphans_, *done)) retire(std::move(orphan), options_.drain_limit);
  }
}

void ProxyChildren::retire(ChildPtr child, std::chrono::seconds drain) {
  log::info("a proxy retires", {{"pid", child->pid()}, {"drain_seconds", drain.count()}});
  child->retire(drain);
  kill_late_after(drain + kRetireGrace, *child);
  retiring_.push_back(std::move(child));
}

void ProxyChildren::kill_late_after(std::chrono::seconds limit, const ProxyChild& child) {
  loop_.run_after(limit, [this, late = &child, pid = child.pid()] {
    for (const ChildPtr& one : retiring_) {
      if (one.get() != late || one->pid() != pid || pid <= 0) continue;
      log::warning("a retired proxy did not end in time, killed", {{"pid", pid}});
      kill(pid, SIGKILL);
    }
  });
}

void ProxyChildren::child_reports(ProxyChild& child, const model::Frame& frame) {
  const bool is_old = child.state() == ProxyChild::State::kRetiring;
  // What an old child has applied says nothing about new traffic.
  if (is_old && frame.kind == message::kApplied) return;
  user_.proxy_reports(frame);
}

void ProxyChildren::child_gone(ProxyChild& child, const std::string& reason) {
  totals_.process_ended(child.samples());
  if (const ChildPtr ended = take(retiring_, child)) {
    log::info("a retired proxy ended", {{"pid", ended->pid()}});
  } else if (const ChildPtr orphan = take(orphans_, child)) {
    std::erase(orphans_done_, &child);
    log::warning("a proxy of an earlier node is gone", {{"pid", orphan->pid()}});
  } else {
    const bool was_serving = crashed(child, reason);
    if (was_serving) user_.serving_changed();
  }
  count_processes();
  if (is_stopping_ && is_empty()) user_.proxies_stopped();
}

/// True when it was the one that served. Ends the child.
bool ProxyChildren::crashed(ProxyChild& child, const std::string& reason) {
  const bool was_ready = child.state() == ProxyChild::State::kServing;
  log::error(was_ready ? "the proxy died" : "a proxy died before it was ready",
             {{"pid", child.pid()}, {"detail", reason}});
  const std::chrono::milliseconds pause = pause_after_crash(was_ready);
  ChildPtr ended;  // lives until its successor has been started
  if (&child == successor_.get()) {
    ended = std::move(successor_);
  } else {
    ended = std::exchange(current_, std::move(successor_));
  }
  // A successor that failed is not tried again by itself as long as another one serves.
  if (!current_) start_after(pause);
  return was_ready;
}

std::chrono::milliseconds ProxyChildren::pause_after_crash(bool was_ready) {
  const Instant now = loop_.clock().now();
  crashes_.emplace_back(now, was_ready ? 1 : kFailedStartWeight);
  while (crashes_.front().first + kCrashWindow < now) crashes_.pop_front();
  int weight = 0;
  for (const auto& [when, one] : crashes_) weight += one;
  if (weight <= kCrashWeightMax) return std::chrono::milliseconds(0);
  pause_ = std::clamp(pause_ * 2, kCrashPauseMin, kCrashPauseMax);
  return pause_;
}

void ProxyChildren::start_after(std::chrono::milliseconds pause) {
  if (is_stopping_) return;
  if (pause.count() == 0) {
    start_child(kCrash);
    return;
  }
  log::warning("the proxy dies again and again, the next start waits", {{"ms", pause.count()}});
  loop_.cancel(start_timer_);
  start_timer_ = loop_.run_after(pause, [this] {
    if (!current_) start_child(kCrash);
  });
}

void ProxyChildren::stop(std::chrono::seconds drain) {
  is_stopping_ = true;
  stop_drain_ = drain;
  loop_.cancel(start_timer_);
  for (const ChildPtr& child : retiring_) {
    child->retire(drain);
    kill_late_after(drain + kRetireGrace, *child);
  }
  for (ChildPtr* place : {&current_, &successor_}) {
    if (*place) retire(std::move(*place), drain);
  }
  for (ChildPtr& orphan : std::exchange(orphans_, {})) retire(std::move(orphan), drain);
  orphans_done_.clear();
  if (is_empty()) user_.proxies_stopped();
}

void ProxyChildren::objects_changed(std::span<const snapshot::ObjectSet::Key> keys) {
  for_each([&keys](ProxyChild& child) { child.objects_changed(keys); });
}

void ProxyChildren::verdict_changed(const snapshot::TargetKey& target) {
  for_each([&target](ProxyChild& child) { child.verdict_changed(target); });
}

void ProxyChildren::sockets_changed() {
  for_each([](ProxyChild& child) { child.sockets_changed(); });
}

bool ProxyChildren::ask_serving(const model::Frame& question) {
  if (serving() == nullptr) return false;
  current_->ask(question);
  return true;
}

std::size_t ProxyChildren::ask_all(const model::Frame& question) {
  std::size_t count = 0;
  for_each([&](ProxyChild& child) {
    child.ask(question);
    ++count;
  });
  return count;
}

bool ProxyChildren::is_empty() const {
  return !current_ && !successor_ && retiring_.empty() && orphans_.empty();
}

const ProxyChild* ProxyChildren::serving() const {
  const bool serves = current_ && current_->state() == ProxyChild::State::kServing;
  return serves ? current_.get() : nullptr;
}

DrainsLeft ProxyChildren::drains() const {
  DrainsLeft sums;
  std::map<std::string, std::size_t> tellers;
  std::size_t wanted = 0;
  for_each([&](const ProxyChild& child) {
    using State = ProxyChild::State;
    const bool is_wanted = child.state() != State::kStarting;
    if (is_wanted) ++wanted;
    for (const auto& [id, left] : child.drains()) {
      if (is_wanted) ++tellers[id];
      sums[id].add(left);
    }
  });
  std::erase_if(sums, [&](const auto& entry) {
    const DrainLeft& left = entry.second;
    return left.connections == 0 && !left.is_waiting && tellers[entry.first] < wanted;
  });
  return sums;
}

std::vector<Sample> ProxyChildren::samples() const {
  std::vector<const std::vector<Sample>*> all;
  for_each([&all](const ProxyChild& child) { all.push_back(&child.samples()); });
  return totals_.sum(all);
}

void ProxyChildren::count_processes() {
  const std::size_t serving_count = serving() != nullptr ? 1 : 0;
  metrics_.value(Metric::kProxyProcesses, {"serving"}).set(static_cast<double>(serving_count));
  metrics_.value(Metric::kProxyProcesses, {"draining"})
      .set(static_cast<double>(retiring_.size() + orphans_.size()));
}

}  // namespace weir::agent
