#include "store/sqlite_database.h"

#include <SQLiteCpp/Backup.h>
#include <SQLiteCpp/SQLiteCpp.h>
#include <sqlite3.h>

#include <map>
#include <utility>

#include "base/mutant.h"

namespace weir::store {
namespace {

/// Units: milliseconds. How long a connection waits for a lock that another process holds (a
/// backup, a shell). Chosen because it is far below the time a client of the API waits for an
/// answer. Reached: 503; weir_store_commits_total counts the result.
constexpr int kBusyTimeout_ms = 2'000;

constexpr std::int64_t kSynchronousFull = 2;  // Source: sqlite.org/pragma.html#pragma_synchronous

const char* reason(int code) {
  switch (code) {
    case SQLITE_FULL:
      return "the disk is full";
    case SQLITE_READONLY:
      return "the database is read-only";
    case SQLITE_IOERR:
      return "input or output failed";
    case SQLITE_CANTOPEN:
      return "the file cannot be opened";
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return "the database is damaged";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return "the database is locked by another process";
    case SQLITE_NOMEM:
      return "out of memory";
    default:
      return "the database refused";
  }
}

Error unavailable(int code, int extended, const char* detail) {
  return Error{
      ErrorCode::kUnavailable,
      std::string(reason(code)) + " (sqlite " + std::to_string(extended) + ": " + detail + ")",
      {}};
}

Error unavailable(const SQLite::Exception& failure) {
  return unavailable(failure.getErrorCode() & 0xff, failure.getExtendedErrorCode(), failure.what());
}

void bind(SQLite::Statement& statement, SqliteValues values) {
  int index = 0;
  for (const SqliteValue& value : values) {
    ++index;
    if (const auto* integer = std::get_if<std::int64_t>(&value)) {
      statement.bind(index, *integer);
    } else if (const auto* text = std::get_if<std::string_view>(&value)) {
      statement.bind(index, std::string(*text));
    } else {
      statement.bind(index);
    }
  }
}

/// Leaves the statement ready for its next use, whatever happened; its error was told already.
class Rewind {
 public:
  explicit Rewind(SQLite::Statement& statement) : statement_(statement) {}
  ~Rewind() { statement_.tryReset(); }
  Rewind(const Rewind&) = delete;
  Rewind& operator=(const Rewind&) = delete;

 private:
  SQLite::Statement& statement_;
};

SQLite::Column column_of(void* statement, int column) {
  return static_cast<SQLite::Statement*>(statement)->getColumn(column);
}

}  // namespace

bool SqliteRow::is_null(int column) const { return column_of(statement_, column).isNull(); }

std::int64_t SqliteRow::integer(int column) const {
  return column_of(statement_, column).getInt64();
}

std::string SqliteRow::text(int column) const { return column_of(statement_, column).getString(); }

struct SqliteDatabase::Opened {
  SQLite::Database database;
  std::map<std::string, SQLite::Statement, std::less<>> statements;

  SQLite::Statement& prepared(std::string_view sql) {
    const auto found = statements.find(sql);
    if (found != statements.end()) return found->second;
    std::string text(sql);
    return statements.emplace(text, SQLite::Statement(database, text)).first->second;
  }
};

SqliteDatabase::SqliteDatabase(std::unique_ptr<Opened> opened) : opened_(std::move(opened)) {}

SqliteDatabase::~SqliteDatabase() = default;

Result<std::unique_ptr<SqliteDatabase>> SqliteDatabase::open(const SqliteFile& file,
                                                             Access access) {
  try {
    const int flags = access == Access::kCopy ? SQLite::OPEN_READONLY : SQLite::OPEN_READWRITE;
    auto opened = std::make_unique<Opened>(
        SQLite::Database(file.path, flags | SQLite::OPEN_NOMUTEX, kBusyTimeout_ms, file.vfs),
        std::map<std::string, SQLite::Statement, std::less<>>());
    std::unique_ptr<SqliteDatabase> database(new SqliteDatabase(std::move(opened)));
    if (access != Access::kCopy) WEIR_TRY(database->configure(access));
    return database;
  } catch (const SQLite::Exception& failure) {
    const Error error = unavailable(failure);
    return Error{error.code, "cannot open " + file.path + ": " + error.message, {}};
  }
}

Result<void> SqliteDatabase::configure(Access access) {
  WEIR_ASSIGN_OR_RETURN(const auto journal, text("PRAGMA journal_mode=WAL"));
  // Without FULL a power cut loses acknowledged commits.
  WEIR_TRY(run("PRAGMA synchronous=FULL"));
  WEIR_ASSIGN_OR_RETURN(const auto synchronous, integer("PRAGMA synchronous"));
  if (journal != "wal" || synchronous != kSynchronousFull) {
    return Error{ErrorCode::kUnavailable,
                 "the database must run with journal_mode wal and synchronous 2, found " +
                     journal.value_or("nothing") + " and " +
                     std::to_string(synchronous.value_or(-1)),
                 {}};
  }
  if (mutant("synchronous-normal")) WEIR_TRY(run("PRAGMA synchronous=NORMAL"));
  WEIR_TRY(run("PRAGMA trusted_schema=OFF"));
  if (access == Access::kRead) return run("PRAGMA query_only=ON");
  return {};
}

Result<void> SqliteDatabase::run(std::string_view sql, SqliteValues values) {
  return each(sql, values, [](const SqliteRow&) {});
}

Result<void> SqliteDatabase::each(std::string_view sql, SqliteValues values,
                                  const RowReader& reader) {
  try {
    SQLite::Statement& statement = opened_->prepared(sql);
    const Rewind rewind(statement);
    bind(statement, values);
    while (statement.executeStep()) reader(SqliteRow(&statement));
    return {};
  } catch (const SQLite::Exception& failure) {
    return unavailable(failure);
  }
}

Result<std::optional<std::int64_t>> SqliteDatabase::integer(std::string_view sql,
                                                            SqliteValues values) {
  std::optional<std::int64_t> first;
  WEIR_TRY(each(sql, values, [&](const SqliteRow& row) {
    if (!first) first = row.integer(0);
  }));
  return first;
}

Result<std::optional<std::string>> SqliteDatabase::text(std::string_view sql, SqliteValues values) {
  std::optional<std::string> first;
  WEIR_TRY(each(sql, values, [&](const SqliteRow& row) {
    if (!first) first = row.text(0);
  }));
  return first;
}

Result<void> SqliteDatabase::script(const std::string& sql) {
  try {
    opened_->database.exec(sql);
    return {};
  } catch (const SQLite::Exception& failure) {
    return unavailable(failure);
  }
}

Result<void> SqliteDatabase::leave_wal() {
  WEIR_ASSIGN_OR_RETURN(const auto journal, text("PRAGMA journal_mode=DELETE"));
  if (journal == "delete") return {};
  return Error{ErrorCode::kUnavailable, "the database cannot leave its write-ahead log", {}};
}

Result<void> SqliteDatabase::copy_to(const std::string& path) {
  try {
    SQLite::Database copy(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, kBusyTimeout_ms);
    {
      SQLite::Backup backup(copy, opened_->database);
      const int code = backup.executeStep();
      if (code != SQLITE_DONE) return unavailable(code & 0xff, code, "backup");
    }
    copy.exec("PRAGMA journal_mode=DELETE");
    return {};
  } catch (const SQLite::Exception& failure) {
    return unavailable(failure);
  }
}

}  // namespace weir::store
