// Carries one Transaction out on the tables: expectations, counters, writes, change log and audit
// row, all inside the database transaction that the caller holds open. Called by SqliteStore alone.
// Thread: whoever owns the database.
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "base/strong_type.h"
#include "store/sqlite_database.h"
#include "store/store.h"

namespace weir::store {

struct Applied {
  Revision revision;
  bool changed_objects = false;
};

/// The transaction must have passed check_transaction(). After an error the caller rolls back.
/// Errors:  kStale, kAlreadyExists, kQuotaExceeded, kInvalidArgument, kUnavailable
Result<Applied> apply_transaction(SqliteDatabase& database, const Transaction& transaction,
                                  WallTime now);

}  // namespace weir::store
