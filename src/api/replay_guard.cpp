#include "api/replay_guard.h"

#include <algorithm>

#include "api/signature_key.h"

namespace weir::api {
namespace {

// Expired seconds are looked for this often. Chosen because a sweep visits every access key.
constexpr std::chrono::seconds kSweepInterval{1};

Error refused(std::string message) {
  return {ErrorCode::kUnauthenticated, std::move(message), "x-jdcloud-nonce"};
}

}  // namespace

ReplayGuard::Mark ReplayGuard::mark_of(const SignatureClaims& claims) {
  const Digest digest = sha256(claims.header.signature + claims.nonce);
  Mark mark;
  std::copy_n(digest.begin(), mark.size(), mark.begin());
  return mark;
}

Result<void> ReplayGuard::check_unseen(const SignatureClaims& claims, const Mark& mark) const {
  const auto key = keys_.find(claims.header.access_key);
  if (key == keys_.end()) return {};
  if (claims.time <= key->second.given_up) {
    return Error{ErrorCode::kRateLimited, "too many signed calls of this access key", ""};
  }
  const auto second = key->second.seconds.find(claims.time);
  if (second != key->second.seconds.end() && second->second.contains(mark)) {
    return refused("was used before");
  }
  return {};
}

Result<void> ReplayGuard::admit(const SignatureClaims& claims, WallTime now) {
  const Mark mark = mark_of(claims);
  const MutexLock lock(mutex_);
  expire(now);
  if (claims.time <= expired_ || claims.time <= now - limits_.memory) {
    return refused("is older than what is remembered");
  }
  WEIR_TRY(check_unseen(claims, mark));
  if (size_ >= limits_.capacity) {
    make_room();
    // The date given up may be this call's own.
    WEIR_TRY(check_unseen(claims, mark));
  }
  KeyMemory& key = keys_[claims.header.access_key];
  key.seconds[claims.time].insert(mark);
  ++key.size;
  ++size_;
  return {};
}

std::size_t ReplayGuard::size() const {
  const MutexLock lock(mutex_);
  return size_;
}

/// A key's own limit ends with its last entry: what it gave up is older, so expired_ covers it.
void ReplayGuard::expire(WallTime now) {
  if (now >= swept_ && now - swept_ < kSweepInterval) return;
  swept_ = now;
  const WallTime oldest = now - limits_.memory;
  for (auto key = keys_.begin(); key != keys_.end();) {
    KeyMemory& memory = key->second;
    while (!memory.seconds.empty() && memory.seconds.begin()->first <= oldest) {
      expired_ = std::max(expired_, memory.seconds.begin()->first);
      drop_oldest(memory);
    }
    const bool is_done = memory.seconds.empty() && memory.given_up <= oldest;
    if (is_done) expired_ = std::max(expired_, memory.given_up);
    key = is_done ? keys_.erase(key) : std::next(key);
  }
}

void ReplayGuard::make_room() {
  if (metrics_ != nullptr) metrics_->value(Metric::kApiLimitReached, {"replay_memory"}).add();
  const auto busiest =
      std::ranges::max_element(keys_, {}, [](const auto& key) { return key.second.size; });
  if (busiest == keys_.end() || busiest->second.seconds.empty()) return;
  busiest->second.given_up = busiest->second.seconds.begin()->first;
  drop_oldest(busiest->second);
}

void ReplayGuard::drop_oldest(KeyMemory& key) {
  const auto oldest = key.seconds.begin();
  key.size -= oldest->second.size();
  size_ -= oldest->second.size();
  key.seconds.erase(oldest);
}

}  // namespace weir::api
