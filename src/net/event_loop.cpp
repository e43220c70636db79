#include "net/event_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/mutex.h"
#include "base/unique_fd.h"
#include "net/system_error.h"

namespace weir::net {
namespace {

/// Events taken per turn. Chosen because a turn then stays short enough for timers; what is left
/// comes with the next turn.
constexpr int kEventsPerTurn = 256;
/// Longest wait of run() without an event, in ms. Chosen because any bounded value will do: timers
/// and posts end the wait.
constexpr std::chrono::milliseconds kIdleWait{60'000};

/// What the kernel hands back: descriptor and the generation of its entry, so that an event of a
/// closed descriptor never reaches the callback of a new one with the same number.
std::uint64_t pack(int fd, std::uint32_t generation) {
  return (std::uint64_t{generation} << 32) | static_cast<std::uint32_t>(fd);
}

}  // namespace

struct EventLoop::State {
  struct Entry {
    std::uint32_t generation;
    Ready ready;
  };
  using TimerKey = std::pair<Instant, TimerId>;

  explicit State(const Clock& given) : clock(given) {}

  bool set(int fd, std::uint32_t events, std::uint32_t generation) const;
  void retire(int fd);
  int timeout(std::chrono::milliseconds wait) const;
  bool has_posted() const;
  bool dispatch(std::chrono::milliseconds wait);
  bool run_timers(Instant now);
  bool run_posted();
  void end_turn();
  void wake() const;
  void drain_wake() const;

  // Constant after open().
  const Clock& clock;
  UniqueFd epoll;
  UniqueFd wake_fd;

  // Owned by the loop's thread.
  std::unordered_map<int, std::unique_ptr<Entry>> entries;
  std::vector<std::unique_ptr<Entry>> retired;  // callbacks that may be running now
  std::map<TimerKey, std::function<void()>> timers;
  std::unordered_map<TimerId, Instant> timer_times;
  std::uint32_t next_generation = 1;
  TimerId next_timer = 1;
  bool is_turning = false;

  // Any thread.
  std::atomic<bool> is_stopping{false};
  mutable Mutex mutex;
  std::vector<std::function<void()>> posted WEIR_GUARDED_BY(mutex);
};

bool EventLoop::State::set(int fd, std::uint32_t events, std::uint32_t generation) const {
  epoll_event event{};
  event.events = events;
  event.data.u64 = pack(fd, generation);
  if (epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event) == 0) return true;
  return errno == EEXIST && epoll_ctl(epoll.get(), EPOLL_CTL_MOD, fd, &event) == 0;
}

void EventLoop::State::retire(int fd) {
  const auto found = entries.find(fd);
  if (found == entries.end()) return;
  if (is_turning) retired.push_back(std::move(found->second));
  entries.erase(found);
}

int EventLoop::State::timeout(std::chrono::milliseconds wait) const {
  if (has_posted()) return 0;
  if (!timers.empty()) {
    const Instant now = clock.now();
    const auto left = std::max(timers.begin()->first.first, now) - now;
    wait = std::min(wait, std::chrono::ceil<std::chrono::milliseconds>(left));
  }
  return static_cast<int>(std::clamp(wait, std::chrono::milliseconds(0), kIdleWait).count());
}

bool EventLoop::State::has_posted() const {
  const MutexLock lock(mutex);
  return !posted.empty();
}

bool EventLoop::State::dispatch(std::chrono::milliseconds wait) {
  std::array<epoll_event, kEventsPerTurn> events;
  // EINTR counts as "nothing came": the caller turns again.
  const int count = epoll_wait(epoll.get(), events.data(), kEventsPerTurn, timeout(wait));
  bool ran = false;
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    const int fd = static_cast<int>(event.data.u64 & 0xffffffffU);
    if (fd == wake_fd.get()) {
      drain_wake();
      continue;
    }
    const auto found = entries.find(fd);
    if (found == entries.end() || found->second->generation != event.data.u64 >> 32) continue;
    Entry* const entry = found->second.get();
    ran = true;
    entry->ready(event.events);
  }
  return ran;
}

