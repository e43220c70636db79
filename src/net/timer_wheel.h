// Timers of a proxy worker: a hierarchical wheel over objects that carry their own links, without
// allocation and without work per activity. Time comes as an argument; nothing here reads a clock.
// Not for the agent loops: EventLoop has its own. An activity only stores the object's new
// deadline; when the slot it was filed in comes up, the object is filed again.
// Thread: owner loop.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace weir::net {

class TimerWheel;

/// The part of an object that a wheel holds: inherit from it. An object that goes takes itself out.
class TimerNode {
 public:
  TimerNode() = default;
  TimerNode(const TimerNode&) = delete;
  TimerNode& operator=(const TimerNode&) = delete;
  ~TimerNode() {
    if (is_armed()) unlink();
  }

  bool is_armed() const { return next_ != nullptr; }

 private:
  friend class TimerWheel;

  void unlink() {
    previous_->next_ = next_;
    next_->previous_ = previous_;
    next_ = previous_ = nullptr;
  }

  TimerNode* next_ = nullptr;
  TimerNode* previous_ = nullptr;
  // Low bits of ticks: a node never lies more than half their range from the wheel's own time.
  std::uint32_t deadline_ = 0;
  std::uint32_t filed_ =
      0;  // when the wheel looks at the node next; in the head of a slot, the slot's number
};

class TimerWheel {
 public:
  /// A timer fires up to one tick late and never early.
  /// Source:  performance.md 4.1.
  static constexpr std::chrono::milliseconds kTick{16};

  explicit TimerWheel(Instant start);
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;
  ~TimerWheel();

  /// Sets the deadline, whether `node` was armed or not. One that has passed already fires at the
  /// next tick.
  /// Range:   at most 300 days ahead; a later deadline fires then
  /// Cost:    a store when the deadline moves back in time, as it does on activity; else a few
  ///          links
  void arm(TimerNode& node, Instant deadline) {
    const std::uint32_t tick = tick_of(deadline);
    node.deadline_ = tick;
    if (node.is_armed() && static_cast<std::int32_t>(tick - node.filed_) >= 0) return;
    if (node.is_armed()) remove(node);
    file(node);
  }

  void disarm(TimerNode& node) {
    if (node.is_armed()) remove(node);
  }

  /// Calls `fire(TimerNode&)` for every node whose deadline has passed, already disarmed. `fire`
  /// may arm, disarm and destroy any node, this one too. Returns how many fired.
  /// Cost:    follows the nodes looked at, not the time that has passed
  template <class Fire>
  std::size_t advance(Instant now, Fire&& fire) {
    const std::uint64_t target = ticks_passed(now);
    std::size_t count = 0;
    while (TimerNode* const node = take_due(target)) {
      ++count;
      fire(*node);
    }
    return count;
  }

  /// When advance() has something to do next (fire or file again); Instant::max() = never. For the
  /// timeout of the poll.
  Instant next_event() const;

 private:
  /// Source: performance.md 4.1. Four levels of 64 slots reach 64^4 ticks = 74 h; what lies beyond
  /// is filed again there.
  static constexpr int kLevels = 4;
  static constexpr int kSlotBits = 6;
  static constexpr std::uint32_t kSlots = 1U << kSlotBits;
  static constexpr std::uint64_t kReach = std::uint64_t{1} << (kLevels * kSlotBits);
  /// Ticks, 300 days; below half of the range of 32 bits.
  static constexpr std::int64_t kFarthest = 1'620'000'000;
  static constexpr std::uint32_t kNoSlot = ~0U;

  std::uint64_t ticks_passed(Instant now) const;
  std::uint32_t tick_of(Instant deadline) const;
  std::int32_t ticks_left(const TimerNode& node) const {
    return static_cast<std::int32_t>(node.deadline_ - static_cast<std::uint32_t>(current_));
  }
  void file(TimerNode& node);
  void remove(TimerNode& node);
  void take_slot(std::uint32_t slot, TimerNode& list);
  void open_tick(std::uint64_t tick);
  std::uint64_t next_tick() const;
  TimerNode* take_due(std::uint64_t target);

  Instant start_;
  std::uint64_t current_ = 0;                      // ticks since start_ that are done
  std::array<std::uint64_t, kLevels> occupied_{};  // a bit per slot; may be set for an empty one
  std::array<TimerNode, kLevels * kSlots> heads_;  // circular lists
  TimerNode due_;                                  // head of the slot that is being fired
};

}  // namespace weir::net
