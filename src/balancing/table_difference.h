// What changed between two generations of one table: what store and stream carry, and what a node
// keeps to know the previous owner of a row while old flows drain. Thread: immutable values.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "balancing/slot_table.h"

namespace weir::balancing {

struct RowChange {
  std::uint32_t row = 0;
  Slot slot;  // the new owner

  friend bool operator==(const RowChange&, const RowChange&) = default;
};

/// Which rows of `next` have another owner than the same hashes had in `previous`, ascending; all
/// of them when `previous` has no rows or more than `next`.
std::vector<RowChange> changed_rows(const SlotTable& previous, const SlotTable& next);

/// The owner in `previous` of what is row `row` of a table of `row_count` rows, not fewer than
/// `previous` has.
Slot previous_owner(const SlotTable& previous, std::uint32_t row, std::size_t row_count);

struct TableDifference {
  TableGeneration previous_generation{};
  std::uint32_t previous_checksum = 0;
  TableGeneration generation{};
  std::uint32_t checksum = 0;
  std::uint32_t row_count = 0;
  std::vector<WeightedSlot> members{};
  std::vector<RowChange> changes{};

  friend bool operator==(const TableDifference&, const TableDifference&) = default;
};

/// Nothing when only the whole table says it: the former has no rows, or more than the next has.
std::optional<TableDifference> difference(const SlotTable& previous, const SlotTable& next);

/// The table that `difference` leads to from `previous`.
/// Errors:  kStale when it begins at another table than `previous`, kInvalidArgument when it does
///          not lead to the table whose checksum it names
Result<SlotTable> apply(const SlotTable& previous, const TableDifference& difference);

}  // namespace weir::balancing
