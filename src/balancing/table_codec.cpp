#include "balancing/table_codec.h"

#include <algorithm>
#include <bit>
#include <optional>

#include "base/checksum.h"

namespace weir::balancing {
namespace {

constexpr std::string_view kTableMagic = "WSTB";
constexpr std::string_view kDifferenceMagic = "WSTD";
constexpr std::uint64_t kFormat = 1;
constexpr std::size_t kChecksumSize = 4;

Error invalid(const std::string& what) {
  return {ErrorCode::kInvalidArgument, "encoded slot table: " + what, {}};
}

void put(std::string& out, std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) out += static_cast<char>((value >> (8 * i)) & 0xFF);
}

/// Seven bits a byte, lowest first; the top bit says that more follow.
/// Source: LEB128, DWARF 5 section 7.6
void put_short(std::string& out, std::uint32_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

/// Reads numbers off the front; an end that comes too early is kept until asked for.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  std::uint64_t take(std::size_t size) {
    if (bytes_.size() < size) {
      has_failed_ = true;
      bytes_ = {};
      return 0;
    }
    std::uint64_t value = 0;
    for (std::size_t i = size; i-- > 0;) {
      value = (value << 8) | static_cast<std::uint8_t>(bytes_[i]);
    }
    bytes_.remove_prefix(size);
    return value;
  }

  /// As put_short() writes it: at most three bytes, the last one not zero (unless it is the only).
  std::uint32_t take_short() {
    std::uint32_t value = 0;
    for (int shift = 0; shift < 21; shift += 7) {
      const auto byte = static_cast<std::uint32_t>(take(1));
      value |= (byte & 0x7F) << shift;
      if (byte < 0x80) {
        has_failed_ |= byte == 0 && shift > 0;
        return value;
      }
    }
    has_failed_ = true;
    return 0;
  }

  std::string_view take_bytes(std::size_t size) {
    const std::string_view taken = bytes_.substr(0, size);
    has_failed_ |= taken.size() < size;
    bytes_.remove_prefix(taken.size());
    return taken;
  }

  std::size_t left() const { return bytes_.size(); }
  bool has_failed() const { return has_failed_; }

 private:
  std::string_view bytes_;
  bool has_failed_ = false;
};

/// Row counts travel as their logarithm, 0 = no rows.
std::uint64_t row_bits(std::size_t rows) {
  return rows == 0 ? 0 : static_cast<std::uint64_t>(std::countr_zero(rows));
}

std::optional<std::uint32_t> rows_of_bits(std::uint64_t bits) {
  if (bits == 0) return 0;
  if (bits < row_bits(kTableRowsMin) || bits > row_bits(kTableRowsMax)) return std::nullopt;
  return std::uint32_t{1} << bits;
}

void put_members(std::string& out, const std::vector<WeightedSlot>& members) {
  for (const WeightedSlot& member : members) {
    put(out, member.slot.value, 2);
    put(out, member.weight, 1);
  }
}

Result<std::vector<WeightedSlot>> take_members(Reader& reader, std::size_t count) {
  if (count > kTableMembersMax) return invalid("more members than possible");
  std::vector<WeightedSlot> members;
  for (std::size_t i = 0; i < count; ++i) {
    const auto slot = static_cast<std::uint16_t>(reader.take(2));
    const auto weight = static_cast<std::uint16_t>(reader.take(1));
    if (weight == 0 || weight > kMemberWeightMax) return invalid("a weight is out of range");
    if (!members.empty() && members.back().slot >= Slot(slot)) return invalid("slots out of order");
    members.push_back({Slot(slot), weight});
  }
  return members;
}

std::uint32_t place_of(const std::vector<WeightedSlot>& members, Slot slot) {
  const auto found = std::ranges::lower_bound(members, slot, {}, &WeightedSlot::slot);
  return static_cast<std::uint32_t>(found - members.begin());
}

/// Bits of a member's place in the list.
int place_bits(std::size_t member_count) {
  return static_cast<int>(std::bit_width(member_count - 1));
}

void put_rows(std::string& out, const SlotTable& table) {
  if (table.rows.empty()) return;
  const int width = place_bits(table.members.size());
  std::uint64_t pending = 0;
  int pending_bits = 0;
  for (const Slot slot : table.rows) {
    pending |= std::uint64_t{place_of(table.members, slot)} << pending_bits;
    for (pending_bits += width; pending_bits >= 8; pending_bits -= 8, pending >>= 8) {
      out += static_cast<char>(pending & 0xFF);
    }
  }
}

