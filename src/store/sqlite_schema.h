// The tables of the SQLite store, their versions and the steps between them
// (docs/formats/store.md). Called when a store is opened, backed up or restored. Thread: whoever
// owns the database.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "base/strong_type.h"
#include "store/sqlite_database.h"

namespace weir::store {

/// What changed after a revision. Ordered as the index is, so that nothing older is read: numbers
/// ascend with revisions.
inline constexpr const char* kChangesAfter =
    "SELECT key, value, revision, before FROM changes WHERE revision>? ORDER BY revision, number";

/// What the tables of this program look like.
std::int64_t newest_schema();

/// Brings an empty or older database to the newest schema in one transaction; a new one gets
/// `epoch`. The newest schema is left as it is.
/// Errors:  kFailedPrecondition for a newer schema or a foreign database, kUnavailable
Result<void> migrate(SqliteDatabase& database, Epoch epoch);

/// Errors:  kFailedPrecondition when it is no store or of a newer schema, kUnavailable
Result<std::int64_t> schema_of(SqliteDatabase& database);

/// Errors:  kUnavailable
Result<std::uint64_t> meta(SqliteDatabase& database, std::string_view name);
/// Errors:  kUnavailable
Result<void> set_meta(SqliteDatabase& database, std::string_view name, std::uint64_t value);
/// Errors:  kUnavailable
Result<Version> stored_version(SqliteDatabase& database);

/// Runs SQLite's own check of all pages and indexes. Cost: reads the whole file.
/// Errors:  kUnavailable with what is wrong
Result<void> check_integrity(SqliteDatabase& database);

}  // namespace weir::store
