#include "balancing/slot_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <map>

#include "balancing/flow_hash.h"
#include "balancing/table_difference.h"

namespace weir::balancing {
namespace {

using Members = std::vector<WeightedSlot>;

Members equal_members(std::uint16_t count, std::uint16_t weight = 10) {
  Members members;
  for (std::uint16_t i = 0; i < count; ++i) members.push_back({Slot(i), weight});
  return members;
}

SlotTable built(const Members& members, const SlotTable* previous = nullptr) {
  auto table = slot_table(members, previous);
  EXPECT_TRUE(table.ok()) << to_string(table.error());
  return *std::move(table);
}

std::map<Slot, std::size_t> rows_by_slot(const SlotTable& table) {
  std::map<Slot, std::size_t> rows;
  for (const Slot slot : table.rows) ++rows[slot];
  return rows;
}

TEST(SlotTable, SharesRowsInProportionToWeight) {
  const auto rows = rows_by_slot(built({{Slot(7), 1}, {Slot(3), 2}, {Slot(900), 5}}));
  EXPECT_EQ(rows,
            (std::map<Slot, std::size_t>{{Slot(3), 1'024}, {Slot(7), 512}, {Slot(900), 2'560}}));
}

TEST(SlotTable, GivesNoRowsToWeightZero) {
  const SlotTable table = built({{Slot(1), 0}, {Slot(2), 3}});
  EXPECT_EQ(table, built({{Slot(2), 3}}));
}

TEST(SlotTable, IsEmptyWithoutMembersOrWeights) {
  EXPECT_TRUE(built({}).rows.empty());
  EXPECT_TRUE(built({{Slot(1), 0}, {Slot(2), 0}}).rows.empty());
  const SlotTable full = built(equal_members(3));
  const SlotTable emptied = built({{Slot(0), 0}}, &full);
  EXPECT_TRUE(emptied.rows.empty());
  EXPECT_EQ(emptied.checksum, 0U);
  EXPECT_GT(emptied.generation, full.generation);
  EXPECT_EQ(rows_by_slot(built(equal_members(1), &emptied)).size(), 1U);
}

TEST(SlotTable, RefusesASlotThatStandsTwice) {
  const auto table = slot_table(Members{{Slot(4), 1}, {Slot(5), 1}, {Slot(4), 2}}, nullptr);
  ASSERT_FALSE(table.ok());
  EXPECT_EQ(table.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(table.error().message, "slot 4 is named twice");
}

TEST(SlotTable, RefusesWeightsAndCountsBeyondTheirRange) {
  EXPECT_EQ(slot_table(Members{{Slot(4), 101}}, nullptr).error().message,
            "slot 4 has weight 101, at most 100 is possible");
  EXPECT_EQ(slot_table(equal_members(1'001), nullptr).error().code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(slot_table(equal_members(1'000), nullptr).ok());
  EXPECT_TRUE(slot_table(equal_members(2'000, 0), nullptr).ok());
}

TEST(SlotTable, HasTheSameRowsWhateverTheOrderOfMembers) {
  Members members = {{Slot(5), 7}, {Slot(1), 100}, {Slot(900), 3}, {Slot(44), 44}};
  const SlotTable first = built(members);
  while (std::ranges::next_permutation(members, {}, &WeightedSlot::slot).found) {
    EXPECT_EQ(built(members), first);
  }
}

TEST(SlotTable, IsThePreviousOneWhenNothingChanged) {
  const SlotTable first = built(equal_members(5));
  EXPECT_EQ(built(equal_members(5), &first), first);
}

TEST(SlotTable, MovesNobodyWhenAllWeightsChangeAlike) {
  const SlotTable first = built({{Slot(1), 10}, {Slot(2), 20}, {Slot(3), 35}});
  const SlotTable next = built({{Slot(1), 2}, {Slot(2), 4}, {Slot(3), 7}}, &first);
  EXPECT_EQ(next.rows, first.rows);
  EXPECT_EQ(next.checksum, first.checksum);
  EXPECT_EQ(next.generation, TableGeneration(2));
}

TEST(SlotTable, MovesOnlyTheRowsOfAMemberThatAnotherReplaces) {
  const SlotTable first = built(equal_members(10));
  Members members = equal_members(10);
  members[4].slot = Slot(77);
  const SlotTable next = built(members, &first);
  for (std::size_t row = 0; row < first.rows.size(); ++row) {
    const Slot before = first.rows[row];
    EXPECT_EQ(next.rows[row], before == Slot(4) ? Slot(77) : before);
  }
}

TEST(SlotTable, DoublesWhenTheLightestIsDueFewerThan125Rows) {
  EXPECT_EQ(built(equal_members(32)).rows.size(), 4'096U);
  EXPECT_EQ(built(equal_members(33)).rows.size(), 8'192U);
  EXPECT_EQ(built({{Slot(0), 1}, {Slot(1), 100}}).rows.size(), 16'384U);
  Members many = equal_members(1'000, 100);
  many[0].weight = 1;
  EXPECT_EQ(built(many).rows.size(), kTableRowsMax);
}

TEST(SlotTable, NeverShrinksBeforeItIsEmpty) {
  const SlotTable large = built(equal_members(100));
  EXPECT_EQ(built(equal_members(2), &large).rows.size(), large.rows.size());
}

TEST(SlotTable, KeepsTheOwnerOfEveryHashWhenItDoubles) {
  const SlotTable small = built(equal_members(32));
  const SlotTable large = built(equal_members(33), &small);
  ASSERT_EQ(large.rows.size(), 2 * small.rows.size());
  std::size_t moved = 0;
  for (std::uint64_t flow = 0; flow < 100'000; ++flow) {
    const FlowHash hash = mix(flow);
    const Slot before = small.rows[row_of(hash, small.rows.size())];
    const Slot after = large.rows[row_of(hash, large.rows.size())];
    if (before == after) continue;
    ASSERT_EQ(after, Slot(32));
    ++moved;
  }
  EXPECT_NEAR(static_cast<double>(moved), 100'000 / 33.0, 250);
}

TEST(SlotTable, GivesAMemberThatComesBackNearlyTheSameRows) {
  const SlotTable without = built(equal_members(20));
  const SlotTable with = built(equal_members(21), &without);
  const SlotTable left = built(equal_members(20), &with);
  const SlotTable back = built(equal_members(21), &left);
  const auto differing = changed_rows(with, back).size();
  EXPECT_LT(differing, rows_by_slot(with)[Slot(20)] / 5) << "of the rows of one member";
}

TEST(SlotTable, HasTheRowsThatEveryReleaseHad) {
  // Golden: a change of any of these would move flows at the next change of a stored table.
  const SlotTable first = built({{Slot(1), 10}, {Slot(2), 20}, {Slot(3), 30}});
  const SlotTable second = built({{Slot(1), 10}, {Slot(3), 30}, {Slot(9), 1}}, &first);
  const SlotTable third = built({{Slot(1), 55}, {Slot(3), 30}, {Slot(9), 1}}, &second);
  EXPECT_EQ(first.checksum, 0x83590595U);
  EXPECT_EQ(second.checksum, 0x1486515DU);
  EXPECT_EQ(third.checksum, 0xDD6A74E1U);
}

}  // namespace
}  // namespace weir::balancing
