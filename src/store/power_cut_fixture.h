// Lives of a store on a CrashDisk, written to as the API writes, in which the power fails at every
// write and sync of a file, those of its first start too: what each cut leaves is opened by a store
// of its own and compared with a store in memory. Deterministic by seed. Thread: owner.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "base/metrics.h"
#include "base/random.h"
#include "store/crash_vfs_fixture.h"
#include "store/memory_store.h"
#include "store/sqlite_store.h"
#include "testing/temporary_folder.h"
#include "testing/virtual_clock.h"

namespace weir::store {

/// Transactions as the API makes them: a resource with its names and counters, changes of one and
/// of many, deletions, and refused calls, which leave an audit row alone.
class ApiLikeWriter {
 public:
  explicit ApiLikeWriter(Random& random) : random_(random) {}
  /// The next one; `store` holds all that went before.
  Transaction next(const Store& store);

 private:
  Transaction create();
  Transaction update(const Store& store, std::size_t count);
  Transaction remove();
  std::string document();

  Random& random_;
  std::map<std::string, std::string> resources_;  // id -> its name's key
  std::uint64_t newest_ = 0;
};

/// What the cuts were and what was found after them.
struct PowerCutBalance {
  std::uint64_t points = 0;  // moments at which the power failed
  std::uint64_t cuts = 0;    // what was left at a point, opened: up to four for each
  std::array<std::uint64_t, 4> by_fate{};
  std::uint64_t lives = 0;
  std::uint64_t ends_in_order = 0;  // lives that ended by closing the store
  std::uint64_t acknowledged = 0;
  std::uint64_t present_unanswered = 0;  // cuts that found the transaction in flight stored
  std::uint64_t absent_unanswered = 0;
  std::uint64_t checkpoints = 0;
  std::uint64_t lost = 0;    // cuts that found an acknowledged transaction missing
  std::uint64_t halved = 0;  // that found what no whole number of transactions makes
  std::uint64_t unopened = 0;
  std::uint64_t damaged = 0;
  std::uint64_t stuck = 0;  // that took no transaction afterwards
  std::string first_failure{};

  std::uint64_t failures() const { return lost + halved + unopened + damaged + stuck; }
};

/// One line of JSON.
std::string to_json(const PowerCutBalance& balance);

class PowerCuts {
 public:
  PowerCuts(std::uint64_t seed, Deceit deceit);

  /// Lives until so many points were seen. `stops_at_failure`: or until a cut has done harm.
  PowerCutBalance run(std::uint64_t points, bool stops_at_failure);

 private:
  /// What the next life starts from: what a cut in the last transaction of this one has left.
  struct Remnant {
    CrashDisk::Image files{};
    bool holds_last = true;  // the transaction that was in flight
  };

  /// The transaction in flight is stored, is not, or something is wrong.
  enum class Found { kAfter, kBefore, kHarm };

  void live();
  void start_life();
  void end_life();
  void lengthen_log();
  void write(Transaction transaction);
  void write_pending();
  void examine_point();
  void examine(Fate fate);
  Found judge_start(const std::string& found) const;
  Found judge(SqliteStore& store, const char* fate);
  bool is_whole(SqliteStore& store);
  void expect_to_go_on(SqliteStore& store);
  void fail(std::uint64_t& kind, const std::string& what);
  void offer_remnant(const CrashDisk::Image& image, bool holds_last);
  void report_progress() const;
  Result<std::unique_ptr<SqliteStore>> open(const std::string& folder);
  std::string folder(const char* name) const { return folder_.path() + "/" + name + "/"; }

  const testing::TemporaryFolder folder_;
  testing::VirtualClock clock_;
  Metrics metrics_;
  Random random_;
  CrashVfs vfs_;
  MemoryStore reference_;  // holds the pending transaction as well
  ApiLikeWriter writer_;
  PowerCutBalance balance_;
  std::uint64_t points_wanted_ = 0;

  // Of the present life.
  std::unique_ptr<SqliteStore> store_;
  Transaction pending_;  // the newest one
  bool is_answered_ = true;
  bool is_starting_ = false;  // the store opens and holds what the life started from
  bool started_with_last_ = true;
  std::string before_;  // what a store holds without the pending transaction, and with it
  std::string after_;
  Remnant remnant_;
  std::uint64_t remnants_offered_ = 0;
  std::set<std::size_t> past_;  // hashes of all that the store ever held whole
};

}  // namespace weir::store
