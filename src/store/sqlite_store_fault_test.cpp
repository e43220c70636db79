// Writes and syncs of files fail, the n-th call of a commit for n = 1, 2, 3 ... until none is left
// to fail: the store never acknowledges what it could not store, and goes on when the disk does.
// The calls are this program's own, which stand before those of the C library.
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <iostream>

#include "base/random.h"
#include "store/sqlite_store.h"
#include "store/store_contract.h"
#include "testing/temporary_folder.h"
#include "testing/virtual_clock.h"

namespace weir::store {
namespace {

enum class Fault { kNone, kOnce, kForGood };

std::atomic<Fault> fault{Fault::kNone};
std::atomic<int> calls_left{0};  // calls that still succeed
std::atomic<int> calls_failed{0};

bool call_fails() {
  if (fault == Fault::kNone || calls_left-- > 0) return false;
  if (fault == Fault::kOnce) fault = Fault::kNone;
  ++calls_failed;
  errno = EIO;
  return true;
}

}  // namespace
}  // namespace weir::store

extern "C" {

ssize_t pwrite64(int file, const void* bytes, size_t size, off64_t offset) {
  if (weir::store::call_fails()) return -1;
  return ::syscall(SYS_pwrite64, file, bytes, size, offset);
}

int fdatasync(int file) {
  if (weir::store::call_fails()) return -1;
  return static_cast<int>(::syscall(SYS_fdatasync, file));
}

int fsync(int file) {
  if (weir::store::call_fails()) return -1;
  return static_cast<int>(::syscall(SYS_fsync, file));
}

int ftruncate64(int file, off64_t size) noexcept {
  if (weir::store::call_fails()) return -1;
  return static_cast<int>(::syscall(SYS_ftruncate, file, size));
}
}

namespace weir::store {
namespace {

class SqliteStoreFaultTest : public ::testing::Test {
 protected:
  SqliteStoreFaultTest() { reopen(); }

  void reopen() {
    store_.reset();
    auto opened = SqliteStore::open({folder_.file("weir.db"), {}}, clock_, metrics_);
    ASSERT_TRUE(opened.ok()) << to_string(opened.error());
    store_ = *std::move(opened);
  }

  /// Commits while the call after `calls` others fails. True when a call did fail.
  bool commit_with_fault(Fault kind, int calls, const std::string& value) {
    const std::string before = acknowledged_;
    calls_left = calls;
    calls_failed = 0;
    fault = kind;
    const auto result = store_->commit(writing("object/lb/1", value));
    const auto again = kind == Fault::kForGood ? store_->commit(writing("object/lb/1", value))
                                               : Result<Revision>(Error{});
    fault = Fault::kNone;
    if (result || again) acknowledged_ = value;
    if (!result) EXPECT_EQ(result.error().code, ErrorCode::kUnavailable);
    const auto entry = store_->get("object/lb/1");
    const std::string found = entry ? entry->value : "";
    EXPECT_TRUE(found == acknowledged_) << "an answer and the store differ";
    return calls_failed > 0;
  }

  /// Every transaction is whole, and the next one is taken.
  void expect_to_go_on() {
    const auto result = store_->commit(writing("object/lb/2", "x"));
    EXPECT_TRUE(result.ok()) << to_string(result.error());
    EXPECT_TRUE(store_->check_integrity().ok());
    EXPECT_EQ(store_->audit_rows(100'000)->size(), store_->version().revision.value);
  }

  void expect_to_survive_a_restart() {
    reopen();
    const auto entry = store_->get("object/lb/1");
    EXPECT_EQ(entry ? entry->value : "", acknowledged_);
    EXPECT_TRUE(store_->check_integrity().ok());
  }

  void sweep(Fault kind) {
    int calls = 0;
    while (commit_with_fault(kind, calls, "value " + std::to_string(calls))) {
      expect_to_go_on();
      ASSERT_FALSE(HasFailure()) << "call " << calls;
      ++calls;
    }
    EXPECT_GT(calls, 3) << "no call was made to fail: the sweep is blind";
    expect_to_survive_a_restart();
  }

  testing::TemporaryFolder folder_;
  testing::VirtualClock clock_;
  Metrics metrics_;
  std::unique_ptr<SqliteStore> store_;
  std::string acknowledged_;
};

TEST_F(SqliteStoreFaultTest, AcknowledgesNothingWhenOneCallFailsAndTakesTheNextWrite) {
  sweep(Fault::kOnce);
}

/// What a start says whose first sync fails, which is that of the folder.
std::string refusal_without_sync(const std::string& file) {
  const testing::VirtualClock clock;
  Metrics metrics;
  calls_left = 0;
  fault = Fault::kOnce;
  const auto opened = SqliteStore::open({file, {}}, clock, metrics);
  fault = Fault::kNone;
  return opened ? "" : opened.error().message.substr(0, sizeof("cannot sync") - 1);
}

TEST_F(SqliteStoreFaultTest, DoesNotStartOnAFileWhoseNameIsNotDurable) {
  const std::string file = folder_.file("another.db");
  EXPECT_EQ(refusal_without_sync(file), "cannot sync");
  EXPECT_EQ(refusal_without_sync(file), "cannot sync") << "the file is there, its name may not be";
}

TEST_F(SqliteStoreFaultTest, KeepsFailingWhileTheDiskFailsAndTakesTheNextWriteAfterwards) {
  sweep(Fault::kForGood);
}

TEST_F(SqliteStoreFaultTest, SurvivesFailuresWhileTheLogIsFoldedIntoTheDatabase) {
  const char* const given = std::getenv("WEIR_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : Random().next();
  SCOPED_TRACE("WEIR_SEED=" + std::to_string(seed));
  std::cerr << "WEIR_SEED=" << seed << "\n";
  Random random(seed);
  for (int i = 0; i < 40; ++i) {
    // About 150 pages a commit: the log is folded every seventh time.
    const std::string value = std::to_string(i) + std::string(300'000, 'x');
    const Fault kind = random.below(2) == 0 ? Fault::kOnce : Fault::kForGood;
    commit_with_fault(kind, static_cast<int>(random.below(900)), value);
    ASSERT_FALSE(HasFailure()) << "round " << i;
  }
  expect_to_go_on();
  expect_to_survive_a_restart();
}

}  // namespace
}  // namespace weir::store
