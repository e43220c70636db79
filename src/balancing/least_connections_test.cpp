#include "balancing/least_connections.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <memory>
#include <numeric>
#include <thread>

#include "base/random.h"

namespace weir::balancing {
namespace {

constexpr auto kAll = [](TargetIndex) { return true; };

/// Targets with counts, as an engine holds them.
class Targets {
 public:
  explicit Targets(std::vector<int> weights)
      : weights_(std::move(weights)), counts_(std::make_unique<ActiveCount[]>(weights_.size())) {}

  void set(const std::vector<int>& active) {
    for (std::size_t i = 0; i < active.size(); ++i) {
      while (count(i) < active[i]) counts_[i].add();
      while (count(i) > active[i]) counts_[i].remove();
    }
  }
  ActiveCount& operator[](std::size_t index) { return counts_[index]; }
  int count(std::size_t index) const { return static_cast<int>(counts_[index].get()); }
  const std::vector<int>& weights() const { return weights_; }
  double total_weight() const { return std::accumulate(weights_.begin(), weights_.end(), 0.0); }

  LeastConnections picker(std::uint64_t start = 0) const {
    std::vector<LoadedTarget> targets;
    for (std::size_t i = 0; i < weights_.size(); ++i) targets.push_back({weights_[i], &counts_[i]});
    return {std::move(targets), start};
  }

