#include "api/event_log.h"

#include <algorithm>
#include <tuple>

#include "base/log.h"
#include "base/mutant.h"
#include "base/random.h"

namespace weir::api {
namespace {

/// Audit rows read at once. Chosen because they take about half a megabyte.
constexpr std::size_t kRowsAtOnce = 1'000;
/// Audit rows looked through for what happened before this run: refused calls have rows too. Chosen
/// because it is five for each change that is kept. Reached: older changes are told without who
/// made them.
constexpr std::size_t kRowsRecalledMax = 5 * kEventsKept;
/// Units: bytes of random that name a run.
constexpr std::size_t kRunSize = 4;

constexpr EventLog::Missed kChangesGone{
    "objects", "older changes are no longer known: list the objects again"};
constexpr EventLog::Missed kOtherHistory{
    "objects", "the store has begun another history: list the objects again"};
constexpr EventLog::Missed kObservedGone{
    "observed", "older reports of nodes are no longer known: look at the status"};
constexpr EventLog::Missed kOtherRun{
    "observed",
    "control has started anew, and reports of nodes before that are not known: look at "
    "the status"};

std::size_t bytes_of(const Event& event) {
  std::size_t bytes = sizeof(Event) + event.type.size() + event.id.size() + event.owner.size() +
                      event.body.size() + event.actor.size();
  for (const auto& labels : event.labels) {
    for (const auto& [key, value] : labels) bytes += sizeof(labels) + key.size() + value.size();
  }
  return bytes;
}

std::pair<Revision, std::uint64_t> place_of(const Event& event) {
  return {event.revision, event.number};
}

/// Only rows of transactions that wrote something: a refused call has the revision before it.
void keep(const store::AuditEntry& entry, AuditRows& rows) {
  if (!entry.second.change.empty()) rows.emplace(entry.second.revision, entry);
}

}  // namespace

Result<std::unique_ptr<EventLog>> EventLog::open(Parts parts) {
  std::unique_ptr<EventLog> log(new EventLog(std::move(parts)));
  WEIR_TRY(log->begin());
  return log;
}

Result<void> EventLog::begin() {
  const MutexLock once(advance_mutex_);
  // In this order: no row of a later change is passed over.
  WEIR_ASSIGN_OR_RETURN(const auto rows, parts_.store.audit_rows(1));
  if (!rows.empty()) audit_seen_ = rows.front().first;
  const Version version = parts_.store.version();
  epoch_ = version.epoch;
  run_ = secret_hex(kRunSize);
  begun_ = version.revision;
  const MutexLock lock(mutex_);
  revision_ = forgotten_ = begun_;
  return {};
}

void EventLog::advance() {
  const MutexLock once(advance_mutex_);
  const auto taken = take_changes();
  if (!taken && is_store_readable_) {
    log::error("the store cannot be read for events", {{"error", to_string(taken.error())}});
  }
  is_store_readable_ = taken.ok();
  std::vector<Event> observed = parts_.observe();
  if (observed.empty()) return;
  const MutexLock lock(mutex_);
  add_observed(std::move(observed));
}

Result<void> EventLog::take_changes() {
  Revision seen;
  {
    const MutexLock lock(mutex_);
    seen = revision_;
  }
  if (parts_.store.version().revision <= seen) return {};
  WEIR_ASSIGN_OR_RETURN(const store::Changes changes,
                        parts_.store.changes_after(seen, std::chrono::steady_clock::now()));
  if (changes.must_relist) {
    const MutexLock lock(mutex_);
    changes_ = {};
    revision_ = forgotten_ = changes.revision;
    return {};
  }
  AuditRows rows;
  if (!changes.changes.empty()) {
    WEIR_ASSIGN_OR_RETURN(rows, rows_until(changes.changes.back().revision));
  }
  std::vector<Event> events = object_events(changes.changes, rows);
  const MutexLock lock(mutex_);
  add_changes(std::move(events), changes.revision);
  return {};
}

/// The rows of changes that were not read yet, up to this revision.
Result<AuditRows> EventLog::rows_until(Revision revision) {
  AuditRows rows;
  Revision reached;
  while (reached < revision) {
    WEIR_ASSIGN_OR_RETURN(const store::AuditPage page,
                          parts_.store.audit_after(audit_seen_, kRowsAtOnce));
    if (page.rows.empty()) break;
    for (const store::AuditEntry& entry : page.rows) {
      if (entry.second.revision > revision) return rows;  // for the next time
      audit_seen_ = entry.first;
      reached = entry.second.revision;
      keep(entry, rows);
    }
  }
  return rows;
}

/// The rows of all changes above this revision, the newest pages first.
Result<AuditRows> EventLog::rows_since(Revision revision) const {
  AuditRows rows;
  store::AuditRange range{.count_max = kRowsAtOnce};
  for (std::size_t read = 0; read < kRowsRecalledMax; read += kRowsAtOnce) {
    WEIR_ASSIGN_OR_RETURN(const auto page, parts_.store.audit_rows(range));
    for (const store::AuditEntry& entry : page) keep(entry, rows);
    if (page.empty() || page.back().second.revision <= revision) break;
    range.before = page.back().first;
  }
  return rows;
}

void EventLog::add_changes(std::vector<Event> events, Revision revision) {
  parts_.metrics.value(Metric::kEvents, {"objects"}).add(static_cast<double>(events.size()));
  for (Event& event : events) {
    event.order = ++order_;
    changes_.bytes += bytes_of(event);
    changes_.events.push_back(std::move(event));
  }
  revision_ = std::max(revision_, revision);
  trim(changes_);
}

void EventLog::add_observed(std::vector<Event> events) {
  parts_.metrics.value(Metric::kEvents, {"observed"}).add(static_cast<double>(events.size()));
  for (Event& event : events) {
    event.order = ++order_;
    event.number = ++observed_count_;
    observed_.bytes += bytes_of(event);
    observed_.events.push_back(std::move(event));
  }
  trim(observed_);
}

void EventLog::trim(Ring& ring) {
  while (ring.events.size() > parts_.events_kept || ring.bytes > kEventBytesKept) {
    const Event& oldest = ring.events.front();
    ring.bytes -= bytes_of(oldest);
    if (oldest.is_observed()) {
      observed_forgotten_ = oldest.number;
    } else {
      forgotten_ = oldest.revision;
    }
    ring.events.pop_front();
  }
}

Result<void> EventLog::recall(const EventPosition& from) {
  const MutexLock once(recall_mutex_);
  if (is_recalled_ || from.epoch != epoch_ || from.revision > begun_) return {};
  const Instant now = std::chrono::steady_clock::now();
  WEIR_ASSIGN_OR_RETURN(const auto newest,
                        parts_.store.changes_after(parts_.store.version().revision, now));
  const Revision forgotten = newest.forgotten;
  WEIR_ASSIGN_OR_RETURN(store::Changes kept, parts_.store.changes_after(forgotten, now));
  // It has forgotten more in this moment: the next reader tries again.
  if (kept.must_relist) return {};
  std::erase_if(kept.changes, [&](const store::Change& one) { return one.revision > begun_; });
  WEIR_ASSIGN_OR_RETURN(const AuditRows rows, rows_since(forgotten));
  std::vector<Event> events = object_events(kept.changes, rows);
  is_recalled_ = true;
  const MutexLock lock(mutex_);
  if (forgotten_ != begun_) return {};  // what came since fills the ring
  forgotten_ = forgotten;
  while (!events.empty()) {
    changes_.bytes += bytes_of(events.back());
    changes_.events.push_front(std::move(events.back()));
    events.pop_back();
  }
  trim(changes_);
  return {};
}

EventPosition EventLog::newest_locked() const {
  return {epoch_, Revision(revision_.value + 1), 0, run_, observed_count_};
}

EventPosition EventLog::oldest_locked() const {
  return {epoch_, Revision(forgotten_.value + 1), 0, run_, observed_forgotten_};
}

EventPosition EventLog::newest() const {
  const MutexLock lock(mutex_);
  return newest_locked();
}

Result<EventPosition> EventLog::oldest() {
  WEIR_TRY(recall({epoch_, Revision(), 0, run_, 0}));
  const MutexLock lock(mutex_);
  return oldest_locked();
}

Result<EventPosition> EventLog::since(WallTime time) {
  WEIR_ASSIGN_OR_RETURN(EventPosition from, oldest());
  const MutexLock lock(mutex_);
  for (const Event& event : changes_.events) {
    if (event.at >= time) break;
    from.revision = event.revision;
    from.number = event.number;
  }
  for (const Event& event : observed_.events) {
    if (event.at >= time) break;
    from.observed = event.number;
  }
  return from;
}

/// `from` when all that follows it is known, else the oldest place behind it that is.
EventPosition EventLog::from_known(const EventPosition& from, std::vector<Missed>& missed) const {
  EventPosition known = from;
  const EventPosition oldest = oldest_locked();
  if (from.epoch != epoch_ || from.revision.value > revision_.value + 1) {
    missed.push_back(kOtherHistory);
    std::tie(known.epoch, known.revision, known.number) =
        std::tuple(epoch_, oldest.revision, std::uint64_t{0});
  } else if (from.revision < oldest.revision) {
    missed.push_back(kChangesGone);
    std::tie(known.revision, known.number) = std::tuple(oldest.revision, std::uint64_t{0});
  }
  if (from.run != run_) {
    missed.push_back(kOtherRun);
    std::tie(known.run, known.observed) = std::tuple(run_, oldest.observed);
  } else if (from.observed < oldest.observed || from.observed > observed_count_) {
    missed.push_back(kObservedGone);
    known.observed = oldest.observed;
  }
  return known;
}

EventLog::Batch EventLog::read(const EventPosition& from, const EventQuery& query,
                               std::size_t bytes_max) const {
  Batch batch;
  const MutexLock lock(mutex_);
  EventPosition at = from_known(from, batch.missed);
  if (!batch.missed.empty()) parts_.metrics.value(Metric::kApiLimitReached, {"events"}).add();
  const auto& changes = changes_.events;
  const auto& observed = observed_.events;
  auto change = std::ranges::upper_bound(changes, std::pair(at.revision, at.number), {}, place_of);
  auto report = std::ranges::upper_bound(observed, at.observed, {}, &Event::number);
  std::size_t bytes = 0;
  while (change != changes.end() || report != observed.end()) {
    if (bytes >= bytes_max) {
      batch.reached = at;
      return batch;
    }
    const bool is_change =
        report == observed.end() || (change != changes.end() && change->order < report->order);
    const Event& event = is_change ? *change++ : *report++;
    if (is_change) {
      std::tie(at.revision, at.number) = place_of(event);
    } else {
      at.observed = event.number;
    }
    if (!is_for(event, query)) continue;
    batch.events.push_back({at, event_json(event, at, query)});
    bytes += batch.events.back().json.size();
  }
  batch.reached = newest_locked();
  return batch;
}

}  // namespace weir::api
