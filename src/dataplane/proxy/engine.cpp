#include "dataplane/proxy/engine.h"

#include <sys/resource.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "base/log.h"
#include "base/mutex.h"
#include "dataplane/proxy/explain.h"
#include "dataplane/proxy/samples.h"
#include "dataplane/proxy/worker.h"

namespace weir::dataplane::proxy {
namespace {

/// How long apply() waits for the workers. Chosen because a worker takes its mail within one turn,
/// microseconds to milliseconds; one that does not is in trouble, and the agent loop must not join
/// it. Reached: the applied revision stays behind; weir_node_revision{stage="applied"}.
constexpr std::chrono::milliseconds kApplyPatience{1000};

/// Sockets that one worker may have open.
std::size_t descriptors_per_worker(const Options& options) {
  std::size_t total = options.limits.descriptors;
  rlimit limit{};
  if (total == 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0) total = limit.rlim_cur;
  return (total - std::min(total, kReservedDescriptors)) / options.workers;
}

DrainProgress progress_of(const PlannedRecord& record, Instant now) {
  DrainProgress progress{.record = record.drain->id};
  for (const PlannedDrain& drain : record.targets) {
    progress.is_waiting = progress.is_waiting || drain.is_waiting;
    const Instant end = drain.is_waiting ? now + record.drain->time : drain.deadline;
    progress.later = std::max(progress.later, end - record.deadline);
    const std::uint64_t connections = drain.target->active();
    if (connections == 0) continue;
    // While it takes new traffic nobody notes how old its connections are.
    const auto age =
        drain.is_waiting ? Clock::Duration::zero() : now - std::min(now, drain.target->oldest());
    progress.connections += connections;
    progress.oldest = std::max(progress.oldest, age);
    progress.targets.push_back(
        {.target = drain.target->key, .connections = connections, .oldest = age});
  }
  return progress;
}

}  // namespace

struct ProxyEngine::Core {
  Core(std::size_t worker_count, Callbacks engine_callbacks)
      : callbacks(std::move(engine_callbacks)), counters(worker_count), planner(worker_count) {}

  // Constant after construction.
  Callbacks callbacks;
  PerWorker<WorkerCounters> counters;
  std::vector<std::unique_ptr<Worker>> workers;
  std::vector<std::thread> threads;

  mutable Mutex mutex;
  Planner planner WEIR_GUARDED_BY(mutex);
  PlanPtr plan WEIR_GUARDED_BY(mutex);
  std::vector<std::weak_ptr<const snapshot::Snapshot>> snapshots WEIR_GUARDED_BY(mutex);
  WallTime applied_at WEIR_GUARDED_BY(mutex){};
  PlanPtr in_force WEIR_GUARDED_BY(mutex);  // that of all workers
  PlanPtr pending WEIR_GUARDED_BY(mutex);   // posted, perhaps not in force yet

  const Clock* clock = nullptr;

