// The server that every proxy under measurement forwards to: one thread, answers from memory.
//   bench_target ADDRESS:PORT
// "GET /<bytes> HTTP/1.1" is answered with that many bytes of body and an own length. It keeps
// every connection open until the client ends it, whatever a Connection field says, since the
// side that connects decides here how long a connection lives.
#include <cstdio>
#include <map>
#include <memory>
#include <string_view>
#include <unordered_map>

#include "sockets.h"

namespace {

using bench::watch;

constexpr std::size_t kHeadBytesMax = 8192;
constexpr int kBodyBytesMax = 16 << 20;
constexpr int kEventsMax = 512;

struct Client {
  int fd = -1;
  std::string in;
  std::string out;  // What the socket did not take yet.
};

class Server {
 public:
  explicit Server(int listener) : listener_(listener), poll_(epoll_create1(EPOLL_CLOEXEC)) {
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
        auto* client = static_cast<Client*>(events[i].data.ptr);
        if (client == nullptr) {
          accept_one();
        } else if (!serve(*client, events[i].events)) {
          close(client->fd);
          clients_.erase(client->fd);
        }
      }
    }
  }

 private:
  void accept_one() {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    auto client = std::make_unique<Client>();
    client->fd = fd;
    watch(poll_, fd, client.get());
    clients_[fd] = std::move(client);
  }

  /// False when the connection has ended.
  bool serve(Client& client, std::uint32_t events) {
    if ((events & EPOLLOUT) != 0 && !client.out.empty() && !flush(client)) return false;
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) == 0) return true;
    char chunk[16384];
    for (;;) {
      const ssize_t got = recv(client.fd, chunk, sizeof(chunk), 0);
      if (got == 0 || (got < 0 && errno != EAGAIN)) return false;
      if (got < 0) return true;
      client.in.append(chunk, static_cast<std::size_t>(got));
      if (!answer_all(client)) return false;
      if (static_cast<std::size_t>(got) < sizeof(chunk) && (events & EPOLLRDHUP) == 0) return true;
    }
  }

  bool answer_all(Client& client) {
    std::size_t end = 0;
    while ((end = client.in.find("\r\n\r\n")) != std::string::npos) {
      const std::string* answer = answer_to(client.in);
      if (answer == nullptr || !send_out(client, *answer)) return false;
      client.in.erase(0, end + 4);
    }
    return client.in.size() <= kHeadBytesMax;
  }

  /// Null when the request asks for nothing that this server has.
  const std::string* answer_to(std::string_view request) {
    if (!request.starts_with("GET /")) return nullptr;
    const int bytes = std::atoi(request.data() + 5);
    if (bytes < 0 || bytes > kBodyBytesMax) return nullptr;
    std::string& answer = answers_[bytes];
    if (answer.empty()) {
      answer = "HTTP/1.1 200 OK\r\nServer: bench\r\nContent-Type: text/plain\r\nContent-Length: " +
               std::to_string(bytes) + "\r\n\r\n" +
               std::string(static_cast<std::size_t>(bytes), 'x');
    }
    return &answer;
  }

  bool send_out(Client& client, const std::string& bytes) {
    if (!client.out.empty()) {
      client.out += bytes;
      return true;
    }
    const ssize_t sent = send(client.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return false;
    client.out.assign(bytes, static_cast<std::size_t>(sent < 0 ? 0 : sent));
    return true;
  }

  bool flush(Client& client) {
    const ssize_t sent = send(client.fd, client.out.data(), client.out.size(), MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN;
    client.out.erase(0, static_cast<std::size_t>(sent));
    return true;
  }

  int listener_;
  int poll_;
  std::unordered_map<int, std::unique_ptr<Client>> clients_;
  std::map<int, std::string> answers_;
};

}  // namespace

int main(int argc, char** argv) {
  const auto address = bench::parse_endpoint(argc == 2 ? argv[1] : "");
  const int listener = address ? bench::listen_on(*address) : -1;
  if (listener < 0) {
    std::fprintf(stderr, "usage: bench_target ADDRESS:PORT (free)\n");
    return 2;
  }
  std::puts("ready");
  std::fflush(stdout);
  Server(listener).run();
}
