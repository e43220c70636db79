// A store that lives as long as the process, for tests alone: it keeps every audit row in memory.
// Keeps the contract of store.h but for durability. Thread: any (one mutex inside).
#pragma once

#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "base/metrics.h"
#include "base/mutex.h"
#include "store/store.h"

namespace weir::store {

class MemoryStore final : public Store {
 public:
  /// Both must outlive the store.
  MemoryStore(const Clock& clock, Metrics& metrics);

  Result<Entry> get(std::string_view key) const override;
  Result<Listing> list_page(std::string_view prefix, std::string_view after,
                            std::size_t count_max) const override;
  Result<Revision> commit(const Transaction& transaction) override;
  Result<Changes> changes_after(Revision after, Instant deadline) const override;
  Version version() const override;
  using Store::audit_rows;
  Result<std::vector<AuditEntry>> audit_rows(const AuditRange& range) const override;
  Result<AuditPage> audit_after(std::uint64_t after, std::size_t count_max) const override;

 private:
  struct Stored {
    std::string value;
    Revision revision;
  };
  using Sums = std::vector<std::pair<std::string, std::string>>;

  Result<Revision> commit_uncounted(const Transaction& transaction);
  Result<Revision> commit_locked(const Transaction& transaction) WEIR_REQUIRES(mutex_);
  Result<Sums> counter_sums(const Transaction& transaction) const WEIR_REQUIRES(mutex_);
  void write(const Write& write, Revision revision) WEIR_REQUIRES(mutex_);
  bool has_nothing_after(Revision after) const WEIR_REQUIRES(mutex_);
  void append_audit(const Transaction& transaction, Revision revision) WEIR_REQUIRES(mutex_);
  void trim_audit() WEIR_REQUIRES(mutex_);
  void trim_changes() WEIR_REQUIRES(mutex_);

  // Constant after construction.
  const Clock& clock_;
  Metrics& metrics_;
  Epoch epoch_;
  MetricValue& revision_shown_;
  MetricValue& relists_;

  // Guarded by mutex_.
  mutable Mutex mutex_;
  mutable Condition changed_;
  std::map<std::string, Stored, std::less<>> entries_ WEIR_GUARDED_BY(mutex_);
  std::deque<Change> changes_ WEIR_GUARDED_BY(mutex_);
  std::uint64_t changes_bytes_ WEIR_GUARDED_BY(mutex_) = 0;
  Revision changes_trimmed_ WEIR_GUARDED_BY(mutex_);  // this one and all before it are gone
  std::deque<AuditEntry> audit_ WEIR_GUARDED_BY(mutex_);
  AuditLink audit_trimmed_ WEIR_GUARDED_BY(mutex_);  // the newest row that is gone
  AuditLink audit_newest_ WEIR_GUARDED_BY(mutex_);
  Revision revision_ WEIR_GUARDED_BY(mutex_);
};

}  // namespace weir::store
