// The loop of one worker, without any meaning of its own: epoll (edge-triggered, one ADD per
// descriptor for life), the time of this turn, the timer wheel, the receive scratch, the buffers,
// and the count of descriptors. Knows no protocol. Thread: one worker.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "dataplane/proxy/buffer.h"
#include "net/timer_wheel.h"

namespace weir::dataplane::proxy {

/// Whose event it is.
enum class TagKind : std::uint8_t {
  kWake,
  kListener,
  kConnection,
  kUpstream,
  kRelayClient,
  kRelayTarget
};

/// What epoll hands back: an object of a Slab, by index and generation.
struct Tag {
  TagKind kind = TagKind::kWake;
  std::uint32_t index = 0;
  std::uint32_t generation = 0;  // 24 bits

  std::uint64_t packed() const {
    return (std::uint64_t{static_cast<std::uint8_t>(kind)} << 56) |
           (std::uint64_t{generation} << 32) | index;
  }
  static Tag unpacked(std::uint64_t value) {
    return {static_cast<TagKind>(value >> 56), static_cast<std::uint32_t>(value),
            static_cast<std::uint32_t>(value >> 32) & 0xff'ffff};
  }
};

/// Whose timer it is.
enum class TimerKind : std::uint8_t {
  kConnection,
  kExchange,
  kUpstream,
  kRelay,
  kDrain,
  kAcceptor,
  kStop
};

struct Timed : net::TimerNode {
  explicit Timed(TimerKind timer_kind) : kind(timer_kind) {}
  const TimerKind kind;
};

/// What one read from a socket brought.
struct Arrival {
  enum class State : std::uint8_t { kBytes, kNothing, kEnd, kBroken };
  State state;
  std::size_t size;
};

class Reactor {
 public:
  /// Bytes. Chosen because it holds every request head, and larger reads gain nothing.
  /// Source: performance.md 4.1, Buffers.
  static constexpr std::size_t kScratch = std::size_t{64} * 1024;
  /// Events per turn. Source: performance.md 4.1, Event loop. Reached: the others come with the
  /// next turn.
  static constexpr std::size_t kEventsMax = 512;

  /// Errors:  kUnavailable
  static Result<std::unique_ptr<Reactor>> open(const Clock& clock, std::size_t descriptors);

  /// Edge-triggered, for life; `tag` comes back with every event.
  bool watch(int fd, Tag tag);
  /// Gives a watched descriptor to another object.
  bool watch_as(int fd, Tag tag);
  /// Level-triggered, for listening sockets and the wake-up; `is_on` false pauses it.
  bool watch_level(int fd, Tag tag, bool is_new, bool is_on);
  void unwatch(int fd);

  /// Waits for events, a due timer or an again(); then takes the time.
  std::span<const epoll_event> wait();
  /// Handles `tag` later in this turn or in the next, without an event.
  void again(Tag tag) { again_.push_back(tag.packed()); }
  /// Moves the list out; what handling adds to it belongs to the next turn.
  std::span<const std::uint64_t> take_again();

  Instant now() const { return now_; }
  const Clock& clock() const { return clock_; }
  net::TimerWheel& wheel() { return wheel_; }
  void arm(Timed& timer, std::chrono::nanoseconds after) {
    wheel_.arm(timer, now_ + std::chrono::duration_cast<Clock::Duration>(after));
  }
  BufferPool& buffers() { return buffers_; }
  Output& output() { return output_; }
  std::span<char> scratch() { return scratch_; }
  /// One read into `room`.
  static Arrival receive(int fd, std::span<char> room);

  /// Sockets this worker has open, and those it must still be able to open for the clients it has.
  std::size_t descriptors_in_use() const { return descriptors_ + reserved_; }
  bool has_descriptor() const { return descriptors_ < descriptor_limit_; }
  bool may_accept() const;
  /// May accepting go on that had paused? A little below the pause, so that it does not flutter.
  bool has_room_again() const;
  void add_descriptor() { ++descriptors_; }
  void close_descriptor(int fd);
  /// The close that follows is a reset: the peer sees that what it got is not all.
  static void prepare_reset(int fd);
  void reserve() { ++reserved_; }
  void unreserve() { --reserved_; }

 private:
  Reactor(const Clock& clock, UniqueFd epoll, std::size_t descriptors);
  int timeout_ms() const;

  const Clock& clock_;
  UniqueFd epoll_;
  Instant now_;
  net::TimerWheel wheel_;
  BufferPool buffers_;
  Output output_;
  std::size_t descriptor_limit_;
  std::size_t descriptors_ = 0;
  std::size_t reserved_ = 0;
  std::vector<std::uint64_t> again_;
  std::vector<std::uint64_t> taken_;
  std::array<epoll_event, kEventsMax> events_;
  std::array<char, kScratch> scratch_;
};

}  // namespace weir::dataplane::proxy
