// What one worker is made of. Its connections, exchanges and relays hold a reference and find here
// what they share. Thread: one worker.
#pragma once

#include <memory>

#include "dataplane/proxy/connection.h"
#include "dataplane/proxy/counters.h"
#include "dataplane/proxy/directory.h"
#include "dataplane/proxy/exchange.h"
#include "dataplane/proxy/limits.h"
#include "dataplane/proxy/reactor.h"
#include "dataplane/proxy/retry_budget.h"
#include "dataplane/proxy/slab.h"
#include "dataplane/proxy/tcp_relay.h"
#include "dataplane/proxy/upstream_pool.h"
#include "http/h1_head.h"

namespace weir::dataplane::proxy {

struct Parts {
  Parts(std::unique_ptr<Reactor> made, const Limits& worker_limits, WorkerCounters& worker_counters,
        std::size_t worker, std::size_t workers, UpstreamCodecs& codecs,
        UpstreamPool::ConnectFailed connect_failed)
      : limits(worker_limits),
        counters(worker_counters),
        reactor(std::move(made)),
        directory(*reactor, worker, workers),
        pool(*reactor, limits, counters, codecs, std::move(connect_failed)),
        retries(reactor->now()) {}

  // Constant after construction.
  const Limits limits;
  WorkerCounters& counters;

  std::unique_ptr<Reactor> reactor;
  Directory directory;
  UpstreamPool pool;
  RetryBudget retries;
  Slab<Connection> connections;
  Slab<Exchange> exchanges;
  Slab<TcpRelay> relays;
  /// Counts the retry, or its refusal.
  bool take_retry() {
    const bool is_granted = retries.spend(reactor->now());
    (is_granted ? counters.retries : counters.retry_refusals).add();
    return is_granted;
  }

  http::RequestHead request_head;  // of the request being read
  bool is_stopping = false;        // every response ends its connection
};

}  // namespace weir::dataplane::proxy
