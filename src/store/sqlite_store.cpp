#include "store/sqlite_store.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>

#include "base/log.h"
#include "base/mutant.h"
#include "store/sqlite_audit.h"
#include "store/sqlite_backup.h"
#include "store/sqlite_schema.h"
#include "store/store_files.h"
#include "store/store_metrics.h"
#include "store/transaction_rules.h"

namespace weir::store {
namespace {

/// On disk when it returns, or nothing of it.
Result<Applied> transact(SqliteDatabase& database, const Transaction& transaction, WallTime now) {
  const bool answers_early = mutant("answer-before-commit");
  // The mutant leaves the transaction open until the next one comes; at the first there is none.
  if (answers_early) (void)database.run("COMMIT");
  WEIR_TRY(database.run("BEGIN IMMEDIATE"));
  Result<Applied> applied = apply_transaction(database, transaction, now);
  if (!applied) {
    const Result<void> undone = database.run("ROLLBACK");
    // After a failure to write SQLite has often rolled back by itself: the first reason is told.
    if (!undone && applied.error().code != ErrorCode::kUnavailable) return undone.error();
    return applied;
  }
  if (!answers_early) WEIR_TRY(database.run("COMMIT"));
  return applied;
}

Result<Revision> newest_change(SqliteDatabase& database) {
  WEIR_ASSIGN_OR_RETURN(
      const auto newest,
      database.integer("SELECT revision FROM changes ORDER BY number DESC LIMIT 1"));
  return Revision(static_cast<std::uint64_t>(newest.value_or(0)));
}

Revision revision_at(const SqliteRow& row, int column) {
  return Revision(static_cast<std::uint64_t>(row.integer(column)));
}

/// Mutant: cuts the newest few commits off the log, of which the last may not be acknowledged.
void forget_last_transactions(const std::string& log) {
  constexpr std::uintmax_t kCut_bytes = 64 * 1024;
  std::error_code error;
  const auto size = std::filesystem::file_size(log, error);
  if (!error) std::filesystem::resize_file(log, size - std::min(size, kCut_bytes), error);
}

}  // namespace

SqliteStore::SqliteStore(const SqliteFile& file, const Clock& clock, Metrics& metrics,
                         UniqueFd lock)
    : file_(file),
      clock_(clock),
      metrics_(metrics),
      revision_shown_(metrics.value(Metric::kStoreRevision)),
      lock_(std::move(lock)),
      readers_(file, metrics) {}

Result<std::unique_ptr<SqliteStore>> SqliteStore::open(const SqliteFile& file, const Clock& clock,
                                                       Metrics& metrics) {
  WEIR_ASSIGN_OR_RETURN(UniqueFd lock, lock_file(file.path + ".lock"));
  WEIR_TRY(create_private_file(file.path));
  if (mutant("start-forgets-last")) forget_last_transactions(file.path + "-wal");
  std::unique_ptr<SqliteStore> store(new SqliteStore(file, clock, metrics, std::move(lock)));
  WEIR_TRY(store->start());
  return store;
}

Result<void> SqliteStore::start() {
  WEIR_ASSIGN_OR_RETURN(auto database, SqliteDatabase::open(file_, SqliteDatabase::Access::kWrite));
  WEIR_TRY(migrate(*database, fresh_epoch(clock_)));
  WEIR_ASSIGN_OR_RETURN(const Version version, stored_version(*database));
  WEIR_ASSIGN_OR_RETURN(const Revision change, newest_change(*database));
  metrics_.value(Metric::kStoreEpoch).set(static_cast<double>(version.epoch.value));
  revision_shown_.set(static_cast<double>(version.revision.value));
  {
    const MutexLock lock(writer_mutex_);
    writer_ = std::move(database);
    written_ = version;
  }
  const MutexLock lock(progress_mutex_);
  progress_ = {version, change};
  return {};
}

Result<Entry> SqliteStore::get(std::string_view key) const {
  std::optional<Entry> entry;
  WEIR_TRY(readers_.read([&](SqliteDatabase& database) {
    return database.each("SELECT value, revision FROM entries WHERE key=?", {key},
                         [&](const SqliteRow& row) {
                           entry = Entry{std::string(key), row.text(0), revision_at(row, 1)};
                         });
  }));
  if (entry) return *std::move(entry);
  return Error{ErrorCode::kNotFound, "no such key", std::string(key)};
}

Result<Listing> SqliteStore::list_page(std::string_view prefix, std::string_view after,
                                       std::size_t count_max) const {
  Listing listing;
  // The lowest key behind `after` is that key and a zero byte.
  const std::string lower =
      after < prefix ? std::string(prefix) : std::string(after) + std::string(1, '\0');
  const auto count = static_cast<std::int64_t>(std::min<std::size_t>(count_max, INT64_MAX));
  const std::optional<std::string> end = prefix_end(prefix);
  const SqliteValue upper = end ? SqliteValue(std::string_view(*end)) : SqliteValue();
  WEIR_TRY(readers_.read([&](SqliteDatabase& database) -> Result<void> {
    WEIR_ASSIGN_OR_RETURN(const Version version, stored_version(database));
    listing.revision = version.revision;
    return database.each(
        end ? "SELECT key, value, revision FROM entries WHERE key>=? AND key<? "
              "ORDER BY key LIMIT ?"
            : "SELECT key, value, revision FROM entries WHERE key>=? AND ? IS NULL "
              "ORDER BY key LIMIT ?",
        {std::string_view(lower), upper, count}, [&](const SqliteRow& row) {
          listing.entries.push_back({row.text(0), row.text(1), revision_at(row, 2)});
        });
  }));
  return listing;
}

Result<Revision> SqliteStore::commit(const Transaction& transaction) {
  Result<Revision> revision = commit_uncounted(transaction);
  count_commit(metrics_, revision);
  return revision;
}

Result<Revision> SqliteStore::commit_uncounted(const Transaction& transaction) {
  WEIR_TRY(check_transaction(transaction, metrics_));
  WEIR_ASSIGN_OR_RETURN(const Applied applied, write(transaction));
  publish(applied);
  return applied.revision;
}

Result<Applied> SqliteStore::write(const Transaction& transaction) {
  const MutexLock lock(writer_mutex_);
  WEIR_TRY(ensure_writer());
  return write_durably(transaction);
}

Result<void> SqliteStore::ensure_writer() {
  if (writer_) return {};
  metrics_.value(Metric::kStoreReopens).add();
  WEIR_ASSIGN_OR_RETURN(auto database, SqliteDatabase::open(file_, SqliteDatabase::Access::kWrite));
  WEIR_TRY(schema_of(*database));
  WEIR_ASSIGN_OR_RETURN(const Version version, stored_version(*database));
  if (version.epoch != written_.epoch || version < written_) {
    return Error{ErrorCode::kUnavailable,
                 "the database was replaced while it was in use: expected " + to_string(written_) +
                     ", found " + to_string(version) + "; start again to take it",
                 {}};
  }
  writer_ = std::move(database);
  log::info("the store opened its database again after it could not write", {{"path", file_.path}});
  return {};
}

Result<Applied> SqliteStore::write_durably(const Transaction& transaction) {
  Result<Applied> applied = transact(*writer_, transaction, clock_.wall_now());
  if (applied) {
    written_.revision = applied->revision;
  } else if (applied.error().code == ErrorCode::kUnavailable) {
    // Closing rolls back. What a failed write or sync left in the page cache is not trusted: the
    // next transaction starts from what can be read anew.
    writer_.reset();
  }
  return applied;
}

void SqliteStore::publish(const Applied& applied) {
  const MutexLock lock(progress_mutex_);
  // Commits may arrive here in another order than they were written in.
  Revision& newest = progress_.version.revision;
  newest = std::max(newest, applied.revision);
  revision_shown_.set(static_cast<double>(newest.value));
  if (!applied.changed_objects) return;
  progress_.newest_change = std::max(progress_.newest_change, applied.revision);
  progressed_.notify_all();
}

void SqliteStore::wait_for_change(Revision after, Instant deadline) const {
  const MutexLock lock(progress_mutex_);
  while (after <= progress_.version.revision && progress_.newest_change <= after &&
         progressed_.wait_until(progress_mutex_, deadline)) {
  }
}

/// A commit that was stored although its answer was an error shows here first. Whoever has read it
/// must then wait for the next one, not ask again at once.
void SqliteStore::note_read(const Changes& read) const {
  const MutexLock lock(progress_mutex_);
  progress_.version.revision = std::max(progress_.version.revision, read.revision);
  if (read.changes.empty() || read.changes.back().revision <= progress_.newest_change) return;
  progress_.newest_change = read.changes.back().revision;
  progressed_.notify_all();
}

Result<Changes> SqliteStore::changes_after(Revision after, Instant deadline) const {
  wait_for_change(after, deadline);
  Changes answer;
  WEIR_TRY(readers_.read([&](SqliteDatabase& database) -> Result<void> {
    WEIR_ASSIGN_OR_RETURN(const std::uint64_t trimmed, meta(database, "changes_trimmed"));
    WEIR_ASSIGN_OR_RETURN(const Version version, stored_version(database));
    answer.revision = version.revision;
    answer.forgotten = Revision(trimmed);
    answer.must_relist = after.value < trimmed || after > version.revision;
    if (answer.must_relist) return {};
    return database.each(
        kChangesAfter, {static_cast<std::int64_t>(after.value)}, [&](const SqliteRow& row) {
          const auto value = row.is_null(1) ? std::nullopt : std::optional(row.text(1));
          const auto before = row.is_null(3) ? std::nullopt : std::optional(row.text(3));
          answer.changes.push_back({row.text(0), value, revision_at(row, 2), before});
        });
  }));
  if (answer.must_relist) metrics_.value(Metric::kStoreLimitReached, {"changes"}).add();
  note_read(answer);
  return answer;
}

Version SqliteStore::version() const {
  const MutexLock lock(progress_mutex_);
  return progress_.version;
}

Result<std::vector<AuditEntry>> SqliteStore::audit_rows(const AuditRange& range) const {
  std::vector<AuditEntry> rows;
  WEIR_TRY(readers_.read([&](SqliteDatabase& database) -> Result<void> {
    WEIR_ASSIGN_OR_RETURN(rows, read_audit_rows(database, range));
    return {};
  }));
  return rows;
}

Result<AuditPage> SqliteStore::audit_after(std::uint64_t after, std::size_t count_max) const {
  AuditPage page;
  WEIR_TRY(readers_.read([&](SqliteDatabase& database) -> Result<void> {
    WEIR_ASSIGN_OR_RETURN(page, read_audit_page(database, after, count_max));
    return {};
  }));
  return page;
}

Result<Version> SqliteStore::backup(const std::string& path) const {
  return back_up_sqlite(file_, path);
}

Result<void> SqliteStore::check_integrity() const {
  return readers_.read([](SqliteDatabase& database) { return store::check_integrity(database); });
}

}  // namespace weir::store
