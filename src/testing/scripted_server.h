// A server on loopback whose behaviour a test writes down: one call of the script per connection,
// each on a thread of its own. Thread: made and destroyed by the test; the script runs on many.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "base/unique_fd.h"
#include "net/address.h"
#include "testing/stream.h"

namespace weir::testing {

class ScriptedServer {
 public:
  /// One connection; it is closed when the script returns.
  struct Visit {
    ScriptedServer& server;
    Stream& stream;
    int number = 0;  // counts connections from 0
  };
  using Script = std::function<void(const Visit&)>;

  explicit ScriptedServer(Script script);
  /// Answers every request with `name` as its body, keep-alive; records what it gets.
  static std::unique_ptr<ScriptedServer> named(std::string name);
  ~ScriptedServer();

  net::Endpoint endpoint() const { return endpoint_; }
  int connections() const { return connections_.load(); }
  int requests() const { return requests_.load(); }
  std::vector<Received> received() const;
  /// Refuses connections from now on; those that are open are cut.
  void stop();
  /// For scripts.
  void record(Received request);

 private:
  void accept();
  void serve(UniqueFd fd, int number);

  Script script_;
  UniqueFd listening_;
  UniqueFd wake_read_;
  UniqueFd wake_write_;
  net::Endpoint endpoint_;
  std::atomic<int> connections_{0};
  std::atomic<int> requests_{0};
  std::atomic<bool> is_stopping_{false};
  mutable Mutex mutex_;
  std::vector<Received> received_ WEIR_GUARDED_BY(mutex_);
  std::vector<int> open_ WEIR_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

/// "HTTP/1.1 200 OK" with Content-Length.
std::string ok(std::string_view body, std::string_view fields = {});

}  // namespace weir::testing
