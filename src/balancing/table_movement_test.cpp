// figure-7: between two generations of a table nothing moves but what the change of weights asks
// for, and every share is right. Random histories of up to 1 000 members; WEIR_FIGURE_7_HISTORIES
// sets how many (the full form is 10 000).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <map>

#include "balancing/slot_table.h"
#include "balancing/table_difference.h"
#include "base/random.h"

namespace weir::balancing {
namespace {

using Weights = std::map<Slot, std::uint16_t>;

std::vector<WeightedSlot> shuffled(const Weights& weights, Random& random) {
  std::vector<WeightedSlot> members;
  for (const auto& [slot, weight] : weights) members.push_back({slot, weight});
  for (std::size_t i = members.size(); i > 1; --i) {
    std::swap(members[i - 1], members[random.below(i)]);
  }
  return members;
}

/// Histories of all sizes from 2 to 1 000; half of them are of up to 10 members, one in ten of more
/// than 300.
std::size_t random_member_count(Random& random) {
  const double exponent = static_cast<double>(random.below(10'001)) / 10'000;
  return static_cast<std::size_t>(std::lround(2 * std::pow(500.0, exponent * exponent)));
}

struct WeightRange {
  std::uint16_t lowest;
  std::uint16_t highest;

  std::uint16_t draw(Random& random) const {
    return static_cast<std::uint16_t>(lowest + random.below(highest - lowest + 1U));
  }
};

WeightRange random_range(Random& random) {
  static constexpr WeightRange kRanges[] = {{1, 100}, {10, 10}, {1, 3}, {80, 100}};
  return kRanges[random.below(std::size(kRanges))];
}

Slot unused_slot(const Weights& weights, Random& random) {
  Slot slot;
  do {
    slot = Slot(static_cast<std::uint16_t>(random.next()));
  } while (weights.contains(slot));
  return slot;
}

Weights random_weights(std::size_t count, WeightRange range, Random& random) {
  Weights weights;
  while (weights.size() < count) weights[unused_slot(weights, random)] = range.draw(random);
  return weights;
}

Weights::iterator any_of(Weights& weights, Random& random) {
  return std::next(weights.begin(), static_cast<std::ptrdiff_t>(random.below(weights.size())));
}

void add_one(Weights& weights, WeightRange range, Random& random) {
  weights[unused_slot(weights, random)] = range.draw(random);
}

/// One change as a user makes it, or with `is_batch` several at once.
void change_some(Weights& weights, WeightRange range, bool is_batch, Random& random) {
  for (std::uint64_t left = is_batch ? 2 + random.below(8) : 1; left > 0; --left) {
    const std::uint64_t kind = random.below(3);
    if (kind == 0 && weights.size() > 1) {
      weights.erase(any_of(weights, random));
    } else if (kind == 1 || weights.size() <= 1) {
      if (weights.size() < kTableMembersMax) add_one(weights, range, random);
    } else {
      any_of(weights, random)->second = range.draw(random);
    }
  }
}

/// Numbers by slot; quicker than a map where every row of a table is looked at.
template <class T>
class BySlot {
 public:
  T& operator[](Slot slot) { return values_[slot.value]; }
  T operator[](Slot slot) const { return values_[slot.value]; }
  const std::vector<T>& all() const { return values_; }

 private:
  std::vector<T> values_ = std::vector<T>(std::size_t{1} << 16);
};

std::int64_t total_of(const Weights& weights) {
  std::int64_t total = 0;
  for (const auto& [slot, weight] : weights) total += weight;
  return total;
}

/// Exact change of each slot's share of the weight: below, at or above 0.
BySlot<std::int64_t> share_changes(const Weights& before, const Weights& after) {
  BySlot<std::int64_t> changes;
  const std::int64_t total_before = total_of(before);
  const std::int64_t total_after = total_of(after);
  for (const auto& [slot, weight] : after) changes[slot] += weight * total_before;
  for (const auto& [slot, weight] : before) changes[slot] -= weight * total_after;
  return changes;
}

/// Every row that changed went from a slot whose share shrank to one whose share grew, and no more
/// rows moved than the winners gained.
void expect_minimal_movement(const SlotTable& previous, const SlotTable& next,
                             const Weights& before, const Weights& after) {
  const BySlot<std::int64_t> shares = share_changes(before, after);
  const auto moved = changed_rows(previous, next);
  BySlot<std::int64_t> gained;
  for (const RowChange& change : moved) {
    const Slot from = previous_owner(previous, change.row, next.rows.size());
    if (shares[from] >= 0 || shares[change.slot] <= 0) {
      FAIL() << "row " << change.row << " went from slot " << from.value << " to slot "
             << change.slot.value << ", shares changed by " << shares[from] << " and "
             << shares[change.slot];
    }
    ++gained[change.slot];
    --gained[from];
  }
  std::int64_t won = 0;
  for (const std::int64_t rows : gained.all()) won += std::max<std::int64_t>(rows, 0);
  ASSERT_EQ(static_cast<std::int64_t>(moved.size()), won);
}

/// The largest error of a share that is due 125 rows or more; the others may be 2 rows off.
double worst_error(const SlotTable& table, const Weights& weights) {
  BySlot<double> rows;
  for (const Slot slot : table.rows) rows[slot] += 1;
  const auto total = static_cast<double>(total_of(weights));
  double worst = 0;
  for (const auto& [slot, weight] : weights) {
    const double due = weight * static_cast<double>(table.rows.size()) / total;
    if (due < kLightestShareRows) {
      EXPECT_LE(std::abs(rows[slot] - due), 2) << "slot " << slot.value << " is due " << due;
    } else {
      worst = std::max(worst, std::abs(rows[slot] - due) / due);
    }
  }
  return worst;
}

std::vector<std::uint32_t> rows_by_slot(const SlotTable& table) {
  BySlot<std::uint32_t> rows;
  for (const Slot slot : table.rows) ++rows[slot];
  return rows.all();
}

int history_count() {
  const char* wanted = std::getenv("WEIR_FIGURE_7_HISTORIES");
  return wanted == nullptr ? 1'000 : std::atoi(wanted);
}

/// One history: builds a table, changes it, and checks every step. Gives the worst share error.
double run_history(std::uint64_t seed, bool has_batches) {
  Random random(seed);
  const WeightRange range = random_range(random);
  Weights weights = random_weights(random_member_count(random), range, random);
  SlotTable table = *slot_table(shuffled(weights, random), nullptr);
  double worst = worst_error(table, weights);
  for (int step = 0; step < 4; ++step) {
    const Weights before = weights;
    change_some(weights, range, has_batches && random.below(2) == 0, random);
    const auto next = slot_table(shuffled(weights, random), &table);
    EXPECT_TRUE(next.ok());
    expect_minimal_movement(table, *next, before, weights);
    worst = std::max(worst, worst_error(*next, weights));
    table = *next;
  }
  return worst;
}

TEST(SlotTable, figure_7_MovesExactlyWhatTheChangeAsksForAndKeepsEveryShare) {
  const std::uint64_t seed = Random().next();
  std::cerr << "seed " << seed << "\n";
  double worst = 0;
  for (int history = 0; history < history_count(); ++history) {
    SCOPED_TRACE("history " + std::to_string(history) + " of seed " + std::to_string(seed));
    worst = std::max(worst, run_history(seed + static_cast<std::uint64_t>(history), history % 2));
    if (testing::Test::HasFailure()) return;
  }
  std::cerr << "worst share error " << 100 * worst << " %\n";
  EXPECT_LE(worst, 0.01);
}

TEST(SlotTable, figure_7_LongHistoriesKeepTheSharesOfAFreshTable) {
  const std::uint64_t seed = Random().next();
  std::cerr << "seed " << seed << "\n";
  Random random(seed);
  // The lightest share stays near 125 rows in the first two, where rounding costs most.
  struct Case {
    std::size_t count;
    WeightRange range;
  };
  for (const auto& [count, range] :
       {Case{32, {10, 10}}, Case{64, {9, 11}}, Case{40, {1, 100}}, Case{200, {1, 3}}}) {
    Weights weights = random_weights(count, range, random);
    SlotTable table = *slot_table(shuffled(weights, random), nullptr);
    for (int step = 0; step < 150; ++step) {
      change_some(weights, range, step % 2 == 0, random);
      table = *slot_table(shuffled(weights, random), &table);
      ASSERT_LE(worst_error(table, weights), 0.01) << "step " << step << " of " << count;
    }
  }
}

TEST(SlotTable, figure_7_SingleChangesOfALargeTableGiveTheRowsOfAFreshOne) {
  // The divisor method is monotone: while the number of rows stays and changes come one by one,
  // what the predecessor had never stands in the way.
  const std::uint64_t seed = Random().next();
  std::cerr << "seed " << seed << "\n";
  Random random(seed);
  const WeightRange range{1, 100};
  Weights weights = random_weights(900, range, random);
  weights.begin()->second = 1;
  SlotTable table = *slot_table(shuffled(weights, random), nullptr);
  ASSERT_EQ(table.rows.size(), kTableRowsMax);
  for (int step = 0; step < 40; ++step) {
    change_some(weights, range, false, random);
    table = *slot_table(shuffled(weights, random), &table);
    const SlotTable fresh = *slot_table(shuffled(weights, random), nullptr);
    ASSERT_EQ(rows_by_slot(table), rows_by_slot(fresh)) << "step " << step;
  }
}

TEST(SlotTable, SameHistoryGivesTheSameTable) {
  const std::uint64_t seed = Random().next();
  std::cerr << "seed " << seed << "\n";
  const auto history = [seed](std::uint64_t order) {
    Random random(seed);
    Random shuffle(order);
    Weights weights = random_weights(50, {1, 100}, random);
    SlotTable table = *slot_table(shuffled(weights, shuffle), nullptr);
    for (int step = 0; step < 20; ++step) {
      change_some(weights, {1, 100}, true, random);
      table = *slot_table(shuffled(weights, shuffle), &table);
    }
    return table;
  };
  EXPECT_EQ(history(1), history(2));
}

}  // namespace
}  // namespace weir::balancing
