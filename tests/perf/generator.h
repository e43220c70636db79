// A load generator of one thread: a fixed number of connections, as fast as they go or at an
// offered rate, and the status and length of every answer checked. Latency counts from the moment a
// request was due, so that a proxy that stalls cannot hide the requests that had to wait.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "sockets.h"

namespace bench {

struct Load {
  std::vector<sockaddr_in> to;  // Connections are shared out over them in turn.
  int connections = 1;
  std::size_t body_bytes = 100;  // What each answer must hold.
  bool is_fresh = false;         // A connection for each request; the server ends it.
  bool ends_first = false;       // With is_fresh: this side ends it, as in TCP mode.
  bool is_once = false;          // One request for each connection, which then stays idle.
  double rate = 0;               // Requests a second; 0 = as fast as the connections go.
};

struct Count {
  std::int64_t done = 0;
  std::int64_t failed = 0;
  std::int64_t reopened = 0;  // Closed by the server between two answers, which it may.
};

class Generator {
 public:
  explicit Generator(const Load& load);
  ~Generator();
  Generator(const Generator&) = delete;
  Generator& operator=(const Generator&) = delete;

  /// Sends requests until `until_ns` or, when it is not 0, until `answers` more have come.
  void run(std::int64_t until_ns, std::int64_t answers = 0);
  /// Forgets the latencies seen so far.
  void forget_latencies() { latencies_.assign(latencies_.size(), 0); }
  /// Units: us. 0 when nothing was answered.
  double latency_us(double quantile) const;
  const Count& count() const { return count_; }
  const std::string& first_failure() const { return first_failure_; }

 private:
  struct Client {
    const sockaddr_in* to = nullptr;
    int fd = -1;
    bool is_busy = false;
    bool has_sent = false;
    bool is_answered = false;  // Whole and right; only the end of the connection is awaited.
    std::int64_t due_ns = 0;
    std::string head;
    std::size_t body_left = 0;
  };

  void start(Client& client, std::int64_t due_ns);
  void send_request(Client& client);
  void serve(Client& client, std::uint32_t events);
  void take(Client& client, std::size_t size);
  bool take_head(Client& client, const char* bytes, std::size_t size, std::size_t& used);
  void finish(Client& client);
  void end(Client& client, const char* failure);
  void start_due(std::int64_t now);
  std::int64_t pause_ns(std::int64_t until_ns) const;

  Load load_;
  int poll_;
  std::string request_;
  std::vector<Client> clients_;
  std::deque<Client*> idle_;
  std::vector<std::uint32_t> latencies_;  // By slots of kLatencySlotNs.
  std::vector<char> scratch_;
  double next_due_ns_ = 0;
  Count count_;
  std::string first_failure_;
};

}  // namespace bench
