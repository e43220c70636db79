#include "dataplane/proxy/persistence.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace weir::dataplane::proxy {
namespace {

/// Buckets of a shard with its first entry. Chosen because most services see few addresses.
constexpr std::size_t kFirstBuckets = 16;
/// A shard gives memory back when less than one in so many of its entries is in use. Chosen because
/// that leaves room to grow again, and what is copied then is little beside what was dropped.
constexpr std::size_t kShrinksAt = 4;

}  // namespace

KeptRoom& KeptRoom::of_process() {
  static KeptRoom room(kKeptAddressesOfProcess);
  return room;
}

Persistence::~Persistence() {
  for (const Shard& shard : shards_) {
    const MutexLock lock(shard.mutex);
    room_.give_back(shard.entries.size());
  }
}

std::optional<Bond> Persistence::peek(const net::IpAddress& client, const BondClock& clock) const {
  const balancing::FlowHash hash = hasher_.source(client.bytes());
  const Shard& shard = shard_of(hash);
  const MutexLock lock(shard.mutex);
  const std::uint32_t at = shard.find(hash, client);
  if (at == kNone || clock.is_over(shard.entries[at].seen)) return std::nullopt;
  return shard.entries[at].bond;
}

std::size_t Persistence::size(const BondClock& clock) const {
  std::size_t total = 0;
  for (Shard& shard : shards_) {
    const MutexLock lock(shard.mutex);
    shard.drop_old(clock, shard.count, room_);
    total += shard.count;
  }
  return total;
}

std::uint64_t Persistence::evictions() const {
  std::uint64_t total = 0;
  for (const Shard& shard : shards_) {
    const MutexLock lock(shard.mutex);
    total += shard.evictions;
  }
  return total;
}

std::uint32_t Persistence::Shard::find(balancing::FlowHash hash,
                                       const net::IpAddress& client) const {
  if (buckets.empty()) return kNone;
  std::uint32_t at = buckets[hash & (buckets.size() - 1)];
  while (at != kNone && entries[at].client != client) at = entries[at].next;
  return at;
}

/// An entry without a bond, as old as can be.
std::uint32_t Persistence::Shard::add(balancing::FlowHash hash, const net::IpAddress& client,
                                      std::size_t max, KeptRoom& room) {
  const bool is_short = count > 0 && free == kNone && room.is_full();
  if (is_short || count >= std::max<std::size_t>(max, 1)) {
    drop(oldest);
    ++evictions;
  }
  if (count >= buckets.size()) grow();
  std::uint32_t at = free;
  if (at == kNone) {
    at = static_cast<std::uint32_t>(entries.size());
    entries.emplace_back();
    room.take();
  } else {
    free = entries[at].next;
  }
  Entry& entry = entries[at];
  entry = Entry{.client = client, .bond = {}, .hash = static_cast<std::uint32_t>(hash)};
  std::uint32_t& bucket = bucket_of(entry.hash);
  entry.next = bucket;
  bucket = at;
  entry.newer = oldest;
  if (oldest != kNone) entries[oldest].older = at;
  oldest = at;
  if (newest == kNone) newest = at;
  ++count;
  return at;
}

/// To the new end. The clocks of two workers differ by a turn: time never goes back.
void Persistence::Shard::renew(std::uint32_t at, Instant now) {
  Entry& entry = entries[at];
  entry.seen = std::max(entry.seen, now);
  if (newest == at) return;
  leave_order(at);
  entry.older = newest;
  if (newest != kNone) entries[newest].newer = at;
  newest = at;
  if (oldest == kNone) oldest = at;
}

void Persistence::Shard::drop_old(const BondClock& clock, std::size_t most, KeptRoom& room) {
  bool is_less = false;
  for (; most > 0 && oldest != kNone && clock.is_over(entries[oldest].seen); --most) {
    drop(oldest);
    is_less = true;
  }
  if (is_less && (count == 0 || count < entries.size() / kShrinksAt)) shrink(room);
}

void Persistence::Shard::drop(std::uint32_t at) {
  Entry& entry = entries[at];
  std::uint32_t* link = &bucket_of(entry.hash);
  while (*link != at) link = &entries[*link].next;
  *link = entry.next;
  leave_order(at);
  entry.next = free;
  free = at;
  --count;
}

void Persistence::Shard::leave_order(std::uint32_t at) {
  Entry& entry = entries[at];
  (entry.newer == kNone ? newest : entries[entry.newer].older) = entry.older;
  (entry.older == kNone ? oldest : entries[entry.older].newer) = entry.newer;
  entry.newer = entry.older = kNone;
}

void Persistence::Shard::grow() { fill_buckets(std::max(kFirstBuckets, 2 * buckets.size())); }

/// Entries in use move together, oldest first; indices change.
void Persistence::Shard::shrink(KeptRoom& room) {
  std::vector<Entry> kept;
  kept.reserve(count);
  for (std::uint32_t at = oldest; at != kNone; at = entries[at].newer) kept.push_back(entries[at]);
  room.give_back(entries.size() - kept.size());
  entries = std::move(kept);
  free = kNone;
  for (std::uint32_t at = 0; at < entries.size(); ++at) {
    entries[at].older = at == 0 ? kNone : at - 1;
    entries[at].newer = at + 1 == entries.size() ? kNone : at + 1;
  }
  oldest = entries.empty() ? kNone : 0;
  newest = entries.empty() ? kNone : static_cast<std::uint32_t>(entries.size() - 1);
  fill_buckets(entries.empty() ? 0 : std::max(kFirstBuckets, std::bit_ceil(entries.size())));
}

void Persistence::Shard::fill_buckets(std::size_t size) {
  buckets = std::vector<std::uint32_t>(size, kNone);
  for (std::uint32_t at = newest; at != kNone; at = entries[at].older) {
    std::uint32_t& bucket = bucket_of(entries[at].hash);
    entries[at].next = bucket;
    bucket = at;
  }
}

}  // namespace weir::dataplane::proxy
