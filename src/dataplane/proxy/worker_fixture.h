// One worker without an engine around it, serving one HTTP target, for tests that replace or watch
// its inside. Thread: the test's; the worker runs on one of its own.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <thread>

#include "base/clock.h"
#include "dataplane/proxy/worker.h"
#include "net/socket.h"

namespace weir::dataplane::proxy {

class WorkerFixture : public ::testing::Test {
 protected:
  /// `codecs` may be null: HTTP/1.1. `first` runs on the worker's thread before its loop.
  void run(const net::Endpoint& target, UpstreamCodecs* codecs, std::function<void()> first = {}) {
    Worker::Options options;
    options.clock = &clock_;
    options.descriptors = 1000;
    options.codecs = codecs;
    worker_ = *Worker::open(std::move(options), counters_.of(0));
    UniqueFd socket = *net::tcp_listen(*net::Endpoint::parse("127.0.0.1:0"));
    front_ = *net::local_endpoint(socket.get());
    Mail mail;
    mail.plan = planner_.plan(snapshot(target), nullptr);
    mail.listeners.push_back({front_, {}});
    mail.listeners.back().sockets.push_back(std::move(socket));
    worker_->mailbox().post(std::move(mail));
    thread_ = std::thread([this, first] {
      if (first) first();
      worker_->run();
    });
  }
  ~WorkerFixture() override { stop(); }

  /// Before what `run` was given goes.
  void stop() {
    if (!thread_.joinable()) return;
    Mail mail;
    mail.stop_at = clock_.now();
    worker_->mailbox().post(std::move(mail));
    thread_.join();
    worker_.reset();
  }

  SystemClock clock_;
  PerWorker<WorkerCounters> counters_{1};
  Planner planner_{1};
  net::Endpoint front_;
  std::unique_ptr<Worker> worker_;

 private:
  std::unique_ptr<snapshot::Snapshot> snapshot(const net::Endpoint& target) const {
    auto service = std::make_unique<snapshot::Service>();
    service->id = "web";
    service->protocol = snapshot::Protocol::kHttp;
    service->targets.push_back(
        {.id = "t", .slot = Slot(1), .endpoint = target, .takes_new = true, .excluded = {}});
    auto listener = std::make_unique<snapshot::Listener>();
    listener->id = "front";
    listener->endpoint = front_;
    listener->protocol = snapshot::Protocol::kHttp;
    auto made = std::make_unique<snapshot::Snapshot>();
    made->services.push_back(std::move(service));
    listener->route.push_back({made->services.front(), 1});
    made->listeners.push_back(std::move(listener));
    return made;
  }

  std::thread thread_;
};

}  // namespace weir::dataplane::proxy
