// A target for tests: HTTP or TCP echo servers on given endpoints, each with a name, a thread per
// connection.
//   faultback http ADDRESS:PORT=NAME ... tcp ADDRESS:PORT=NAME ...
// HTTP answers say which server answered and repeat the request's id:
//   X-Target: NAME, X-Seen-For: the X-Forwarded-For it saw, X-Peer: the address of its peer, body
//   "NAME <path>\n" (or the request's body).
// The path chooses a fault: /status/N answers N; /delay/MS waits; /size/N
//   answers N bytes; /cut/K sends K bytes of a
// 1000-byte answer and resets; /early answers 413 before reading the body and closes; /close
// answers and closes; /head?… repeats the request's head as body. TCP echoes what it gets behind
// one greeting line "NAME\n". Prints "ready" when every endpoint listens. SIGUSR1 stops listening
// (what is connected goes on), SIGHUP lets every SYN fall, SIGUSR2 listens again. SIGRTMIN prints
// "served R C": R requests read whole, C TCP connections on which anything came (a health probe
// sends nothing). Ends with SIGTERM.
#include <signal.h>

#include <atomic>
#include <cstdio>
#include <thread>
#include <vector>

#include "net.h"

namespace {

using namespace std::chrono_literals;
using tools::Connection;
using tools::Outcome;

constexpr auto kPatience = 600s;  // targets outwait every test

std::atomic<long> requests_read{0};
std::atomic<long> connections_used{0};

std::string field(const std::string& head, const std::string& lower_name) {
  std::size_t at = 0;
  while ((at = head.find("\r\n", at)) != std::string::npos) {
    at += 2;
    const auto colon = head.find(':', at);
    if (colon == std::string::npos) break;
    std::string name = head.substr(at, colon - at);
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (name != lower_name) continue;
    const auto end = head.find("\r\n", colon);
    const auto begin = head.find_first_not_of(' ', colon + 1);
    return begin < end ? head.substr(begin, end - begin) : "";
  }
  return "";
}

bool read_chunked(Connection& connection, std::string& body) {
  std::string line;
  std::string part;
  for (;;) {
    if (connection.read_until("\r\n", line, kPatience) != Outcome::kOk) return false;
    const auto size = std::strtoul(line.c_str(), nullptr, 16);
    if (connection.read_bytes(size + 2, part, kPatience) != Outcome::kOk) return false;
    if (size == 0) return true;
    body.append(part, 0, size);
  }
}

bool read_body(Connection& connection, const std::string& head, std::string& body) {
  if (field(head, "transfer-encoding") == "chunked") return read_chunked(connection, body);
  const auto size = std::strtoul(field(head, "content-length").c_str(), nullptr, 10);
  return connection.read_bytes(size, body, kPatience) == Outcome::kOk;
}

std::string peer_text(int fd) {
  sockaddr_in peer{};
  socklen_t size = sizeof(peer);
  char text[INET_ADDRSTRLEN] = "?";
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0) {
    inet_ntop(AF_INET, &peer.sin_addr, text, sizeof(text));
  }
  return text;
}

std::string answer(int status, const std::string& name, const std::string& extra,
                   const std::string& body, bool is_head) {
  return "HTTP/1.1 " + std::to_string(status) + " Status\r\nX-Target: " + name + "\r\n" + extra +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + (is_head ? "" : body);
}

/// One exchange; false when the connection is over.
bool serve_one(Connection& connection, const std::string& name) {
  std::string head;
  if (connection.read_until("\r\n\r\n", head, kPatience) != Outcome::kOk) return false;
  const auto space = head.find(' ');
  const std::string method = head.substr(0, space);
  const std::string path = head.substr(space + 1, head.find(' ', space + 1) - space - 1);
  const auto number = [&](const char* prefix) {
    return path.starts_with(prefix) ? std::atoi(path.c_str() + std::strlen(prefix)) : -1;
  };
  if (path.starts_with("/early")) {
    connection.send_all(answer(413, name, "Connection: close\r\n", "too much\n", false), kPatience);
    return false;
  }
  if (field(head, "expect") == "100-continue") {
    connection.send_all("HTTP/1.1 100 Continue\r\n\r\n", kPatience);
  }
  std::string body;
  if (!read_body(connection, head, body)) return false;
  requests_read.fetch_add(1);
  if (const int delay = number("/delay/"); delay >= 0)
    std::this_thread::sleep_for(std::chrono::milliseconds(delay));
  if (const int cut = number("/cut/"); cut >= 0) {
    const std::string whole = answer(200, name, "", std::string(1000, 'x'), false);
    connection.send_all(whole.substr(0, static_cast<std::size_t>(cut)), kPatience);
    connection.reset();
    return false;
  }
  const int status = std::max(number("/status/"), 0);
  const std::string extra = "X-Seen-For: " + field(head, "x-forwarded-for") +
                            "\r\nX-Peer: " + peer_text(connection.fd()) + "\r\n" +
                            (path.starts_with("/close") ? "Connection: close\r\n" : "");
  const int size = number("/size/");
  const std::string text = size >= 0 ? std::string(static_cast<std::size_t>(size), 's')
                           : path.starts_with("/head") ? head
                           : body.empty()              ? name + " " + path + "\n"
                                                       : body;
  connection.send_all(answer(status == 0 ? 200 : status, name, extra, text, method == "HEAD"),
                      kPatience);
  return !path.starts_with("/close") && field(head, "connection") != "close";
}

