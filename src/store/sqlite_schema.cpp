#include "store/sqlite_schema.h"

#include <array>
#include <string>

#include "base/mutant.h"
#include "store/sqlite_audit.h"

namespace weir::store {
namespace {

struct Step {
  const char* script;
  Result<void> (*then)(SqliteDatabase&);  // what SQL cannot say; may be null
};

/// Step n leads from schema n to n + 1; a step is never changed once released.
constexpr std::array kSteps = {
    Step{R"(CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
CREATE TABLE entries (key TEXT PRIMARY KEY, value TEXT NOT NULL, revision INTEGER NOT NULL) STRICT;
CREATE TABLE changes (number INTEGER PRIMARY KEY, revision INTEGER NOT NULL, key TEXT NOT NULL,
                      value TEXT, bytes_total INTEGER NOT NULL) STRICT;
CREATE INDEX changes_by_revision ON changes (revision);
CREATE TABLE audit (number INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL,
                    revision INTEGER NOT NULL, who TEXT NOT NULL, operation TEXT NOT NULL,
                    object TEXT NOT NULL, request_id TEXT NOT NULL, result TEXT NOT NULL) STRICT;
INSERT INTO meta VALUES ('schema', 0), ('epoch', 0), ('revision', 0), ('changes_trimmed', 0);)",
         nullptr},
    Step{R"(ALTER TABLE audit ADD COLUMN account TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN source TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN change TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN hash TEXT NOT NULL DEFAULT '';
CREATE INDEX audit_by_account ON audit (account, number);
CREATE TABLE audit_ends (name TEXT PRIMARY KEY, number INTEGER NOT NULL, hash TEXT NOT NULL) STRICT;
INSERT INTO audit_ends VALUES ('trimmed', 0, ''), ('newest', 0, '');)",
         chain_old_rows},
    // What was logged without it is forgotten: its readers list again.
    Step{R"(ALTER TABLE changes ADD COLUMN before TEXT;
DELETE FROM changes;
UPDATE meta SET value=(SELECT value FROM meta WHERE name='revision')
WHERE name='changes_trimmed';)",
         nullptr},
};

Error no_store() {
  return Error{ErrorCode::kFailedPrecondition, "the database is no store of weir", {}};
}

Result<bool> has_tables(SqliteDatabase& database) {
  WEIR_ASSIGN_OR_RETURN(const auto count, database.integer("SELECT count(*) FROM sqlite_master"));
  return count.value_or(0) != 0;
}

Result<void> run_steps(SqliteDatabase& database, std::int64_t from) {
  for (auto step = static_cast<std::size_t>(from); step < kSteps.size(); ++step) {
    WEIR_TRY(database.script(kSteps[step].script));
    if (kSteps[step].then != nullptr) WEIR_TRY(kSteps[step].then(database));
  }
  return set_meta(database, "schema", kSteps.size());
}

Result<void> migrate_inside(SqliteDatabase& database, Epoch epoch) {
  WEIR_ASSIGN_OR_RETURN(const bool exists, has_tables(database));
  if (!exists) {
    WEIR_TRY(run_steps(database, 0));
    return set_meta(database, "epoch", epoch.value);
  }
  WEIR_ASSIGN_OR_RETURN(const std::int64_t schema, schema_of(database));
  if (schema == newest_schema()) return {};
  return run_steps(database, schema);
}

}  // namespace

std::int64_t newest_schema() { return static_cast<std::int64_t>(kSteps.size()); }

Result<void> migrate(SqliteDatabase& database, Epoch epoch) {
  if (mutant("migration-in-steps")) return migrate_inside(database, epoch);
  WEIR_TRY(database.run("BEGIN IMMEDIATE"));
  const Result<void> done = migrate_inside(database, epoch);
  if (done) return database.run("COMMIT");
  WEIR_TRY(database.run("ROLLBACK"));
  return done;
}

Result<std::int64_t> schema_of(SqliteDatabase& database) {
  WEIR_ASSIGN_OR_RETURN(
      const auto table,
      database.integer("SELECT count(*) FROM sqlite_master WHERE type='table' AND name='meta'"));
  if (table != 1) return no_store();
  WEIR_ASSIGN_OR_RETURN(const auto schema,
                        database.integer("SELECT value FROM meta WHERE name='schema'"));
  if (!schema || *schema < 1) return no_store();
  if (*schema > newest_schema()) {
    return Error{ErrorCode::kFailedPrecondition,
                 "the store has schema " + std::to_string(*schema) +
                     ", this program reads schemas up to " + std::to_string(newest_schema()) +
                     ": start a newer program",
                 {}};
  }
  return *schema;
}

Result<std::uint64_t> meta(SqliteDatabase& database, std::string_view name) {
  WEIR_ASSIGN_OR_RETURN(const auto value,
                        database.integer("SELECT value FROM meta WHERE name=?", {name}));
  if (value) return static_cast<std::uint64_t>(*value);
  return Error{ErrorCode::kUnavailable,
               "the database is damaged: it has no " + std::string(name) + " in table meta",
               {}};
}

Result<void> set_meta(SqliteDatabase& database, std::string_view name, std::uint64_t value) {
  return database.run("UPDATE meta SET value=? WHERE name=?",
                      {static_cast<std::int64_t>(value), name});
}

Result<Version> stored_version(SqliteDatabase& database) {
  WEIR_ASSIGN_OR_RETURN(const std::uint64_t epoch, meta(database, "epoch"));
  WEIR_ASSIGN_OR_RETURN(const std::uint64_t revision, meta(database, "revision"));
  return Version{Epoch(epoch), Revision(revision)};
}

Result<void> check_integrity(SqliteDatabase& database) {
  WEIR_ASSIGN_OR_RETURN(const auto verdict, database.text("PRAGMA integrity_check"));
  if (verdict == "ok") return {};
  return Error{
      ErrorCode::kUnavailable, "the database is damaged: " + verdict.value_or("no answer"), {}};
}

}  // namespace weir::store
