#include "generator.h"

#include <sys/uio.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "reading.h"

namespace bench {
namespace {

constexpr std::int64_t kLatencySlotNs = 5000;
constexpr std::size_t kLatencySlots = 200'000;  // One second; what takes longer counts as that.
constexpr std::size_t kHeadBytesMax = 8192;
constexpr std::size_t kScratchBytes = 262'144;
constexpr int kEventsMax = 512;
constexpr double kNanoseconds = 1e9;
/// Connections that are to be held are opened so many at a time: what a program keeps of a crowd
/// of requests would otherwise count as memory of idle connections, another amount each time.
constexpr std::int64_t kOpeningMax = 32;

/// About 150 bytes, as performance.md 5.2 has it.
std::string request_of(const Load& load) {
  return "GET /" + std::to_string(load.body_bytes) +
         " HTTP/1.1\r\nHost: bench.example\r\nUser-Agent: bench/1.0 (measurement)\r\n"
         "Accept: text/plain, */*;q=0.5\r\nAccept-Language: en\r\n" +
         (load.is_fresh && !load.ends_first ? "Connection: close\r\n" : "") + "\r\n";
}

/// -1 when the head has none.
long content_length(std::string_view head) {
  constexpr std::string_view kName = "\r\ncontent-length:";
  for (std::size_t at = head.find("\r\n"); at != head.npos; at = head.find("\r\n", at + 2)) {
    if (head.size() - at > kName.size() &&
        strncasecmp(head.data() + at, kName.data(), kName.size()) == 0) {
      return std::atol(head.data() + at + kName.size());
    }
  }
  return -1;
}

}  // namespace

Generator::Generator(const Load& load)
    : load_(load),
      poll_(epoll_create1(EPOLL_CLOEXEC)),
      request_(request_of(load)),
      clients_(static_cast<std::size_t>(load.connections)),
      latencies_(kLatencySlots),
      scratch_(kScratchBytes) {
  for (std::size_t i = 0; i < clients_.size(); ++i) {
    clients_[i].to = &load_.to[i % load_.to.size()];
    idle_.push_back(&clients_[i]);
  }
  next_due_ns_ = static_cast<double>(now_ns());
}

Generator::~Generator() {
  for (const Client& client : clients_) {
    if (client.fd >= 0) close(client.fd);
  }
  close(poll_);
}

void Generator::run(std::int64_t until_ns, std::int64_t answers) {
  const std::int64_t goal = count_.done + answers;
  epoll_event events[kEventsMax];
  for (std::int64_t now = now_ns(); now < until_ns; now = now_ns()) {
    if (answers != 0 && count_.done >= goal) return;
    start_due(now);
    const std::int64_t pause = pause_ns(until_ns);
    const timespec limit{pause / 1'000'000'000, pause % 1'000'000'000};
    const int count = epoll_pwait2(poll_, events, kEventsMax, &limit, nullptr);
    for (int i = 0; i < count; ++i) {
      serve(*static_cast<Client*>(events[i].data.ptr), events[i].events);
    }
  }
}

void Generator::start_due(std::int64_t now) {
  // What cannot even connect stands in the list again: each client gets one turn.
  for (std::size_t turns = idle_.size(); turns > 0; --turns) {
    if (load_.rate > 0 && next_due_ns_ > static_cast<double>(now)) return;
    const auto opening = load_.connections - static_cast<std::int64_t>(idle_.size()) - count_.done;
    if (load_.is_once && opening >= kOpeningMax) return;
    Client& client = *idle_.front();
    idle_.pop_front();
    start(client, load_.rate <= 0 ? now : static_cast<std::int64_t>(next_due_ns_));
    if (load_.rate > 0) next_due_ns_ += kNanoseconds / load_.rate;
  }
}

std::int64_t Generator::pause_ns(std::int64_t until_ns) const {
  const std::int64_t now = now_ns();
  std::int64_t end = until_ns;
  if (load_.rate > 0 && !idle_.empty()) {
    end = std::min(end, static_cast<std::int64_t>(next_due_ns_));
  }
  return std::max<std::int64_t>(0, end - now);
}

void Generator::start(Client& client, std::int64_t due_ns) {
  client.is_busy = true;
  client.has_sent = client.is_answered = false;
  client.due_ns = due_ns;
  client.head.clear();
  client.body_left = 0;
  if (client.fd < 0) {
    client.fd = start_connect(*client.to);
    if (client.fd < 0) return end(client, "no port or descriptor left");
    watch(poll_, client.fd, &client);  // EPOLLOUT tells that it stands.
  } else {
    send_request(client);
  }
}

void Generator::send_request(Client& client) {
  client.has_sent = true;
  const ssize_t sent = send(client.fd, request_.data(), request_.size(), MSG_NOSIGNAL);
  if (sent != static_cast<ssize_t>(request_.size())) end(client, "a request could not be sent");
}

void Generator::serve(Client& client, std::uint32_t events) {
  if (client.fd < 0) return;
  if ((events & EPOLLERR) != 0) return end(client, "refused or reset");
  if ((events & EPOLLOUT) != 0 && client.is_busy && !client.has_sent) send_request(client);
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP)) == 0) return;
  while (client.fd >= 0) {
    const ssize_t got = recv(client.fd, scratch_.data(), scratch_.size(), 0);
    if (got < 0) return errno == EAGAIN ? void() : end(client, "reset");
    if (got == 0) return end(client, client.is_answered ? nullptr : "ended too early");
    take(client, static_cast<std::size_t>(got));
    if (static_cast<std::size_t>(got) < scratch_.size() && (events & EPOLLRDHUP) == 0) return;
  }
}

