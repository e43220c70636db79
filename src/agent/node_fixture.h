// A node on virtual time with everything around it in one thread, for tests: real sockets between
// the node and its proxies, engines and probes that are fakes, and a stand-in for control.
// Thread: owner.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/agent.h"
#include "agent/protocol.h"
#include "agent/proxy_role.h"
#include "base/random.h"
#include "health/fake_probe.h"
#include "model/resources.h"
#include "net/socket.h"
#include "testing/temporary_folder.h"
#include "testing/virtual_clock.h"

namespace weir::agent {

/// Remembers what it was told.
class FakeEngine final : public dataplane::Engine {
 public:
  Result<dataplane::Applied> apply(std::shared_ptr<const snapshot::Snapshot> snapshot) override {
    applied.push_back(std::move(snapshot));
    return dataplane::Applied{is_stuck ? Version() : applied.back()->version};
  }
  void mark(std::span<const dataplane::HealthMark> new_marks) override {
    marks.insert(marks.end(), new_marks.begin(), new_marks.end());
    snapshots_at_mark = applied.size();
  }
  std::vector<dataplane::DrainProgress> progress() const override { return drains; }
  void stats(std::vector<Sample>& out) const override {
    out.push_back({Metric::kListenerConnections, {"l1"}, connections});
    out.push_back({Metric::kTargetUp, {"b1", "t1"}, 1});
    for (std::size_t i = 0; i < more_samples; ++i) {
      out.push_back({Metric::kTargetUp, {"b1", "more-" + std::to_string(i)}, 1});
    }
  }
  Result<dataplane::Explanation> explain(const dataplane::Flow& flow) const override {
    dataplane::Explanation explanation = explained;
    explanation.version = newest().version;
    explanation.reason = flow.client.text();
    for (const auto& listener : newest().listeners) {
      if (listener->id == flow.listener_id) return explanation;
    }
    return Error{ErrorCode::kNotFound, "no listener " + flow.listener_id + " on this node", {}};
  }
  dataplane::Capabilities capabilities() const override { return {"fake", true, true}; }
  void stop(Instant deadline) override {
    is_stopping = true;
    stop_deadline = deadline;
  }

  const snapshot::Snapshot& newest() const { return *applied.back(); }

  std::vector<std::shared_ptr<const snapshot::Snapshot>> applied;
  std::vector<dataplane::HealthMark> marks;
  std::size_t snapshots_at_mark = 0;
  std::vector<dataplane::DrainProgress> drains;
  std::map<net::Endpoint, std::vector<UniqueFd>> sockets;
  double connections = 0;
  std::size_t more_samples = 0;
  dataplane::Explanation explained;  // its reason is replaced by the client
  bool is_stuck = false;             // no snapshot comes into force
  bool is_stopping = false;
  bool is_stopped = false;
  Instant stop_deadline;
};

/// A proxy in this very process.
struct FakeProxy {
  FakeEngine* engine = nullptr;  // made with `local`; owned by the role
  bool has_ended = false;
  std::unique_ptr<ProxyRole> role;
};

/// Starts proxies for a node, and lets them crash.
class FakeProxies {
 public:
  FakeProxies(net::EventLoop& loop, std::string folder) : loop_(loop), folder_(std::move(folder)) {}

  Result<ProxyProcess> start() {
    WEIR_ASSIGN_OR_RETURN(auto sockets, net::unix_pair());
    auto proxy = std::make_unique<FakeProxy>();
    FakeProxy* const raw = proxy.get();
    ProxyRoleOptions options;
    options.folder = folder_;
    options.build = "test";
    options.make_engine = [raw](int) { return Result<RoleEngine>(make_engine(*raw)); };
    options.ended = [this, raw] {
      raw->has_ended = true;
      loop_.post([raw] { raw->role.reset(); });
    };
    proxy->role = std::make_unique<ProxyRole>(loop_, std::move(sockets.second), std::move(options));
    all_.push_back(std::move(proxy));
    return ProxyProcess{std::move(sockets.first), 0};
  }

