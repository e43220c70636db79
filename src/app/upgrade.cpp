#include "app/upgrade.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "agent/handover.h"
#include "agent/process.h"
#include "base/log.h"
#include "net/system_error.h"

namespace weir::app {

Upgrade::Upgrade(std::vector<std::string> arguments)
    : arguments_(std::move(arguments)),
      program_(agent::own_program_path().value_or("/proc/self/exe")) {}

bool Upgrade::check(net::EventLoop& loop) {
  if (check_pid_ > 0) return false;
  agent::ProcessOptions options{.program = program_, .arguments = arguments_};
  options.arguments.push_back("--check");
  const Result<pid_t> started = agent::start_process(options);
  if (!started) {
    log::error("upgrade refused", {{"program", program_}, {"detail", started.error().message}});
    return false;
  }
  check_pid_ = *started;
  log::info("upgrade: checks the new program", {{"program", program_}, {"pid", check_pid_}});
  loop.run_after(kUpgradeCheckMax, [this, pid = *started] {
    if (check_pid_ == pid) kill(pid, SIGKILL);
  });
  return true;
}

bool Upgrade::check_ended(int wait_status) {
  check_pid_ = -1;
  if (wait_status == 0) return true;
  log::error("upgrade refused: the new program does not start, this one goes on",
             {{"program", program_}, {"status", agent::exit_text(wait_status)}});
  return false;
}

void Upgrade::become_next_image(const agent::ListenSockets& sockets) {
  Result<UniqueFd> list = agent::write_handover(sockets);
  if (!list) {
    log::error("upgrade failed, this program goes on", {{"detail", list.error().message}});
    return;
  }
  log::info("upgrade: becomes the new program", {{"program", program_}});
  std::vector<char*> arguments;
  for (const std::string& argument : arguments_) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  setenv(agent::kHandoverVariable, std::to_string(list->get()).c_str(), 1);
  execv(program_.c_str(), arguments.data());
  const Error problem = net::system_error("execute " + program_, errno);
  unsetenv(agent::kHandoverVariable);
  agent::cancel_handover(sockets);
  log::error("upgrade failed, this program goes on", {{"detail", problem.message}});
}

}  // namespace weir::app
