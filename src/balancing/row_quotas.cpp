#include "balancing/row_quotas.h"

#include <algorithm>
#include <numeric>
#include <queue>

#include "base/check.h"
#include "base/mutant.h"

namespace weir::balancing {
namespace {

using Quotas = std::vector<std::uint32_t>;

/// The claim of one member to one row.
struct Step {
  std::uint64_t weight;
  std::uint64_t divisor;  // 1, 3, 5, ... for its first, second, third row
  std::size_t index;
};

/// Strict order of all claims to rows. No two members share an index, so there are no ties.
bool precedes(const Step& a, const Step& b) {
  const std::uint64_t left = a.weight * b.divisor;
  const std::uint64_t right = b.weight * a.divisor;
  return left != right ? left > right : a.index < b.index;
}

struct FirstOnTop {
  bool operator()(const Step& a, const Step& b) const { return precedes(b, a); }
};
struct LastOnTop {
  bool operator()(const Step& a, const Step& b) const { return precedes(a, b); }
};

std::uint64_t sum_of(const Quotas& quotas) {
  return std::accumulate(quotas.begin(), quotas.end(), std::uint64_t{0});
}

/// All claims to rows that stand at or above weight / rows, within the bounds: exactly the first so
/// many in order, so that adding or taking single ones leads to the wanted number.
Quotas first_guess(std::span<const Claim> claims, std::uint64_t rows) {
  std::uint64_t total = 0;
  for (const Claim& claim : claims) total += claim.weight;
  Quotas quotas;
  quotas.reserve(claims.size());
  for (const Claim& claim : claims) {
    const std::uint64_t rounded = (2 * rows * claim.weight + total) / (2 * total);
    quotas.push_back(static_cast<std::uint32_t>(
        std::clamp<std::uint64_t>(rounded, claim.lowest, claim.highest)));
  }
  return quotas;
}

void add_rows(std::span<const Claim> claims, std::uint64_t missing, Quotas& quotas) {
  std::priority_queue<Step, std::vector<Step>, FirstOnTop> steps;
  const auto offer = [&](std::size_t i) {
    if (quotas[i] < claims[i].highest) {
      steps.push({claims[i].weight, 2 * std::uint64_t{quotas[i]} + 1, i});
    }
  };
  for (std::size_t i = 0; i < claims.size(); ++i) offer(i);
  for (; missing > 0; --missing) {
    WEIR_CHECK(!steps.empty());
    const std::size_t index = steps.top().index;
    steps.pop();
    ++quotas[index];
    offer(index);
  }
}

void take_rows(std::span<const Claim> claims, std::uint64_t surplus, Quotas& quotas) {
  std::priority_queue<Step, std::vector<Step>, LastOnTop> steps;
  const auto offer = [&](std::size_t i) {
    if (quotas[i] > claims[i].lowest) {
      steps.push({claims[i].weight, 2 * std::uint64_t{quotas[i]} - 1, i});
    }
  };
  for (std::size_t i = 0; i < claims.size(); ++i) offer(i);
  for (; surplus > 0; --surplus) {
    WEIR_CHECK(!steps.empty());
    const std::size_t index = steps.top().index;
    steps.pop();
    --quotas[index];
    offer(index);
  }
}

/// The planted mistake: the largest remainder, which is not monotone, and no bounds.
Quotas by_largest_remainder(std::span<const Claim> claims, std::uint64_t rows) {
  std::uint64_t total = 0;
  for (const Claim& claim : claims) total += claim.weight;
  Quotas quotas;
  std::vector<std::pair<std::uint64_t, std::size_t>> remainders;
  for (std::size_t i = 0; i < claims.size(); ++i) {
    quotas.push_back(static_cast<std::uint32_t>(rows * claims[i].weight / total));
    remainders.emplace_back(rows * claims[i].weight % total, claims.size() - i);
  }
  std::ranges::sort(remainders, std::greater());
  for (std::size_t given = 0; sum_of(quotas) < rows; ++given) {
    ++quotas[claims.size() - remainders[given].second];
  }
  return quotas;
}

}  // namespace

std::vector<std::uint32_t> row_quotas(std::span<const Claim> claims, std::uint32_t rows) {
  if (mutant("rows-by-largest-remainder")) return by_largest_remainder(claims, rows);
  Quotas quotas = first_guess(claims, rows);
  const std::uint64_t sum = sum_of(quotas);
  if (sum < rows) add_rows(claims, rows - sum, quotas);
  if (sum > rows) take_rows(claims, sum - rows, quotas);
  return quotas;
}

}  // namespace weir::balancing
