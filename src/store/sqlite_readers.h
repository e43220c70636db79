// The connections that read: each reads one consistent moment, beside the writer and beside each
// other. Used by SqliteStore alone. Thread: any (one mutex inside).
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "base/result.h"
#include "store/sqlite_database.h"

namespace weir::store {

/// Connections that read at once. Chosen because a read is in memory and short: more only cost
/// descriptors and cache. Reached: a read waits, then 503;
/// weir_store_limit_reached_total{limit="readers"}.
inline constexpr std::size_t kReadersMax = 4;
/// How long a read waits for a free connection. Chosen because it is far below the time a client of
/// the API waits for an answer.
inline constexpr std::chrono::seconds kReaderWait{5};

class SqliteReaders {
 public:
  using Read = std::function<Result<void>(SqliteDatabase&)>;

  SqliteReaders(SqliteFile file, Metrics& metrics) : file_(std::move(file)), metrics_(metrics) {}

  /// Runs `read` inside one read transaction. An error of `read` closes the connection, so it
  /// returns errors of the database only and keeps its other findings to itself.
  /// Errors:  kUnavailable
  Result<void> read(const Read& read);

 private:
  using Connection = std::unique_ptr<SqliteDatabase>;

  Result<Connection> take();
  bool claim_place();
  void give_back(Connection connection);

  // Constant after construction.
  const SqliteFile file_;
  Metrics& metrics_;

  // Guarded by mutex_.
  Mutex mutex_;
  Condition given_back_;
  std::vector<Connection> free_ WEIR_GUARDED_BY(mutex_);
  std::size_t taken_ WEIR_GUARDED_BY(mutex_) = 0;
};

}  // namespace weir::store
