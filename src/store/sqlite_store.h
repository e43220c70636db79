// The embedded store: one SQLite file in WAL mode with synchronous=FULL, so that a commit is on
// disk when it is answered. One connection writes, a few read. After any failure to write it opens
// the database again before it takes the next transaction; reads go on meanwhile. Used by control;
// its tables are described in docs/formats/store.md. Thread: any.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "base/unique_fd.h"
#include "store/sqlite_database.h"
#include "store/sqlite_readers.h"
#include "store/sqlite_transaction.h"
#include "store/store.h"

namespace weir::store {

class SqliteStore final : public Store {
 public:
  /// Opens the store, or makes an empty one with mode 0600 (its folder must exist). While it is
  /// open, `<path>.lock` is locked. Clock and metrics must outlive the store.
  /// Errors:  kFailedPrecondition when the schema is newer, the file is no store or another process
  ///          has it open; kUnavailable
  static Result<std::unique_ptr<SqliteStore>> open(const SqliteFile& file, const Clock& clock,
                                                   Metrics& metrics);

  Result<Entry> get(std::string_view key) const override;
  Result<Listing> list_page(std::string_view prefix, std::string_view after,
                            std::size_t count_max) const override;
  Result<Revision> commit(const Transaction& transaction) override;
  Result<Changes> changes_after(Revision after, Instant deadline) const override;
  Version version() const override;
  using Store::audit_rows;
  Result<std::vector<AuditEntry>> audit_rows(const AuditRange& range) const override;
  Result<AuditPage> audit_after(std::uint64_t after, std::size_t count_max) const override;

  /// Writes a copy of one moment to `path` while the store works on; see back_up_sqlite().
  /// Errors:  kUnavailable
  Result<Version> backup(const std::string& path) const;
  /// Cost: reads the whole file. Errors:  kUnavailable with what is wrong
  Result<void> check_integrity() const;

 private:
  /// What waiters of changes_after() need to know of the newest commit.
  struct Progress {
    Version version;
    Revision newest_change;  // newest revision that changed an object
  };

  SqliteStore(const SqliteFile& file, const Clock& clock, Metrics& metrics, UniqueFd lock);
  Result<void> start();
  Result<Revision> commit_uncounted(const Transaction& transaction);
  Result<Applied> write(const Transaction& transaction) WEIR_EXCLUDES(writer_mutex_);
  Result<void> ensure_writer() WEIR_REQUIRES(writer_mutex_);
  Result<Applied> write_durably(const Transaction& transaction) WEIR_REQUIRES(writer_mutex_);
  void publish(const Applied& applied);
  void wait_for_change(Revision after, Instant deadline) const;
  void note_read(const Changes& read) const;

  // Constant after construction.
  const SqliteFile file_;
  const Clock& clock_;
  Metrics& metrics_;
  MetricValue& revision_shown_;
  const UniqueFd lock_;

  mutable SqliteReaders readers_;

  // Guarded by writer_mutex_.
  Mutex writer_mutex_;
  std::unique_ptr<SqliteDatabase> writer_ WEIR_GUARDED_BY(writer_mutex_);  // null after a failure
  Version written_ WEIR_GUARDED_BY(writer_mutex_);                         // newest acknowledged

  // Guarded by progress_mutex_.
  mutable Mutex progress_mutex_;
  mutable Condition progressed_;
  mutable Progress progress_ WEIR_GUARDED_BY(progress_mutex_);
};

}  // namespace weir::store
