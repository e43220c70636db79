#include "balancing/table_difference.h"

#include <algorithm>
#include <bit>
#include <string>

namespace weir::balancing {
namespace {

Error damaged(const std::string& what) {
  return {ErrorCode::kInvalidArgument, "difference of a slot table: " + what, {}};
}

bool is_continued_by(const SlotTable& previous, std::size_t row_count) {
  return !previous.rows.empty() && previous.rows.size() <= row_count;
}

bool names(const std::vector<WeightedSlot>& members, Slot slot) {
  return std::ranges::binary_search(members, slot, {}, &WeightedSlot::slot);
}

}  // namespace

Slot previous_owner(const SlotTable& previous, std::uint32_t row, std::size_t row_count) {
  return previous
      .rows[row >> (std::countr_zero(row_count) - std::countr_zero(previous.rows.size()))];
}

std::vector<RowChange> changed_rows(const SlotTable& previous, const SlotTable& next) {
  std::vector<RowChange> changes;
  const bool is_continued = is_continued_by(previous, next.rows.size());
  for (std::uint32_t row = 0; row < next.rows.size(); ++row) {
    const Slot slot = next.rows[row];
    if (is_continued && previous_owner(previous, row, next.rows.size()) == slot) continue;
    changes.push_back({row, slot});
  }
  return changes;
}

std::optional<TableDifference> difference(const SlotTable& previous, const SlotTable& next) {
  if (!next.rows.empty() && !is_continued_by(previous, next.rows.size())) return std::nullopt;
  return TableDifference{.previous_generation = previous.generation,
                         .previous_checksum = previous.checksum,
                         .generation = next.generation,
                         .checksum = next.checksum,
                         .row_count = static_cast<std::uint32_t>(next.rows.size()),
                         .members = next.members,
                         .changes = changed_rows(previous, next)};
}

Result<SlotTable> apply(const SlotTable& previous, const TableDifference& difference) {
  if (previous.generation != difference.previous_generation ||
      previous.checksum != difference.previous_checksum) {
    return Error{ErrorCode::kStale,
                 "difference of a slot table begins at generation " +
                     std::to_string(difference.previous_generation.value) + ", found " +
                     std::to_string(previous.generation.value) + " or another checksum",
                 {}};
  }
  SlotTable table{.members = difference.members, .generation = difference.generation};
  if (difference.row_count > 0) {
    if (!is_continued_by(previous, difference.row_count)) return damaged("fewer rows than before");
    table.rows.resize(difference.row_count);
    for (std::uint32_t row = 0; row < difference.row_count; ++row) {
      table.rows[row] = previous_owner(previous, row, difference.row_count);
    }
  }
  for (const RowChange& change : difference.changes) {
    if (change.row >= table.rows.size()) return damaged("names a row that does not exist");
    table.rows[change.row] = change.slot;
  }
  const auto has_owner = [&](Slot slot) { return names(table.members, slot); };
  if (!std::ranges::all_of(table.rows, has_owner)) return damaged("leaves a row without owner");
  table.checksum = rows_checksum(table.rows);
  if (table.checksum != difference.checksum) return damaged("leads to another checksum");
  return table;
}

}  // namespace weir::balancing