void Generator::take(Client& client, std::size_t size) {
  if (!client.is_busy || client.is_answered) return end(client, "more bytes than asked for");
  std::size_t used = 0;
  if (client.body_left == 0) {
    if (!take_head(client, scratch_.data(), size, used)) return;
    client.body_left = load_.body_bytes;
  }
  if (size - used > client.body_left) return end(client, "more bytes than asked for");
  client.body_left -= size - used;
  if (client.body_left == 0) finish(client);
}

/// False while the head is not whole, and when it is wrong. `used`: how many of these bytes it
/// took.
bool Generator::take_head(Client& client, const char* bytes, std::size_t size, std::size_t& used) {
  const std::size_t before = client.head.size();
  client.head.append(bytes, std::min(size, kHeadBytesMax));
  const auto end_of_head = client.head.find("\r\n\r\n", before < 3 ? 0 : before - 3);
  if (end_of_head == std::string::npos) {
    if (client.head.size() >= kHeadBytesMax) end(client, "an endless head");
    return false;
  }
  used = end_of_head + 4 - before;
  client.head.resize(end_of_head + 2);
  if (!client.head.starts_with("HTTP/1.1 200")) {
    end(client, ("status " + client.head.substr(0, 12)).c_str());
    return false;
  }
  if (content_length(client.head) != static_cast<long>(load_.body_bytes)) {
    end(client, "a wrong length");
    return false;
  }
  return true;
}

void Generator::finish(Client& client) {
  ++count_.done;
  const auto slot = static_cast<std::size_t>((now_ns() - client.due_ns) / kLatencySlotNs);
  ++latencies_[std::min(slot, kLatencySlots - 1)];
  if (load_.is_fresh) {
    client.is_answered = true;
    if (load_.ends_first) end(client, nullptr);
    return;
  }
  client.is_busy = false;
  client.head.clear();
  if (!load_.is_once) idle_.push_back(&client);
}

/// Ends the connection; with a failure when the request that it carried was not answered.
void Generator::end(Client& client, const char* failure) {
  if (client.fd >= 0) close(client.fd);
  client.fd = -1;
  if (!client.is_busy) {
    ++count_.reopened;  // It stands in the idle list already, and connects again when it is due.
    return;
  }
  if (failure != nullptr) {
    ++count_.failed;
    if (first_failure_.empty()) first_failure_ = failure;
  }
  client.is_busy = false;
  idle_.push_back(&client);
}

double Generator::latency_us(double quantile) const {
  std::uint64_t sum = 0;
  for (const auto count : latencies_) sum += count;
  auto left = static_cast<std::uint64_t>(quantile * static_cast<double>(sum));
  for (std::size_t slot = 0; slot < latencies_.size(); ++slot) {
    if (latencies_[slot] > left) {
      return static_cast<double>(slot) * static_cast<double>(kLatencySlotNs) / 1000;
    }
    left -= latencies_[slot];
  }
  return 0;
}

}  // namespace bench
