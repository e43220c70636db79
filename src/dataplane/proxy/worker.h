// One thread of the data plane, with a loop, connections, pools, pickers and counters of its own;
// it shares the immutable plan, and what that carries for all workers: marks, counts of connections
// and persistence. The engine makes it, mails it, and joins it. Thread:
// run() is the worker's; the rest is the agent loop's, is_stopped() any.
#pragma once

#include <atomic>
#include <memory>

#include "dataplane/proxy/acceptor.h"
#include "dataplane/proxy/h1_upstream.h"
#include "dataplane/proxy/mailbox.h"
#include "dataplane/proxy/parts.h"

namespace weir::dataplane::proxy {

class Worker {
 public:
  struct Options {
    std::size_t index = 0;
    std::size_t count = 1;  // workers of the engine
    const Clock* clock = nullptr;
    Limits limits;
    std::size_t descriptors = 0;       // sockets this worker may have open
    UpstreamCodecs* codecs = nullptr;  // null: HTTP/1.1
    UpstreamPool::ConnectFailed connect_failed;
  };
  /// Errors:  kUnavailable
  static Result<std::unique_ptr<Worker>> open(Options options, WorkerCounters& counters);

  /// Until it is told to stop and no client is left, or the deadline has passed.
  void run();
  Mailbox& mailbox() { return *mailbox_; }
  bool is_stopped() const { return is_stopped_.load(); }

 private:
  /// What the system may refuse.
  struct Resources {
    std::unique_ptr<Reactor> reactor;
    std::unique_ptr<Mailbox> mailbox;
  };
  Worker(Options options, WorkerCounters& counters, Resources resources);

  void turn();
  void read_mail();
  void handle(Tag tag, std::uint32_t events);
  void handle_again(Tag tag);
  void fire(Timed& timer);
  void close_dead_upstreams(std::span<const epoll_event> events);
  void cut_all();
  void sweep();
  bool is_done() const { return parts_.is_stopping && parts_.counters.clients.get() == 0; }

  std::unique_ptr<Mailbox> mailbox_;
  H1Upstreams h1_;
  Parts parts_;
  Acceptor acceptor_;
  Timed stop_timer_{TimerKind::kStop};
  std::atomic<bool> is_stopped_{false};
};

}  // namespace weir::dataplane::proxy
