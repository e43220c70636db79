#include "store/memory_store.h"

#include <algorithm>
#include <optional>

#include "store/audit_chain.h"
#include "store/store_metrics.h"
#include "store/transaction_rules.h"

namespace weir::store {
namespace {

std::uint64_t change_bytes(const Change& change) {
  return change.key.size() + (change.value ? change.value->size() : 0) +
         (change.before ? change.before->size() : 0);
}

}  // namespace

MemoryStore::MemoryStore(const Clock& clock, Metrics& metrics)
    : clock_(clock),
      metrics_(metrics),
      epoch_(fresh_epoch(clock)),
      revision_shown_(metrics.value(Metric::kStoreRevision)),
      relists_(metrics.value(Metric::kStoreLimitReached, {"changes"})) {
  metrics_.value(Metric::kStoreEpoch).set(static_cast<double>(epoch_.value));
}

Result<Entry> MemoryStore::get(std::string_view key) const {
  const MutexLock lock(mutex_);
  const auto found = entries_.find(key);
  if (found == entries_.end()) {
    return Error{ErrorCode::kNotFound, "no such key", std::string(key)};
  }
  return Entry{found->first, found->second.value, found->second.revision};
}

Result<Listing> MemoryStore::list_page(std::string_view prefix, std::string_view after,
                                       std::size_t count_max) const {
  const MutexLock lock(mutex_);
  Listing listing{{}, revision_};
  const bool is_first = after < prefix;
  for (auto it = is_first ? entries_.lower_bound(prefix) : entries_.upper_bound(after);
       it != entries_.end() && it->first.starts_with(prefix) && listing.entries.size() < count_max;
       ++it) {
    listing.entries.push_back({it->first, it->second.value, it->second.revision});
  }
  return listing;
}

Result<Revision> MemoryStore::commit(const Transaction& transaction) {
  Result<Revision> revision = commit_uncounted(transaction);
  count_commit(metrics_, revision);
  return revision;
}

Result<Revision> MemoryStore::commit_uncounted(const Transaction& transaction) {
  WEIR_TRY(check_transaction(transaction, metrics_));
  const MutexLock lock(mutex_);
  return commit_locked(transaction);
}

Result<Revision> MemoryStore::commit_locked(const Transaction& transaction) {
  for (const Expectation& expectation : transaction.expectations) {
    const auto found = entries_.find(expectation.key);
    const bool exists = found != entries_.end();
    WEIR_TRY(check_expectation(expectation,
                               exists ? std::optional(found->second.revision) : std::nullopt));
  }
  WEIR_ASSIGN_OR_RETURN(const Sums sums, counter_sums(transaction));
  trim_audit();
  const bool is_silent = is_audit_only(transaction);
  append_audit(transaction, Revision(revision_.value + (is_silent ? 0 : 1)));
  if (is_silent) return revision_;
  revision_ = Revision(revision_.value + 1);
  for (const auto& [key, value] : sums) write({key, value}, revision_);
  for (const Write& one : transaction.writes) write(one, revision_);
  trim_changes();
  revision_shown_.set(static_cast<double>(revision_.value));
  changed_.notify_all();
  return revision_;
}

Result<MemoryStore::Sums> MemoryStore::counter_sums(const Transaction& transaction) const {
  Sums sums;
  for (const CounterChange& counter : transaction.counters) {
    const auto found = entries_.find(counter.key);
    const bool exists = found != entries_.end();
    WEIR_ASSIGN_OR_RETURN(
        const std::int64_t sum,
        counter_sum(exists ? std::optional(found->second.value) : std::nullopt, counter));
    sums.emplace_back(counter.key, std::to_string(sum));
  }
  return sums;
}

void MemoryStore::write(const Write& write, Revision revision) {
  const auto held = entries_.find(write.key);
  const bool is_there = held != entries_.end();
  if (!is_there && !write.value) return;
  Change change{write.key, write.value, revision};
  if (is_there) change.before = std::move(held->second.value);
  if (write.value) {
    entries_.insert_or_assign(write.key, Stored{*write.value, revision});
  } else {
    entries_.erase(held);
  }
  if (!is_object_key(write.key)) return;
  changes_.push_back(std::move(change));
  changes_bytes_ += change_bytes(changes_.back());
}

void MemoryStore::trim_changes() {
  while (changes_.size() > kChangesKept || changes_bytes_ > kChangesBytesKept) {
    changes_trimmed_ = changes_.front().revision;
    while (!changes_.empty() && changes_.front().revision == changes_trimmed_) {
      changes_bytes_ -= change_bytes(changes_.front());
      changes_.pop_front();
    }
  }
}

Result<Changes> MemoryStore::changes_after(Revision after, Instant deadline) const {
  const MutexLock lock(mutex_);
  while (has_nothing_after(after) && changed_.wait_until(mutex_, deadline)) {
  }
  Changes answer{{}, revision_, after < changes_trimmed_ || after > revision_, changes_trimmed_};
  if (answer.must_relist) {
    relists_.add();
    return answer;
  }
  const auto first = std::ranges::upper_bound(changes_, after, {}, &Change::revision);
  answer.changes.assign(first, changes_.end());
  return answer;
}

bool MemoryStore::has_nothing_after(Revision after) const {
  if (after < changes_trimmed_ || after > revision_) return false;
  return changes_.empty() || changes_.back().revision <= after;
}

void MemoryStore::append_audit(const Transaction& transaction, Revision revision) {
  AuditRow row = transaction.audit;
  row.at = clock_.wall_now();
  row.revision = revision;
  row.change = change_digest(transaction);
  const std::uint64_t number = audit_newest_.number + 1;
  row.hash = audit_hash(audit_newest_.hash, number, row);
  audit_newest_ = {number, row.hash};
  audit_.emplace_back(number, std::move(row));
}

void MemoryStore::trim_audit() {
  const WallTime oldest = clock_.wall_now() - kAuditKept;
  for (std::size_t i = 0; i < kAuditTrimmedAtOnce && !audit_.empty(); ++i) {
    const auto& [number, row] = audit_.front();
    if (row.at >= oldest) return;
    audit_trimmed_ = {number, row.hash};
    audit_.pop_front();
  }
}

Version MemoryStore::version() const {
  const MutexLock lock(mutex_);
  return {epoch_, revision_};
}

Result<std::vector<AuditEntry>> MemoryStore::audit_rows(const AuditRange& range) const {
  const MutexLock lock(mutex_);
  std::vector<AuditEntry> rows;
  for (auto at = audit_.rbegin(); at != audit_.rend() && rows.size() < range.count_max; ++at) {
    if (at->first >= range.before) continue;
    if (range.account && at->second.account != *range.account) continue;
    rows.push_back(*at);
  }
  return rows;
}

Result<AuditPage> MemoryStore::audit_after(std::uint64_t after, std::size_t count_max) const {
  const MutexLock lock(mutex_);
  AuditPage page{{}, audit_trimmed_, audit_newest_};
  for (const AuditEntry& entry : audit_) {
    if (entry.first > after && page.rows.size() < count_max) page.rows.push_back(entry);
  }
  return page;
}

}  // namespace weir::store
