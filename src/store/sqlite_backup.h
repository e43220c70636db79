// Backup and restore of the SQLite store as single files. A backup may be taken while the store
// works; a restore needs the store closed and starts a new epoch, so that nodes follow it although
// its revisions are older than theirs. Called by SqliteStore and the commands. Thread: any.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "base/strong_type.h"
#include "store/sqlite_database.h"

namespace weir::store {

/// Writes the store as it is at one moment to `backup_path` (mode 0600), whole or not at all; a
/// file that stands there is replaced. Returns the version that the backup holds. Errors:
/// kFailedPrecondition when `file` is no store or is itself at `backup_path`, kUnavailable
Result<Version> back_up_sqlite(const SqliteFile& file, const std::string& backup_path);

/// Replaces the store at `store_path` by the backup, whole or not at all, in an epoch above those
/// of the backup and of the store that stood there, at least the wall clock's seconds. Errors:
/// kFailedPrecondition when the store is in use, the backup is no store or of a newer
///          schema; kUnavailable, also for a damaged backup: the store is as it was
Result<Version> restore_sqlite(const std::string& backup_path, const std::string& store_path,
                               const Clock& clock);

}  // namespace weir::store
