// Weighted least connections: the next connection goes to the target with the fewest active ones
// for its weight. The counts are shared by all workers and belong to the engine, which counts a
// connection as soon as it has picked; the picker only reads them. Thread: see each part.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "balancing/picker.h"

namespace weir::balancing {

/// Active connections of one target, on a cache line of its own. Relaxed: a count is a hint about
/// load and nothing else is read on its strength; one that is a moment old only makes the next
/// choice a little worse. Thread: any.
class alignas(64) ActiveCount {
 public:
  void add() { value_.fetch_add(1, std::memory_order_relaxed); }
  void remove() { value_.fetch_sub(1, std::memory_order_relaxed); }
  std::uint32_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint32_t> value_{0};
};

struct LoadedTarget {
  int weight = 0;  // 0..100, relative; 0 is never picked
  const ActiveCount* active = nullptr;
};

/// Up to so many targets are all compared with every pick. Chosen because 64 counts are read in
/// well under a microsecond. Source: performance.md 4.1, Scheduling. Reached: of more, two are
/// drawn and compared.
inline constexpr std::size_t kComparedTargetsMax = 64;
/// Attempts to draw two different usable targets out of more. Chosen because with half of them
/// unusable one pick in 65 000 finds none and compares all. Reached: all are compared.
inline constexpr int kDrawsMax = 16;

/// Compares (active + 1) / weight by cross-multiplication; targets that are equal take turns. While
/// all usable targets are idle they take smooth weighted turns, so that traffic too light to
/// overlap is shared by weight too. Among many targets it compares two that are drawn in proportion
/// to weight.
/// Source: Mitzenmacher, "The power of two choices in randomized load balancing" (2001)
/// Thread: one worker.
class LeastConnections final : public Picker {
 public:
  /// `targets` by TargetIndex; their counts outlive the picker. `start` differs from worker to
  /// worker, so that they do not choose alike.
  /// Range:   at most 65536 targets
  LeastConnections(std::vector<LoadedTarget> targets, std::uint64_t start);

  std::optional<TargetIndex> pick(FlowHash hash, Usable usable) override;

 private:
  std::optional<TargetIndex> take_turns_while_idle(Usable usable);
  std::optional<TargetIndex> compare_all(Usable usable);
  std::optional<TargetIndex> compare_two(Usable usable);
  std::size_t drawn_index();
  bool is_idle(std::size_t index) const { return targets_[index].active->get() == 0; }
  bool is_less_loaded(std::size_t left, std::size_t right) const;

  const std::vector<LoadedTarget> targets_;
  std::vector<std::uint64_t> weight_up_to_;  // sum of the weights up to and with each target
  std::vector<std::int64_t> credits_;        // of the turns while all are idle
  std::size_t turn_ = 0;                     // where comparing begins: behind the last one picked
  std::uint64_t draw_state_;
};

}  // namespace weir::balancing