  void crash(std::size_t number) { all_.at(number)->role.reset(); }
  FakeProxy& at(std::size_t number) { return *all_.at(number); }
  FakeProxy& newest() { return *all_.back(); }
  std::size_t count() const { return all_.size(); }

 private:
  static RoleEngine make_engine(FakeProxy& proxy) {
    RoleEngine engine;
    auto fake = std::make_unique<FakeEngine>();
    FakeEngine* const raw = fake.get();
    proxy.engine = raw;
    engine.engine = std::move(fake);
    engine.listen = [raw](const net::Endpoint& endpoint, std::vector<UniqueFd> sockets) {
      raw->sockets[endpoint] = std::move(sockets);
      return Result<void>();
    };
    engine.unlisten = [raw](const net::Endpoint& endpoint) { raw->sockets.erase(endpoint); };
    engine.is_stopped = [raw] { return raw->is_stopped; };
    return engine;
  }

  net::EventLoop& loop_;
  const std::string folder_;
  std::vector<std::unique_ptr<FakeProxy>> all_;
};

/// The objects of one load balancer, as control would send them.
class SampleObjects {
 public:
  /// Its own address in 127.0.0.0/8, so that tests that run at once do not meet.
  SampleObjects() {
    Random random;
    vip = "127." + std::to_string(10 + random.below(200)) + "." +
          std::to_string(random.below(250)) + "." + std::to_string(1 + random.below(250));
  }

  net::Endpoint endpoint(std::uint16_t port = 8080) const {
    return {*net::IpAddress::parse(vip), port};
  }
  net::Endpoint target_endpoint(int number) const {
    return {*net::IpAddress::parse("127.0.9." + std::to_string(number)), 9000};
  }

  model::Frame load_balancer() {
    model::LoadBalancer lb;
    lb.subnet_id = "subnet-1";
    model::LoadBalancerAdmin admin;
    admin.vip = vip;
    return frame("alb-1", lb, admin);
  }
  model::Frame placement(const std::string& node = "n1") {
    model::Placement placement;
    placement.load_balancer_id = "alb-1";
    placement.node_id = node;
    return frame("placement-1", placement);
  }
  model::Frame backend(bool fails_open = false) {
    model::Backend backend;
    backend.fail_open = fails_open;
    backend.load_balancer_id = "alb-1";
    backend.protocol = model::Protocol::kHttp;
    backend.port = 9000;
    backend.target_group_ids = {"tg-1"};
    backend.health_check.protocol = model::Protocol::kTcp;
    return frame("b1", backend);
  }
  model::Frame group(int weight = 10, int count = 2) {
    model::TargetGroup group;
    model::TargetGroupAdmin admin;
    group.load_balancer_id = "alb-1";
    for (int i = 1; i <= count; ++i) {
      const std::string id = "t" + std::to_string(i);
      group.targets.push_back({.target_id = id,
                               .ip_address = target_endpoint(i).address.text(),
                               .port = 9000,
                               .weight = weight});
      admin.slots.push_back({.target_id = id, .slot = static_cast<std::uint16_t>(i)});
    }
    return frame("tg-1", group, admin);
  }
  model::Frame listener(std::uint16_t port = 8080, const std::string& id = "l1") {
    model::Listener listener;
    listener.load_balancer_id = "alb-1";
    listener.protocol = model::Protocol::kHttp;
    listener.port = port;
    listener.backend_id = "b1";
    return frame(id, listener);
  }
  model::Frame drain(std::uint16_t slot) {
    model::Drain drain;
    drain.load_balancer_id = "alb-1";
    drain.group_id = "tg-1";
    drain.draining_seconds = 3600;
    drain.services = {{"b1", 9000}};
    drain.targets = {{"t-" + std::to_string(slot), slot, "127.0.9.9", 0}};
    drain.deadline = "2026-01-01T02:00:00Z";
    return frame("drain-1", drain);
  }
  model::Frame removed(std::string_view kind, std::string_view id) {
    model::Frame frame = signal_frame(kind, id, next());
    frame.is_tombstone = true;
    return frame;
  }

