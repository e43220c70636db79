// A proxy engine on loopback with a Snapshot that a test edits: services with scripted targets,
// listeners on ports the kernel picks. Thread: the test's.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "dataplane/proxy/engine.h"
#include "net/socket.h"
#include "testing/scripted_server.h"
#include "testing/stream.h"
#include "testing/virtual_clock.h"

namespace weir::dataplane::proxy {

using weir::testing::Received;
using weir::testing::Reply;
using weir::testing::ScriptedServer;
using weir::testing::Stream;
using Visit = ScriptedServer::Visit;

class EngineFixture : public ::testing::Test {
 protected:
  // Workers call back until they are joined.
  ~EngineFixture() override { engine_.reset(); }
  /// Call first where one worker and real time will not do.
  void start(Options options) {
    options.clock = options.clock == nullptr ? &clock_ : options.clock;
    workers_ = options.workers;
    Callbacks callbacks;
    callbacks.connect_failed = [this](const snapshot::TargetKey& target) {
      const MutexLock lock(mutex_);
      connect_failures_.push_back(target);
    };
    auto opened = ProxyEngine::open(options, std::move(callbacks));
    ASSERT_TRUE(opened.ok());
    engine_ = *std::move(opened);
  }
  /// Time stands still but for advance().
  void start_virtual(Limits limits = {}) {
    start({.workers = 1, .clock = &virtual_clock_, .limits = limits});
  }
  void advance(std::chrono::nanoseconds by) {
    virtual_clock_.advance(by);
    engine().wake();
  }
  ProxyEngine& engine() {
    if (engine_ == nullptr) start({});
    return *engine_;
  }

  snapshot::Service& add_service(const std::string& id, snapshot::Protocol protocol) {
    snapshot::Service& service = services_[id];
    service.id = service.name = id;
    service.group_id = "tg-" + id;
    service.protocol = protocol;
    return service;
  }
  static snapshot::Target target(int slot, const net::Endpoint& endpoint, int weight = 10) {
    snapshot::Target made;
    made.id = "target-" + std::to_string(slot);
    made.slot = Slot(static_cast<std::uint16_t>(slot));
    made.endpoint = endpoint;
    made.weight = weight;
    made.takes_new = true;
    return made;
  }
  static snapshot::TargetKey key(const snapshot::Service& service, int slot) {
    return {service.id, service.group_id, Slot(static_cast<std::uint16_t>(slot))};
  }
  /// A service with these targets in slots 1, 2, ...
  snapshot::Service& add_service(const std::string& id, snapshot::Protocol protocol,
                                 const std::vector<net::Endpoint>& targets) {
    snapshot::Service& service = add_service(id, protocol);
    for (std::size_t i = 0; i < targets.size(); ++i) {
      service.targets.push_back(target(static_cast<int>(i) + 1, targets[i]));
    }
    return service;
  }
  /// Opens one socket per worker on a port of 127.0.0.1 and gives them to the engine.
  snapshot::Listener& add_listener(const std::string& id, const std::string& service) {
    engine();
    snapshot::Listener& listener = listeners_[id];
    listener.id = listener.name = id;
    listener.protocol = services_.at(service).protocol;
    routes_[id] = service;
    std::vector<UniqueFd> sockets;
    listener.endpoint = *net::Endpoint::parse("127.0.0.1:0");
    for (std::size_t i = 0; i < workers_; ++i) {
      sockets.push_back(*net::tcp_listen(listener.endpoint, {.reuse_port = true}));
      listener.endpoint = *net::local_endpoint(sockets.back().get());
      if (send_buffer_ > 0) {
        EXPECT_EQ(::setsockopt(sockets.back().get(), SOL_SOCKET, SO_SNDBUF, &send_buffer_,
                               sizeof send_buffer_),
                  0);
      }
    }
    EXPECT_TRUE(engine().add_listener(listener.endpoint, std::move(sockets)).ok());
    return listener;
  }

  /// A record of one target, which may run on for `time` as this moment `now` counts it.
  void add_drain(const snapshot::TargetKey& target, std::chrono::seconds time, WallTime now) {
    snapshot::Drain drain{.id = "drain-" + std::to_string(1000 + drains_.size()),
                          .group_id = target.group,
                          .services = {target.service},
                          .slots = {target.slot},
                          .time = time,
                          .deadline = now + time};
    drains_.push_back(std::make_shared<const snapshot::Drain>(std::move(drain)));
  }

