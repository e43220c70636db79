#include "dataplane/proxy/retry_budget.h"

#include <gtest/gtest.h>

namespace weir::dataplane::proxy {
namespace {

constexpr Instant kStart{};

/// Retries granted to `exchanges` that all want one at `now`.
int granted(RetryBudget& budget, int exchanges, Instant now) {
  int count = 0;
  for (int i = 0; i < exchanges; ++i) {
    budget.earn();
    if (budget.spend(now)) ++count;
  }
  return count;
}

TEST(RetryBudget, GrantsAFifthOfTheExchangesOnceTheReserveIsSpent) {
  RetryBudget budget(kStart);
  granted(budget, 10'000, kStart);
  EXPECT_NEAR(granted(budget, 10'000, kStart), 2000, 1);
}

TEST(RetryBudget, GrantsEveryRetryAtLightLoad) {
  RetryBudget budget(kStart);
  granted(budget, 10'000, kStart);
  for (int second = 1; second < 100; ++second) {
    const Instant now = kStart + std::chrono::seconds(second);
    EXPECT_EQ(granted(budget, 10, now), 10) << second;
  }
}

TEST(RetryBudget, KeepsNoMoreThanItsReserve) {
  RetryBudget budget(kStart);
  for (int i = 0; i < 1'000'000; ++i) budget.earn();
  int count = 0;
  while (budget.spend(kStart)) ++count;
  EXPECT_EQ(count, static_cast<int>(kRetryTokens));
}

}  // namespace
}  // namespace weir::dataplane::proxy
