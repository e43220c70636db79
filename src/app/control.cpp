// `weir control`: the control plane alone, until it is told to stop.
#include <signal.h>

#include <iostream>

#include "api/control_server.h"
#include "app/notify.h"
#include "app/roles.h"
#include "app/signals.h"
#include "base/check.h"

namespace weir::app {
namespace {

/// How long running calls may take when control stops. Chosen because a call is bounded by the
/// server's own time limits, and whoever restarts control waits for it. Reached: calls that still
/// run are cut.
constexpr std::chrono::seconds kStopPatience{3};

api::ControlOptions control_options(const Config& config) {
  api::ControlOptions options;
  options.data_dir = config.data_dir;
  options.api = {config.api_listen, config.api_tls_certificate, config.api_tls_key,
                 config.api_allows_plain_http};
  options.stream_listen = config.stream_listen;
  options.hosts = config.api_hosts;
  options.region = {.id = config.region, .azs = config.azs};
  options.pools = config.pools;
  options.quotas = config.quotas;
  options.ops_listen = config.ops_listen;
  options.build = kBuild;
  return options;
}

}  // namespace

int run_control(const RoleFlags& flags) {
  configure_log(flags.config, "control");
  block_signals();
  const SystemClock clock;
  Metrics metrics;
  metrics.value(Metric::kBuildInfo, {kBuild, "control"}).set(1);
  metrics.add_source([](std::vector<Sample>& out) {
    out.push_back({Metric::kBugs, {}, static_cast<double>(check::bug_count())});
  });
  auto loop = net::EventLoop::open(clock);
  auto server = api::ControlServer::start(control_options(flags.config), metrics, clock);
  if (!loop || !server) {
    const Error& problem = loop ? server.error() : loop.error();
    std::cerr << "weir control: " << to_string(problem) << "\n";
    return 1;
  }
  const auto signals = Signals::open(**loop, [&](int number) {
    if (number == SIGHUP) (*server)->reload_certificate();
    if (number == SIGTERM || number == SIGINT || number == SIGQUIT) (*loop)->stop();
  });
  if (!signals) return 1;
  log::info("control runs", {{"api", (*server)->api_endpoint()},
                             {"build", kBuild},
                             {"credentials", (*server)->credentials_path()}});
  const ServiceNotifier notifier = ServiceNotifier::from_environment();
  notifier.ready("answers at " + (*server)->api_endpoint());
  (*loop)->run();
  log::info("stops");
  notifier.stopping();
  (*server)->stop(clock.now() + kStopPatience);
  return 0;
}

}  // namespace weir::app
