// The power fails at every write and sync of the store's files, and what a disk may then hold is
// opened: nothing acknowledged is lost, no transaction is halved. Two hundred moments here;
// WEIR_CUT_POINTS asks for more (`./dev torture powercut`). With synchronous=NORMAL the same
// cuts lose acknowledged transactions, which shows that they would be seen.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "store/power_cut_fixture.h"

namespace weir::store {
namespace {

/// Chosen because the first thirty are those of the very first start, and a life follows or two.
constexpr std::uint64_t kPoints = 200;
/// There are no threads here in which the thread sanitizer could find anything.
constexpr std::uint64_t kPointsUnderThreadSanitizer = 60;

constexpr bool has_thread_sanitizer() {
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
  return true;
#endif
#endif
  return false;
}

std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
  const char* const given = std::getenv(name);
  return given != nullptr ? std::strtoull(given, nullptr, 10) : otherwise;
}

class PowerCutTest : public ::testing::Test {
 protected:
  PowerCutBalance cut(Deceit deceit) {
    std::cerr << "WEIR_SEED=" << seed_ << "\n";
    PowerCutBalance balance = PowerCuts(seed_, deceit).run(points_, false);
    std::cerr << "balance " << to_json(balance) << "\n";
    if (!balance.first_failure.empty()) std::cerr << "first: " << balance.first_failure << "\n";
    return balance;
  }

  /// Of every fate a share, and in a long run each way in which a life ends and a log is folded.
  void expect_variety(const PowerCutBalance& balance) const {
    for (const std::uint64_t cuts : balance.by_fate) EXPECT_GE(cuts, points_ / 2);
    EXPECT_GE(balance.lives, points_ / 500);
    EXPECT_GE(balance.ends_in_order, points_ / 5'000);
    EXPECT_GE(balance.checkpoints, points_ / 5'000);
  }

  Error refusal(Deceit deceit) {
    const testing::TemporaryFolder folder;
    CrashVfs vfs("weir-untrusted", seed_);
    vfs.deceive(deceit);
    const testing::VirtualClock clock;
    Metrics metrics;
    const auto store = SqliteStore::open({folder.file("weir.db"), vfs.name()}, clock, metrics);
    EXPECT_FALSE(store.ok());
    return store ? Error{} : store.error();
  }

  const std::uint64_t seed_ = number_from("WEIR_SEED", Random().next());
  const std::uint64_t points_ = number_from(
      "WEIR_CUT_POINTS", has_thread_sanitizer() ? kPointsUnderThreadSanitizer : kPoints);
};

TEST_F(PowerCutTest, Figure4_LosesNothingAcknowledgedAndHalvesNothing) {
  SCOPED_TRACE("WEIR_SEED=" + std::to_string(seed_));
  const PowerCutBalance balance = cut(Deceit::kNone);
  EXPECT_EQ(balance.failures(), 0U) << balance.first_failure;
  EXPECT_EQ(balance.points, points_);
  EXPECT_GE(balance.cuts, 2 * points_) << "too many of the moments left nothing to lose";
  EXPECT_GT(balance.present_unanswered, 0U);
  EXPECT_GT(balance.absent_unanswered, 0U);
  EXPECT_GE(balance.acknowledged, 1 + points_ / 100);
  expect_variety(balance);
}

TEST_F(PowerCutTest, Figure4_SeesWhatIsLostWithoutFullSync) {
  SCOPED_TRACE("WEIR_SEED=" + std::to_string(seed_));
  const PowerCutBalance balance = cut(Deceit::kRelaxesAndDenies);
  EXPECT_EQ(balance.points, points_);
  EXPECT_GE(balance.lost, 1 + balance.acknowledged / 4) << "the cuts do not see a lost transaction";
  EXPECT_EQ(balance.halved + balance.unopened + balance.damaged + balance.stuck, 0U)
      << "relaxed, the store forgets but never lies: " << balance.first_failure;
}

TEST_F(PowerCutTest, Figure4_TheSameSeedMakesTheSameCuts) {
  const PowerCutBalance once = PowerCuts(seed_, Deceit::kNone).run(60, false);
  const PowerCutBalance again = PowerCuts(seed_, Deceit::kNone).run(60, false);
  EXPECT_EQ(to_json(once), to_json(again)) << "WEIR_SEED=" << seed_;
}

TEST_F(PowerCutTest, RefusesToRunWithoutFullSync) {
  EXPECT_EQ(refusal(Deceit::kRelaxes).message,
            "the database must run with journal_mode wal and synchronous 2, found wal and 1");
}

TEST_F(PowerCutTest, RefusesToRunWithoutAWriteAheadLog) {
  EXPECT_EQ(refusal(Deceit::kNoLog).message,
            "the database must run with journal_mode wal and synchronous 2, found delete and 2");
}

}  // namespace
}  // namespace weir::store
