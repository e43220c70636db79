// Which target each client address keeps (product.md C.2): one table per backend service with
// persistence, shared by all workers and kept from Snapshot to Snapshot. Knows no targets: who asks
// says which bonds hold. Sharded, so that workers seldom meet at a mutex; what has run out leaves
// from the old end of a shard, a few with each call. Thread: any.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "balancing/flow_hash.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/strong_type.h"
#include "net/address.h"

namespace weir::dataplane::proxy {

/// Addresses that one backend service remembers. Chosen because 700 new addresses per second fill
/// it in 1440 s, and it takes 64 MB then. Reached: the address that was seen longest ago is
/// forgotten, and counted.
inline constexpr std::size_t kKeptAddressesMax = std::size_t{1} << 20;

/// Addresses that all backend services of the process have room for together. Chosen because they
/// take 256 MB, and four services that are full are more than one node is likely to have. Reached:
/// a service forgets the address that it has seen longest ago, and counts it as above
/// (weir_backend_persistence_evictions_total); a part of a service that remembers nobody still
/// gets room for one.
inline constexpr std::size_t kKeptAddressesOfProcess = std::size_t{1} << 22;

/// What tables may hold together. Relaxed: a bound, no order is wanted. Thread: any.
class KeptRoom {
 public:
  explicit KeptRoom(std::size_t max) : max_(max) {}
  /// The one of this process.
  static KeptRoom& of_process();

  bool is_full() const { return taken_.load(std::memory_order_relaxed) >= max_; }
  void take() { taken_.fetch_add(1, std::memory_order_relaxed); }
  void give_back(std::size_t count) { taken_.fetch_sub(count, std::memory_order_relaxed); }
  std::size_t taken() const { return taken_.load(std::memory_order_relaxed); }

 private:
  const std::size_t max_;
  std::atomic<std::size_t> taken_{0};
};

/// A target of the service in one of its tenures (plan.h).
struct Bond {
  std::uint64_t tenure = 0;
  Slot slot;

  friend bool operator==(const Bond&, const Bond&) = default;
};

/// The age of a bond counts from the last connection; with `lifetime` it is over.
struct BondClock {
  Instant now;
  Clock::Duration lifetime;

  bool is_over(Instant seen) const { return now - seen >= lifetime; }
};

class Persistence {
 public:
  /// `seed` keeps clients from choosing addresses that meet in one bucket.
  /// `room` outlives it.
  explicit Persistence(std::uint64_t seed, std::size_t addresses_max = kKeptAddressesMax,
                       KeptRoom& room = KeptRoom::of_process())
      : hasher_(seed), shard_max_(addresses_max / kShards), room_(room) {}
  ~Persistence();
  Persistence(const Persistence&) = delete;
  Persistence& operator=(const Persistence&) = delete;

  /// The bond of the address, its time restarted; nothing when it has none that `holds`.
  template <class Holds>
  std::optional<Bond> renew(const net::IpAddress& client, const BondClock& clock,
                            const Holds& holds) const {
    const balancing::FlowHash hash = hasher_.source(client.bytes());
    Shard& shard = shard_of(hash);
    const MutexLock lock(shard.mutex);
    shard.drop_old(clock, kDroppedPerCall, room_);
    const std::uint32_t at = shard.find(hash, client);
    if (at == kNone) return std::nullopt;
    const Entry& entry = shard.entries[at];
    if (clock.is_over(entry.seen) || !holds(entry.bond)) return std::nullopt;
    shard.renew(at, clock.now);
    return entry.bond;
  }
  /// Makes `bond` that of the address, unless another worker has made one that `holds` meanwhile.
  /// Returns the one in force.
  template <class Holds>
  Bond bind(const net::IpAddress& client, const Bond& bond, const BondClock& clock,
            const Holds& holds) const {
    const balancing::FlowHash hash = hasher_.source(client.bytes());
    Shard& shard = shard_of(hash);
    const MutexLock lock(shard.mutex);
    std::uint32_t at = shard.find(hash, client);
    if (at == kNone) at = shard.add(hash, client, shard_max_, room_);
    Entry& entry = shard.entries[at];
    if (clock.is_over(entry.seen) || !holds(entry.bond)) entry.bond = bond;
    shard.renew(at, clock.now);
    return entry.bond;
  }
  /// The bond of the address, its time left as it is.
  std::optional<Bond> peek(const net::IpAddress& client, const BondClock& clock) const;

  /// Addresses remembered; those whose time is over are dropped first.
  std::size_t size(const BondClock& clock) const;
  /// Addresses forgotten because there was no room.
  std::uint64_t evictions() const;

 private:
  // Chosen because a few workers seldom meet at one of 64, and an empty table stays small.
  static constexpr std::size_t kShards = 64;
  // Old entries that one call drops at most. Chosen because each call adds at most one.
  static constexpr std::size_t kDroppedPerCall = 2;
  static constexpr std::uint32_t kNone = UINT32_MAX;

  struct Entry {
    net::IpAddress client;
    Bond bond;
    Instant seen{};
    std::uint32_t next = kNone;   // in its bucket, or among the free
    std::uint32_t newer = kNone;  // in the order of `seen`
    std::uint32_t older = kNone;
    std::uint32_t hash = 0;  // low half: its bucket
  };

  /// A map with an order, in one vector that grows up to the bound, and shrinks to what is left
  /// when that is little.
  struct Shard {
    mutable Mutex mutex;
    std::vector<Entry> entries WEIR_GUARDED_BY(mutex);
    std::vector<std::uint32_t> buckets WEIR_GUARDED_BY(mutex);  // a power of two
    std::uint32_t free WEIR_GUARDED_BY(mutex) = kNone;
    std::uint32_t newest WEIR_GUARDED_BY(mutex) = kNone;
    std::uint32_t oldest WEIR_GUARDED_BY(mutex) = kNone;
    std::size_t count WEIR_GUARDED_BY(mutex) = 0;
    std::uint64_t evictions WEIR_GUARDED_BY(mutex) = 0;

    std::uint32_t find(balancing::FlowHash hash, const net::IpAddress& client) const
        WEIR_REQUIRES(mutex);
    std::uint32_t add(balancing::FlowHash hash, const net::IpAddress& client, std::size_t max,
                      KeptRoom& room) WEIR_REQUIRES(mutex);
    void renew(std::uint32_t at, Instant now) WEIR_REQUIRES(mutex);
    void drop_old(const BondClock& clock, std::size_t most, KeptRoom& room) WEIR_REQUIRES(mutex);
    void drop(std::uint32_t at) WEIR_REQUIRES(mutex);
    void leave_order(std::uint32_t at) WEIR_REQUIRES(mutex);
    void grow() WEIR_REQUIRES(mutex);
    void shrink(KeptRoom& room) WEIR_REQUIRES(mutex);
    void fill_buckets(std::size_t size) WEIR_REQUIRES(mutex);
    std::uint32_t& bucket_of(std::uint32_t hash) WEIR_REQUIRES(mutex) {
      return buckets[hash & (buckets.size() - 1)];
    }
  };

  /// By the high bits; buckets go by the low ones.
  Shard& shard_of(balancing::FlowHash hash) const { return shards_[hash >> 58]; }

  const balancing::FlowHasher hasher_;
  const std::size_t shard_max_;
  KeptRoom& room_;
  mutable std::array<Shard, kShards> shards_;
};

}  // namespace weir::dataplane::proxy