  PlanPtr make_plan(std::shared_ptr<const snapshot::Snapshot> snapshot) WEIR_EXCLUDES(mutex) {
    const MutexLock lock(mutex);
    std::erase_if(snapshots, [](const auto& known) { return known.expired(); });
    snapshots.emplace_back(snapshot);
    const bool has_drains = !snapshot->drains.empty() || (plan != nullptr && !plan->drains.empty());
    const Moment moment = has_drains ? Moment{clock->now(), clock->wall_now()} : Moment{};
    plan = planner.plan(std::move(snapshot), plan.get(), moment);
    return plan;
  }
  bool wait_taken(std::chrono::milliseconds patience) const {
    const Instant deadline = SystemClock().now() + patience;
    return std::ranges::all_of(workers, [&](const auto& worker) {
      return worker->is_stopped() || worker->mailbox().wait_taken(deadline);
    });
  }
  /// The posted version is in force once every worker has taken it, however late.
  void promote(std::chrono::milliseconds patience) WEIR_EXCLUDES(mutex) {
    PlanPtr posted;
    {
      const MutexLock lock(mutex);
      posted = pending;
    }
    if (posted == nullptr || !wait_taken(patience)) return;
    const MutexLock lock(mutex);
    // Another thread may have done it, and a newer one may be posted by now.
    if (pending != posted) return;
    in_force = std::move(pending);
    applied_at = clock->wall_now();
  }
  Version applied() const WEIR_REQUIRES(mutex) {
    return in_force == nullptr ? Version{} : in_force->snapshot->version;
  }
};

Result<std::unique_ptr<ProxyEngine>> ProxyEngine::open(const Options& options,
                                                       Callbacks callbacks) {
  if (options.workers == 0 || options.clock == nullptr) {
    return Error{
        ErrorCode::kInvalidArgument, "a proxy engine wants at least one worker and a clock", {}};
  }
  auto core = std::make_unique<Core>(options.workers, std::move(callbacks));
  core->clock = options.clock;
  const std::size_t descriptors = descriptors_per_worker(options);
  Limits limits = options.limits;
  limits.silent_max = static_cast<std::uint32_t>(
      std::min<std::size_t>(limits.silent_max, descriptors / kSilentDivisor));
  for (std::size_t index = 0; index < options.workers; ++index) {
    Worker::Options worker{.index = index,
                           .count = options.workers,
                           .clock = options.clock,
                           .limits = limits,
                           .descriptors = descriptors,
                           .codecs = nullptr,
                           .connect_failed = core->callbacks.connect_failed};
    WEIR_ASSIGN_OR_RETURN(auto made, Worker::open(std::move(worker), core->counters.of(index)));
    core->workers.push_back(std::move(made));
  }
  for (const auto& worker : core->workers) {
    core->threads.emplace_back([&running = *worker] { running.run(); });
  }
  return std::unique_ptr<ProxyEngine>(new ProxyEngine(std::move(core)));
}

ProxyEngine::ProxyEngine(std::unique_ptr<Core> core) : core_(std::move(core)) {}

ProxyEngine::~ProxyEngine() {
  stop(core_->clock->now());
  for (std::thread& thread : core_->threads) {
    // A virtual clock may stand still: the deadline above has passed only for a worker that looks.
    thread.join();
  }
}

Result<void> ProxyEngine::add_listener(const net::Endpoint& endpoint,
                                       std::vector<UniqueFd> sockets) {
  if (sockets.empty()) {
    return Error{
        ErrorCode::kInvalidArgument, "no listening socket was given for " + endpoint.text(), {}};
  }
  const std::size_t workers = core_->workers.size();
  std::vector<std::vector<UniqueFd>> dealt(workers);
  for (std::size_t i = 0; i < sockets.size(); ++i)
    dealt[i % workers].push_back(std::move(sockets[i]));
  for (std::size_t i = 0; i < workers; ++i) {
    Mail mail;
    mail.listeners.push_back({endpoint, std::move(dealt[i])});
    core_->workers[i]->mailbox().post(std::move(mail));
  }
  return {};
}

void ProxyEngine::remove_listener(const net::Endpoint& endpoint) {
  for (const auto& worker : core_->workers) {
    Mail mail;
    mail.listeners.push_back({endpoint, {}});
    worker->mailbox().post(std::move(mail));
  }
  if (!core_->wait_taken(kApplyPatience)) {
    log::warning("a proxy worker is slow: it still accepts on an endpoint that was removed",
                 {{"endpoint", endpoint.text()}});
  }
}

Result<Applied> ProxyEngine::apply(std::shared_ptr<const snapshot::Snapshot> snapshot) {
  if (snapshot == nullptr) return Error{ErrorCode::kInvalidArgument, "no snapshot was given", {}};
  core_->promote({});
  const PlanPtr plan = core_->make_plan(std::move(snapshot));
  for (const auto& worker : core_->workers) {
    Mail mail;
    mail.plan = plan;
    worker->mailbox().post(std::move(mail));
  }
  {
    const MutexLock lock(core_->mutex);
    core_->pending = plan;
  }
  core_->promote(kApplyPatience);
  const MutexLock lock(core_->mutex);
  return Applied{core_->applied()};
}

Version ProxyEngine::applied() const {
  core_->promote({});
  const MutexLock lock(core_->mutex);
  return core_->applied();
}

void ProxyEngine::mark(std::span<const HealthMark> marks) {
  const MutexLock lock(core_->mutex);
  for (const HealthMark& mark : marks) {
    core_->planner.note_mark(mark.target);
    for (const TargetStatePtr& target : core_->planner.targets(mark.target)) {
      target->set_marks(mark.takes_new, mark.keeps_old);
    }
  }
}

std::vector<DrainProgress> ProxyEngine::progress() const {
  PlanPtr plan;
  {
    const MutexLock lock(core_->mutex);
    plan = core_->plan;
  }
  std::vector<DrainProgress> result;
  if (plan == nullptr) return result;
  const Instant now = core_->clock->now();
  for (const PlannedRecord& record : plan->drains) {
    if (!record.is_gone) result.push_back(progress_of(record, now));
  }
  return result;
}

void ProxyEngine::stats(std::vector<Sample>& out) const {
  core_->promote({});
  std::vector<TargetStatePtr> targets;
  std::vector<ListenerStatePtr> listeners;
  PlanPtr plan;
  {
    const MutexLock lock(core_->mutex);
    plan = core_->plan;
    targets = core_->planner.all_targets();
    listeners = core_->planner.all_listeners();
    const auto alive =
        std::ranges::count_if(core_->snapshots, [](const auto& known) { return !known.expired(); });
    out.push_back({Metric::kSnapshotsAlive, {}, static_cast<double>(alive)});
    const auto applied = std::chrono::duration<double>(core_->applied_at.time_since_epoch());
    out.push_back({Metric::kConfigLastApply, {}, applied.count()});
  }
  for (const auto& listener : listeners) add_samples(*listener, out);
  add_samples(targets, out);
  add_samples(core_->counters, out);
  if (plan == nullptr) return;
  for (const auto& service : plan->services) add_samples(*service, core_->clock->now(), out);
}

Result<Explanation> ProxyEngine::explain(const Flow& flow) const {
  core_->promote({});
  PlanPtr plan;
  {
    const MutexLock lock(core_->mutex);
    plan = core_->in_force;
  }
  return explain_flow(plan.get(), flow, core_->clock->now());
}

Capabilities ProxyEngine::capabilities() const {
  return {.name = "proxy", .http = true, .tcp = true};
}

void ProxyEngine::stop(Instant deadline) {
  for (const auto& worker : core_->workers) {
    Mail mail;
    mail.stop_at = deadline;
    worker->mailbox().post(std::move(mail));
  }
}

bool ProxyEngine::is_stopped() const {
  return std::ranges::all_of(core_->workers,
                             [](const auto& worker) { return worker->is_stopped(); });
}

std::uint64_t ProxyEngine::connections() const {
  return core_->counters.sum(
      [](const WorkerCounters& set) -> const Counter& { return set.clients; });
}

void ProxyEngine::wake() {
  for (const auto& worker : core_->workers) worker->mailbox().wake();
}

}  // namespace weir::dataplane::proxy