void serve_http(Connection connection, const std::string& name) {
  while (serve_one(connection, name)) {
  }
}

void serve_tcp(Connection connection, const std::string& name) {
  if (connection.send_all(name + "\n", kPatience) != Outcome::kOk) return;
  char chunk[65536];
  for (bool is_first = true;; is_first = false) {
    const ssize_t got = ::recv(connection.fd(), chunk, sizeof(chunk), 0);
    if (got <= 0) return;
    if (is_first) connections_used.fetch_add(1);
    if (connection.send_all({chunk, static_cast<std::size_t>(got)}, kPatience) != Outcome::kOk)
      return;
  }
}

/// A listening socket with a thread that accepts; it may be closed and opened again.
class Place {
 public:
  Place(sockaddr_in address, std::string name, bool is_http)
      : address_(address), name_(std::move(name)), is_http_(is_http) {}

  /// `is_hole`: nobody accepts, the queue is full, so that every SYN is dropped.
  bool open(bool is_hole) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (::bind(fd_, reinterpret_cast<const sockaddr*>(&address_), sizeof(address_)) != 0 ||
        ::listen(fd_, is_hole ? 0 : 4096) != 0) {
      std::fprintf(stderr, "faultback: cannot listen for %s: %s\n", name_.c_str(),
                   std::strerror(errno));
      return false;
    }
    if (is_hole) {
      fill_queue();
    } else {
      thread_ = std::thread([this] { accept_all(); });
    }
    return true;
  }

  /// From now on connections are refused; those that exist go on.
  void close() {
    ::shutdown(fd_, SHUT_RD);  // wakes the accept
    if (thread_.joinable()) thread_.join();
    ::close(fd_);
    fillers_.clear();
  }

 private:
  void fill_queue() {
    for (int i = 0; i < 4; ++i) {
      fillers_.emplace_back();
      fillers_.back().connect(address_, 50ms);
    }
  }

  void accept_all() const {
    for (;;) {
      const int client = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
      if (client < 0 && errno == EINVAL) return;
      if (client < 0) continue;
      const int nodelay = 1;
      setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &nodelay, sizeof(nodelay));
      std::thread(is_http_ ? serve_http : serve_tcp, Connection(client), name_).detach();
    }
  }

  sockaddr_in address_;
  std::string name_;
  bool is_http_;
  int fd_ = -1;
  std::thread thread_;
  std::vector<Connection> fillers_;
};

bool read_places(int argc, char** argv, std::vector<Place>& places) {
  bool is_http = true;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "http" || word == "tcp") {
      is_http = word == "http";
      continue;
    }
    const auto equals = word.find('=');
    if (equals == std::string::npos) return false;
    const auto address = tools::parse_endpoint(word.substr(0, equals));
    if (!address) return false;
    places.emplace_back(*address, word.substr(equals + 1), is_http);
  }
  return !places.empty();
}

}  // namespace

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGUSR1, SIGUSR2, SIGHUP, SIGTERM, SIGRTMIN})
    sigaddset(&signals, number);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // inherited by every thread
  std::vector<Place> places;
  if (!read_places(argc, argv, places)) return 1;
  for (Place& place : places) {
    if (!place.open(false)) return 1;
  }
  std::puts("ready");
  std::fflush(stdout);
  int state = SIGUSR2;
  for (;;) {
    int number = 0;
    sigwait(&signals, &number);
    if (number == SIGTERM) std::_Exit(0);
    if (number == SIGRTMIN) {
      std::printf("served %ld %ld\n", requests_read.load(), connections_used.load());
      std::fflush(stdout);
      continue;
    }
    if (number == state) continue;
    for (Place& place : places) {
      if (state != SIGUSR1) place.close();
      if (number != SIGUSR1 && !place.open(number == SIGHUP)) return 1;
    }
    state = number;
  }
}
