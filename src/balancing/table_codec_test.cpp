#include "balancing/table_codec.h"

#include <gtest/gtest.h>

#include <iostream>

#include "base/checksum.h"
#include "base/random.h"

namespace weir::balancing {
namespace {

using Members = std::vector<WeightedSlot>;

Members members_of(std::uint16_t count, std::uint16_t weight = 10) {
  Members members;
  for (std::uint16_t i = 0; i < count; ++i) members.push_back({Slot(i), weight});
  return members;
}

SlotTable built(const Members& members, const SlotTable* previous = nullptr) {
  return *slot_table(members, previous);
}

std::string with_checksum(std::string body) {
  const std::uint32_t checksum = crc32(body);
  for (int shift = 0; shift < 32; shift += 8) body += static_cast<char>((checksum >> shift) & 0xFF);
  return body;
}

/// `bytes` with one byte changed and the checksum put right again.
std::string patched(const std::string& bytes, std::size_t at, char value) {
  std::string body = bytes.substr(0, bytes.size() - 4);
  body[at] = value;
  return with_checksum(std::move(body));
}

TEST(TableCodec, ReadsBackEveryTableItWrites) {
  for (const std::uint16_t count :
       std::initializer_list<std::uint16_t>{0, 1, 2, 3, 33, 129, 1000}) {
    const SlotTable table = built(members_of(count));
    const std::string bytes = encode(table);
    EXPECT_LE(bytes.size(), kTableBytesMax);
    const auto back = decode_table(bytes);
    ASSERT_TRUE(back.ok()) << to_string(back.error());
    EXPECT_EQ(*back, table);
    EXPECT_EQ(encode(*back), bytes);
  }
}

TEST(TableCodec, NeedsOnlyTheBitsThatTellMembersApart) {
  EXPECT_LT(encode(built(members_of(100))).size(), 16'384 * 7 / 8 + 400U);
}

TEST(TableCodec, RefusesEveryCutAndEveryFlippedBit) {
  const std::string bytes = encode(built(members_of(3)));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    ASSERT_FALSE(decode_table(std::string_view(bytes).substr(0, size)).ok());
  }
  EXPECT_FALSE(decode_table(bytes + '\0').ok());
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string wrong = bytes;
    wrong[at] = static_cast<char>(wrong[at] ^ (1 << (at % 8)));
    ASSERT_FALSE(decode_table(wrong).ok()) << "byte " << at;
  }
}

TEST(TableCodec, RefusesValuesOutOfRangeThoughTheChecksumIsRight) {
  const std::string bytes = encode(built(members_of(3)));
  ASSERT_TRUE(decode_table(patched(bytes, 0, 'W')).ok());
  EXPECT_FALSE(decode_table(patched(bytes, 4, 2)).ok()) << "format";
  EXPECT_FALSE(decode_table(patched(bytes, 5, 11)).ok()) << "too few rows";
  EXPECT_FALSE(decode_table(patched(bytes, 5, 13)).ok()) << "more rows than bytes";
  EXPECT_FALSE(decode_table(patched(bytes, 5, 63)).ok()) << "too many rows";
  EXPECT_FALSE(decode_table(patched(bytes, 6, 0)).ok()) << "no members";
  EXPECT_FALSE(decode_table(patched(bytes, 18, 0)).ok()) << "weight 0";
  EXPECT_FALSE(decode_table(patched(bytes, 18, 101)).ok()) << "weight 101";
  EXPECT_FALSE(decode_table(patched(bytes, 16, 5)).ok()) << "slots out of order";
  EXPECT_FALSE(decode_table(patched(bytes, 25, '\xFF')).ok()) << "a fourth member of three";
}

TEST(TableCodec, ADifferenceLeadsFromOneTableToTheNext) {
  const std::uint64_t seed = Random().next();
  std::cerr << "seed " << seed << "\n";
  Random random(seed);
  SlotTable table = built(members_of(20));
  for (int step = 0; step < 60; ++step) {
    Members members = members_of(static_cast<std::uint16_t>(15 + random.below(40)));
    members[random.below(members.size())].weight = static_cast<std::uint16_t>(random.below(101));
    const SlotTable next = built(members, &table);
    const auto change = difference(table, next);
    ASSERT_TRUE(change.has_value());
    const auto received = decode_difference(encode(*change));
    ASSERT_TRUE(received.ok()) << to_string(received.error());
    EXPECT_EQ(*received, *change);
    const auto applied = apply(table, *received);
    ASSERT_TRUE(applied.ok()) << to_string(applied.error());
    EXPECT_EQ(*applied, next);
    table = next;
  }
}

TEST(TableCodec, ADifferenceIsAsLargeAsTheChange) {
  const SlotTable table = built(members_of(100));
  const SlotTable next = built(members_of(99), &table);
  EXPECT_LT(encode(*difference(table, next)).size(), 1'000U);
  EXPECT_GT(encode(next).size(), 14'000U);
}

TEST(TableCodec, ADifferenceCanEmptyATableButNotBeginAtAnEmptyOne) {
  const SlotTable table = built(members_of(4));
  const SlotTable empty = built({}, &table);
  EXPECT_EQ(*apply(table, *decode_difference(encode(*difference(table, empty)))), empty);
  EXPECT_FALSE(difference(empty, built(members_of(4), &empty)).has_value());
}

TEST(TableCodec, RefusesADifferenceThatBeginsElsewhere) {
  const SlotTable table = built(members_of(4));
  const SlotTable next = built(members_of(5), &table);
  const SlotTable other = built({{Slot(0), 3}, {Slot(1), 10}});
  const auto change = *difference(table, next);
  EXPECT_EQ(apply(next, change).error().code, ErrorCode::kStale);
  EXPECT_EQ(apply(other, change).error().code, ErrorCode::kStale);
}

TEST(TableCodec, RefusesADifferenceThatLeadsElsewhere) {
  const SlotTable table = built(members_of(4));
  const SlotTable next = built(members_of(5), &table);
  auto change = *difference(table, next);
  change.changes.pop_back();
  EXPECT_EQ(apply(table, change).error().code, ErrorCode::kInvalidArgument);
  change = *difference(table, next);
  change.changes.back().row = 4'096;
  EXPECT_EQ(apply(table, change).error().code, ErrorCode::kInvalidArgument);
  change = *difference(table, next);
  change.members.erase(change.members.begin());
  EXPECT_EQ(apply(table, change).error().code, ErrorCode::kInvalidArgument);
}

TEST(TableCodec, ChangedRowsAreAllRowsWhenThereWereNone) {
  const SlotTable table = built(members_of(2));
  EXPECT_EQ(changed_rows(SlotTable{}, table).size(), table.rows.size());
  EXPECT_TRUE(changed_rows(table, table).empty());
  EXPECT_TRUE(changed_rows(table, SlotTable{}).empty());
}

}  // namespace
}  // namespace weir::balancing
