#include "store/sqlite_store.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>

#include "store/sqlite_schema.h"
#include "store/sqlite_transaction.h"
#include "store/store_contract.h"
#include "testing/temporary_folder.h"
#include "testing/virtual_clock.h"

namespace weir::store {
namespace {

class SqliteStores {
 public:
  SqliteStores() { reopen(); }
  SqliteStore& store() { return *store_; }
  std::string path() const { return folder_.file("weir.db"); }
  void close() { store_.reset(); }
  void reopen() {
    close();
    auto opened = open();
    ASSERT_TRUE(opened.ok()) << to_string(opened.error());
    store_ = *std::move(opened);
  }
  Result<std::unique_ptr<SqliteStore>> open() {
    return SqliteStore::open({path(), {}}, clock_, metrics_);
  }

  testing::VirtualClock clock_;
  Metrics metrics_;

 private:
  testing::TemporaryFolder folder_;
  std::unique_ptr<SqliteStore> store_;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Sqlite, StoreContract, SqliteStores);

class SqliteStoreTest : public ::testing::Test {
 protected:
  SqliteStore& store() { return stores_.store(); }
  /// Runs SQL on the closed store's file, as a broken or newer program would.
  void tamper(const std::string& sql) {
    stores_.close();
    auto database = SqliteDatabase::open({stores_.path(), {}}, SqliteDatabase::Access::kWrite);
    ASSERT_TRUE(database.ok());
    const auto done = (*database)->script(sql);
    ASSERT_TRUE(done.ok()) << to_string(done.error());
  }
  std::string open_error() {
    const auto opened = stores_.open();
    return opened ? "opened" : to_string(opened.error());
  }

  SqliteStores stores_;
};

TEST_F(SqliteStoreTest, KeepsEverythingOverARestart) {
  ASSERT_TRUE(store().commit(writing("object/lb/1", "a")).ok());
  ASSERT_TRUE(store().commit(counting("quota/lb", 1)).ok());
  ASSERT_TRUE(store().commit(deleting("object/lb/1")).ok());
  const Version before = store().version();
  stores_.clock_.advance(std::chrono::hours(1));
  stores_.reopen();
  EXPECT_EQ(store().version(), before);
  EXPECT_EQ(store().get("quota/lb")->value, "1");
  EXPECT_EQ(store().changes_after(Revision(0), long_ago())->changes.size(), 2U);
  EXPECT_EQ(store().audit_rows(10)->size(), 3U);
  EXPECT_EQ(store().commit(writing("object/lb/2", "b")).value_or(Revision(0)), Revision(4));
  EXPECT_TRUE(store().check_integrity().ok());
  EXPECT_EQ(stores_.metrics_.value(Metric::kStoreRevision).get(), 4);
}

TEST_F(SqliteStoreTest, WhatChangedIsFoundByItsRevisionAndNotByReadingAllChanges) {
  auto database = SqliteDatabase::open({stores_.path(), {}}, SqliteDatabase::Access::kRead);
  ASSERT_TRUE(database.ok());
  std::vector<std::string> plan;
  ASSERT_TRUE((*database)
                  ->each("EXPLAIN QUERY PLAN " + std::string(kChangesAfter), {std::int64_t{1}},
                         [&](const SqliteRow& row) { plan.push_back(row.text(3)); })
                  .ok());
  EXPECT_EQ(
      plan,
      (std::vector<std::string>{"SEARCH changes USING INDEX changes_by_revision (revision>?)"}));
}

TEST_F(SqliteStoreTest, IsReadableByItsOwnerOnly) {
  ASSERT_TRUE(store().commit(writing("object/lb/1", "a")).ok());
  for (const char* suffix : {"", "-wal", "-shm", ".lock"}) {
    struct stat found{};
    ASSERT_EQ(::stat((stores_.path() + suffix).c_str(), &found), 0) << suffix;
    EXPECT_EQ(found.st_mode & 0777U, 0600U) << suffix;
  }
}

TEST_F(SqliteStoreTest, RefusesASecondProcessOnTheSameFile) {
  const auto second = stores_.open();
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, ErrorCode::kFailedPrecondition);
  EXPECT_NE(second.error().message.find("in use"), std::string::npos);
}

TEST_F(SqliteStoreTest, RefusesANewerSchema) {
  tamper("UPDATE meta SET value=99 WHERE name='schema'");
  EXPECT_EQ(open_error(),
            "the store has schema 99, this program reads schemas up to 1: start a newer program");
}

TEST_F(SqliteStoreTest, RefusesADatabaseOfSomebodyElse) {
  tamper("DROP TABLE meta");
  EXPECT_EQ(open_error(), "the database is no store of weir");
}

TEST_F(SqliteStoreTest, RefusesAFileThatIsNoDatabase) {
  stores_.close();
  std::ofstream(stores_.path()) << std::string(8192, 'x');
  EXPECT_NE(open_error().find("the database is damaged"), std::string::npos) << open_error();
}

TEST_F(SqliteStoreTest, RefusesAFolderThatIsNotThere) {
  const auto opened =
      SqliteStore::open({stores_.path() + "/no/weir.db", {}}, stores_.clock_, stores_.metrics_);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, ErrorCode::kUnavailable);
}

