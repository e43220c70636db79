// Smooth weighted round robin as data: the sequence of one whole period is made when membership,
// weights or health change, and a pick is a load and an increment. Every period gives exact shares;
// each worker walks the same sequence from its own start. Thread: see each part.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "balancing/picker.h"

namespace weir::balancing {

/// Entries of a sequence. Chosen because 4096 entries of two bytes stay in a core's cache and keep
/// the share of each of 1000 targets within one part in 4096.
/// Source: performance.md 4.1, Scheduling. Reached: shares are rounded.
inline constexpr std::size_t kSequenceEntriesMax = 4096;

using Sequence = std::vector<TargetIndex>;

/// One period of nginx's smooth weighted round robin: entries are indices into `weights`, each as
/// often as its weight says after division by the common divisor. A longer period than
/// kSequenceEntriesMax is scaled down to it by largest remainder, every positive weight keeping at
/// least one entry (so that more positive weights than the limit give one entry each). Empty when
/// no weight is positive. A target that takes nothing new has weight 0 here.
///
/// Range:   weights of at least 0 (a negative one counts as 0); at most 65536 of them
/// Cost:    entries times weights
/// Thread:  any
/// Source:  nginx, ngx_http_upstream_round_robin.c
Sequence smooth_sequence(std::span<const int> weights);

/// Where worker `worker` of `worker_count` starts, so that the workers together are smooth too.
std::size_t start_offset(std::size_t worker, std::size_t worker_count, std::size_t entry_count);

/// A cursor over a shared sequence. Thread: one worker.
class WeightedRoundRobin final : public Picker {
 public:
  /// `start` may be any number; position() of a predecessor goes on where that one was.
  WeightedRoundRobin(std::shared_ptr<const Sequence> sequence, std::size_t start);

  /// Walks on from a target that is not usable, at most one period.
  std::optional<TargetIndex> pick(FlowHash hash, Usable usable) override;

  std::size_t position() const { return cursor_; }

 private:
  std::shared_ptr<const Sequence> sequence_;
  std::size_t cursor_;
};

}  // namespace weir::balancing
