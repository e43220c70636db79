#include "balancing/row_quotas.h"

#include <gtest/gtest.h>

#include <iostream>
#include <numeric>

#include "base/random.h"

namespace weir::balancing {
namespace {

using Quotas = std::vector<std::uint32_t>;

/// The rule as it is written, one row after the other.
Quotas one_by_one(const std::vector<Claim>& claims, std::uint32_t rows) {
  Quotas quotas;
  for (const Claim& claim : claims) quotas.push_back(claim.lowest);
  while (std::accumulate(quotas.begin(), quotas.end(), std::uint64_t{0}) < rows) {
    std::size_t best = claims.size();
    for (std::size_t i = 0; i < claims.size(); ++i) {
      if (quotas[i] >= claims[i].highest) continue;
      const auto value = [&](std::size_t at) {
        return static_cast<long double>(claims[at].weight) / (2.0L * quotas[at] + 1.0L);
      };
      if (best == claims.size() || value(i) > value(best)) best = i;
    }
    ++quotas[best];
  }
  return quotas;
}

std::vector<Claim> unbounded(const std::vector<std::uint64_t>& weights, std::uint32_t rows) {
  std::vector<Claim> claims;
  for (const std::uint64_t weight : weights) claims.push_back({weight, 0, rows});
  return claims;
}

TEST(RowQuotas, EqualsTheParliamentOfTheTextbook) {
  // Sainte-Lague with 7 seats for 53 000, 24 000 and 23 000 votes.
  EXPECT_EQ(row_quotas(unbounded({53'000, 24'000, 23'000}, 7), 7), (Quotas{3, 2, 2}));
}

TEST(RowQuotas, GivesEqualWeightsEqualRowsAndTheRestToTheFirst) {
  EXPECT_EQ(row_quotas(unbounded({5, 5, 5}, 8), 8), (Quotas{3, 3, 2}));
}

TEST(RowQuotas, AgreesWithTheRuleAppliedRowByRow) {
  const std::uint64_t seed = Random().next();
  std::cerr << "seed " << seed << "\n";
  Random random(seed);
  for (int round = 0; round < 2'000; ++round) {
    const auto rows = static_cast<std::uint32_t>(1 + random.below(300));
    std::vector<std::uint64_t> weights(1 + random.below(20));
    for (auto& weight : weights) weight = 1 + random.below(round % 2 == 0 ? 100 : 4);
    const auto claims = unbounded(weights, rows);
    ASSERT_EQ(row_quotas(claims, rows), one_by_one(claims, rows)) << "round " << round;
  }
}

TEST(RowQuotas, AgreesWithTheRuleAppliedRowByRowWithinBounds) {
  const std::uint64_t seed = Random().next();
  std::cerr << "seed " << seed << "\n";
  Random random(seed);
  for (int round = 0; round < 2'000; ++round) {
    std::vector<Claim> claims(1 + random.below(20));
    std::uint32_t lowest = 0;
    std::uint32_t highest = 0;
    for (Claim& claim : claims) {
      claim.weight = 1 + random.below(100);
      claim.lowest = static_cast<std::uint32_t>(random.below(3) * random.below(20));
      claim.highest = claim.lowest + static_cast<std::uint32_t>(random.below(40));
      lowest += claim.lowest;
      highest += claim.highest;
    }
    const auto rows = lowest + static_cast<std::uint32_t>(random.below(highest - lowest + 1));
    if (rows == 0) continue;
    ASSERT_EQ(row_quotas(claims, rows), one_by_one(claims, rows)) << "round " << round;
  }
}

TEST(RowQuotas, GivesNobodyARowWhenAMemberIsAdded) {
  const std::uint64_t seed = Random().next();
  std::cerr << "seed " << seed << "\n";
  Random random(seed);
  for (int round = 0; round < 2'000; ++round) {
    constexpr std::uint32_t kRows = 65'536;
    std::vector<std::uint64_t> weights(2 + random.below(200));
    for (auto& weight : weights) weight = 1 + random.below(100);
    const Quotas after = row_quotas(unbounded(weights, kRows), kRows);
    weights.pop_back();
    const Quotas before = row_quotas(unbounded(weights, kRows), kRows);
    for (std::size_t i = 0; i < before.size(); ++i) ASSERT_LE(after[i], before[i]);
  }
}

}  // namespace
}  // namespace weir::balancing
