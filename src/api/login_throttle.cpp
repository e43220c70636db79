#include "api/login_throttle.h"

#include <algorithm>
#include <cstdint>

#include "base/mutant.h"
#include "net/address.h"

namespace weir::api {
namespace {

using std::chrono::milliseconds;

// A name has no blank in it.
std::string pair_of(const LoginThrottle::Attempt& attempt) {
  return attempt.user + " " + attempt.address;
}

}  // namespace

std::string throttled_address(std::string_view address) {
  constexpr std::size_t kNetworkBytes = 8;
  if (address.starts_with('[') && address.ends_with(']')) {
    address = address.substr(1, address.size() - 2);
  }
  const auto parsed = net::IpAddress::parse(address);
  if (!parsed || parsed->is_v4() || parsed->is_loopback()) return std::string(address);
  auto bytes = parsed->bytes();
  std::fill(bytes.begin() + kNetworkBytes, bytes.end(), std::uint8_t{0});
  return net::IpAddress::from_bytes(bytes).text() + "/64";
}

milliseconds LoginThrottle::delay_after(int wrong, const Rule& rule) {
  if (wrong < rule.free) return milliseconds(0);
  milliseconds delay = rule.delay_min;
  for (int i = rule.free; i < wrong && delay < rule.delay_max; ++i) delay *= 2;
  return std::min(delay, rule.delay_max);
}

milliseconds LoginThrottle::left(const Table& table, const std::string& key, const Rule& rule,
                                 Instant now) const {
  const auto found = table.find(key);
  if (found == table.end() || now - found->second.newest >= limits_.memory) return milliseconds(0);
  const Instant end = found->second.newest + delay_after(found->second.count, rule);
  return end <= now ? milliseconds(0) : std::chrono::ceil<milliseconds>(end - now);
}

void LoginThrottle::count(Table& table, const std::string& key, Instant now) {
  if (!table.contains(key) && table.size() >= limits_.entries_max) {
    std::erase_if(table,
                  [&](const auto& entry) { return now - entry.second.newest >= limits_.memory; });
    if (table.size() >= limits_.entries_max) {
      table.erase(std::ranges::min_element(table, {},
                                           [](const auto& entry) { return entry.second.newest; }));
      metrics_.value(Metric::kApiLimitReached, {"login_memory"}).add();
    }
  }
  Wrong& wrong = table[key];
  if (now - wrong.newest >= limits_.memory) wrong.count = 0;
  ++wrong.count;
  wrong.newest = now;
}

void LoginThrottle::uncount(Table& table, const std::string& key) {
  const auto found = table.find(key);
  if (found == table.end()) return;
  if (--found->second.count <= 0) table.erase(found);
}

milliseconds LoginThrottle::begin(const Attempt& attempt, Instant now) {
  const MutexLock lock(mutex_);
  const Rule pair{limits_.pair_free, limits_.delay_min, limits_.delay_max};
  const Rule address{limits_.address_free, limits_.delay_min, limits_.delay_max};
  const Rule user{limits_.user_free, limits_.delay_min, limits_.user_delay_max};
  milliseconds wait = left(pairs_, pair_of(attempt), pair, now);
  if (!attempt.is_known || mutant("user-locked-from-elsewhere")) {
    wait = std::max({wait, left(addresses_, attempt.address, address, now),
                     left(users_, attempt.user, user, now)});
  }
  if (wait.count() > 0) return wait;
  count(pairs_, pair_of(attempt), now);
  count(addresses_, attempt.address, now);
  count(users_, attempt.user, now);
  note_size();
  return milliseconds(0);
}

void LoginThrottle::take_back(const Attempt& attempt, bool was_right) {
  const MutexLock lock(mutex_);
  // Whoever knows one password is still whoever guesses at others: only the pair is forgiven all.
  if (was_right) {
    pairs_.erase(pair_of(attempt));
  } else {
    uncount(pairs_, pair_of(attempt));
  }
  uncount(addresses_, attempt.address);
  uncount(users_, attempt.user);
  note_size();
}

std::size_t LoginThrottle::size() const {
  const MutexLock lock(mutex_);
  return pairs_.size() + addresses_.size() + users_.size();
}

void LoginThrottle::note_size() {
  metrics_.value(Metric::kLoginDelays)
      .set(static_cast<double>(pairs_.size() + addresses_.size() + users_.size()));
}

}  // namespace weir::api
