// Slot tables and their differences as bytes, for store, replica and stream
// (docs/formats/tables.md). Canonical: what decodes encodes to the very same bytes. Decoding takes
// bytes from outside and is bounded before anything is allocated. Thread: any.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "balancing/table_difference.h"

namespace weir::balancing {

/// The largest encoded table: 1 000 members and 262 144 rows of ten bits. Source:
/// docs/formats/tables.md. Reached: nothing: no table is larger.
inline constexpr std::size_t kTableBytesMax =
    16 + 3 * kTableMembersMax + kTableRowsMax / 8 * 10 + 4;

std::string encode(const SlotTable& table);

/// Errors:  kInvalidArgument when the bytes are not exactly one whole, valid table
Result<SlotTable> decode_table(std::string_view bytes);

/// Where the result is larger than the whole table, the caller sends that instead.
std::string encode(const TableDifference& difference);

/// Says nothing about the table it begins at: apply() does.
/// Errors:  kInvalidArgument when the bytes are not exactly one whole, valid difference
Result<TableDifference> decode_difference(std::string_view bytes);

}  // namespace weir::balancing
