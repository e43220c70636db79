#include "store/sqlite_transaction.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "base/mutant.h"
#include "store/audit_chain.h"
#include "store/sqlite_audit.h"
#include "store/sqlite_schema.h"
#include "store/transaction_rules.h"

namespace weir::store {
namespace {

std::int64_t signed_value(Revision revision) { return static_cast<std::int64_t>(revision.value); }

/// Where the change log ends: the number of its newest row and the bytes of all rows ever logged.
struct LogEnd {
  std::int64_t number = 0;
  std::int64_t bytes_total = 0;
};

Result<LogEnd> log_end(SqliteDatabase& database) {
  LogEnd end;
  WEIR_TRY(database.each("SELECT number, bytes_total FROM changes ORDER BY number DESC LIMIT 1", {},
                         [&](const SqliteRow& row) { end = {row.integer(0), row.integer(1)}; }));
  return end;
}

Result<void> check_expectations(SqliteDatabase& database, const Transaction& transaction) {
  for (const Expectation& expectation : transaction.expectations) {
    WEIR_ASSIGN_OR_RETURN(
        const auto found,
        database.integer("SELECT revision FROM entries WHERE key=?", {expectation.key}));
    const auto revision =
        found ? std::optional(Revision(static_cast<std::uint64_t>(*found))) : std::nullopt;
    WEIR_TRY(check_expectation(expectation, revision));
  }
  return {};
}

Result<void> put(SqliteDatabase& database, std::string_view key, std::string_view value,
                 Revision revision) {
  return database.run(
      "INSERT INTO entries (key, value, revision) VALUES (?, ?, ?) "
      "ON CONFLICT (key) DO UPDATE SET value=excluded.value, revision=excluded.revision",
      {key, value, signed_value(revision)});
}

Result<void> change_counters(SqliteDatabase& database, const Transaction& transaction,
                             Revision revision) {
  for (const CounterChange& counter : transaction.counters) {
    WEIR_ASSIGN_OR_RETURN(const auto stored,
                          database.text("SELECT value FROM entries WHERE key=?", {counter.key}));
    WEIR_ASSIGN_OR_RETURN(const std::int64_t sum, counter_sum(stored, counter));
    WEIR_TRY(put(database, counter.key, std::to_string(sum), revision));
  }
  return {};
}

SqliteValue text_or_null(const std::optional<std::string>& text) {
  return text ? SqliteValue(std::string_view(*text)) : SqliteValue();
}

Result<void> log_change(SqliteDatabase& database, const Change& change, LogEnd& end) {
  end.number += 1;
  end.bytes_total +=
      static_cast<std::int64_t>(change.key.size() + (change.value ? change.value->size() : 0) +
                                (change.before ? change.before->size() : 0));
  return database.run(
      "INSERT INTO changes (number, revision, key, value, bytes_total, before) "
      "VALUES (?, ?, ?, ?, ?, ?)",
      {end.number, signed_value(change.revision), change.key, text_or_null(change.value),
       end.bytes_total, text_or_null(change.before)});
}

/// Deletes whole revisions from the old end until both limits hold; the newest always stays,
/// because a transaction is smaller than either limit.
Result<void> trim_changes(SqliteDatabase& database, const LogEnd& end) {
  while (true) {
    std::int64_t oldest = 0;
    bool within = true;
    WEIR_TRY(database.each(
        "SELECT revision, number, bytes_total FROM changes ORDER BY number LIMIT 1", {},
        [&](const SqliteRow& row) {
          oldest = row.integer(0);
          within = end.number - row.integer(1) < static_cast<std::int64_t>(kChangesKept) &&
                   end.bytes_total - row.integer(2) <= static_cast<std::int64_t>(kChangesBytesKept);
        }));
    if (within) return {};
    WEIR_TRY(database.run("DELETE FROM changes WHERE revision=?", {oldest}));
    WEIR_TRY(set_meta(database, "changes_trimmed", static_cast<std::uint64_t>(oldest)));
  }
}

/// Nothing when there was nothing to change: deleting a missing key changes nothing. What stood
/// there before is told of objects alone.
Result<std::optional<Change>> write_entry(SqliteDatabase& database, const Write& write,
                                          Revision revision) {
  Change change{write.key, write.value, revision};
  if (!write.value) {
    WEIR_ASSIGN_OR_RETURN(
        change.before,
        database.text("DELETE FROM entries WHERE key=? RETURNING value", {write.key}));
    return change.before ? std::optional(std::move(change)) : std::nullopt;
  }
  if (is_object_key(write.key)) {
    WEIR_ASSIGN_OR_RETURN(change.before,
                          database.text("SELECT value FROM entries WHERE key=?", {write.key}));
  }
  WEIR_TRY(put(database, write.key, *write.value, revision));
  return std::optional(std::move(change));
}

/// True when an object changed.
Result<bool> write_entries(SqliteDatabase& database, const Transaction& transaction,
                           Revision revision) {
  WEIR_ASSIGN_OR_RETURN(const LogEnd before, log_end(database));
  LogEnd end = before;
  for (const Write& write : transaction.writes) {
    WEIR_ASSIGN_OR_RETURN(const auto change, write_entry(database, write, revision));
    if (!change || !is_object_key(write.key)) continue;
    WEIR_TRY(log_change(database, *change, end));
  }
  WEIR_TRY(trim_changes(database, end));
  return end.number != before.number;
}

}  // namespace

Result<Applied> apply_transaction(SqliteDatabase& database, const Transaction& transaction,
                                  WallTime now) {
  WEIR_TRY(check_expectations(database, transaction));
  WEIR_ASSIGN_OR_RETURN(const std::uint64_t current, meta(database, "revision"));
  Applied applied{Revision(current)};
  if (!is_audit_only(transaction)) {
    applied.revision = Revision(current + 1);
    WEIR_TRY(change_counters(database, transaction, applied.revision));
    WEIR_ASSIGN_OR_RETURN(applied.changed_objects,
                          write_entries(database, transaction, applied.revision));
    WEIR_TRY(set_meta(database, "revision", applied.revision.value));
  }
  if (mutant("audit-row-apart")) {
    WEIR_TRY(database.run("COMMIT"));
    WEIR_TRY(database.run("BEGIN IMMEDIATE"));
  }
  AuditRow row = transaction.audit;
  row.revision = applied.revision;
  row.change = change_digest(transaction);
  WEIR_TRY(append_audit_row(database, std::move(row), now));
  return applied;
}

}  // namespace weir::store
