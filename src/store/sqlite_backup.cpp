#include "store/sqlite_backup.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>
#include <utility>

#include "store/audit_chain.h"
#include "store/sqlite_audit.h"
#include "store/sqlite_schema.h"
#include "store/store_files.h"
#include "store/store_metrics.h"

namespace weir::store {
namespace {

constexpr std::array kCompanions = {"-wal", "-shm", "-journal"};

Result<void> remove_companions(const std::string& path) {
  for (const char* suffix : kCompanions) WEIR_TRY(remove_file(path + suffix));
  return {};
}

/// A file that nobody else uses, empty and private, in place of what an earlier attempt left.
Result<void> make_empty(const std::string& path) {
  WEIR_TRY(remove_companions(path));
  WEIR_TRY(remove_file(path));
  return create_new_private_file(path);
}

Result<void> copy_store(const SqliteFile& file, const std::string& to) {
  WEIR_TRY(make_empty(to));
  WEIR_ASSIGN_OR_RETURN(auto source, SqliteDatabase::open(file, SqliteDatabase::Access::kCopy));
  WEIR_TRY(schema_of(*source));
  return source->copy_to(to);
}

Result<Version> version_of_copy(const std::string& path) {
  WEIR_ASSIGN_OR_RETURN(auto copy, SqliteDatabase::open({path, {}}, SqliteDatabase::Access::kCopy));
  return stored_version(*copy);
}

/// Folds the WAL into the file, so that the file is whole until the moment it is replaced.
Result<void> fold_wal(SqliteDatabase& database) {
  WEIR_ASSIGN_OR_RETURN(const auto busy, database.integer("PRAGMA wal_checkpoint(TRUNCATE)"));
  if (busy == 0) return {};
  return Error{ErrorCode::kUnavailable, "somebody reads the store that is to be replaced", {}};
}

/// The epoch of the store that is to be replaced; 0 when there is none or it cannot be read.
/// Errors:  kUnavailable when it must not be replaced now
Result<Epoch> epoch_to_replace(const std::string& path) {
  struct stat found{};
  if (::stat(path.c_str(), &found) != 0) return Epoch(0);
  const auto database = SqliteDatabase::open({path, {}}, SqliteDatabase::Access::kWrite);
  if (!database) return Epoch(0);
  const Result<Version> version = stored_version(**database);
  if (!version) return Epoch(0);
  WEIR_TRY(fold_wal(**database));
  return version->epoch;
}

/// Says in the chain that what came after the backup has gone. Errors:  kUnavailable
Result<void> note_restore(SqliteDatabase& copy, const Version& version, WallTime now) {
  AuditRow row{.who = "local",
               .operation = std::string(kRestoreOperation),
               .object = restore_object(version.epoch),
               .result = "ok"};
  row.revision = version.revision;
  return append_audit_row(copy, std::move(row), now);
}

/// Checks the copy, brings it to the newest schema and moves it to an epoch above both.
Result<Version> start_epoch_above(const std::string& path, Epoch replaced, const Clock& clock) {
  const Epoch fresh = fresh_epoch(clock);
  WEIR_ASSIGN_OR_RETURN(auto copy,
                        SqliteDatabase::open({path, {}}, SqliteDatabase::Access::kWrite));
  WEIR_TRY(check_integrity(*copy));
  WEIR_TRY(migrate(*copy, fresh));
  WEIR_ASSIGN_OR_RETURN(Version version, stored_version(*copy));
  const std::uint64_t above = std::max(version.epoch.value, replaced.value) + 1;
  version.epoch = Epoch(std::max(above, fresh.value));
  WEIR_TRY(set_meta(*copy, "epoch", version.epoch.value));
  // Without a transaction of its own: nobody sees the copy before it is renamed into place.
  WEIR_TRY(note_restore(*copy, version, clock.wall_now()));
  WEIR_TRY(copy->leave_wal());
  return version;
}

}  // namespace

Result<Version> back_up_sqlite(const SqliteFile& file, const std::string& backup_path) {
  std::error_code ignored;  // a file that cannot be looked at is another one
  if (std::filesystem::equivalent(file.path, backup_path, ignored)) {
    return Error{ErrorCode::kFailedPrecondition, "a backup must not replace its own store", {}};
  }
  const std::string part = backup_path + ".part";
  WEIR_TRY(copy_store(file, part));
  WEIR_ASSIGN_OR_RETURN(const Version version, version_of_copy(part));
  WEIR_TRY(rename_durably(part, backup_path));
  return version;
}

Result<Version> restore_sqlite(const std::string& backup_path, const std::string& store_path,
                               const Clock& clock) {
  WEIR_ASSIGN_OR_RETURN(const UniqueFd lock, lock_file(store_path + ".lock"));
  const std::string part = store_path + ".restore";
  WEIR_TRY(copy_store({backup_path, {}}, part));
  WEIR_ASSIGN_OR_RETURN(const Epoch replaced, epoch_to_replace(store_path));
  WEIR_ASSIGN_OR_RETURN(const Version version, start_epoch_above(part, replaced, clock));
  // Before the rename: an old WAL beside the new file would be played into it.
  WEIR_TRY(remove_companions(store_path));
  WEIR_TRY(sync_folder_of(store_path));
  WEIR_TRY(rename_durably(part, store_path));
  return version;
}

}  // namespace weir::store
