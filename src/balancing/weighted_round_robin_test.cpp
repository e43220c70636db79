#include "balancing/weighted_round_robin.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "base/random.h"

namespace weir::balancing {
namespace {

std::vector<int> indices(const Sequence& sequence) {
  std::vector<int> out;
  for (const TargetIndex target : sequence) out.push_back(target.value);
  return out;
}

std::vector<int> counts_of(const Sequence& sequence, std::size_t target_count) {
  std::vector<int> counts(target_count, 0);
  for (const TargetIndex target : sequence) ++counts[target.value];
  return counts;
}

WeightedRoundRobin picker_of(const std::vector<int>& weights, std::size_t start = 0) {
  return {std::make_shared<const Sequence>(smooth_sequence(weights)), start};
}

constexpr auto kAll = [](TargetIndex) { return true; };

TEST(SmoothSequence, EqualsTheExampleOfNginx) {
  EXPECT_EQ(indices(smooth_sequence(std::vector<int>{5, 1, 1})),
            (std::vector<int>{0, 0, 1, 0, 2, 0, 0}));
}

TEST(SmoothSequence, GivesExactSharesOverOnePeriod) {
  const std::vector<std::vector<int>> sets = {
      {10}, {10, 10}, {1, 2, 3}, {100, 1}, {10, 20, 30, 40}, {7, 0, 13}, {100, 50, 25, 5}};
  for (const auto& weights : sets) {
    const int divisor = std::accumulate(weights.begin(), weights.end(), 0, std::gcd<int, int>);
    const Sequence sequence = smooth_sequence(weights);
    const auto counts = counts_of(sequence, weights.size());
    for (std::size_t i = 0; i < weights.size(); ++i) EXPECT_EQ(counts[i], weights[i] / divisor);
  }
}

TEST(SmoothSequence, HasNoEntryForWeightZero) {
  EXPECT_EQ(counts_of(smooth_sequence(std::vector<int>{0, 3, 0, 1}), 4),
            (std::vector<int>{0, 3, 0, 1}));
  EXPECT_TRUE(smooth_sequence(std::vector<int>{0, 0}).empty());
  EXPECT_TRUE(smooth_sequence(std::vector<int>{}).empty());
}

TEST(SmoothSequence, NeverFallsBehindTheShareByMoreThanOneRound) {
  const std::vector<int> weights = {50, 30, 15, 5};
  const Sequence sequence = smooth_sequence(weights);
  std::vector<int> counts(weights.size(), 0);
  for (std::size_t step = 0; step < sequence.size(); ++step) {
    ++counts[sequence[step].value];
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const double due = static_cast<double>(step + 1) * weights[i] / 100.0;
      EXPECT_LT(std::abs(counts[i] - due), 1.0) << "target " << i << " after step " << step;
    }
  }
}

TEST(SmoothSequence, ScalesALongPeriodToTheLimitAndKeepsEveryPositiveWeight) {
  std::vector<int> weights(1000, 97);
  weights[0] = 1;
  weights[1] = 0;
  weights[2] = 100;
  const Sequence sequence = smooth_sequence(weights);
  EXPECT_EQ(sequence.size(), kSequenceEntriesMax);
  const auto counts = counts_of(sequence, weights.size());
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double quota = weights[i] * static_cast<double>(kSequenceEntriesMax) / total;
    EXPECT_LE(std::abs(counts[i] - quota), 1.0) << i;
    EXPECT_EQ(counts[i] > 0, weights[i] > 0) << i;
  }
}

TEST(SmoothSequence, GivesOneEntryEachWhenThereAreMoreTargetsThanTheLimit) {
  std::vector<int> weights(kSequenceEntriesMax + 10, 3);
  weights[0] = 100;
  const Sequence sequence = smooth_sequence(weights);
  EXPECT_EQ(sequence.size(), weights.size());
  EXPECT_EQ(std::ranges::max(counts_of(sequence, weights.size())), 1);
}

TEST(SmoothSequence, KeepsSharesForRandomWeights) {
  const std::uint64_t seed = Random().next();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  for (int round = 0; round < 50; ++round) {
    std::vector<int> weights(1 + random.below(120));
    for (int& weight : weights) weight = static_cast<int>(random.below(101));
    const Sequence sequence = smooth_sequence(weights);
    const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
    if (total == 0) continue;
    ASSERT_LE(sequence.size(), kSequenceEntriesMax);
    const auto counts = counts_of(sequence, weights.size());
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const double quota = weights[i] * static_cast<double>(sequence.size()) / total;
      EXPECT_LT(std::abs(counts[i] - quota), 2.0);
      EXPECT_EQ(counts[i] > 0, weights[i] > 0);
    }
  }
}

TEST(WeightedRoundRobin, SharesHoldOverTenThousandPicksWithOneAndTwoWorkers) {
  for (const auto& weights : std::vector<std::vector<int>>{{10, 10, 10}, {1, 2, 7}, {100, 1, 33}}) {
    const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
    for (const std::size_t workers : {1U, 2U}) {
      const auto sequence = std::make_shared<const Sequence>(smooth_sequence(weights));
      std::vector<int> counts(weights.size(), 0);
      for (std::size_t worker = 0; worker < workers; ++worker) {
        WeightedRoundRobin picker(sequence, start_offset(worker, workers, sequence->size()));
        for (std::size_t i = 0; i < 10'000 / workers; ++i) ++counts[picker.pick(0, kAll)->value];
      }
      for (std::size_t i = 0; i < weights.size(); ++i) {
        EXPECT_NEAR(counts[i], 10'000 * weights[i] / total, 2.0) << "workers " << workers;
      }
    }
  }
}

TEST(WeightedRoundRobin, WalksOnFromATargetThatIsNotUsable) {
  auto picker = picker_of({1, 1, 1});
  const auto not_second = [](TargetIndex target) { return target.value != 1; };
  for (int i = 0; i < 10; ++i) EXPECT_NE(picker.pick(0, not_second)->value, 1);
}

TEST(WeightedRoundRobin, GivesNothingWhenNoTargetIsUsable) {
  auto picker = picker_of({1, 1});
  EXPECT_FALSE(picker.pick(0, [](TargetIndex) { return false; }).has_value());
  EXPECT_FALSE(picker_of({0}).pick(0, kAll).has_value());
}

TEST(WeightedRoundRobin, ReachesEveryTargetByRetriesThatExcludeTheTriedOnes) {
  auto picker = picker_of({100, 1, 1});
  std::vector<TargetIndex> tried;
  const auto untried = [&](TargetIndex target) {
    return std::ranges::find(tried, target) == tried.end();
  };
  for (int attempt = 0; attempt < 3; ++attempt) tried.push_back(*picker.pick(0, untried));
  std::ranges::sort(tried);
  EXPECT_EQ(tried, (std::vector<TargetIndex>{TargetIndex(0), TargetIndex(1), TargetIndex(2)}));
  EXPECT_FALSE(picker.pick(0, untried).has_value());
}

TEST(WeightedRoundRobin, GoesOnWhereItsPredecessorWas) {
  auto first = picker_of({1, 1, 1});
  EXPECT_EQ(first.pick(0, kAll)->value, 0);
  auto second = picker_of({1, 1, 1}, first.position());
  EXPECT_EQ(second.pick(0, kAll)->value, 1);
}

}  // namespace
}  // namespace weir::balancing
