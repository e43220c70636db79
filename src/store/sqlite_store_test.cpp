#include "store/sqlite_store.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>

#include "store/audit_chain.h"
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
  using Problems = std::vector<std::string>;
  /// What is wrong with the audit chain.
  Problems problems(const std::vector<AuditAnchor>& anchors = {}) {
    const auto verdict = verify_audit(store(), anchors, stores_.clock_.wall_now());
    return verdict ? verdict->problems : Problems{to_string(verdict.error())};
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
            "the store has schema 99, this program reads schemas up to 3: start a newer program");
}

/// The tables as the first release made them.
constexpr const char* kFirstSchema = R"(
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
CREATE TABLE entries (key TEXT PRIMARY KEY, value TEXT NOT NULL, revision INTEGER NOT NULL) STRICT;
CREATE TABLE changes (number INTEGER PRIMARY KEY, revision INTEGER NOT NULL, key TEXT NOT NULL,
                      value TEXT, bytes_total INTEGER NOT NULL) STRICT;
CREATE INDEX changes_by_revision ON changes (revision);
CREATE TABLE audit (number INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL,
                    revision INTEGER NOT NULL, who TEXT NOT NULL, operation TEXT NOT NULL,
                    object TEXT NOT NULL, request_id TEXT NOT NULL, result TEXT NOT NULL) STRICT;
INSERT INTO meta VALUES ('schema', 1), ('epoch', 7), ('revision', 2), ('changes_trimmed', 0);
INSERT INTO entries VALUES ('object/lb/1', 'a', 2);
INSERT INTO audit VALUES (3, 1767225600000, 1, 'key-1', 'create lb', '1', 'r-1', 'ok'),
                         (4, 1767225601000, 2, 'key-1', 'update lb', '1', 'r-2', 'ok');)";

TEST_F(SqliteStoreTest, BringsTheStoreOfTheFirstReleaseForwardAndChainsItsAuditRows) {
  tamper(
      "DROP TABLE meta; DROP TABLE entries; DROP TABLE changes; DROP TABLE audit; "
      "DROP TABLE audit_ends;");
  tamper(kFirstSchema);
  stores_.reopen();
  EXPECT_EQ(store().version(), (Version{Epoch(7), Revision(2)}));
  EXPECT_EQ(store().get("object/lb/1")->value, "a");
  EXPECT_TRUE(store().changes_after(Revision(1), long_ago())->must_relist);
  ASSERT_TRUE(store().commit(writing("object/lb/1", "b")).ok());
  EXPECT_EQ(store().changes_after(Revision(2), long_ago())->changes.at(0).before, "a");
  const auto rows = store().audit_rows(10);
  ASSERT_TRUE(rows.ok());
  ASSERT_EQ(rows->size(), 3U);
  EXPECT_EQ(rows->at(0).first, 5U);
  EXPECT_EQ(rows->at(1).second.operation, "update lb");
  EXPECT_EQ(rows->at(1).second.revision, Revision(2));
  stores_.reopen();
  EXPECT_EQ(problems(), Problems());
}

TEST_F(SqliteStoreTest, FindsAuditRowsThatWereEditedDeletedOrCutOff) {
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(store().commit(writing("object/lb/1", std::to_string(i))).ok());
  }
  const std::pair<const char*, Problems> cases[] = {
      {"UPDATE audit SET result='refused' WHERE number=4",
       {"row 4 does not fit the one before it: one of both was changed"}},
      {"UPDATE audit SET at_ms=at_ms+1 WHERE number=4",
       {"row 4 does not fit the one before it: one of both was changed"}},
      {"UPDATE audit SET change='' WHERE number=4",
       {"row 4 does not fit the one before it: one of both was changed"}},
      {"DELETE FROM audit WHERE number=4", {"row 4 is missing"}},
      {"DELETE FROM audit WHERE number BETWEEN 1 AND 3", {"rows 1 to 3 are missing"}},
      {"DELETE FROM audit WHERE number>8", {"rows 9 to 10 are missing at the end"}},
      {"DELETE FROM audit", {"rows 1 to 10 are missing at the end"}},
      {"INSERT INTO audit SELECT 11, at_ms, revision, who, operation, object, request_id, result, "
       "account, source, change, hash FROM audit WHERE number=10",
       {"row 11 does not fit the one before it: one of both was changed",
        "row 11 is not the one that was written last"}},
  };
  tamper("CREATE TABLE kept AS SELECT * FROM audit");
  for (const auto& [sql, expected] : cases) {
    tamper(std::string(sql));
    stores_.reopen();
    EXPECT_EQ(problems(), expected) << sql;
    tamper("DELETE FROM audit; INSERT INTO audit SELECT * FROM kept");
    stores_.reopen();
    EXPECT_EQ(problems(), Problems()) << "put back after " << sql;
  }
}

TEST_F(SqliteStoreTest, GoesOnWritingBehindRowsThatWereCutOffOrPutIn) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(store().commit(writing("object/lb/1", "x")).ok());
  tamper("DELETE FROM audit WHERE number=3");
  stores_.reopen();
  ASSERT_TRUE(store().commit(writing("object/lb/1", "y")).ok());
  EXPECT_EQ(problems(), Problems{"row 3 is missing"});
  tamper("UPDATE audit SET number=9 WHERE number=4");
  stores_.reopen();
  ASSERT_TRUE(store().commit(writing("object/lb/1", "z")).ok());
  EXPECT_EQ(store().audit_rows(1)->at(0).first, 10U);
}

TEST_F(SqliteStoreTest, FindsByItsAnchorsWhatWasRewrittenWithAllItsHashes) {
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(store().commit(writing("object/lb/1", "x")).ok());
  const AuditEntry fourth = store().audit_rows(10)->at(2);
  ASSERT_EQ(fourth.first, 4U);
  const AuditAnchor anchor{{4, fourth.second.hash}, fourth.second.at, store().version().epoch};
  EXPECT_EQ(problems({anchor}), Problems());

  tamper(
      "DELETE FROM audit WHERE number>3; UPDATE audit_ends SET number=3, "
      "hash=(SELECT hash FROM audit WHERE number=3) WHERE name='newest'");
  stores_.reopen();
  EXPECT_EQ(problems(), Problems()) << "the store alone cannot know";
  EXPECT_EQ(problems({anchor}),
            Problems{"row 4 was noted outside of the store and is missing at the end"});

  ASSERT_TRUE(store().commit(writing("object/lb/1", "another fourth")).ok());
  EXPECT_EQ(problems({anchor}),
            Problems{"row 4 is not the one that was noted outside of the store"});

  tamper(
      "UPDATE audit_ends SET number=4, hash=(SELECT hash FROM audit WHERE number=4) "
      "WHERE name='trimmed'; DELETE FROM audit");
  stores_.reopen();
  EXPECT_EQ(problems({AuditAnchor{{2, "any"}, anchor.at, anchor.epoch}}),
            Problems{"row 2 was noted outside of the store and has gone before its time"});
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
