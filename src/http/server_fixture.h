// Tests of the server: a server on port 0 and a raw socket that says exactly what a test wants.
// Only tests include it. Thread: the test's.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <string>

#include "base/unique_fd.h"
#include "http/server.h"
#include "net/address.h"

namespace weir::http {

inline Instant within(int seconds) {
  return std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
}

/// A TCP connection with blocking calls of at most ten seconds.
class RawConnection {
 public:
  explicit RawConnection(const std::string& address) {
    const auto endpoint = net::Endpoint::parse(address);
    const net::SocketAddress to = net::socket_address(endpoint.value());
    fd_.reset(::socket(to.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const timeval limit{10, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    is_connected_ = ::connect(fd_.get(), to.get(), to.size) == 0;
  }
  bool is_connected() const { return is_connected_; }
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t size = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (size <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(size));
    }
    return true;
  }
  void finish_sending() { ::shutdown(fd_.get(), SHUT_WR); }
  /// Everything until the server closes (or ten seconds of silence).
  std::string read_all() {
    std::string all;
    char block[4096];
    for (ssize_t size; (size = ::recv(fd_.get(), block, sizeof block, 0)) > 0;) {
      all.append(block, static_cast<std::size_t>(size));
    }
    return all;
  }
  /// Reads until `text` has been seen; false when the server closed before.
  bool read_until(std::string_view text) {
    char block[4096];
    while (seen_.find(text) == std::string::npos) {
      const ssize_t size = ::recv(fd_.get(), block, sizeof block, 0);
      if (size <= 0) return false;
      seen_.append(block, static_cast<std::size_t>(size));
    }
    return true;
  }
  const std::string& seen() const { return seen_; }

 private:
  UniqueFd fd_;
  bool is_connected_ = false;
  std::string seen_;
};

/// "GET /path?x=1 -> body" for every request.
inline Response echo(const Request& request) {
  Response response;
  response.content_type = "text/plain";
  response.body = request.method;
  for (const std::string& segment : request.path) response.body += " " + segment;
  for (const auto& [key, value] : request.query) response.body += " " + key + "=" + value;
  response.body += " [" + request.body + "]";
  return response;
}

class ServerTest : public ::testing::Test {
 protected:
  void start(Handler handler = echo) {
    options.listen = {"127.0.0.1:0"};
    auto started = Server::start(options, std::move(handler));
    ASSERT_TRUE(started) << to_string(started.error());
    server = *std::move(started);
    address = server->addresses().at(0);
  }
  /// Sends bytes on a connection of their own and returns the whole answer.
  std::string answer(std::string_view bytes) {
    RawConnection connection(address);
    connection.send(bytes);
    return connection.read_all();
  }
  /// The status code of the first answer, 0 when there was none.
  int status(std::string_view bytes) {
    const std::string all = answer(bytes);
    return all.starts_with("HTTP/1.") ? std::stoi(all.substr(9, 3)) : 0;
  }

  Metrics metrics;
  ServerOptions options;
  std::string address;
  std::unique_ptr<Server> server;
};

}  // namespace weir::http
