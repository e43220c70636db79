#include "dataplane/proxy/persistence.h"

#include <algorithm>

namespace weir::dataplane::proxy {
namespace {

/// Buckets of a shard with its first entry. Chosen because most services see few addresses.
constexpr std::size_t kFirstBuckets = 16;

}  // namespace

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
    shard.drop_old(clock, shard.count);
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
                                      std::size_t max) {
  if (count >= std::max<std::size_t>(max, 1)) {
    drop(oldest);
    ++evictions;
  }
  if (count >= buckets.size()) grow();
  std::uint32_t at = free;
  if (at == kNone) {
    at = static_cast<std::uint32_t>(entries.size());
    entries.emplace_back();
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

void Persistence::Shard::drop_old(const BondClock& clock, std::size_t most) {
  for (; most > 0 && oldest != kNone && clock.is_over(entries[oldest].seen); --most) drop(oldest);
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

void Persistence::Shard::grow() {
  buckets.assign(std::max(kFirstBuckets, 2 * buckets.size()), kNone);
  for (std::uint32_t at = newest; at != kNone; at = entries[at].older) {
    std::uint32_t& bucket = bucket_of(entries[at].hash);
    entries[at].next = bucket;
    bucket = at;
  }
}

}  // namespace weir::dataplane::proxy
