// One connection to a SQLite file, as Results and our own values: the adapter in front of SQLiteCpp
// and sqlite3, which stay in sqlite_database.cpp. Knows SQL, but nothing of our tables. Statements
// are prepared at their first use and kept. Thread: owner (one thread at a time).
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"

namespace weir::store {

struct SqliteFile {
  std::string path;
  std::string vfs;  // SQLite's name of the file system layer; empty = the system's own
};

/// A value for a `?` of a statement; std::monostate is NULL.
using SqliteValue = std::variant<std::monostate, std::int64_t, std::string_view>;
using SqliteValues = std::initializer_list<SqliteValue>;

/// One row of an answer, good while its reader runs; columns count from 0.
class SqliteRow {
 public:
  explicit SqliteRow(void* statement) : statement_(statement) {}
  bool is_null(int column) const;
  std::int64_t integer(int column) const;
  std::string text(int column) const;

 private:
  void* statement_;
};

class SqliteDatabase {
 public:
  /// kCopy changes nothing about the file, not even its journal mode: it suits a backup.
  enum class Access { kCopy, kRead, kWrite };
  using RowReader = std::function<void(const SqliteRow&)>;

  /// Opens an existing file (an empty one is an empty database). To read and to write it demands
  /// WAL and synchronous=FULL, reads both back and refuses to work without them. Errors:
  /// kUnavailable
  static Result<std::unique_ptr<SqliteDatabase>> open(const SqliteFile& file, Access access);
  ~SqliteDatabase();
  SqliteDatabase(const SqliteDatabase&) = delete;
  SqliteDatabase& operator=(const SqliteDatabase&) = delete;

  /// One statement; rows that it gives are dropped. Errors:  kUnavailable
  Result<void> run(std::string_view sql, SqliteValues values = {});
  /// Calls `reader` with every row. Errors:  kUnavailable
  Result<void> each(std::string_view sql, SqliteValues values, const RowReader& reader);
  /// First column of the first row, or nothing without a row. Errors:  kUnavailable
  Result<std::optional<std::int64_t>> integer(std::string_view sql, SqliteValues values = {});
  Result<std::optional<std::string>> text(std::string_view sql, SqliteValues values = {});

  /// Several statements without values, not kept. Errors:  kUnavailable
  Result<void> script(const std::string& sql);
  /// Back to one file without a WAL beside it; no other connection may be open.
  /// Errors:  kUnavailable
  Result<void> leave_wal();
  /// Makes the file `path` a copy of this database as it is at one moment, in one file (no WAL).
  /// Not yet durable when it returns. Errors:  kUnavailable
  Result<void> copy_to(const std::string& path);

 private:
  struct Opened;

  explicit SqliteDatabase(std::unique_ptr<Opened> opened);
  Result<void> configure(Access access);

  const std::unique_ptr<Opened> opened_;
};

}  // namespace weir::store
