#include "net/timer_wheel.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace weir::net {
namespace {

constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

}  // namespace

TimerWheel::TimerWheel(Instant start) : start_(start) {
  for (std::uint32_t slot = 0; slot < heads_.size(); ++slot) {
    heads_[slot].next_ = heads_[slot].previous_ = &heads_[slot];
    heads_[slot].filed_ = slot;
  }
  due_.next_ = due_.previous_ = &due_;
  due_.filed_ = kNoSlot;
}

TimerWheel::~TimerWheel() {
  for (TimerNode& head : heads_) {
    while (head.next_ != &head) head.next_->unlink();
  }
  while (due_.next_ != &due_) due_.next_->unlink();
}

std::uint64_t TimerWheel::ticks_passed(Instant now) const {
  if (now <= start_) return 0;
  return static_cast<std::uint64_t>((now - start_) / kTick);
}

std::uint32_t TimerWheel::tick_of(Instant deadline) const {
  // Rounded up: never early. No arithmetic that Instant::min() or max() would overflow.
  const auto passed = std::max(deadline, start_) - start_;
  std::int64_t tick = passed / kTick;
  if (passed % kTick > Clock::Duration(0)) ++tick;
  const auto current = static_cast<std::int64_t>(current_);
  return static_cast<std::uint32_t>(std::clamp(tick, current + 1, current + kFarthest));
}

/// Files by the node's deadline: in level L when it is less than 64^(L+1) ticks away. The slot that
/// the wheel stands in is reached again only after a whole turn of its level, and that is exactly
/// where a deadline with its number belongs.
void TimerWheel::file(TimerNode& node) {
  const auto left = static_cast<std::uint64_t>(std::max(ticks_left(node), std::int32_t{0}));
  const std::uint64_t ahead = std::min(left, kReach - 1);
  const int width = static_cast<int>(std::bit_width(ahead));
  const int level = width == 0 ? 0 : (width - 1) / kSlotBits;
  const std::uint64_t position = (current_ + ahead) >> (level * kSlotBits);
  const auto slot = static_cast<std::uint32_t>(position % kSlots);
  node.filed_ = static_cast<std::uint32_t>(position << (level * kSlotBits));
  TimerNode& head = heads_[static_cast<std::uint32_t>(level) * kSlots + slot];
  node.next_ = &head;
  node.previous_ = head.previous_;
  head.previous_->next_ = &node;
  head.previous_ = &node;
  occupied_[static_cast<std::size_t>(level)] |= std::uint64_t{1} << slot;
}

void TimerWheel::remove(TimerNode& node) {
  const TimerNode* const neighbour = node.next_;
  const bool was_alone = neighbour == node.previous_;  // then the neighbour is the head
  node.unlink();
  if (!was_alone || neighbour->filed_ == kNoSlot) return;
  occupied_[neighbour->filed_ / kSlots] &= ~(std::uint64_t{1} << (neighbour->filed_ % kSlots));
}

/// Moves the nodes of a slot to the end of `list`.
void TimerWheel::take_slot(std::uint32_t slot, TimerNode& list) {
  occupied_[slot / kSlots] &= ~(std::uint64_t{1} << (slot % kSlots));
  TimerNode& head = heads_[slot];
  if (head.next_ == &head) return;
  head.next_->previous_ = list.previous_;
  list.previous_->next_ = head.next_;
  head.previous_->next_ = &list;
  list.previous_ = head.previous_;
  head.next_ = head.previous_ = &head;
}

/// Makes `tick` the current one: brings the slots of higher levels that begin here down, then lists
/// level 0 as due.
void TimerWheel::open_tick(std::uint64_t tick) {
  current_ = tick;
  for (int level = kLevels - 1; level > 0; --level) {
    const int shift = level * kSlotBits;
    if (tick % (std::uint64_t{1} << shift) != 0) continue;
    TimerNode moving;
    moving.next_ = moving.previous_ = &moving;
    const auto slot = static_cast<std::uint32_t>((tick >> shift) % kSlots);
    take_slot(static_cast<std::uint32_t>(level) * kSlots + slot, moving);
    while (moving.next_ != &moving) {
      TimerNode& node = *moving.next_;
      node.unlink();
      file(node);
    }
    moving.next_ = moving.previous_ = nullptr;
  }
  take_slot(static_cast<std::uint32_t>(tick % kSlots), due_);
}

std::uint64_t TimerWheel::next_tick() const {
  std::uint64_t next = kNever;
  for (int level = 0; level < kLevels; ++level) {
    const std::uint64_t bits = occupied_[static_cast<std::size_t>(level)];
    if (bits == 0) continue;
    const std::uint64_t position = current_ >> (level * kSlotBits);
    const int first = static_cast<int>((position + 1) % kSlots);
    const auto steps = static_cast<std::uint64_t>(std::countr_zero(std::rotr(bits, first))) + 1;
    next = std::min(next, (position + steps) << (level * kSlotBits));
  }
  return next;
}

TimerNode* TimerWheel::take_due(std::uint64_t target) {
  while (true) {
    while (due_.next_ != &due_) {
      TimerNode& node = *due_.next_;
      node.unlink();
      if (ticks_left(node) <= 0) return &node;
      file(node);  // Its deadline moved since it was filed.
    }
    const std::uint64_t next = next_tick();
    if (next > target) break;
    open_tick(next);
  }
  current_ = std::max(current_, target);
  return nullptr;
}

Instant TimerWheel::next_event() const {
  const std::uint64_t next = due_.next_ != &due_ ? current_ : next_tick();
  if (next == kNever) return Instant::max();
  return start_ + kTick * static_cast<std::int64_t>(next);
}

}  // namespace weir::net
