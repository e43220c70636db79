// `weir demo`: the child of `weir up --demo` that runs the demonstration.
#include <signal.h>

#include <iostream>

#include "app/demo.h"
#include "app/roles.h"
#include "app/signals.h"

namespace weir::app {
namespace {

/// From the start of all parts to the first answer. Chosen because a slow laptop needs some
/// seconds. Reached: the demonstration ends with an error.
constexpr std::chrono::seconds kDemoPatience{60};

}  // namespace

int run_demo(const RoleFlags& flags) {
  configure_log(flags.config, "demo");
  const SystemClock clock;
  // The setting up waits a lot, so signals end it as they do any program; then they are followed.
  signal(SIGPIPE, SIG_IGN);
  Demo demo(flags.config.data_dir, flags.config.node_az);
  const Result<void> started = demo.start(clock.now() + kDemoPatience);
  if (!started) {
    std::cerr << "weir demo: " << to_string(started.error()) << "\n";
    return 1;
  }
  std::cout << demo.greeting() << std::flush;
  block_signals();
  auto loop = net::EventLoop::open(clock);
  if (!loop) return 1;
  const auto signals = Signals::open(**loop, [&loop](int) { (*loop)->stop(); });
  if (!signals) return 1;
  (*loop)->run();
  return 0;
}

}  // namespace weir::app
