// `weir node`: wires the agent, its link to control, the operator port and the signals.
#include <signal.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <iostream>

#include "agent/agent.h"
#include "agent/control_link.h"
#include "agent/handover.h"
#include "agent/node_ops.h"
#include "agent/process.h"
#include "app/node_name.h"
#include "app/notify.h"
#include "app/roles.h"
#include "app/signals.h"
#include "app/upgrade.h"
#include "base/check.h"
#include "net/socket.h"

namespace weir::app {
namespace {

/// Drain on SIGTERM. Chosen because whoever stops a node waits for it, and running requests end
/// within seconds.
constexpr std::chrono::seconds kStopDrain{5};

/// The service manager hears that the node is ready within this time of it, and later that the loop
/// turns this often. Chosen because whoever started it waits, and a watchdog counts in seconds.
constexpr std::chrono::milliseconds kReadyPause{100};
constexpr std::chrono::seconds kPulsePause{1};

/// In the order of log::Level.
constexpr std::array kLevelNames = {"debug", "info", "warning", "error"};

Result<net::ChannelAddress> control_address(const Config& config) {
  net::ChannelAddress address{config.control, {}};
  if (config.node_key_file.empty()) return address;
  std::ifstream stream(config.node_key_file);
  stream >> address.key;
  if (!address.key.empty()) return address;
  return Error{ErrorCode::kInvalidArgument, config.node_key_file + " holds no key",
               "node.key-file"};
}

Result<agent::ProxyProcess> start_proxy(const Config& config) {
  WEIR_ASSIGN_OR_RETURN(auto sockets, net::unix_pair());
  agent::ProcessOptions options;
  options.program = "/proc/self/exe";  // The very image of this node, whatever its file is by now.
  options.keeps_capabilities = false;  // It gets its sockets open, and parses what strangers send.
  options.arguments = {"weir", "proxy", "--fd", "3", "--folder", config.data_dir};
  options.arguments.insert(
      options.arguments.end(),
      {"--log-level", kLevelNames[static_cast<std::size_t>(config.log_level)], "--log-format",
       config.log_format == log::Format::kJson ? "json" : "text"});
  options.descriptor_3 = sockets.second.get();
  WEIR_ASSIGN_OR_RETURN(const pid_t pid, agent::start_process(options));
  return agent::ProxyProcess{std::move(sockets.first), pid};
}

agent::AgentOptions agent_options(const Config& config, const std::string& name) {
  agent::AgentOptions options;
  options.node_id = name;
  options.build = kBuild;
  options.region = config.region;
  options.az = config.node_az;
  options.bindings = config.bindings;
  options.check_source = config.check_source;
  options.workers = config.workers;
  options.data_dir = config.data_dir;
  options.drain_limit = std::chrono::seconds(config.drain_seconds);
  options.start_proxy = [config] { return start_proxy(config); };
  options.addresses = agent::machine_address_calls();
  options.inherited = agent::take_handover();
  return options;
}

/// The parts of a running node, made top to bottom.
class Node {
 public:
  Node(const Config& config, std::vector<std::string> arguments)
      : config_(config), upgrade_(std::move(arguments)) {}

  Result<void> start() {
    WEIR_ASSIGN_OR_RETURN(loop_, net::EventLoop::open(clock_));
    tcp_ = health::make_probe(snapshot::CheckProtocol::kTcp, *loop_);
    http_ = health::make_probe(snapshot::CheckProtocol::kHttp, *loop_);
    WEIR_ASSIGN_OR_RETURN(const net::ChannelAddress control, control_address(config_));
    WEIR_ASSIGN_OR_RETURN(const std::string name, node_name(config_));
    WEIR_ASSIGN_OR_RETURN(agent_, agent::Agent::open(*loop_, metrics_, {*tcp_, *http_},
                                                     agent_options(config_, name)));
    WEIR_ASSIGN_OR_RETURN(signals_, Signals::open(*loop_, [this](int number) { caught(number); }));
    make_link(control, name);
    agent_->start({.send = [this](const model::Frame& frame) { link_->send(frame); },
                   .report = [this](Json report) { link_->send_report(std::move(report)); }});
    link_->start();
    start_ops();
    notifier_.starting("waits for what control has at " + config_.control);
    tell_manager();
    log::info("node runs", {{"name", name},
                            {"build", kBuild},
                            {"control", config_.control},
                            {"workers", config_.workers},
                            {"data_dir", config_.data_dir}});
    return {};
  }

  void run() {
    loop_->run();
    link_->stop();
  }

