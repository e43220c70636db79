// The audit rows of the SQLite store and the two ends of their chain (docs/formats/store.md).
// Called inside a database transaction that the caller holds open. Thread: whoever owns the
// database.
#pragma once

#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "store/sqlite_database.h"
#include "store/store.h"

namespace weir::store {

/// Adds a row behind the newest, and takes away a few that are too old. The caller has set
/// everything but `at` and `hash`. Errors:  kUnavailable
Result<void> append_audit_row(SqliteDatabase& database, AuditRow row, WallTime now);

/// Errors:  kUnavailable
Result<std::vector<AuditEntry>> read_audit_rows(SqliteDatabase& database, const AuditRange& range);
Result<AuditPage> read_audit_page(SqliteDatabase& database, std::uint64_t after,
                                  std::size_t count_max);

/// Links the rows of a store that had no chain. Errors:  kUnavailable
Result<void> chain_old_rows(SqliteDatabase& database);

}  // namespace weir::store
