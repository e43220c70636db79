#include "balancing/weighted_round_robin.h"

#include <algorithm>
#include <cstdint>
#include <numeric>

#include "base/mutant.h"

namespace weir::balancing {
namespace {

using Counts = std::vector<std::int64_t>;

Counts usable_weights(std::span<const int> weights) {
  Counts counts;
  counts.reserve(weights.size());
  for (const int weight : weights) counts.push_back(std::max(weight, 0));
  if (mutant("weights-ignored")) {
    for (auto& count : counts) count = std::min<std::int64_t>(count, 1);
  }
  return counts;
}

/// The weight whose entries are furthest below (`direction` 1) or above (-1) its quota; above only
/// where an entry can be spared. Distances are in units of 1/total.
std::size_t furthest(const Counts& weights, const Counts& entries, int direction) {
  const auto total = std::accumulate(weights.begin(), weights.end(), std::int64_t{0});
  const auto size = static_cast<std::int64_t>(kSequenceEntriesMax);
  std::size_t best = weights.size();
  std::int64_t best_distance = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] == 0 || (direction < 0 && entries[i] <= 1)) continue;
    const std::int64_t distance = direction * (weights[i] * size - entries[i] * total);
    if (best == weights.size() || distance > best_distance) {
      best = i;
      best_distance = distance;
    }
  }
  return best;
}

Counts scaled(const Counts& weights) {
  const auto total = std::accumulate(weights.begin(), weights.end(), std::int64_t{0});
  auto left = static_cast<std::int64_t>(kSequenceEntriesMax);
  Counts entries = weights;
  for (auto& count : entries) {
    if (count == 0) continue;
    count =
        std::max<std::int64_t>(1, count * static_cast<std::int64_t>(kSequenceEntriesMax) / total);
    left -= count;
  }
  for (; left > 0; --left) ++entries[furthest(weights, entries, 1)];
  for (; left < 0; ++left) {
    const std::size_t index = furthest(weights, entries, -1);
    if (index == weights.size()) break;  // one entry each is already more than the limit
    --entries[index];
  }
  return entries;
}

/// How many entries of one period each target gets.
Counts entries_per_target(std::span<const int> weights) {
  Counts counts = usable_weights(weights);
  std::int64_t divisor = 0;
  for (const auto count : counts) divisor = std::gcd(divisor, count);
  if (divisor == 0) return {};
  for (auto& count : counts) count /= divisor;
  const auto total = std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
  return total > static_cast<std::int64_t>(kSequenceEntriesMax) ? scaled(counts) : counts;
}

}  // namespace

Sequence smooth_sequence(std::span<const int> weights) {
  const Counts counts = entries_per_target(weights);
  const auto total = std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
  Sequence sequence;
  sequence.reserve(static_cast<std::size_t>(total));
  // Every target earns its count per step; the richest is chosen and pays the total. After `total`
  // steps all accounts are back at zero.
  Counts accounts(counts.size(), 0);
  for (std::int64_t step = 0; step < total; ++step) {
    std::size_t richest = counts.size();
    for (std::size_t i = 0; i < counts.size(); ++i) {
      if (counts[i] == 0) continue;
      accounts[i] += counts[i];
      if (richest == counts.size() || accounts[i] > accounts[richest]) richest = i;
    }
    accounts[richest] -= total;
    sequence.emplace_back(static_cast<std::uint16_t>(richest));
  }
  return sequence;
}

std::size_t start_offset(std::size_t worker, std::size_t worker_count, std::size_t entry_count) {
  return worker_count == 0 ? 0 : entry_count * (worker % worker_count) / worker_count;
}

WeightedRoundRobin::WeightedRoundRobin(std::shared_ptr<const Sequence> sequence, std::size_t start)
    : sequence_(std::move(sequence)), cursor_(sequence_->empty() ? 0 : start % sequence_->size()) {}

std::optional<TargetIndex> WeightedRoundRobin::pick(FlowHash, Usable usable) {
  const Sequence& sequence = *sequence_;
  for (std::size_t walked = 0; walked < sequence.size(); ++walked) {
    const TargetIndex target = sequence[cursor_];
    if (++cursor_ == sequence.size()) cursor_ = 0;
    if (usable(target)) return target;
  }
  return std::nullopt;
}

}  // namespace weir::balancing
