#include "store/sqlite_audit.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>

#include "store/audit_chain.h"

namespace weir::store {
namespace {

// Names of the two rows of audit_ends.
constexpr std::string_view kTrimmed = "trimmed";
constexpr std::string_view kNewest = "newest";

/// Rows linked at once by a migration. Chosen because they take about half a megabyte.
constexpr std::size_t kChainedAtOnce = 1'000;

constexpr std::string_view kRowsOfAll =
    "SELECT number, at_ms, revision, who, account, source, operation, object, request_id, result, "
    "change, hash FROM audit WHERE number<? ORDER BY number DESC LIMIT ?";
constexpr std::string_view kRowsOfAccount =
    "SELECT number, at_ms, revision, who, account, source, operation, object, request_id, result, "
    "change, hash FROM audit WHERE account=? AND number<? ORDER BY number DESC LIMIT ?";
constexpr std::string_view kRowsAfter =
    "SELECT number, at_ms, revision, who, account, source, operation, object, request_id, result, "
    "change, hash FROM audit WHERE number>? ORDER BY number LIMIT ?";

std::int64_t milliseconds_of(WallTime time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

AuditEntry entry_of(const SqliteRow& row) {
  AuditRow audit{.who = row.text(3),
                 .account = row.text(4),
                 .source = row.text(5),
                 .operation = row.text(6),
                 .object = row.text(7),
                 .request_id = row.text(8),
                 .result = row.text(9),
                 .at = WallTime(std::chrono::milliseconds(row.integer(1))),
                 .revision = Revision(static_cast<std::uint64_t>(row.integer(2))),
                 .change = row.text(10),
                 .hash = row.text(11)};
  return {static_cast<std::uint64_t>(row.integer(0)), std::move(audit)};
}

/// Numbers are never above this; a caller may ask beyond it.
std::int64_t bounded(std::uint64_t number) {
  return static_cast<std::int64_t>(std::min<std::uint64_t>(number, INT64_MAX));
}

Result<AuditLink> end_of_chain(SqliteDatabase& database, std::string_view name) {
  AuditLink link;
  WEIR_TRY(database.each("SELECT number, hash FROM audit_ends WHERE name=?", {name},
                         [&](const SqliteRow& row) {
                           link = {static_cast<std::uint64_t>(row.integer(0)), row.text(1)};
                         }));
  return link;
}

Result<void> set_end(SqliteDatabase& database, std::string_view name, const AuditLink& link) {
  return database.run("UPDATE audit_ends SET number=?, hash=? WHERE name=?",
                      {bounded(link.number), link.hash, name});
}

/// Looks at the oldest rows alone, so that its cost does not grow with the table; stops at the
/// first that is young enough, so that what is left is one stretch of the chain.
Result<void> trim(SqliteDatabase& database, WallTime now) {
  const std::int64_t oldest = milliseconds_of(now - kAuditKept);
  AuditLink trimmed;
  bool is_old = true;
  WEIR_TRY(database.each("SELECT number, at_ms, hash FROM audit ORDER BY number LIMIT ?",
                         {static_cast<std::int64_t>(kAuditTrimmedAtOnce)},
                         [&](const SqliteRow& row) {
                           is_old = is_old && row.integer(1) < oldest;
                           if (!is_old) return;
                           trimmed = {static_cast<std::uint64_t>(row.integer(0)), row.text(2)};
                         }));
  if (trimmed.number == 0) return {};
  WEIR_TRY(database.run("DELETE FROM audit WHERE number<=?", {bounded(trimmed.number)}));
  return set_end(database, kTrimmed, trimmed);
}

Result<std::vector<AuditEntry>> rows_after(SqliteDatabase& database, std::uint64_t after,
                                           std::size_t count_max) {
  std::vector<AuditEntry> rows;
  WEIR_TRY(database.each(kRowsAfter, {bounded(after), static_cast<std::int64_t>(count_max)},
                         [&](const SqliteRow& row) { rows.push_back(entry_of(row)); }));
  return rows;
}

}  // namespace

Result<void> append_audit_row(SqliteDatabase& database, AuditRow row, WallTime now) {
  WEIR_TRY(trim(database, now));
  WEIR_ASSIGN_OR_RETURN(const AuditLink newest, end_of_chain(database, kNewest));
  // Above what stands there too: a row that somebody has put in by hand must not stop all writes.
  WEIR_ASSIGN_OR_RETURN(const auto last, database.integer("SELECT max(number) FROM audit"));
  const auto highest = static_cast<std::uint64_t>(last.value_or(0));
  const std::uint64_t number = std::max(newest.number, highest) + 1;
  row.at = now;
  row.hash = audit_hash(newest.hash, number, row);
  WEIR_TRY(database.run(
      "INSERT INTO audit (number, at_ms, revision, who, account, source, operation, object, "
      "request_id, result, change, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      {bounded(number), milliseconds_of(now), bounded(row.revision.value), row.who, row.account,
       row.source, row.operation, row.object, row.request_id, row.result, row.change, row.hash}));
  return set_end(database, kNewest, {number, row.hash});
}

Result<std::vector<AuditEntry>> read_audit_rows(SqliteDatabase& database, const AuditRange& range) {
  std::vector<AuditEntry> rows;
  const auto take = [&](const SqliteRow& row) { rows.push_back(entry_of(row)); };
  const std::int64_t before = bounded(range.before);
  const auto count = static_cast<std::int64_t>(range.count_max);
  if (range.account) {
    WEIR_TRY(database.each(kRowsOfAccount, {*range.account, before, count}, take));
  } else {
    WEIR_TRY(database.each(kRowsOfAll, {before, count}, take));
  }
  return rows;
}

Result<AuditPage> read_audit_page(SqliteDatabase& database, std::uint64_t after,
                                  std::size_t count_max) {
  AuditPage page;
  WEIR_ASSIGN_OR_RETURN(page.trimmed, end_of_chain(database, kTrimmed));
  WEIR_ASSIGN_OR_RETURN(page.newest, end_of_chain(database, kNewest));
  WEIR_ASSIGN_OR_RETURN(page.rows, rows_after(database, after, count_max));
  return page;
}

Result<void> chain_old_rows(SqliteDatabase& database) {
  AuditLink newest;
  while (true) {
    WEIR_ASSIGN_OR_RETURN(const auto rows, rows_after(database, newest.number, kChainedAtOnce));
    for (const auto& [number, row] : rows) {
      newest = {number, audit_hash(newest.hash, number, row)};
      WEIR_TRY(
          database.run("UPDATE audit SET hash=? WHERE number=?", {newest.hash, bounded(number)}));
    }
    if (rows.empty()) return set_end(database, kNewest, newest);
  }
}

}  // namespace weir::store