  void apply() {
    auto made = std::make_shared<snapshot::Snapshot>();
    made->version = Version{Epoch(1), Revision(++revision_)};
    for (const auto& [id, service] : services_) {
      made->services.push_back(std::make_shared<const snapshot::Service>(service));
    }
    for (const auto& [id, listener] : listeners_) {
      snapshot::Listener routed = listener;
      for (const auto& service : made->services) {
        if (service->id == routes_.at(id)) routed.route.push_back({service, 1});
      }
      made->listeners.push_back(std::make_shared<const snapshot::Listener>(routed));
    }
    made->drains = drains_;
    const auto applied = engine().apply(made);
    ASSERT_TRUE(applied.ok());
    EXPECT_EQ(applied->version, made->version);
  }

  /// One HTTP service "web" with these targets behind one listener, in force. Returns where to
  /// connect.
  net::Endpoint serve_http(const std::vector<net::Endpoint>& targets) {
    return serve(snapshot::Protocol::kHttp, targets);
  }
  net::Endpoint serve_tcp(const std::vector<net::Endpoint>& targets) {
    return serve(snapshot::Protocol::kTcp, targets);
  }

  static Stream connect_from(const net::IpAddress& source, const net::Endpoint& front) {
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const net::SocketAddress own = net::socket_address({source, 0});
    const net::SocketAddress there = net::socket_address(front);
    const bool is_connected = ::bind(fd.get(), own.get(), own.size) == 0 &&
                              ::connect(fd.get(), there.get(), there.size) == 0;
    return Stream(is_connected ? std::move(fd) : UniqueFd());
  }

  /// Value of one sample, summed over those whose labels begin with `labels`.
  double sample(Metric metric, const std::vector<std::string>& labels = {}) {
    std::vector<Sample> samples;
    engine().stats(samples);
    double sum = 0;
    for (const Sample& found : samples) {
      if (found.metric != metric) continue;
      if (std::equal(labels.begin(), labels.end(), found.labels.begin())) sum += found.value;
    }
    return sum;
  }
  /// The value of a counter of bytes once it has begun to grow and stands still.
  double settled(Metric metric) {
    double last = 0;
    // Looks at the same value. Chosen because a worker that still moves bytes shows in far fewer.
    for (int same = 0; same < 5000; ++same) {
      const double now = sample(metric);
      if (now == 0 || now != last) same = 0;
      last = now;
      std::this_thread::yield();
    }
    return last;
  }
  double failures(const std::string& reason) {
    return sample(Metric::kListenerFailures, {"front", reason});
  }
  std::vector<snapshot::TargetKey> connect_failures() {
    const MutexLock lock(mutex_);
    return connect_failures_;
  }

  SystemClock clock_;
  weir::testing::VirtualClock virtual_clock_;
  std::size_t workers_ = 1;
  int send_buffer_ = 0;  // bytes towards clients of listeners added from now on; 0 = the system's
  std::map<std::string, snapshot::Service> services_;
  std::map<std::string, snapshot::Listener> listeners_;
  std::map<std::string, std::string> routes_;
  std::vector<std::shared_ptr<const snapshot::Drain>> drains_;
  std::unique_ptr<ProxyEngine> engine_;

 private:
  net::Endpoint serve(snapshot::Protocol protocol, const std::vector<net::Endpoint>& targets) {
    add_service("web", protocol, targets);
    const net::Endpoint endpoint = add_listener("front", "web").endpoint;
    apply();
    return endpoint;
  }

  std::uint64_t revision_ = 0;
  Mutex mutex_;
  std::vector<snapshot::TargetKey> connect_failures_ WEIR_GUARDED_BY(mutex_);
};

/// A port where a connect gets no answer: a full accept queue drops every further SYN.
class SilentPort {
 public:
  SilentPort() : hole_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const auto loopback = net::socket_address(*net::Endpoint::parse("127.0.0.1:0"));
    EXPECT_EQ(::bind(hole_.get(), loopback.get(), loopback.size), 0);
    EXPECT_EQ(::listen(hole_.get(), 0), 0);
    filler_ = Stream::connect(endpoint());
  }
  net::Endpoint endpoint() const { return *net::local_endpoint(hole_.get()); }

 private:
  UniqueFd hole_;
  Stream filler_{UniqueFd()};
};

/// Waits until `holds`, for what another thread does soon.
template <class Condition>
::testing::AssertionResult soon(Condition&& holds) {
  const Instant deadline = SystemClock().now() + std::chrono::seconds(20);
  while (!holds()) {
    if (SystemClock().now() > deadline) return ::testing::AssertionFailure() << "not within 20 s";
    std::this_thread::yield();
  }
  return ::testing::AssertionSuccess();
}

inline std::string get(std::string_view path = "/", std::string_view fields = {}) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: www.example.org\r\n" +
         std::string(fields) + "\r\n";
}

inline std::string post(std::string_view body, std::string_view fields = {}) {
  return "POST /in HTTP/1.1\r\nHost: www.example.org\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n" + std::string(fields) + "\r\n" + std::string(body);
}

}  // namespace weir::dataplane::proxy
