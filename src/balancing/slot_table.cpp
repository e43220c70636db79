#include "balancing/slot_table.h"

#include <algorithm>
#include <bit>
#include <string>

#include "balancing/mix.h"
#include "balancing/row_quotas.h"
#include "base/checksum.h"

namespace weir::balancing {
namespace {

/// Seeds of the two orders below. Fixed: who knows a table gains nothing, since flows reach it by a
/// keyed hash. Chosen because they are the first digits of pi, so nothing hides in them.
constexpr std::uint64_t kPreferenceSeed = 0x243F6A8885A308D3;
constexpr std::uint64_t kDrawSeed = 0x13198A2E03707344;

constexpr std::uint16_t kNoMember = 0xFFFF;
static_assert(kTableMembersMax < kNoMember);

using Members = std::vector<WeightedSlot>;
using RowNumbers = std::vector<std::uint32_t>;

Result<Members> read_members(std::span<const WeightedSlot> given) {
  Members members(given.begin(), given.end());
  std::ranges::sort(members, {}, &WeightedSlot::slot);
  for (std::size_t i = 0; i < members.size(); ++i) {
    const std::string name = "slot " + std::to_string(members[i].slot.value);
    if (members[i].weight > kMemberWeightMax) {
      return Error{ErrorCode::kInvalidArgument,
                   name + " has weight " + std::to_string(members[i].weight) + ", at most " +
                       std::to_string(kMemberWeightMax) + " is possible",
                   {}};
    }
    if (i > 0 && members[i].slot == members[i - 1].slot) {
      return Error{ErrorCode::kInvalidArgument, name + " is named twice", {}};
    }
  }
  std::erase_if(members, [](const WeightedSlot& member) { return member.weight == 0; });
  if (members.size() > kTableMembersMax) {
    return Error{ErrorCode::kInvalidArgument,
                 std::to_string(members.size()) + " members have a weight, at most " +
                     std::to_string(kTableMembersMax) + " are possible",
                 {}};
  }
  return members;
}

std::uint64_t total_weight(const Members& members) {
  std::uint64_t total = 0;
  for (const WeightedSlot& member : members) total += member.weight;
  return total;
}

std::size_t row_count(const Members& members, std::size_t at_least) {
  const std::uint64_t lightest = std::ranges::min(members, {}, &WeightedSlot::weight).weight;
  const std::uint64_t total = total_weight(members);
  std::size_t rows = std::max(at_least, kTableRowsMin);
  while (rows < kTableRowsMax && lightest * rows < kLightestShareRows * total) rows *= 2;
  return rows;
}

/// Each row of `rows` repeated, so that the high bits of a hash still find the same owner.
std::vector<Slot> grown(const std::vector<Slot>& rows, std::size_t size) {
  std::vector<Slot> larger(size);
  const int shift = std::countr_zero(size) - std::countr_zero(rows.size());
  for (std::size_t row = 0; row < size; ++row) larger[row] = rows[row >> shift];
  return larger;
}

/// Place of each slot in a list of members.
class Places {
 public:
  explicit Places(const Members& members) : places_(std::size_t{1} << 16, kNoMember) {
    for (std::size_t i = 0; i < members.size(); ++i) {
      places_[members[i].slot.value] = static_cast<std::uint16_t>(i);
    }
  }
  std::uint16_t of(Slot slot) const { return places_[slot.value]; }

 private:
  std::vector<std::uint16_t> places_;
};

/// The bounds that make movement minimal: by the direction in which the member's share changes.
Claim claim_of(const WeightedSlot& member, std::uint64_t total, std::uint64_t weight_before,
               std::uint64_t total_before, std::uint32_t rows_held, std::size_t rows) {
  const std::uint64_t share = member.weight * std::max<std::uint64_t>(total_before, 1);
  const std::uint64_t share_before = weight_before * total;
  return {.weight = member.weight,
          .lowest = share >= share_before ? rows_held : 0,
          .highest = share <= share_before ? rows_held : static_cast<std::uint32_t>(rows)};
}

/// One change of a table: rows become free, then find new owners.
class Rebuild {
 public:
  Rebuild(const Members& members, const SlotTable& previous)
      : members_(members), previous_(previous), places_(members), held_(members.size(), 0) {}

  std::vector<Slot> run() {
    const std::size_t size = row_count(members_, previous_.rows.size());
    if (previous_.rows.empty()) {
      rows_.resize(size);
      for (std::uint32_t row = 0; row < size; ++row) free_.push_back(row);
    } else {
      rows_ = grown(previous_.rows, size);
      free_rows_of_leavers();
    }
    quotas_ = row_quotas(claims(), static_cast<std::uint32_t>(size));
    free_surplus_rows();
    hand_out_free_rows();
    return std::move(rows_);
  }