bool EventLoop::State::run_timers(Instant now) {
  bool ran = false;
  const TimerId limit = next_timer;  // timers that a timer adds wait for the next turn
  auto at = timers.begin();
  while (at != timers.end() && at->first.first <= now) {
    const TimerKey key = at->first;
    if (key.second >= limit) {
      ++at;
      continue;
    }
    auto task = std::move(at->second);
    timers.erase(at);
    timer_times.erase(key.second);
    ran = true;
    task();
    at = timers.upper_bound(key);
  }
  return ran;
}

bool EventLoop::State::run_posted() {
  std::vector<std::function<void()>> tasks;
  {
    const MutexLock lock(mutex);
    tasks.swap(posted);
  }
  for (auto& task : tasks) {
    task();
    task = nullptr;  // What a task holds is given back before the next one runs.
  }
  return !tasks.empty();
}

void EventLoop::State::end_turn() {
  is_turning = false;
  // Moved out first: what a callback owned may call back into the loop when it goes.
  const auto leaving = std::exchange(retired, {});
}

void EventLoop::State::wake() const {
  const std::uint64_t one = 1;
  // Fails only when the counter is full, and then the loop is awake already.
  [[maybe_unused]] const ssize_t written = write(wake_fd.get(), &one, sizeof one);
}

void EventLoop::State::drain_wake() const {
  std::uint64_t count = 0;
  // Empty when another wake was drained in between.
  [[maybe_unused]] const ssize_t taken = read(wake_fd.get(), &count, sizeof count);
}

Result<std::unique_ptr<EventLoop>> EventLoop::open(const Clock& clock) {
  auto state = std::make_unique<State>(clock);
  state->epoll.reset(epoll_create1(EPOLL_CLOEXEC));
  if (!state->epoll.valid()) return system_error("open an event loop", errno);
  state->wake_fd.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!state->wake_fd.valid()) return system_error("open an event loop", errno);
  if (!state->set(state->wake_fd.get(), EPOLLIN, 0)) {
    return system_error("open an event loop", errno);
  }
  return std::make_unique<EventLoop>(std::move(state));
}

EventLoop::EventLoop(std::unique_ptr<State> state) : state_(std::move(state)) {}
EventLoop::~EventLoop() = default;

void EventLoop::watch(int fd, std::uint32_t events, Ready ready) {
  state_->retire(fd);
  const std::uint32_t generation = state_->next_generation++;
  state_->entries[fd] = std::make_unique<State::Entry>(generation, std::move(ready));
  if (state_->set(fd, events, generation)) return;
  post([this, fd, generation] {
    const auto found = state_->entries.find(fd);
    if (found == state_->entries.end() || found->second->generation != generation) return;
    found->second->ready(EPOLLERR);
  });
}

void EventLoop::unwatch(int fd) {
  if (!state_->entries.contains(fd)) return;
  // Fails when the descriptor was closed first; the kernel has then forgotten it by itself.
  static_cast<void>(epoll_ctl(state_->epoll.get(), EPOLL_CTL_DEL, fd, nullptr));
  state_->retire(fd);
}

TimerId EventLoop::run_at(Instant when, std::function<void()> task) {
  const TimerId id = state_->next_timer++;
  state_->timers.emplace(State::TimerKey{when, id}, std::move(task));
  state_->timer_times.emplace(id, when);
  return id;
}

void EventLoop::cancel(TimerId id) {
  const auto found = state_->timer_times.find(id);
  if (found == state_->timer_times.end()) return;
  state_->timers.erase({found->second, id});
  state_->timer_times.erase(found);
}

void EventLoop::post(std::function<void()> task) {
  bool was_empty = false;
  {
    const MutexLock lock(state_->mutex);
    was_empty = state_->posted.empty();
    state_->posted.push_back(std::move(task));
  }
  if (was_empty) state_->wake();
}

bool EventLoop::turn(std::chrono::milliseconds wait) {
  WEIR_CHECK(!state_->is_turning);
  state_->is_turning = true;
  bool ran = state_->dispatch(wait);
  ran |= state_->run_timers(clock().now());
  ran |= state_->run_posted();
  state_->end_turn();
  return ran;
}

void EventLoop::run() {
  while (!state_->is_stopping.exchange(false)) turn(kIdleWait);
  state_->is_turning = true;
  state_->run_posted();
  state_->end_turn();
}

void EventLoop::stop() {
  state_->is_stopping.store(true);
  state_->wake();
}

const Clock& EventLoop::clock() const { return state_->clock; }

}  // namespace weir::net