 private:
  std::vector<int> weights_;
  std::unique_ptr<ActiveCount[]> counts_;
};

int picked(LeastConnections& picker) { return picker.pick(0, kAll)->value; }

TEST(LeastConnections, PicksTheTargetWithTheFewestConnections) {
  Targets targets({10, 10, 10});
  auto picker = targets.picker();
  targets.set({4, 2, 3});
  EXPECT_EQ(picked(picker), 1);
  targets.set({4, 5, 3});
  EXPECT_EQ(picked(picker), 2);
}

TEST(LeastConnections, WeighsConnectionsExactly) {
  Targets targets({2, 6, 14});
  auto picker = targets.picker();
  targets.set({1, 3, 13});  // 2/2, 4/6, 14/14
  EXPECT_EQ(picked(picker), 1);
  targets.set({1, 7, 11});  // 2/2, 8/6, 12/14
  EXPECT_EQ(picked(picker), 2);
  targets.set({1, 7, 15});  // 2/2, 8/6, 16/14
  EXPECT_EQ(picked(picker), 0);
}

TEST(LeastConnections, AgreesWithExactFractionsForRandomLoads) {
  const std::uint64_t seed = Random().next();
  std::cerr << "seed " << seed << "\n";
  Random random(seed);
  for (int round = 0; round < 2'000; ++round) {
    std::vector<int> weights(1 + random.below(kComparedTargetsMax));
    std::vector<int> active(weights.size());
    for (int& weight : weights) weight = 1 + static_cast<int>(random.below(100));
    for (int& count : active) count = 1 + static_cast<int>(random.below(500));
    Targets targets(weights);
    targets.set(active);
    auto picker = targets.picker(random.next());
    const auto chosen = static_cast<std::size_t>(picked(picker));
    for (std::size_t i = 0; i < weights.size(); ++i) {
      ASSERT_LE((active[chosen] + 1) * weights[i], (active[i] + 1) * weights[chosen]);
    }
  }
}

TEST(LeastConnections, EqualTargetsTakeTurns) {
  Targets targets({10, 1, 1, 10, 1});
  targets.set({19, 3, 3, 19, 3});
  auto picker = targets.picker();
  EXPECT_EQ(picked(picker), 0);
  EXPECT_EQ(picked(picker), 3);
  EXPECT_EQ(picked(picker), 0);
  EXPECT_EQ(picked(picker), 3);
}

TEST(LeastConnections, WeightsHoldForFewConnectionsToo) {
  Targets targets({100, 1, 100});
  targets.set({1, 0, 1});
  auto picker = targets.picker();
  EXPECT_NE(picked(picker), 1);  // 2/100 is less than 1/1
}

TEST(LeastConnections, M31_ConnectionsThatNeverOverlapAreSharedByWeight) {
  for (const std::size_t copies : {1U, 40U}) {
    std::vector<int> weights;
    for (std::size_t i = 0; i < copies; ++i) weights.insert(weights.end(), {1, 2, 3});
    const Targets targets(weights);
    auto picker = targets.picker();
    std::vector<double> picks(3, 0);
    for (int i = 0; i < 60'000; ++i) ++picks[static_cast<std::size_t>(picked(picker)) % 3];
    EXPECT_NEAR(picks[0], 10'000, 500);
    EXPECT_NEAR(picks[1], 20'000, 500);
    EXPECT_NEAR(picks[2], 30'000, 500);
  }
}

TEST(LeastConnections, WorkersBeginAtDifferentTargets) {
  Targets targets({10, 10, 10});
  auto first = targets.picker(0);
  auto second = targets.picker(1);
  EXPECT_NE(picked(first), picked(second));
}

TEST(LeastConnections, NeverPicksWeightZeroOrAnUnusableTarget) {
  for (const std::size_t size : {3U, 100U}) {
    std::vector<int> weights(size, 10);
    weights[0] = 0;
    Targets targets(weights);
    for (std::size_t i = 3; i < size; ++i) targets[i].add();
    auto picker = targets.picker();
    for (int i = 0; i < 1'000; ++i) {
      const auto target = picker.pick(0, [](TargetIndex each) { return each.value != 1; });
      ASSERT_TRUE(target.has_value());
      ASSERT_GT(target->value, 1);
    }
  }
}

TEST(LeastConnections, GivesNothingWhenNoTargetIsUsable) {
  for (const std::size_t size : {0U, 1U, 3U, 100U}) {
    Targets targets(std::vector<int>(size, 10));
    auto picker = targets.picker(5);
    EXPECT_FALSE(picker.pick(0, [](TargetIndex) { return false; }).has_value());
    Targets weightless(std::vector<int>(size, 0));
    auto idle = weightless.picker(5);
    EXPECT_FALSE(idle.pick(0, kAll).has_value());
  }
}

TEST(LeastConnections, FindsTheOnlyUsableTargetOfMany) {
  std::vector<int> weights(1'000, 100);
  weights[777] = 1;
  Targets targets(weights);
  auto picker = targets.picker();
  EXPECT_EQ(picker.pick(0, [](TargetIndex each) { return each.value == 777; }),
            std::optional(TargetIndex(777)));
}

TEST(LeastConnections, PrefersTheLessLoadedOfTwoAmongMany) {
  Targets targets(std::vector<int>(200, 10));
  for (std::size_t i = 0; i < 100; ++i) targets[i].add();
  auto picker = targets.picker();
  int loaded = 0;
  for (int i = 0; i < 10'000; ++i) loaded += picked(picker) < 100;
  // Only when both of two drawn targets are loaded: one pick in four.
  EXPECT_NEAR(loaded, 2'500, 250);
}

/// Joins until `level` connections run, then as many leaves and joins again, each leave of a random
/// connection; two workers take turns. Gives the mean count of each target over the second half.
std::vector<double> settle(Targets& targets, int level, std::uint64_t seed) {
  Random random(seed);
  LeastConnections pickers[] = {targets.picker(0), targets.picker(1)};
  std::vector<std::size_t> running;
  std::vector<double> sums(targets.weights().size(), 0);
  const int steps = 20 * level;
  for (int step = 0; step < steps; ++step) {
    if (running.size() >= static_cast<std::size_t>(level)) {
      std::swap(running[random.below(running.size())], running.back());
      targets[running.back()].remove();
      running.pop_back();
    }
    running.push_back(static_cast<std::size_t>(picked(pickers[step % 2])));
    targets[running.back()].add();
    if (step < steps / 2) continue;
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += targets.count(i);
  }
  for (double& sum : sums) sum /= steps / 2;
  return sums;
}

TEST(LeastConnections, M31_ActiveConnectionsSettleAtTheWeightRatio) {
  const std::uint64_t seed = Random().next();
  std::cerr << "seed " << seed << "\n";
  for (const auto& weights : std::vector<std::vector<int>>{
           {10, 10, 10}, {1, 2, 7}, {100, 1, 33}, {5, 0, 5}, {100, 99, 98, 97, 50, 25, 3}}) {
    Targets targets(weights);
    constexpr int kLevel = 2'000;
    const auto means = settle(targets, kLevel, seed);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const double due = kLevel * weights[i] / targets.total_weight();
      EXPECT_NEAR(means[i], due, 0.01 * due + 1) << "weight " << weights[i];
    }
  }
}

TEST(LeastConnections, M31_SettlesAtTheWeightRatioAmongManyTargets) {
  const std::uint64_t seed = Random().next();
  std::cerr << "seed " << seed << "\n";
  std::vector<int> weights;
  for (int i = 0; i < 200; ++i) weights.push_back(1 + i % 100);
  Targets targets(weights);
  constexpr int kLevel = 20'000;
  const auto means = settle(targets, kLevel, seed);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double due = kLevel * weights[i] / targets.total_weight();
    EXPECT_NEAR(means[i], due, 0.05 * due + 1.5) << "weight " << weights[i];
  }
}

TEST(LeastConnections, CountsAreSharedByThreads) {
  Targets targets({1, 1});
  const auto work = [&targets](std::uint64_t start) {
    auto picker = targets.picker(start);
    for (int i = 0; i < 20'000; ++i) {
      const auto target = static_cast<std::size_t>(picked(picker));
      targets[target].add();
      if (i % 2 == 0) targets[target].remove();
    }
  };
  std::thread other(work, 1);
  work(0);
  other.join();
  EXPECT_EQ(targets.count(0) + targets.count(1), 20'000);
  EXPECT_NEAR(targets.count(0), 10'000, 20);
}

}  // namespace
}  // namespace weir::balancing