TEST_F(SqliteStoreTest, RefusesToRunWithoutAWriteAheadLog) {
  const testing::TemporaryFolder folder;
  // This layer has no shared memory, so SQLite keeps its rollback journal.
  const auto opened =
      SqliteStore::open({folder.file("weir.db"), "unix-none"}, stores_.clock_, stores_.metrics_);
  ASSERT_FALSE(opened.ok());
  EXPECT_NE(opened.error().message.find("journal_mode wal"), std::string::npos)
      << opened.error().message;
}

TEST_F(SqliteStoreTest, KnowsACommitWhoseAnswerWasLostFromItsFirstReadOn) {
  ASSERT_TRUE(store().commit(writing("object/lb/1", "a")).ok());
  const auto database = SqliteDatabase::open({stores_.path(), {}}, SqliteDatabase::Access::kWrite);
  ASSERT_TRUE(database.ok());
  ASSERT_TRUE((*database)->run("BEGIN IMMEDIATE").ok());
  const Transaction lost = writing("object/lb/1", "b");
  ASSERT_TRUE(apply_transaction(**database, lost, stores_.clock_.wall_now()).ok());
  ASSERT_TRUE((*database)->run("COMMIT").ok());
  const auto changes = store().changes_after(Revision(1), long_ago());
  ASSERT_TRUE(changes.ok());
  EXPECT_EQ(changes->changes.size(), 1U);
  EXPECT_EQ(store().version().revision, Revision(2))
      << "else a reader that has it asks for more without ever waiting";
}

/// Lets no file of this process grow beyond `bytes`, as a full disk would.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() { ::setrlimit(RLIMIT_FSIZE, &before_); }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
};

TEST_F(SqliteStoreTest, RefusesWritesWhileItCannotStoreThemAndGoesOnAfterwards) {
  ASSERT_TRUE(store().commit(writing("object/lb/1", "a")).ok());
  {
    const FileSizeLimit full(64 << 10);
    const std::string large(200'000, 'x');
    for (int i = 0; i < 3; ++i) {
      const auto result = store().commit(writing("object/lb/1", large));
      ASSERT_FALSE(result.ok());
      EXPECT_EQ(result.error().code, ErrorCode::kUnavailable);
      EXPECT_EQ(result.error().message.find("no transaction is active"), std::string::npos)
          << "the reason is that of the write, not of undoing it: " << result.error().message;
      EXPECT_EQ(store().get("object/lb/1")->value, "a") << "reads go on";
    }
  }
  EXPECT_EQ(store().version().revision, Revision(1));
  EXPECT_EQ(store().commit(writing("object/lb/1", "b")).value_or(Revision(0)), Revision(2));
  EXPECT_TRUE(store().check_integrity().ok());
  EXPECT_EQ(store().audit_rows(10)->size(), 2U) << "no partial rows";
  EXPECT_GT(stores_.metrics_.value(Metric::kStoreReopens).get(), 0);
}

}  // namespace
}  // namespace weir::store