Result<std::vector<Slot>> take_rows(Reader& reader, std::size_t count,
                                    const std::vector<WeightedSlot>& members) {
  if (count == 0) return std::vector<Slot>{};
  const int width = place_bits(members.size());
  const auto size = count / 8 * static_cast<std::size_t>(width);
  if (reader.left() != size) return invalid("its size does not fit its rows");
  std::vector<Slot> rows;
  rows.reserve(count);
  std::uint64_t pending = 0;
  for (int pending_bits = 0; rows.size() < count; pending_bits -= width, pending >>= width) {
    for (; pending_bits < width; pending_bits += 8) pending |= reader.take(1) << pending_bits;
    const std::uint64_t place = pending & ((std::uint64_t{1} << width) - 1);
    if (place >= members.size()) return invalid("a row names no member");
    rows.push_back(members[place].slot);
  }
  return rows;
}

std::string sealed(std::string bytes) {
  put(bytes, crc32(bytes), kChecksumSize);
  return bytes;
}

/// The bytes between the magic and the checksum, once both are right.
Result<Reader> opened(std::string_view bytes, std::string_view magic) {
  if (bytes.size() < magic.size() + kChecksumSize) return invalid("cut short");
  const std::string_view body = bytes.substr(0, bytes.size() - kChecksumSize);
  if (!body.starts_with(magic)) return invalid("something else");
  if (Reader(bytes.substr(body.size())).take(kChecksumSize) != crc32(body)) {
    return invalid("damaged");
  }
  Reader reader(body.substr(magic.size()));
  if (reader.take(1) != kFormat) return invalid("unknown format");
  return reader;
}

void put_changes(std::string& out, const TableDifference& difference) {
  std::uint32_t next_row = 0;
  for (const RowChange& change : difference.changes) {
    put_short(out, change.row - next_row);
    put_short(out, place_of(difference.members, change.slot));
    next_row = change.row + 1;
  }
}

Result<std::vector<RowChange>> take_changes(Reader& reader, std::size_t count,
                                            const TableDifference& difference) {
  if (count > difference.row_count || count > reader.left() / 2) return invalid("cut short");
  std::vector<RowChange> changes;
  changes.reserve(count);
  std::uint32_t next_row = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t row = next_row + reader.take_short();
    const std::uint32_t place = reader.take_short();
    if (row >= difference.row_count) return invalid("names a row that does not exist");
    if (place >= difference.members.size()) return invalid("a row names no member");
    changes.push_back({row, difference.members[place].slot});
    next_row = row + 1;
  }
  return changes;
}

}  // namespace

std::string encode(const SlotTable& table) {
  std::string out(kTableMagic);
  put(out, kFormat, 1);
  put(out, row_bits(table.rows.size()), 1);
  put(out, table.members.size(), 2);
  put(out, table.generation.value, 8);
  put_members(out, table.members);
  put_rows(out, table);
  return sealed(std::move(out));
}

Result<SlotTable> decode_table(std::string_view bytes) {
  WEIR_ASSIGN_OR_RETURN(Reader reader, opened(bytes, kTableMagic));
  const auto row_count = rows_of_bits(reader.take(1));
  const std::size_t member_count = reader.take(2);
  if (!row_count || (*row_count == 0) != (member_count == 0)) return invalid("rows out of range");
  SlotTable table;
  table.generation = TableGeneration(reader.take(8));
  WEIR_ASSIGN_OR_RETURN(table.members, take_members(reader, member_count));
  WEIR_ASSIGN_OR_RETURN(table.rows, take_rows(reader, *row_count, table.members));
  if (reader.has_failed() || reader.left() > 0) return invalid("its size does not fit its rows");
  table.checksum = rows_checksum(table.rows);
  return table;
}

std::string encode(const TableDifference& difference) {
  std::string out(kDifferenceMagic);
  put(out, kFormat, 1);
  put(out, row_bits(difference.row_count), 1);
  put(out, difference.members.size(), 2);
  put(out, difference.previous_generation.value, 8);
  put(out, difference.generation.value, 8);
  put(out, difference.previous_checksum, 4);
  put(out, difference.checksum, 4);
  put(out, difference.changes.size(), 4);
  put_members(out, difference.members);
  put_changes(out, difference);
  return sealed(std::move(out));
}

Result<TableDifference> decode_difference(std::string_view bytes) {
  WEIR_ASSIGN_OR_RETURN(Reader reader, opened(bytes, kDifferenceMagic));
  const auto row_count = rows_of_bits(reader.take(1));
  const std::size_t member_count = reader.take(2);
  if (!row_count || (*row_count == 0) != (member_count == 0)) return invalid("rows out of range");
  TableDifference difference{.row_count = *row_count};
  difference.previous_generation = TableGeneration(reader.take(8));
  difference.generation = TableGeneration(reader.take(8));
  difference.previous_checksum = static_cast<std::uint32_t>(reader.take(4));
  difference.checksum = static_cast<std::uint32_t>(reader.take(4));
  const std::size_t change_count = reader.take(4);
  WEIR_ASSIGN_OR_RETURN(difference.members, take_members(reader, member_count));
  WEIR_ASSIGN_OR_RETURN(difference.changes, take_changes(reader, change_count, difference));
  if (reader.has_failed() || reader.left() > 0) return invalid("its size does not fit its rows");
  return difference;
}

}  // namespace weir::balancing
