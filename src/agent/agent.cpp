#include "agent/agent.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "agent/protocol.h"
#include "base/log.h"
#include "base/mutant.h"
#include "model/node.h"
#include "net/socket.h"
#include "net/system_error.h"
#include "snapshot/verdict_id.h"

namespace weir::agent {
namespace {

/// Makes the folder and those above it. Errors: kUnavailable, kPermissionDenied
Result<void> make_folders(const std::string& path) {
  for (std::size_t at = path.find('/', 1);; at = path.find('/', at + 1)) {
    const std::string part = path.substr(0, at);
    if (mkdir(part.c_str(), 0700) != 0 && errno != EEXIST) {
      return net::system_error("make " + part, errno);
    }
    if (at == std::string::npos) return {};
  }
}

}  // namespace

Result<std::unique_ptr<Agent>> Agent::open(net::EventLoop& loop, Metrics& metrics,
                                           health::Probes probes, AgentOptions options) {
  WEIR_TRY(make_folders(options.data_dir));
  std::unique_ptr<Agent> agent(new Agent(loop, metrics, probes, std::move(options)));
  WEIR_TRY(agent->open_folder());
  return agent;
}

Agent::Agent(net::EventLoop& loop, Metrics& metrics, health::Probes probes, AgentOptions options)
    : loop_(loop),
      metrics_(metrics),
      options_(std::move(options)),
      local_{.node_id = options_.node_id,
             .source_addresses = {},
             .check_source = options_.check_source},
      snapshot_(std::make_shared<const snapshot::Snapshot>()),
      sockets_(options_.workers),
      addresses_(options_.addresses, options_.data_dir + "/" + kAddressRecord, loop.clock()),
      feed_{state_.objects, state_.verdicts, sockets_, options_.node_id, local_json_},
      children_(loop, metrics, feed_, *this,
                {.start = options_.start_proxy, .drain_limit = options_.drain_limit}),
      questions_(loop, children_, [this](const model::Frame& answer) { uplink_.send(answer); }),
      checker_(loop, metrics, probes,
               {.prober = options_.node_id,
                .verdict = [this](const snapshot::Verdict& verdict) { take_verdict(verdict); },
                .gone = [this](const snapshot::TargetKey& target) { drop_verdict(target); }}) {}

Agent::~Agent() {
  for (const net::TimerId timer :
       {begin_timer_, reconcile_timer_, report_timer_, tick_timer_, stop_timer_}) {
    loop_.cancel(timer);
  }
}

Result<void> Agent::open_folder() {
  WEIR_ASSIGN_OR_RETURN(node_lock_, hold_node_lock(options_.data_dir));
  WEIR_ASSIGN_OR_RETURN(replica_, Replica::open(options_.data_dir + "/replica", state_));
  // The mistake that this mutant plants: a node that asks control's database instead.
  if (mutant("node-reads-store")) state_ = ReplicaState();
  metrics_.value(Metric::kReplicaDamage).add(static_cast<double>(replica_->damage_count()));
  log::info("read the replica", {{"version", to_string(version())},
                                 {"objects", state_.objects.objects().size()},
                                 {"verdicts", state_.verdicts.size()},
                                 {"damaged_files", replica_->damage_count()}});
  publish();
  return {};
}

void Agent::start(Uplink uplink) {
  uplink_ = std::move(uplink);
  checker_.seed(state_.verdicts);
  const bool has_sockets = !options_.inherited.empty();
  adopt_inherited();
  auto rendezvous = Rendezvous::open(loop_, options_.data_dir, [this](UniqueFd socket, pid_t pid) {
    children_.take_orphan(std::move(socket), pid);
  });
  if (rendezvous) {
    rendezvous_ = *std::move(rendezvous);
  } else {
    log::error("no rendezvous for proxies", {{"detail", rendezvous.error().message}});
  }
  const bool has_orphans = is_proxy_lock_held(options_.data_dir);
  if (has_orphans) orphans_until_ = loop_.clock().now() + kOrphanGrace;
  if (has_sockets || !has_orphans) return begin();
  log::info("waits for the sockets of a proxy that an earlier node left behind");
  begin_timer_ = loop_.run_after(kOrphanWaitMax, [this] {
    log::warning("the proxy of an earlier node did not come in time");
    begin();
  });
}

void Agent::adopt_inherited() {
  for (InheritedSockets& one : options_.inherited) {
    const std::size_t count = sockets_.adopt(one.endpoint, std::move(one.sockets));
    log::info("took over sockets", {{"endpoint", one.endpoint.text()}, {"sockets", count}});
  }
  options_.inherited.clear();
}

void Agent::begin() {
  if (std::exchange(has_begun_, true)) return;
  watch_check_source();
  loop_.cancel(std::exchange(begin_timer_, 0));
  reconcile();
  children_.start();
  tick();
}

void Agent::stop(std::chrono::seconds drain, std::function<void()> stopped) {
  if (std::exchange(is_stopping_, true)) {
    if (stopped_) children_.stop(drain);
    return;
  }
  stopped_ = std::move(stopped);
  orphan_deadline_ = loop_.clock().now() + kOrphanWaitMax;
  for (net::TimerId* timer : {&begin_timer_, &reconcile_timer_, &report_timer_, &tick_timer_}) {
    loop_.cancel(std::exchange(*timer, 0));
  }
  checker_.configure({});
  children_.stop(drain);
  // Ours go too: a connection that nobody will accept must be refused.
  sockets_.ensure({});
}

void Agent::proxies_stopped() {
  loop_.cancel(std::exchange(stop_timer_, 0));
  if (!children_.is_empty()) return;  // This is called again for the last one.
  // A proxy of an earlier node that has not called yet would serve on with nobody to stop it.
  if (loop_.clock().now() < orphan_deadline_ && is_proxy_lock_held(options_.data_dir)) {
    stop_timer_ = loop_.run_after(kOrphanPause, [this] { proxies_stopped(); });
    return;
  }
  rendezvous_.reset();
  addresses_.release_all();
  if (stopped_) loop_.post(std::exchange(stopped_, nullptr));
}

void Agent::replace_proxy() { children_.replace(); }

void Agent::sockets_offered(const net::Endpoint& endpoint, std::vector<UniqueFd> sockets) {
  const std::size_t count = sockets_.adopt(endpoint, std::move(sockets));
  if (count == 0) return;
  log::info("took over sockets", {{"endpoint", endpoint.text()}, {"sockets", count}});
}

void Agent::orphan_offered_all() {
  if (is_stopping_) return;
  if (!has_begun_) return begin();
  reconcile();
}

void Agent::serving_changed() {
  questions_.serving_changed();
  note_applied();
}

void Agent::note_applied() {
  if (const ProxyChild* child = children_.serving()) applied_ = child->applied();
  publish();
  report_soon();
}

// --- what control says -------------------------------------------------------------------------

void Agent::control_connected(bool keeps_lists) {
  is_following_ = true;
  report_pause_ = keeps_lists ? kShortReportPause : kReportPause;
  for (const auto& [target, verdict] : state_.verdicts) uplink_.send(verdict_frame(verdict));
  publish();
  report_now();
}

void Agent::control_disconnected() {
  is_following_ = false;
  questions_.control_gone();
  publish();
}

void Agent::take_batch(Batch batch) {
  const Version before = version();
  if (batch.version < before) return;  // The link refuses these already.
  note_changed_keys(batch);
  apply_batch(batch, state_.objects);
  const bool is_news = batch.is_full || !batch.frames.empty();
  note_replica(replica_->append(batch, before, state_));
  log::debug("took a batch", {{"version", to_string(batch.version)},
                              {"full", batch.is_full ? "yes" : "no"},
                              {"frames", batch.frames.size()}});
  if (is_news || reconcile_timer_ != 0) {
    reconcile_soon();
  } else if (has_begun_) {
    children_.objects_changed({});  // Only the version has moved.
    note_replica(replica_->fold_if_large(state_));
  }
  publish();
}

void Agent::note_changed_keys(const Batch& batch) {
  for (const model::Frame& frame : batch.frames) changes_.objects.emplace(frame.kind, frame.id);
  if (!batch.is_full) return;
  for (const auto& [key, object] : state_.objects.objects()) changes_.objects.insert(key);
}

void Agent::note_replica(const Result<void>& result) {
  if (!result && is_replica_well_) {
    log::error("the replica cannot be written, this node goes on without it",
               {{"detail", result.error().message}});
  } else if (result && !is_replica_well_) {
    log::info("the replica can be written again");
  }
  is_replica_well_ = result.ok();
  metrics_.value(Metric::kReplicaBytes, {"checkpoint"})
      .set(static_cast<double>(replica_->checkpoint_bytes()));
  metrics_.value(Metric::kReplicaBytes, {"log"}).set(static_cast<double>(replica_->log_bytes()));
}

// --- health ------------------------------------------------------------------------------------

void Agent::take_verdict(const snapshot::Verdict& verdict) {
  state_.verdicts.insert_or_assign(verdict.target, verdict);
  changes_.verdicts.insert(verdict.target);
  children_.verdict_changed(verdict.target);  // A target that is down takes nothing from here on.
  uplink_.send(verdict_frame(verdict));
  note_replica(replica_->append(verdict));
  reconcile_soon();
}

void Agent::drop_verdict(const snapshot::TargetKey& target) {
  if (is_stopping_) return;  // The replica keeps it for the next start.
  state_.verdicts.erase(target);
  changes_.verdicts.insert(target);
  children_.verdict_changed(target);
  uplink_.send(verdict_tombstone(target));
  note_replica(replica_->append_verdict_removed(target));
  reconcile_soon();
}

// --- reconcile ---------------------------------------------------------------------------------

void Agent::reconcile_soon() {
  if (!has_begun_ || is_stopping_ || reconcile_timer_ != 0) return;
  reconcile_timer_ = loop_.run_after(kCoalesce, [this] { reconcile(); });
}

void Agent::reconcile() {
  loop_.cancel(std::exchange(reconcile_timer_, 0));
  if (is_stopping_) return;
  update_local();
  const snapshot::Changes changes = std::exchange(changes_, {});
  compiled_ = snapshot::compile({.objects = state_.objects,
                                 .verdicts = state_.verdicts,
                                 .local = local_,
                                 .changes = &changes},
                                std::move(compiled_));
  snapshot_ = snapshot::snapshot_of(*compiled_);
  fail_open_watch_.update(*snapshot_);
  reconcile_machine();
  const std::vector<snapshot::ObjectSet::Key> changed(changes.objects.begin(),
                                                      changes.objects.end());
  children_.objects_changed(changed);
  checker_.configure(snapshot_->services);
  note_replica(replica_->sync());
  note_replica(replica_->fold_if_large(state_));
  note_compiled();
  publish();
  report_soon();
}

/// Addresses before sockets, because a socket needs its address; sockets before objects.
void Agent::reconcile_machine() {
  addresses_.ensure(wanted_addresses());
  sockets_.ensure(wanted_endpoints());
  children_.sockets_changed();
}

/// Somebody may give it to the node, or take it away, at any time.
void Agent::watch_check_source() {
  if (local_.check_source.is_unspecified()) return;
  const bool has_it = net::has_address(local_.check_source);
  if (has_it == local_.has_check_source) return;
  local_.has_check_source = has_it;
  log::info(has_it ? "checks of dnlb leave from their own address" : "no source for checks of dnlb",
            {{"address", local_.check_source.text()}});
  reconcile_soon();
}

void Agent::update_local() {
  bindings_ = resolve_bindings(state_.objects, options_.bindings);
  local_.source_addresses.clear();
  Json sources = Json::object();
  for (const auto& [subnet, binding] : bindings_) {
    if (binding.sources.empty()) continue;
    local_.source_addresses[subnet] = binding.sources;
    Json list = Json::array();
    for (const net::IpAddress& source : binding.sources) list.push_back(source.text());
    sources[subnet] = std::move(list);
  }
  local_json_ = Json::object({{"sources", std::move(sources)}, {"workers", options_.workers}});
}

std::vector<WantedAddress> Agent::wanted_addresses() {
  std::vector<WantedAddress> wanted;
  unbound_.clear();
  for (const snapshot::ServedAddress& served : snapshot_->addresses) {
    const auto subnet = bindings_.find(served.subnet_id);
    const Binding* binding =
        subnet != bindings_.end()
            ? &subnet->second
            : pool_binding(served.subnet_id, served.address, options_.bindings);
    if (binding != nullptr) {
      wanted.push_back({served.address, served.subnet_id, *binding});
    } else if (served.address.is_loopback()) {
      wanted.push_back({served.address, served.subnet_id, Binding()});
    } else {
      unbound_.emplace(served.address, served.subnet_id);
    }
  }
  return wanted;
}

std::vector<WantedEndpoint> Agent::wanted_endpoints() const {
  std::vector<WantedEndpoint> wanted;
  for (const auto& listener : snapshot_->listeners) {
    for (const net::Endpoint& endpoint : listener->endpoints()) {
      const auto address = addresses_.states().find(endpoint.address);
      if (address == addresses_.states().end()) continue;
      const bool is_external = address->second.mode == BindingMode::kExternal;
      wanted.push_back({.endpoint = endpoint, .free_bind = is_external});
    }
  }
  return wanted;
}

void Agent::note_compiled() {
  metrics_.value(Metric::kNodeRevision, {"compiled"})
      .set(static_cast<double>(snapshot_->version.revision.value));
  std::map<std::string, double> counts;
  for (const std::string& kind : error_kinds_) counts[kind] = 0;
  for (const snapshot::ObjectError& error : snapshot_->errors) counts[error.kind] += 1;
  if (!sockets_.failures().empty()) {
    counts["listener"] += static_cast<double>(sockets_.failures().size());
  }
  for (const auto& [kind, count] : counts) {
    metrics_.value(Metric::kNodeObjectErrors, {kind}).set(count);
    error_kinds_.insert(kind);
  }
}

void Agent::tick() {
  tick_timer_ = loop_.run_after(kRetryPause, [this] { tick(); });
  watch_check_source();
  const bool has_released = addresses_.release_idle();
  if (loop_.clock().now() - last_restore_ >= kRestorePause) {
    last_restore_ = loop_.clock().now();
    if (addresses_.restore()) report_soon();
    note_replica(replica_->heal(state_));
  }
  if (!sockets_.failures().empty() || addresses_.has_work()) {
    reconcile_machine();
    note_compiled();
    report_soon();
  }
  if (has_released) report_soon();
  if (loop_.clock().now() - last_report_ >= kReportMax) report_now();
  publish();
}

// --- what goes up ------------------------------------------------------------------------------

void Agent::proxy_reports(const model::Frame& frame) {
  if (frame.kind == message::kConnectFailed) {
    const auto target = snapshot::target_of_verdict_id(frame.id);
    if (target) checker_.connect_failed(*target);
  } else if (frame.kind == message::kApplied) {
    note_applied();
  } else if (frame.kind == message::kDrains) {
    report_soon();
  } else if (frame.kind == message::kStats || model::is_node_answer(frame.kind)) {
    questions_.take(frame);
  }
}

void Agent::report_soon() {
  if (is_stopping_ || report_timer_ != 0) return;
  const Instant due = std::max(loop_.clock().now(), last_report_ + report_pause_);
  report_timer_ = loop_.run_at(due, [this] { report_now(); });
}

void Agent::report_now() {
  loop_.cancel(std::exchange(report_timer_, 0));
  last_report_ = loop_.clock().now();
  auto drains = children_.drains();
  if (last_report_ < orphans_until_) {
    std::erase_if(drains, [](const auto& drain) {
      return drain.second.connections == 0 && !drain.second.is_waiting;
    });
  }
  const NodeView view{*snapshot_, state_.objects,      sockets_, addresses_,
                      unbound_,   children_.serving(), applied_, drains};
  Json report = report_json(view);
  left_out_watch_.update(report);
  uplink_.report(std::move(report));
}

void Agent::publish() {
  metrics_.value(Metric::kNodeRevision, {"applied"})
      .set(static_cast<double>(applied_.revision.value));
  Json bindings = Json::array();
  for (const Binding& binding : options_.bindings) bindings.push_back(binding_json(binding));
  Json hello = Json::object({{"build", options_.build},
                             {"formats", Json::array({1})},
                             {"engines", Json::array({"proxy"})},
                             {"region", options_.region},
                             {"az", options_.az},
                             {"bindings", std::move(bindings)},
                             {"features", Json::array({model::kAvailabilityGroupsFeature})},
                             {"held", held_json(addresses_)}});
  const AgentStatus status{.version = version(),
                           .applied = applied_,
                           .is_serving = children_.serving() != nullptr,
                           .is_following = is_following_,
                           .last_turn = loop_.clock().now(),
                           .listeners = snapshot_->listeners.size(),
                           .failures = sockets_.failures().size() + unbound_.size()};
  const MutexLock lock(mutex_);
  hello_ = std::move(hello);
  status_ = status;
}

Json Agent::hello() const {
  const MutexLock lock(mutex_);
  return hello_;
}

AgentStatus Agent::status() const {
  const MutexLock lock(mutex_);
  return status_;
}

}  // namespace weir::agent
