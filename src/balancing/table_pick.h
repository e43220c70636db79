// The choice of a slot for a flow by a slot table, with failover: a flow whose slot takes nothing
// new is hashed again over the same table, so that nobody else moves and it comes back when its
// slot does. Thread: any.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "balancing/flow_hash.h"
#include "balancing/slot_table.h"

namespace weir::balancing {

/// Further hashes of a flow. Source: reliability.md 7.6. Reached: the rows behind the last hash are
/// looked at.
inline constexpr std::uint64_t kSaltMax = 8;
/// Rows looked at behind the last hash. Chosen because it finds a slot that has one row in 128 but
/// for one flow in 3 000, and costs about a microsecond when nobody takes anything. Reached: the
/// flow has no target; it is refused as when none is usable.
inline constexpr std::size_t kScanRowsMax = 1'024;

/// The slot of the first hash (salt 0, then 1 to 8) that takes new flows, else that of the next row
/// whose slot does, else the next member that does; nothing when no member does.
template <class TakesNew>
  requires std::predicate<const TakesNew&, Slot>
std::optional<Slot> pick(const SlotTable& table, FlowHash hash, const TakesNew& takes_new) {
  if (table.rows.empty()) return std::nullopt;
  std::size_t row = 0;
  for (std::uint64_t salt = 0; salt <= kSaltMax; ++salt) {
    row = row_of(rehash(hash, salt), table.rows.size());
    if (takes_new(table.rows[row])) return table.rows[row];
  }
  const std::size_t scanned = std::min(kScanRowsMax, table.rows.size() - 1);
  for (std::size_t ahead = 1; ahead <= scanned; ++ahead) {
    const Slot slot = table.rows[(row + ahead) % table.rows.size()];
    if (takes_new(slot)) return slot;
  }
  const std::size_t first = row_of(hash, table.members.size());
  for (std::size_t ahead = 0; ahead < table.members.size(); ++ahead) {
    const Slot slot = table.members[(first + ahead) % table.members.size()].slot;
    if (takes_new(slot)) return slot;
  }
  return std::nullopt;
}

}  // namespace weir::balancing
