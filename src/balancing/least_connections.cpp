#include "balancing/least_connections.h"

#include <algorithm>
#include <utility>

#include "balancing/mix.h"

namespace weir::balancing {
namespace {

constexpr std::size_t kNone = SIZE_MAX;

TargetIndex target_index(std::size_t index) {
  return TargetIndex(static_cast<std::uint16_t>(index));
}

}  // namespace

LeastConnections::LeastConnections(std::vector<LoadedTarget> targets, std::uint64_t start)
    : targets_(std::move(targets)), credits_(targets_.size(), 0), draw_state_(mix(start)) {
  std::uint64_t sum = 0;
  for (const LoadedTarget& target : targets_) {
    sum += static_cast<std::uint64_t>(std::max(target.weight, 0));
    weight_up_to_.push_back(sum);
  }
  if (targets_.empty()) return;
  turn_ = start % targets_.size();
  // A head start that differs from worker to worker, below one turn.
  credits_[turn_] = targets_[turn_].weight;
}

std::optional<TargetIndex> LeastConnections::pick(FlowHash, Usable usable) {
  const bool is_small = targets_.size() <= kComparedTargetsMax;
  const auto picked = is_small ? take_turns_while_idle(usable) : compare_two(usable);
  return picked ? picked : compare_all(usable);
}

std::optional<TargetIndex> LeastConnections::take_turns_while_idle(Usable usable) {
  const auto takes_part = [&](std::size_t index) {
    return targets_[index].weight > 0 && usable(target_index(index));
  };
  for (std::size_t index = 0; index < targets_.size(); ++index) {
    if (!is_idle(index) && takes_part(index)) return std::nullopt;
  }
  std::size_t best = kNone;
  std::int64_t sum = 0;
  for (std::size_t index = 0; index < targets_.size(); ++index) {
    if (!takes_part(index)) continue;
    sum += targets_[index].weight;
    credits_[index] += targets_[index].weight;
    if (best == kNone || credits_[index] > credits_[best]) best = index;
  }
  if (best == kNone) return std::nullopt;
  credits_[best] -= sum;
  return target_index(best);
}

std::optional<TargetIndex> LeastConnections::compare_all(Usable usable) {
  std::size_t best = kNone;
  for (std::size_t walked = 0; walked < targets_.size(); ++walked) {
    std::size_t index = turn_ + walked;
    if (index >= targets_.size()) index -= targets_.size();
    if (targets_[index].weight <= 0) continue;
    if (best != kNone && !is_less_loaded(index, best)) continue;
    if (usable(target_index(index))) best = index;
  }
  if (best == kNone) return std::nullopt;
  turn_ = (best + 1) % targets_.size();
  return target_index(best);
}

std::optional<TargetIndex> LeastConnections::compare_two(Usable usable) {
  if (weight_up_to_.back() == 0) return std::nullopt;
  std::size_t first = kNone;
  for (int draw = 0; draw < kDrawsMax; ++draw) {
    const std::size_t index = drawn_index();
    if (index == first || !usable(target_index(index))) continue;
    // Both idle: the first draw stands, which follows the weights.
    const bool is_tie = first != kNone && is_idle(index) && is_idle(first);
    if (first != kNone)
      return target_index(!is_tie && is_less_loaded(index, first) ? index : first);
    first = index;
  }
  return first == kNone ? std::nullopt : std::optional(target_index(first));
}

/// One target, drawn in proportion to weight.
std::size_t LeastConnections::drawn_index() {
  const std::uint64_t point = scaled(mix(draw_state_ += kGolden), weight_up_to_.back());
  const auto found = std::ranges::upper_bound(weight_up_to_, point);
  return static_cast<std::size_t>(found - weight_up_to_.begin());
}

bool LeastConnections::is_less_loaded(std::size_t left, std::size_t right) const {
  const auto after = [this](std::size_t index) {
    return std::uint64_t{targets_[index].active->get()} + 1;
  };
  const auto weight = [this](std::size_t index) {
    return static_cast<std::uint64_t>(targets_[index].weight);
  };
  return after(left) * weight(right) < after(right) * weight(left);
}

}  // namespace weir::balancing
