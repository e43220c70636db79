// Twenty thousand servers in one process: whatever address of this machine a client names, the
// sockets are wildcards, and every answer says which address was asked.
//   bench_fleet GOOD_PORT SICK_PORT MUTE_PORT
// "GET /<bytes>" is answered with 200 and that many bytes, of which the first are the address and a
// blank. "HEAD /check" is answered with 200 on the good port and with 500 on the sick one; from
// SIGUSR1 on some addresses of the good port answer it with 503 (which ones: is_turned). The mute
// port takes connections and never says anything.
#include <signal.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "sockets.h"

namespace {

constexpr std::size_t kHeadBytesMax = 8192;
constexpr int kBodyBytesMax = 65'536;
constexpr int kEventsMax = 512;

/// Of all addresses this share turns, as tree.py knows too.
constexpr std::uint32_t kTurningDivisor = 40;

volatile sig_atomic_t has_turned = 0;

enum class Role { kGood, kSick, kMute };

struct Client {
  int fd = -1;
  Role role = Role::kGood;
  std::string address;
  bool is_turning = false;
  std::string in;
};

std::string answer(std::string_view status, const std::string& body = "") {
  return "HTTP/1.1 " + std::string(status) +
         "\r\nContent-Type: text/plain\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

std::string answer_to(const Client& client, std::string_view request) {
  if (request.starts_with("HEAD /check ")) {
    if (client.role == Role::kSick) return answer("500 Internal Server Error");
    if (client.is_turning && has_turned != 0) return answer("503 Service Unavailable");
    return answer("200 OK");
  }
  if (!request.starts_with("GET /")) return answer("400 Bad Request");
  const int bytes = std::atoi(request.data() + 5);
  std::string body = client.address + " ";
  body.resize(static_cast<std::size_t>(std::clamp(bytes, 0, kBodyBytesMax)), 'x');
  return answer("200 OK", body);
}

class Fleet {
 public:
  Fleet() : poll_(epoll_create1(EPOLL_CLOEXEC)) {}

  bool listen(Role role, const char* port) {
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_port = htons(static_cast<std::uint16_t>(std::atoi(port)));
    int& fd = listeners_[static_cast<std::size_t>(role)];
    fd = bench::listen_on(any);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    return fd >= 0 && epoll_ctl(poll_, EPOLL_CTL_ADD, fd, &event) == 0;
  }

  void run() {
    epoll_event events[kEventsMax];
    for (;;) {
      const int count = epoll_wait(poll_, events, kEventsMax, -1);
      for (int i = 0; i < count; ++i) {
        const int fd = events[i].data.fd;
        const auto role = std::ranges::find(listeners_, fd);
        if (role != listeners_.end()) {
          accept_all(fd, static_cast<Role>(role - listeners_.begin()));
        } else if (!serve(*clients_.at(fd))) {
          clients_.erase(fd);
          close(fd);
        }
      }
    }
  }

 private:
  void accept_all(int listener, Role role) {
    for (;;) {
      sockaddr_in own{};
      socklen_t size = sizeof(own);
      const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) return;
      getsockname(fd, reinterpret_cast<sockaddr*>(&own), &size);
      std::array<char, INET_ADDRSTRLEN> text{};
      inet_ntop(AF_INET, &own.sin_addr, text.data(), text.size());
      auto client = std::make_unique<Client>();
      client->fd = fd;
      client->role = role;
      client->address = text.data();
      client->is_turning = ntohl(own.sin_addr.s_addr) % kTurningDivisor == 0;
      clients_[fd] = std::move(client);
      epoll_event event{};
      event.events = EPOLLIN | EPOLLRDHUP;
      event.data.fd = fd;
      epoll_ctl(poll_, EPOLL_CTL_ADD, fd, &event);
    }
  }

  /// False when the connection has ended.
  static bool serve(Client& client) {
    char chunk[4096];
    const ssize_t got = recv(client.fd, chunk, sizeof(chunk), 0);
    if (got <= 0) return got < 0 && errno == EAGAIN;
    if (client.role == Role::kMute) return true;
    client.in.append(chunk, static_cast<std::size_t>(got));
    for (auto end = client.in.find("\r\n\r\n"); end != std::string::npos;
         end = client.in.find("\r\n\r\n")) {
      const std::string bytes = answer_to(client, client.in);
      // Small answers: a socket buffer that cannot take one belongs to a client that never reads.
      const ssize_t sent = send(client.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent != static_cast<ssize_t>(bytes.size())) return false;
      client.in.erase(0, end + 4);
    }
    return client.in.size() <= kHeadBytesMax;
  }

  int poll_;
  std::array<int, 3> listeners_{-1, -1, -1};
  std::unordered_map<int, std::unique_ptr<Client>> clients_;
};

}  // namespace

int main(int argc, char** argv) {
  Fleet fleet;
  const bool is_listening = argc == 4 && fleet.listen(Role::kGood, argv[1]) &&
                            fleet.listen(Role::kSick, argv[2]) &&
                            fleet.listen(Role::kMute, argv[3]);
  if (!is_listening) {
    std::fprintf(stderr, "usage: bench_fleet GOOD_PORT SICK_PORT MUTE_PORT (free)\n");
    return 2;
  }
  signal(SIGUSR1, [](int) { has_turned = 1; });
  std::puts("ready");
  std::fflush(stdout);
  fleet.run();
}
