#include "store/sqlite_readers.h"

#include <utility>

namespace weir::store {
namespace {

Result<void> read_inside(SqliteDatabase& database, const SqliteReaders::Read& read) {
  WEIR_TRY(database.run("BEGIN"));
  WEIR_TRY(read(database));
  return database.run("END");
}

}  // namespace

Result<void> SqliteReaders::read(const Read& read) {
  WEIR_ASSIGN_OR_RETURN(Connection connection, take());
  const Result<void> done = read_inside(*connection, read);
  if (!done) connection.reset();
  give_back(std::move(connection));
  return done;
}

Result<SqliteReaders::Connection> SqliteReaders::take() {
  if (!claim_place()) {
    metrics_.value(Metric::kStoreLimitReached, {"readers"}).add();
    return Error{ErrorCode::kUnavailable,
                 "all " + std::to_string(kReadersMax) + " readers of the store are busy",
                 {}};
  }
  Connection connection;
  {
    const MutexLock lock(mutex_);
    if (!free_.empty()) {
      connection = std::move(free_.back());
      free_.pop_back();
    }
  }
  if (connection) return connection;
  Result<Connection> opened = SqliteDatabase::open(file_, SqliteDatabase::Access::kRead);
  if (!opened) give_back(nullptr);
  return opened;
}

bool SqliteReaders::claim_place() {
  const Instant deadline = SystemClock().now() + kReaderWait;
  const MutexLock lock(mutex_);
  while (taken_ >= kReadersMax) {
    if (!given_back_.wait_until(mutex_, deadline) && taken_ >= kReadersMax) return false;
  }
  ++taken_;
  return true;
}

void SqliteReaders::give_back(Connection connection) {
  const MutexLock lock(mutex_);
  if (connection) free_.push_back(std::move(connection));
  --taken_;
  given_back_.notify_all();
}

}  // namespace weir::store
