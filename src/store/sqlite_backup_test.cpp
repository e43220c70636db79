#include "store/sqlite_backup.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "store/audit_chain.h"
#include "store/sqlite_store.h"
#include "store/store_contract.h"
#include "store/store_files.h"
#include "testing/temporary_folder.h"
#include "testing/virtual_clock.h"

namespace weir::store {
namespace {

class SqliteBackupTest : public ::testing::Test {
 protected:
  std::unique_ptr<SqliteStore> open(const std::string& name) {
    auto opened = SqliteStore::open({folder_.file(name), {}}, clock_, metrics_);
    EXPECT_TRUE(opened.ok()) << to_string(opened.error());
    return *std::move(opened);
  }
  Result<Version> restore(const std::string& backup, const std::string& name) {
    return restore_sqlite(folder_.file(backup), folder_.file(name), clock_);
  }
  /// A store with two commits, of which only the first is in the backup "old".
  std::unique_ptr<SqliteStore> store_with_old_backup() {
    auto store = open("weir.db");
    EXPECT_TRUE(store->commit(writing("object/lb/1", "a")).ok());
    EXPECT_TRUE(store->backup(folder_.file("old")).ok());
    EXPECT_TRUE(store->commit(writing("object/lb/1", "b")).ok());
    return store;
  }

  testing::TemporaryFolder folder_;
  testing::VirtualClock clock_;
  Metrics metrics_;
};

TEST_F(SqliteBackupTest, HoldsOneCommittedMomentWhileOthersWrite) {
  const auto store = open("weir.db");
  std::atomic<bool> done = false;
  {
    const std::jthread writer([&] {
      for (int i = 0; !done; ++i) {
        Transaction both = writing("object/a", std::to_string(i));
        both.writes.push_back({"object/b", std::to_string(i)});
        EXPECT_TRUE(store->commit(both).ok());
      }
    });
    for (int i = 0; i < 20; ++i) {
      const auto version = store->backup(folder_.file("backup"));
      ASSERT_TRUE(version.ok()) << to_string(version.error());
      const auto copy = open("backup");
      EXPECT_EQ(copy->version(), *version);
      EXPECT_TRUE(copy->check_integrity().ok());
      const auto listing = copy->list("object/");
      ASSERT_TRUE(listing.ok());
      if (listing->entries.empty()) continue;
      EXPECT_EQ(listing->entries.at(0).value, listing->entries.at(1).value);
      EXPECT_EQ(listing->entries.at(0).revision, version->revision);
    }
    done = true;
  }
}

TEST_F(SqliteBackupTest, IsOneFileThatOnlyItsOwnerReads) {
  const auto store = store_with_old_backup();
  struct stat found{};
  ASSERT_EQ(::stat(folder_.file("old").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777U, 0600U);
  EXPECT_FALSE(std::filesystem::exists(folder_.file("old-wal")));
  EXPECT_FALSE(std::filesystem::exists(folder_.file("old.part")));
}

TEST_F(SqliteBackupTest, IsNeverWrittenIntoAFileThatSomebodyElseHasPutThere) {
  const std::string mine = folder_.file("mine");
  const std::string link = folder_.file("backup.part");
  std::ofstream(mine) << "precious";
  std::filesystem::create_symlink(mine, link);
  EXPECT_FALSE(create_new_private_file(link).ok());
  EXPECT_FALSE(create_new_private_file(mine).ok());
  EXPECT_EQ(std::filesystem::file_size(mine), 8U);
  const auto store = open("weir.db");
  ASSERT_TRUE(store->backup(folder_.file("backup")).ok());
  EXPECT_EQ(std::filesystem::file_size(mine), 8U);
}

TEST_F(SqliteBackupTest, RefusesToReplaceItsOwnStore) {
  const auto store = open("weir.db");
  EXPECT_EQ(store->backup(folder_.file("weir.db")).error().code, ErrorCode::kFailedPrecondition);
}

TEST_F(SqliteBackupTest, ComesBackInAnEpochAboveAllThatNodesHaveSeen) {
  auto store = store_with_old_backup();
  const Version before = store->version();
  store.reset();
  for (std::uint64_t restores = 1; restores <= 3; ++restores) {
    const auto restored = restore("old", "weir.db");
    ASSERT_TRUE(restored.ok()) << to_string(restored.error());
    EXPECT_EQ(restored->epoch, Epoch(before.epoch.value + restores));
  }
  store = open("weir.db");
  EXPECT_GT(store->version(), before);
  EXPECT_EQ(store->version().revision, Revision(1));
  EXPECT_EQ(store->get("object/lb/1")->value, "a");
  EXPECT_TRUE(store->check_integrity().ok());
  EXPECT_EQ(store->commit(writing("object/lb/2", "c")).value_or(Revision(0)), Revision(2));
}

TEST_F(SqliteBackupTest, SaysInTheAuditThatWhatCameLaterHasGone) {
  auto store = store_with_old_backup();
  const AuditEntry lost = store->audit_rows(1)->at(0);
  const AuditAnchor anchor{{lost.first, lost.second.hash}, lost.second.at, store->version().epoch};
  store.reset();
  ASSERT_TRUE(restore("old", "weir.db").ok());
  store = open("weir.db");
  const auto rows = store->audit_rows(10);
  ASSERT_EQ(rows->size(), 2U);
  EXPECT_EQ(rows->at(0).second.who, "local");
  EXPECT_EQ(rows->at(0).second.operation, "restore store");
  EXPECT_EQ(rows->at(0).second.object, restore_object(store->version().epoch));
  const auto verdict = verify_audit(*store, std::span(&anchor, 1), clock_.wall_now());
  EXPECT_EQ(verdict->problems, std::vector<std::string>())
      << "an anchor of what a restore took away is no sign of a forger";
}

TEST_F(SqliteBackupTest, TakesTheWallClockAsEpochWhenItIsHigher) {
  store_with_old_backup().reset();
  clock_.advance(std::chrono::hours(24));
  EXPECT_EQ(restore("old", "elsewhere.db")->epoch, Epoch(1767225600 + 25 * 3600));
  EXPECT_EQ(open("elsewhere.db")->get("object/lb/1")->value, "a");
}

TEST_F(SqliteBackupTest, ReplacesAStoreThatCannotBeRead) {
  store_with_old_backup().reset();
  std::ofstream(folder_.file("weir.db")) << std::string(10'000, 'x');
  std::ofstream(folder_.file("weir.db-wal")) << std::string(10'000, 'x');
  ASSERT_TRUE(restore("old", "weir.db").ok());
  EXPECT_EQ(open("weir.db")->get("object/lb/1")->value, "a");
}

TEST_F(SqliteBackupTest, IsRefusedWhileTheStoreIsInUse) {
  const auto store = store_with_old_backup();
  EXPECT_EQ(restore("old", "weir.db").error().code, ErrorCode::kFailedPrecondition);
  EXPECT_EQ(store->get("object/lb/1")->value, "b");
}

TEST_F(SqliteBackupTest, LeavesTheStoreAloneWhenTheBackupIsDamagedOrMissing) {
  store_with_old_backup().reset();
  {
    std::fstream file(folder_.file("old"), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096);  // the second page
    file << std::string(200, 'x');
  }
  EXPECT_FALSE(restore("old", "weir.db").ok());
  EXPECT_FALSE(restore("never", "weir.db").ok());
  EXPECT_EQ(open("weir.db")->get("object/lb/1")->value, "b");
}

}  // namespace
}  // namespace weir::store
