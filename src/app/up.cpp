// `weir up`: control and node (and the demonstration) as children of one process on one machine.
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <iostream>
#include <vector>

#include "agent/process.h"
#include "app/roles.h"
#include "app/signals.h"

namespace weir::app {
namespace {

/// A part that ends with an error sooner than this has failed to start. Chosen because a part that
/// can start says so within a second. Reached: an error is no failed start any more: the part is
/// started again.
constexpr std::chrono::seconds kStartPatience{3};
/// Pause before a part is started again: doubles from the first to the last while it dies young.
constexpr std::chrono::milliseconds kRestartPauseMin{100};
constexpr std::chrono::milliseconds kRestartPauseMax{5000};
/// Parts that have not ended by then are killed. Chosen because a node drains for 5 s. Reached:
/// SIGKILL.
constexpr std::chrono::seconds kStopPatience{12};
/// A signal that follows another this closely is the same wish. Chosen because `timeout` and shells
/// send one to the child and one to its group, and nobody asks twice within a second. Reached: the
/// drain is cut.
constexpr std::chrono::seconds kOneWish{1};

struct Part {
  std::string name;
  std::vector<std::string> flags;
  pid_t pid = -1;
  bool has_run = false;  // longer than kStartPatience, once
  Instant started{};
  std::chrono::milliseconds pause{0};
};

class Up {
 public:
  explicit Up(const RoleFlags& flags)
      : data_dir_(flags.config.data_dir),
        program_(agent::own_program_path().value_or("/proc/self/exe")) {
    parts_.push_back({.name = "control", .flags = flags.control_flags});
    parts_.push_back({.name = "node", .flags = flags.node_flags});
    if (flags.is_demo) parts_.push_back({.name = "demo", .flags = flags.all_flags});
  }

  int run() {
    auto loop = net::EventLoop::open(clock_);
    if (!loop) return 1;
    loop_ = *std::move(loop);
    auto signals = Signals::open(*loop_, [this](int number) { caught(number); });
    if (!signals) return 1;
    for (Part& part : parts_) start(part);
    loop_->run();
    return exit_status_;
  }

 private:
  void start(Part& part) {
    if (is_stopping_) return;
    agent::ProcessOptions options;
    options.program = program_;
    options.arguments = {"weir", part.name};
    options.arguments.insert(options.arguments.end(), part.flags.begin(), part.flags.end());
    options.arguments.insert(options.arguments.end(), {"--data-dir", data_dir_});
    options.signal_at_parent_end = SIGTERM;
    part.started = clock_.now();
    const Result<pid_t> pid = agent::start_process(options);
    if (pid) {
      part.pid = *pid;
      log::info("started", {{"part", part.name}, {"pid", part.pid}});
      return;
    }
    log::error("cannot start", {{"part", part.name}, {"detail", pid.error().message}});
    start_later(part);
  }

  void caught(int number) {
    if (number == SIGCHLD) {
      reap_children([this](pid_t pid, int status) { ended(pid, status); });
    } else if (number == SIGHUP) {
      upgrade();
    } else if (!is_stopping_) {
      stop(0, number == SIGQUIT ? SIGQUIT : SIGTERM);
    } else if (number == SIGQUIT || clock_.now() - stop_began_ > kOneWish) {
      // Whoever asks twice is in a hurry. No SIGKILL: proxies outlive a node that dies.
      signal_all(SIGQUIT);
    }
  }

  /// The node puts the new program in its own place; control is short-lived state over its store.
  void upgrade() {
    for (const Part& part : parts_) {
      if (part.pid > 0) kill(part.pid, part.name == "node" ? SIGHUP : SIGTERM);
    }
  }

  void ended(pid_t pid, int status) {
    for (Part& part : parts_) {
      if (part.pid == pid) part_ended(part, status);
    }
    if (is_stopping_ && is_all_ended()) loop_->stop();
  }

  void part_ended(Part& part, int status) {
    part.pid = -1;
    if (is_stopping_) return;
    const bool was_young = clock_.now() - part.started < kStartPatience;
    part.has_run = part.has_run || !was_young;
    // One that was killed has not failed by itself.
    if (!part.has_run && WIFEXITED(status) && WEXITSTATUS(status) != 0) {
      std::cerr << "weir up: " << part.name << " could not start (" << agent::exit_text(status)
                << "), see its message above\n";
      stop(1, SIGTERM);
      return;
    }
    log::warning("ended, starts again",
                 {{"part", part.name}, {"status", agent::exit_text(status)}});
    if (!was_young) part.pause = std::chrono::milliseconds(0);
    start_later(part);
  }

  void start_later(Part& part) {
    part.pause = std::clamp(part.pause * 2, kRestartPauseMin, kRestartPauseMax);
    loop_->run_after(part.pause, [this, &part] { start(part); });
  }

  void stop(int exit_status, int number) {
    is_stopping_ = true;
    stop_began_ = clock_.now();
    exit_status_ = exit_status;
    log::info("stops everything");
    signal_all(number);
    loop_->run_after(kStopPatience, [this] { signal_all(SIGKILL); });
    if (is_all_ended()) loop_->stop();
  }

  void signal_all(int number) {
    for (const Part& part : parts_) {
      if (part.pid > 0) kill(part.pid, number);
    }
  }

  bool is_all_ended() const {
    return std::ranges::all_of(parts_, [](const Part& part) { return part.pid < 0; });
  }

  const std::string data_dir_;
  const std::string program_;
  const SystemClock clock_;
  std::unique_ptr<net::EventLoop> loop_;
  std::vector<Part> parts_;
  bool is_stopping_ = false;
  Instant stop_began_{};
  int exit_status_ = 0;
};

}  // namespace

int run_up(const RoleFlags& flags) {
  configure_log(flags.config, "up");
  block_signals();
  return Up(flags).run();
}

}  // namespace weir::app