  Batch full() {
    return batch({load_balancer(), placement(), backend(), group(), listener()}, true);
  }
  Batch delta(std::vector<model::Frame> frames) { return batch(std::move(frames), false); }

  template <class T>
  model::Frame frame(const std::string& id, const T& spec, const typename T::Admin& admin = {}) {
    model::Object object;
    object.kind = T::kKind;
    object.id = id;
    object.name = id;
    object.created = "2026-01-01T00:00:00Z";
    object.spec = model::to_json(spec);
    object.admin = model::to_json(admin);
    model::Frame frame = signal_frame(model::kind_name(T::kKind), id, next());
    frame.body = model::stored_text(object);
    return frame;
  }

  std::string vip;
  Version version{Epoch(1), Revision(0)};

 private:
  Version next() {
    ++version.revision.value;
    return version;
  }
  Batch batch(std::vector<model::Frame> frames, bool is_full) {
    return {.version = version, .is_full = is_full, .frames = std::move(frames)};
  }
};

/// What stays when the node goes: time, loop, folder, proxies.
struct NodeGround {
  NodeGround() {
    auto opened = net::EventLoop::open(clock);
    WEIR_CHECK(opened.ok());
    loop = *std::move(opened);
    proxies = std::make_unique<FakeProxies>(*loop, folder.path());
  }
  ~NodeGround() { proxies.reset(); }

  /// Everything that is due now, until nothing moves any more.
  void settle() {
    for (int quiet = 0; quiet < 3;)
      quiet = loop->turn(std::chrono::milliseconds(0)) ? 0 : quiet + 1;
  }
  void run_for(std::chrono::milliseconds length) {
    constexpr std::chrono::milliseconds kStep{10};
    settle();
    for (; length.count() > 0; length -= kStep) {
      clock.advance(kStep);
      settle();
    }
  }

  weir::testing::TemporaryFolder folder;
  weir::testing::VirtualClock clock;
  std::unique_ptr<net::EventLoop> loop;
  std::unique_ptr<FakeProxies> proxies;
};

/// One run of `weir node` on that ground.
class FakeNode {
 public:
  explicit FakeNode(NodeGround& ground, std::vector<Binding> bindings = {},
                    AddressCalls addresses = {}, net::IpAddress check_source = {})
      : ground_(ground), tcp(*ground.loop), http(*ground.loop) {
    AgentOptions options;
    options.node_id = "n1";
    options.build = "test";
    options.region = "local";
    options.az = "local-1a";
    options.bindings = std::move(bindings);
    options.workers = 2;
    options.data_dir = ground.folder.path();
    options.addresses = std::move(addresses);
    options.check_source = check_source;
    options.start_proxy = [&ground] { return ground.proxies->start(); };
    auto opened = Agent::open(*ground.loop, metrics, {tcp, http}, std::move(options));
    WEIR_CHECK(opened.ok());
    agent = *std::move(opened);
  }

  void start() {
    agent->start({.send = [this](const model::Frame& frame) { sent.push_back(frame); },
                  .report =
                      [this](const Json& report) {
                        sent.push_back(message_frame(message::kReport, "n1", report));
                      }});
    ground_.run_for(std::chrono::milliseconds(50));
  }
  void take(Batch batch) {
    agent->take_batch(std::move(batch));
    ground_.run_for(std::chrono::milliseconds(50));
  }
  /// The body of the newest report.
  Json report() {
    agent->report_now();
    return *parse_json(sent.back().body);
  }
  FakeEngine& engine() { return *ground_.proxies->newest().engine; }

 private:
  NodeGround& ground_;

 public:
  Metrics metrics;
  health::FakeProbe tcp;
  health::FakeProbe http;
  std::vector<model::Frame> sent;
  std::unique_ptr<Agent> agent;
};

}  // namespace weir::agent
