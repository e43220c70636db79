// The table of a target group that a hash algorithm indexes: each row names the slot that serves
// the flows whose hash falls into it. Built by control from the table before it and stored, because
// it depends on history; nodes copy it. It follows configured membership and weight only, never
// health (table_pick.h deals with that). Thread: immutable values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/strong_type.h"

namespace weir::balancing {

/// Rows of a table, always a power of two. Chosen because 4 096 rows are 8 KB and 262 144 rows
/// half a MiB. Source: reliability.md 7.6. Reached: the table does not grow, and light targets get
/// their share less exactly.
inline constexpr std::size_t kTableRowsMin = 4'096;
inline constexpr std::size_t kTableRowsMax = 262'144;
/// A table doubles until its lightest member is due so many rows. Chosen because rounding to whole
/// rows then costs no share more than 1 % (docs/adr/0010-slot-tables.md).
inline constexpr std::size_t kLightestShareRows = 125;
/// Members of positive weight. Chosen because at the largest table the lightest of 1 000 members
/// with weights 1 to 100 is still due two rows. Source: style.md 2.5. Reached: the table is not
/// built; the write is refused with 400.
inline constexpr std::size_t kTableMembersMax = 1'000;
/// Source: product.md A, weight of a target. Reached: the table is not built; the write is refused
/// with 400.
inline constexpr std::uint16_t kMemberWeightMax = 100;

struct WeightedSlot {
  Slot slot;
  std::uint16_t weight = 0;  // 0..100, relative; 0 takes no rows

  friend bool operator==(const WeightedSlot&, const WeightedSlot&) = default;
};

/// Number of a change to one table, counted from 1; 0 = no table was ever built.
using TableGeneration = Strong<struct TableGenerationTag, std::uint64_t>;

struct SlotTable {
  std::vector<Slot> rows{};             // owner by row; empty when nobody has a weight
  std::vector<WeightedSlot> members{};  // what the rows were built for: weight > 0, by slot
  TableGeneration generation{};
  std::uint32_t checksum = 0;  // of the rows alone: equal tables of two nodes have equal ones

  friend bool operator==(const SlotTable&, const SlotTable&) = default;
};

/// Returns the table that maps rows to the slots of `members`, moving as few rows of `previous` as
/// the weights allow; `previous` itself when nothing changed.
///
/// A member whose share of the weight grows loses no row, one whose share shrinks gains none, one
/// whose share stays keeps exactly its rows. A larger table gives each row of the former to two new
/// ones (row r to 2r and 2r+1), so that no hash changes its owner by it; it never shrinks before it
/// is empty. Order of `members` does not matter; equal input gives equal output everywhere.
/// Units:   weight is relative to the sum
/// Range:   up to 1 000 members of weight 1..100, any number of weight 0
/// Errors:  kInvalidArgument when a range is broken or a slot stands twice
/// Cost:    rows, plus n log n for n members (slot_table_bench.cpp)
/// Thread:  any
/// Source:  reliability.md 7.6; row_quotas.h; Thaler and Ravishankar, rendezvous hashing
Result<SlotTable> slot_table(std::span<const WeightedSlot> members, const SlotTable* previous);

/// CRC-32 of the rows as 16-bit little-endian numbers; 0 for no rows.
std::uint32_t rows_checksum(std::span<const Slot> rows);

}  // namespace weir::balancing