 private:
  void free_rows_of_leavers() {
    for (std::uint32_t row = 0; row < rows_.size(); ++row) {
      const std::uint16_t place = places_.of(rows_[row]);
      if (place == kNoMember) {
        free_.push_back(row);
      } else {
        ++held_[place];
      }
    }
  }

  std::vector<Claim> claims() const {
    const Places before(previous_.members);
    const std::uint64_t total = total_weight(members_);
    const std::uint64_t total_before = total_weight(previous_.members);
    std::vector<Claim> claims;
    claims.reserve(members_.size());
    for (std::size_t i = 0; i < members_.size(); ++i) {
      const std::uint16_t place = before.of(members_[i].slot);
      const std::uint64_t weight = place == kNoMember ? 0 : previous_.members[place].weight;
      claims.push_back(claim_of(members_[i], total, weight, total_before, held_[i], rows_.size()));
    }
    return claims;
  }

  /// The slot that lacks most rows, the lowest of equals: its preference says which rows go. With
  /// one slot in deficit that is plain rendezvous hashing, so that a member that leaves and comes
  /// back finds nearly the same rows.
  Slot neediest() const {
    std::size_t best = 0;
    const auto lacks = [&](std::size_t i) { return std::int64_t{quotas_[i]} - held_[i]; };
    for (std::size_t i = 1; i < members_.size(); ++i) {
      if (lacks(i) > lacks(best)) best = i;
    }
    return members_[best].slot;
  }

  void free_surplus_rows() {
    struct Wanted {
      std::uint64_t score;
      std::uint32_t row;
      bool operator<(const Wanted& other) const { return score < other.score; }
    };
    std::vector<std::vector<Wanted>> wanted(members_.size());
    for (std::size_t i = 0; i < members_.size(); ++i) {
      if (held_[i] > quotas_[i]) wanted[i].reserve(held_[i]);
    }
    const std::uint64_t taker = std::uint64_t{neediest().value} << 32;
    for (std::uint32_t row = 0; row < rows_.size(); ++row) {
      const std::uint16_t place = places_.of(rows_[row]);
      if (place == kNoMember || held_[place] <= quotas_[place] || previous_.rows.empty()) continue;
      wanted[place].push_back({mix(kPreferenceSeed ^ (taker | row)), row});
    }
    for (std::size_t i = 0; i < members_.size(); ++i) {
      if (wanted[i].empty()) continue;
      const auto surplus = static_cast<std::ptrdiff_t>(held_[i] - quotas_[i]);
      std::nth_element(wanted[i].begin(), wanted[i].begin() + surplus, wanted[i].end());
      for (std::ptrdiff_t at = 0; at < surplus; ++at) {
        free_.push_back(wanted[i][static_cast<std::size_t>(at)].row);
      }
      held_[i] = quotas_[i];
    }
    std::ranges::sort(free_);
  }

  /// Each free row draws one of the tickets that are left: as many per slot as it lacks rows. The
  /// draw is by a hash of the row; scores of every row with every slot would cost rows times slots.
  void hand_out_free_rows() {
    std::vector<Slot> tickets;
    tickets.reserve(free_.size());
    for (std::size_t i = 0; i < members_.size(); ++i) {
      tickets.insert(tickets.end(), quotas_[i] - held_[i], members_[i].slot);
    }
    for (const std::uint32_t row : free_) {
      const std::uint64_t drawn = scaled(mix(kDrawSeed ^ row), tickets.size());
      rows_[row] = tickets[drawn];
      tickets[drawn] = tickets.back();
      tickets.pop_back();
    }
  }

  const Members& members_;
  const SlotTable& previous_;
  const Places places_;
  std::vector<std::uint32_t> held_;    // rows by member, after rows became free
  std::vector<std::uint32_t> quotas_;  // rows due by member
  std::vector<Slot> rows_;
  RowNumbers free_;
};

}  // namespace

Result<SlotTable> slot_table(std::span<const WeightedSlot> members, const SlotTable* previous) {
  WEIR_ASSIGN_OR_RETURN(Members wanted, read_members(members));
  const SlotTable none;
  const SlotTable& before = previous == nullptr ? none : *previous;
  if (wanted == before.members) return before;
  SlotTable table;
  if (!wanted.empty()) table.rows = Rebuild(wanted, before).run();
  table.members = std::move(wanted);
  table.generation = TableGeneration(before.generation.value + 1);
  table.checksum = rows_checksum(table.rows);
  return table;
}

std::uint32_t rows_checksum(std::span<const Slot> rows) {
  std::string bytes;
  bytes.reserve(rows.size() * 2);
  for (const Slot slot : rows) {
    bytes += static_cast<char>(slot.value & 0xFF);
    bytes += static_cast<char>(slot.value >> 8);
  }
  return crc32(bytes);
}

}  // namespace weir::balancing