 private:
  void make_link(const net::ChannelAddress& control, const std::string& name) {
    agent::ControlLinkEvents events{
        .connected = [this](bool keeps_lists) { agent_->control_connected(keeps_lists); },
        .disconnected = [this] { agent_->control_disconnected(); },
        .batch = [this](agent::Batch batch) { agent_->take_batch(std::move(batch)); },
        .ping = [this] { agent_->report_now(); },
        .question = [this](const model::Frame& question) { agent_->take_question(question); },
    };
    link_ = std::make_unique<agent::ControlLink>(
        *loop_, metrics_,
        agent::ControlLinkOptions{control, name, [this] { return agent_->hello(); }},
        std::move(events), agent_->version());
  }

  /// Traffic does not depend on this port, so a node goes on without it.
  void start_ops() {
    metrics_.value(Metric::kBuildInfo, {kBuild, "node"}).set(1);
    metrics_.add_source([this](std::vector<Sample>& out) {
      double bugs = static_cast<double>(check::bug_count());
      for (Sample& sample : agent_->samples()) {
        if (sample.metric == Metric::kBugs) {
          bugs += sample.value;  // of the proxies
        } else {
          out.push_back(std::move(sample));
        }
      }
      out.push_back({Metric::kBugs, {}, bugs});
    });
    http::ServerOptions options;
    options.listen = {config_.ops_listen};
    options.handler_threads = 2;
    auto server =
        http::Server::start(std::move(options), agent::node_ops_handler(*agent_, metrics_, clock_));
    if (server) {
      ops_ = *std::move(server);
      log::info("operator port is open", {{"address", ops_->addresses().front()}});
    } else {
      log::error("no operator port", {{"detail", server.error().message}});
    }
  }

  /// A sign of life every now and then if it is wanted, and once that this node is ready.
  void tell_manager() {
    // Also before it is ready: after an upgrade the manager's watchdog runs on.
    notifier_.pulse();
    if (!is_told_ready_ && agent::is_ready(agent_->status(), clock_)) {
      is_told_ready_ = true;
      notifier_.ready("serves");
    }
    if (is_told_ready_ && !notifier_.wants_pulse()) return;
    loop_->run_after(is_told_ready_ ? kPulsePause : kReadyPause, [this] { tell_manager(); });
  }

  void caught(int number) {
    if (number == SIGCHLD) {
      reap_children([this](pid_t pid, int status) { child_ended(pid, status); });
    } else if (number == SIGHUP) {
      // An image that takes over now would forget that this one was told to stop.
      if (!is_stopping_ && upgrade_.check(*loop_) && is_told_ready_) {
        notifier_.reloading(clock_.now());
      }
    } else {
      // Not the second of two signals: Ctrl-C in a terminal reaches a child of `weir up` twice.
      stop(number == SIGQUIT ? std::chrono::seconds(0) : kStopDrain);
    }
  }

  void child_ended(pid_t pid, int status) {
    if (!upgrade_.is_check(pid)) {
      log::info("a child process ended", {{"pid", pid}, {"status", agent::exit_text(status)}});
    } else {
      if (upgrade_.check_ended(status) && !is_stopping_) {
        upgrade_.become_next_image(agent_->sockets());
      }
      // Still here: the next image would have said it itself.
      if (is_told_ready_ && !is_stopping_) notifier_.ready("serves");
    }
  }

  void stop(std::chrono::seconds drain) {
    is_stopping_ = true;
    notifier_.stopping();
    log::info("stops", {{"drain_seconds", drain.count()}});
    agent_->stop(drain, [this] { loop_->stop(); });
  }

  const Config config_;
  const SystemClock clock_;
  const ServiceNotifier notifier_ = ServiceNotifier::from_environment();
  Metrics metrics_;
  Upgrade upgrade_;
  std::unique_ptr<net::EventLoop> loop_;
  std::unique_ptr<health::Probe> tcp_;
  std::unique_ptr<health::Probe> http_;
  std::unique_ptr<agent::Agent> agent_;
  std::unique_ptr<agent::ControlLink> link_;
  std::unique_ptr<Signals> signals_;
  std::unique_ptr<http::Server> ops_;
  bool is_stopping_ = false;
  bool is_told_ready_ = false;
};

}  // namespace

int run_node(const RoleFlags& flags, const std::vector<std::string>& arguments) {
  configure_log(flags.config, "node");
  block_signals();
  raise_descriptor_limit();
  Node node(flags.config, arguments);
  const Result<void> started = node.start();
  if (!started) {
    std::cerr << "weir node: " << to_string(started.error()) << "\n";
    return 1;
  }
  node.run();
  return 0;
}

}  // namespace weir::app
