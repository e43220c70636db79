#include "balancing/table_pick.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "base/random.h"

namespace weir::balancing {
namespace {

constexpr std::size_t kFlows = 100'000;

constexpr auto kAll = [](Slot) { return true; };
constexpr auto kNone = [](Slot) { return false; };

SlotTable built(const std::vector<WeightedSlot>& members) { return *slot_table(members, nullptr); }

SlotTable equal_table(std::uint16_t count) {
  std::vector<WeightedSlot> members;
  for (std::uint16_t i = 0; i < count; ++i) members.push_back({Slot(i), 10});
  return built(members);
}

/// Choices for the flows 0 to kFlows - 1.
template <class TakesNew>
std::vector<Slot> picks(const SlotTable& table, const TakesNew& takes_new) {
  std::vector<Slot> slots;
  for (std::uint64_t flow = 0; flow < kFlows; ++flow) {
    slots.push_back(*pick(table, mix(flow), takes_new));
  }
  return slots;
}

/// `count` is within five standard deviations of what a share of `total` random flows gives.
void expect_share(std::size_t count, double share, std::size_t total) {
  const double due = share * static_cast<double>(total);
  EXPECT_NEAR(static_cast<double>(count), due, 5 * std::sqrt(due * (1 - share)) + 0.01 * due);
}

TEST(TablePick, FollowsTheRowWhileItsSlotTakesNewFlows) {
  const SlotTable table = equal_table(10);
  const auto slots = picks(table, kAll);
  for (std::uint64_t flow = 0; flow < kFlows; ++flow) {
    ASSERT_EQ(slots[flow], table.rows[row_of(mix(flow), table.rows.size())]);
  }
}

TEST(TablePick, SharesFlowsByWeight) {
  std::map<Slot, std::size_t> counts;
  for (const Slot slot : picks(built({{Slot(1), 10}, {Slot(2), 30}, {Slot(3), 60}}), kAll)) {
    ++counts[slot];
  }
  expect_share(counts[Slot(1)], 0.1, kFlows);
  expect_share(counts[Slot(2)], 0.3, kFlows);
  expect_share(counts[Slot(3)], 0.6, kFlows);
}

TEST(TablePick, FailureMovesOnlyTheFlowsOfTheFailedSlotAndRecoveryBringsThemBack) {
  const SlotTable table = equal_table(20);
  const auto before = picks(table, kAll);
  const auto during = picks(table, [](Slot slot) { return slot != Slot(7); });
  std::size_t moved = 0;
  for (std::uint64_t flow = 0; flow < kFlows; ++flow) {
    ASSERT_NE(during[flow], Slot(7));
    if (before[flow] == Slot(7)) {
      ++moved;
    } else {
      ASSERT_EQ(during[flow], before[flow]);
    }
  }
  expect_share(moved, 0.05, kFlows);
  EXPECT_EQ(picks(table, kAll), before);
}

TEST(TablePick, ASecondFailureMovesOnlyItsOwnFlows) {
  const SlotTable table = equal_table(20);
  const auto first = picks(table, [](Slot slot) { return slot != Slot(7); });
  const auto both = picks(table, [](Slot slot) { return slot != Slot(7) && slot != Slot(9); });
  for (std::uint64_t flow = 0; flow < kFlows; ++flow) {
    if (first[flow] != Slot(9)) ASSERT_EQ(both[flow], first[flow]);
  }
}

TEST(TablePick, FlowsOfAFailedSlotSpreadOverTheOthersByWeight) {
  const SlotTable table = built({{Slot(1), 10}, {Slot(2), 20}, {Slot(3), 30}, {Slot(4), 40}});
  const auto before = picks(table, kAll);
  const auto during = picks(table, [](Slot slot) { return slot != Slot(4); });
  std::map<Slot, std::size_t> counts;
  std::size_t moved = 0;
  for (std::uint64_t flow = 0; flow < kFlows; ++flow) {
    if (before[flow] != Slot(4)) continue;
    ++counts[during[flow]];
    ++moved;
  }
  expect_share(counts[Slot(1)], 10.0 / 60, moved);
  expect_share(counts[Slot(2)], 20.0 / 60, moved);
  expect_share(counts[Slot(3)], 30.0 / 60, moved);
}

TEST(TablePick, SharesStayByWeightWhenMostSlotsHaveFailed) {
  // 2 of 50 are left: the further hashes reach few flows, the scan the rest.
  const SlotTable table = equal_table(50);
  std::size_t first = 0;
  for (const Slot slot : picks(table, [](Slot each) { return each.value < 2; })) {
    first += slot == Slot(0);
  }
  EXPECT_NEAR(static_cast<double>(first) / kFlows, 0.5, 0.1);
}

TEST(TablePick, FindsTheOnlySlotThatIsLeftHoweverFewRowsItHas) {
  std::vector<WeightedSlot> members;
  for (std::uint16_t i = 0; i < 1'000; ++i) members.push_back({Slot(i), 100});
  members[500].weight = 1;
  const SlotTable table = built(members);
  for (std::uint64_t flow = 0; flow < 1'000; ++flow) {
    ASSERT_EQ(pick(table, mix(flow), [](Slot slot) { return slot == Slot(500); }), Slot(500));
  }
}

TEST(TablePick, GivesNothingWhenNothingTakesNewFlowsAndAsksABoundedNumberOfTimes) {
  const SlotTable table = built({{Slot(0), 1}, {Slot(1), 100}, {Slot(2), 100}});
  EXPECT_FALSE(pick(SlotTable{}, 1, kAll).has_value());
  EXPECT_FALSE(pick(table, 1, kNone).has_value());
  std::size_t asked = 0;
  EXPECT_FALSE(pick(table, 1, [&](Slot) { return ++asked, false; }).has_value());
  EXPECT_EQ(asked, 1 + kSaltMax + kScanRowsMax + 3);
}

TEST(TablePick, OneClientStaysAndManyConnectionsOfOneAddressSpread) {
  const SlotTable table = equal_table(8);
  const FlowHasher hasher(99);
  const std::array<std::uint8_t, 16> client{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 10, 1, 2, 3};
  std::set<Slot> by_source;
  std::set<Slot> by_flow;
  for (std::uint16_t port = 1'024; port < 2'024; ++port) {
    by_source.insert(*pick(table, hasher.source(client), kAll));
    by_flow.insert(*pick(table, hasher.five_tuple({6, client, port, client, 80}), kAll));
  }
  EXPECT_EQ(by_source.size(), 1U);
  EXPECT_EQ(by_flow.size(), 8U);
}

}  // namespace
}  // namespace weir::balancing
