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

Instant LoginThrottle::Wrong::latest() const {
  // They are in the order in which they came, but for those that came at once.
  return open.empty() ? newest : std::max(newest, open.back());
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
  if (found == table.end() || now - found->second.latest() >= limits_.memory)
    return milliseconds(0);
  const Instant end = found->second.latest() + delay_after(found->second.count, rule);
  if (end > now) return std::chrono::ceil<milliseconds>(end - now);
  return found->second.open.size() < rule.open_max ? milliseconds(0) : limits_.open_wait;
}

void LoginThrottle::count(Table& table, const std::string& key, Instant now) {
  if (!table.contains(key) && table.size() >= limits_.entries_max) {
    std::erase_if(table,
                  [&](const auto& entry) { return now - entry.second.latest() >= limits_.memory; });
    if (table.size() >= limits_.entries_max) {
      table.erase(std::ranges::min_element(
          table, {}, [](const auto& entry) { return entry.second.latest(); }));
      metrics_.value(Metric::kApiLimitReached, {"login_memory"}).add();
    }
  }
  Wrong& wrong = table[key];
  if (now - wrong.latest() >= limits_.memory) wrong = {};
  ++wrong.count;
  wrong.open.push_back(now);
}

/// Only one that stays counted moves the time from which delay and quiet are reckoned.
void LoginThrottle::settle(Table& table, const std::string& key, const Attempt& attempt,
                           Verdict verdict) {
  const auto found = table.find(key);
  if (found == table.end()) return;
  Wrong& wrong = found->second;
  const auto own = std::ranges::find(wrong.open, attempt.at);
  if (own == wrong.open.end()) return;  // forgotten meanwhile
  wrong.open.erase(own);
  if (verdict == Verdict::kWrong || mutant("right-login-prolongs-delays")) {
    wrong.newest = std::max(wrong.newest, attempt.at);
  }
  if (verdict != Verdict::kWrong && --wrong.count <= 0) table.erase(found);
}

milliseconds LoginThrottle::left_of_right(const Attempt& attempt) const {
  const auto found = rights_.find(attempt.user);
  if (found == rights_.end() || found->second.count < limits_.right_max) return milliseconds(0);
  const Instant end = found->second.begin + limits_.right_window;
  return end <= attempt.at ? milliseconds(0) : std::chrono::ceil<milliseconds>(end - attempt.at);
}

void LoginThrottle::count_right(const Attempt& attempt) {
  const auto is_over = [&](const Right& right) {
    return attempt.at - right.begin >= limits_.right_window;
  };
  if (rights_.size() >= limits_.entries_max) {
    std::erase_if(rights_, [&](const auto& entry) { return is_over(entry.second); });
  }
  const auto [at, is_new] = rights_.try_emplace(attempt.user, Right{0, attempt.at});
  if (is_over(at->second)) at->second = {0, attempt.at};
  ++at->second.count;
}

milliseconds LoginThrottle::begin(const Attempt& attempt) {
  const MutexLock lock(mutex_);
  const Instant now = attempt.at;
  const Rule pair{limits_.pair_free, limits_.pair_open_max, limits_.delay_min, limits_.delay_max};
  const Rule address{limits_.address_free, limits_.open_max, limits_.delay_min, limits_.delay_max};
  const Rule user{limits_.user_free, limits_.open_max, limits_.delay_min, limits_.user_delay_max};
  milliseconds wait = std::max(left(pairs_, pair_of(attempt), pair, now), left_of_right(attempt));
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

void LoginThrottle::end(const Attempt& attempt, Verdict verdict) {
  const MutexLock lock(mutex_);
  settle(pairs_, pair_of(attempt), attempt, verdict);
  settle(addresses_, attempt.address, attempt, verdict);
  settle(users_, attempt.user, attempt, verdict);
  if (verdict == Verdict::kRight) {
    count_right(attempt);
    // Whoever knows one password is still whoever guesses at others: only the pair is forgiven all
    // but what is being judged.
    const auto found = pairs_.find(pair_of(attempt));
    if (found != pairs_.end()) found->second.count = static_cast<int>(found->second.open.size());
    if (found != pairs_.end() && found->second.open.empty()) pairs_.erase(found);
  }
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
