// The floor of every table: a relay of bytes that knows nothing of HTTP. One thread.
//   bench_relay ADDRESS:PORT TARGET:PORT... [--one-answer]
// Client i is tied to its own connection to a target, each target in turn. With --one-answer a
// client is closed as soon as the first bytes of the target have been passed on, and the target's
// connection waits for the next client: what a proxy has to do at the least that closes after each
// answer and reuses its upstream connections. That serves only answers that fit into one recv.
#include <cstdio>
#include <deque>
#include <string_view>
#include <vector>

#include "sockets.h"

namespace {

using bench::watch;

constexpr int kEventsMax = 512;
constexpr std::size_t kScratchBytes = 65536;  // As in performance.md 4.1.

struct Side {
  int fd = -1;
  Side* peer = nullptr;  // Null for a target's connection that waits in the pool.
  bool is_client = false;
  bool is_paused = false;  // Its peer takes nothing more; what it sends waits in the kernel.
  std::string out;         // What this side's socket did not take yet.
};

class Relay {
 public:
  Relay(int listener, std::vector<sockaddr_in> targets, bool one_answer)
      : listener_(listener),
        targets_(std::move(targets)),
        one_answer_(one_answer),
        poll_(epoll_create1(EPOLL_CLOEXEC)),
        scratch_(kScratchBytes) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = nullptr;
    epoll_ctl(poll_, EPOLL_CTL_ADD, listener_, &event);
  }

  void run() {
    epoll_event events[kEventsMax];
    for (;;) {
      const int count = epoll_wait(poll_, events, kEventsMax, -1);
      for (int i = 0; i < count; ++i) {
        auto* side = static_cast<Side*>(events[i].data.ptr);
        if (side == nullptr) {
          accept_one();
        } else if (side->fd >= 0) {
          serve(*side, events[i].events);
        }
      }
      free_ended();
    }
  }

 private:
  void accept_one() {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    Side* upstream = take_upstream();
    if (upstream == nullptr) {
      close(fd);
      return;
    }
    Side* client = add(fd);
    client->is_client = true;
    client->peer = upstream;
    upstream->peer = client;
  }

  Side* take_upstream() {
    if (!pool_.empty()) {
      Side* side = pool_.back();
      pool_.pop_back();
      return side;
    }
    const int fd = bench::start_connect(targets_[next_++ % targets_.size()]);
    return fd < 0 ? nullptr : add(fd);
  }

  Side* add(int fd) {
    Side* side = spare_.empty() ? &sides_.emplace_back() : spare_.back();
    if (!spare_.empty()) spare_.pop_back();
    *side = Side{};
    side->fd = fd;
    watch(poll_, fd, side);
    return side;
  }

  void serve(Side& side, std::uint32_t events) {
    if ((events & EPOLLOUT) != 0 && !side.out.empty() && !flush(side)) return end(side);
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0 && !side.is_paused) {
      pass_on(side, (events & EPOLLRDHUP) != 0);
    }
  }

  void pass_on(Side& side, bool to_the_end) {
    for (;;) {
      const ssize_t got = recv(side.fd, scratch_.data(), scratch_.size(), 0);
      if (got < 0 && errno == EAGAIN) return;
      if (got <= 0 || side.peer == nullptr) return end(side);
      const auto size = static_cast<std::size_t>(got);
      if (!send_out(*side.peer, {scratch_.data(), size})) return end(side);
      if (one_answer_ && !side.is_client) return finish(side);
      if (!side.peer->out.empty()) {
        side.is_paused = true;
        return;
      }
      if (size < scratch_.size() && !to_the_end) return;
    }
  }

  static bool send_out(Side& side, std::string_view bytes) {
    if (!side.out.empty()) {
      side.out += bytes;
      return true;
    }
    const ssize_t sent = send(side.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != ENOTCONN) return false;
    side.out.assign(bytes.substr(static_cast<std::size_t>(sent < 0 ? 0 : sent)));
    return true;
  }

  bool flush(Side& side) {
    const ssize_t sent = send(side.fd, side.out.data(), side.out.size(), MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN;
    side.out.erase(0, static_cast<std::size_t>(sent));
    if (side.out.empty() && side.peer != nullptr && side.peer->is_paused) {
      side.peer->is_paused = false;
      pass_on(*side.peer, true);
    }
    return true;
  }

  void finish(Side& upstream) {
    drop(*upstream.peer);
    upstream.peer = nullptr;
    pool_.push_back(&upstream);
  }

  void end(Side& side) {
    if (side.peer != nullptr) drop(*side.peer);
    if (side.peer == nullptr) std::erase(pool_, &side);
    drop(side);
  }

  void drop(Side& side) {
    if (side.fd < 0) return;
    close(side.fd);
    side.fd = -1;
    ended_.push_back(&side);
  }

  // Not before all events of this turn are done: one of them may name a side that has ended.
  void free_ended() {
    spare_.insert(spare_.end(), ended_.begin(), ended_.end());
    ended_.clear();
  }

  int listener_;
  std::vector<sockaddr_in> targets_;
  std::size_t next_ = 0;
  bool one_answer_;
  int poll_;
  std::vector<char> scratch_;
  std::deque<Side> sides_;
  std::vector<Side*> pool_, spare_, ended_;
};

}  // namespace

int main(int argc, char** argv) {
  std::vector<sockaddr_in> places;
  bool one_answer = false;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--one-answer") {
      one_answer = true;
    } else if (const auto place = bench::parse_endpoint(argv[i])) {
      places.push_back(*place);
    }
  }
  const int listener = places.size() < 2 ? -1 : bench::listen_on(places.front());
  if (listener < 0) {
    std::fprintf(stderr, "usage: bench_relay ADDRESS:PORT (free) TARGET:PORT... [--one-answer]\n");
    return 2;
  }
  places.erase(places.begin());
  Relay(listener, std::move(places), one_answer).run();
}
