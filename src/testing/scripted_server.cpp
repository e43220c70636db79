#include "testing/scripted_server.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>

#include "net/socket.h"

namespace weir::testing {

std::string ok(std::string_view body, std::string_view fields) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(fields) + "\r\n" + std::string(body);
}

ScriptedServer::ScriptedServer(Script script) : script_(std::move(script)) {
  listening_ = *net::tcp_listen(*net::Endpoint::parse("127.0.0.1:0"));
  endpoint_ = *net::local_endpoint(listening_.get());
  auto pair = *net::unix_pair();
  wake_read_ = std::move(pair.first);
  wake_write_ = std::move(pair.second);
  acceptor_ = std::thread([this] { accept(); });
}

std::unique_ptr<ScriptedServer> ScriptedServer::named(std::string name) {
  return std::make_unique<ScriptedServer>([name](const Visit& visit) {
    for (;;) {
      const Received request = visit.stream.request();
      if (request.head.empty()) return;
      const bool is_head = request.method() == "HEAD";
      visit.server.record(request);
      const std::string answer = ok(name);
      const std::size_t size = is_head ? answer.size() - name.size() : answer.size();
      if (!visit.stream.send(answer.substr(0, size))) return;
    }
  });
}

ScriptedServer::~ScriptedServer() { stop(); }

void ScriptedServer::stop() {
  if (is_stopping_.exchange(true)) return;
  wake_write_.reset();
  acceptor_.join();
  listening_.reset();
  {
    const MutexLock lock(mutex_);
    for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
  }
  for (std::thread& thread : threads_) thread.join();
}

void ScriptedServer::accept() {
  for (;;) {
    pollfd wanted[2] = {{listening_.get(), POLLIN, 0}, {wake_read_.get(), POLLIN, 0}};
    if (::poll(wanted, 2, -1) < 0) continue;
    if (wanted[1].revents != 0) return;
    UniqueFd fd(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd.valid()) continue;
    const int number = connections_.fetch_add(1);
    {
      const MutexLock lock(mutex_);
      open_.push_back(fd.get());
    }
    threads_.emplace_back([this, number](UniqueFd owned) { serve(std::move(owned), number); },
                          std::move(fd));
  }
}

void ScriptedServer::serve(UniqueFd fd, int number) {
  const int raw = fd.get();
  Stream stream(std::move(fd));
  script_({*this, stream, number});
  const MutexLock lock(mutex_);
  std::erase(open_, raw);
  stream.close();
}

void ScriptedServer::record(Received request) {
  const MutexLock lock(mutex_);
  received_.push_back(std::move(request));
  requests_.fetch_add(1);
}

std::vector<Received> ScriptedServer::received() const {
  const MutexLock lock(mutex_);
  return received_;
}

}  // namespace weir::testing
