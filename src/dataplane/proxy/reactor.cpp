#include "dataplane/proxy/reactor.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "dataplane/proxy/limits.h"
#include "net/system_error.h"

namespace weir::dataplane::proxy {
namespace {

/// EPOLLPRI, because a read stops at an urgent mark, whatever lies behind it.
constexpr std::uint32_t kEdge = EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDHUP | EPOLLET;

bool control(int epoll, int operation, int fd, std::uint32_t events, Tag tag) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = tag.packed();
  return ::epoll_ctl(epoll, operation, fd, &event) == 0;
}

}  // namespace

Result<std::unique_ptr<Reactor>> Reactor::open(const Clock& clock, std::size_t descriptors) {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.valid()) return net::system_error("create an epoll instance", errno);
  return std::unique_ptr<Reactor>(new Reactor(clock, std::move(epoll), descriptors));
}

Reactor::Reactor(const Clock& clock, UniqueFd epoll, std::size_t descriptors)
    : clock_(clock),
      epoll_(std::move(epoll)),
      now_(clock.now()),
      wheel_(now_),
      descriptor_limit_(descriptors) {}

bool Reactor::watch(int fd, Tag tag) {
  return control(epoll_.get(), EPOLL_CTL_ADD, fd, kEdge, tag);
}

bool Reactor::watch_as(int fd, Tag tag) {
  return control(epoll_.get(), EPOLL_CTL_MOD, fd, kEdge, tag);
}

bool Reactor::watch_level(int fd, Tag tag, bool is_new, bool is_on) {
  const std::uint32_t events = is_on ? std::uint32_t{EPOLLIN} : 0;
  return control(epoll_.get(), is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, events, tag);
}

void Reactor::unwatch(int fd) { ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

int Reactor::timeout_ms() const {
  if (!again_.empty()) return 0;
  const Instant next = wheel_.next_event();
  if (next == Instant::max()) return -1;
  // The time of this turn: asking again would cost more than the few microseconds it is old.
  if (next <= now_) return 0;
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(next - now_).count();
  // An hour bounds the conversion; a turn too many does no harm.
  return static_cast<int>(std::min<std::int64_t>(wait, 3'600'000));
}

std::span<const epoll_event> Reactor::wait() {
  const int count =
      ::epoll_wait(epoll_.get(), events_.data(), static_cast<int>(kEventsMax), timeout_ms());
  now_ = clock_.now();
  return {events_.data(), static_cast<std::size_t>(std::max(count, 0))};
}

std::span<const std::uint64_t> Reactor::take_again() {
  taken_.clear();
  std::swap(taken_, again_);
  return taken_;
}

Arrival Reactor::receive(int fd, std::span<char> room) {
  const ssize_t size = ::recv(fd, room.data(), room.size(), 0);
  if (size > 0) return {Arrival::State::kBytes, static_cast<std::size_t>(size)};
  if (size == 0) return {Arrival::State::kEnd, 0};
  if (errno == EAGAIN || errno == EINTR) return {Arrival::State::kNothing, 0};
  return {Arrival::State::kBroken, 0};
}

bool Reactor::may_accept() const {
  return static_cast<double>(descriptors_in_use()) <
         static_cast<double>(descriptor_limit_) * kAcceptStopsAt;
}

bool Reactor::has_room_again() const {
  return static_cast<double>(descriptors_in_use()) <
         static_cast<double>(descriptor_limit_) * kAcceptResumesAt;
}

void Reactor::prepare_reset(int fd) {
  const linger at_once{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

void Reactor::close_descriptor(int fd) {
  ::close(fd);
  --descriptors_;
}

}  // namespace weir::dataplane::proxy
