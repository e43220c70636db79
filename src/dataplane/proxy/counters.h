// Counters of one worker: one writer, relaxed, read by stats() from any thread. Each object of the
// configuration has one set per worker, on cache lines of its own. Names are in
// base/metric_names.h. Thread: add() its worker, get() any.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/clock.h"
#include "dataplane/proxy/failure.h"
#include "http/h1_error.h"

namespace weir::dataplane::proxy {

/// A number with one writer: a load and a store, no locked instruction. Relaxed, because a reader
/// needs no order between counters.
class Counter {
 public:
  void add(std::uint64_t amount = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  void remove() {
    value_.store(value_.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
  }
  std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

inline constexpr std::size_t kParseErrors =
    static_cast<std::size_t>(http::ParseError::kTrailersTooLarge) + 1;
/// Status 1xx to 5xx, at index status / 100 - 1.
inline constexpr std::size_t kCodeClasses = 5;

struct alignas(64) ListenerCounters {
  Counter connections;
  Counter active;
  Counter bytes_in;
  Counter bytes_out;
  std::array<Counter, kCodeClasses> requests;
  std::array<Counter, kFailureKinds> failures;
  std::array<Counter, kParseErrors> parse_errors;
  Counter fields_aliased;  // dropped: a server might read them as forwarding or framing fields
  Counter fields_h2c;      // dropped offers of h2c

  void count_status(int status) { requests[static_cast<std::size_t>(status / 100 - 1)].add(); }
  void count(FailureKind kind) { failures[static_cast<std::size_t>(kind)].add(); }
};

struct alignas(64) TargetCounters {
  Counter requests;  // connections, where TCP is relayed
  Counter active;    // streams or relayed connections in use
  Counter connect_failures;
  /// When the oldest connection began, kept while the target drains; max = no connection. Relaxed:
  /// it stands alone.
  std::atomic<Instant> oldest{Instant::max()};
};

/// Of a whole worker.
struct alignas(64) WorkerCounters {
  Counter clients;           // client connections open
  Counter accept_pauses;     // descriptor limit reached
  Counter connect_refusals;  // no descriptor for a connection to a target
  Counter retries;
  Counter retry_refusals;    // no retry left in the budget
  Counter idle_evictions;    // more idle connections to one target than are kept
  Counter silent;            // connections kept without a word now
  Counter silence_refusals;  // no room for another one
  Counter bodies_too_large;
  Counter interim_excesses;  // more interim answers to one request than are passed on
  std::array<Counter, kParseErrors> codec_limits;  // those of http::is_limit
};

inline void count_parse_error(http::ParseError error, ListenerCounters& listener,
                              WorkerCounters& worker) {
  listener.parse_errors[static_cast<std::size_t>(error)].add();
  if (http::is_limit(error)) worker.codec_limits[static_cast<std::size_t>(error)].add();
}

/// One set per worker.
template <class T>
class PerWorker {
 public:
  explicit PerWorker(std::size_t workers) : sets_(std::make_unique<T[]>(workers)), size_(workers) {}

  T& of(std::size_t worker) const { return sets_[worker]; }
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (std::size_t i = 0; i < size_; ++i) visit(sets_[i]);
  }
  /// Sum of one number over all workers.
  template <class Read>
  std::uint64_t sum(Read&& read) const {
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < size_; ++i) total += read(sets_[i]).get();
    return total;
  }

 private:
  std::unique_ptr<T[]> sets_;
  std::size_t size_;
};

}  // namespace weir::dataplane::proxy
