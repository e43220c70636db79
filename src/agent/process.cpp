#include "agent/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>

#include "base/unique_fd.h"
#include "net/system_error.h"

namespace weir::agent {
namespace {

/// Runs between fork and exec, in a copy of a process with threads: only calls that are safe in a
/// signal handler. Returns only when something failed, with errno.
void become(const ProcessOptions& options, char* const* arguments, pid_t parent) {
  for (int number = 1; number < NSIG; ++number) {
    struct sigaction plain{};
    plain.sa_handler = SIG_DFL;
    // Fails for SIGKILL and SIGSTOP, which have no handler.
    static_cast<void>(sigaction(number, &plain, nullptr));
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (options.own_group) setpgid(0, 0);
  if (!options.keeps_capabilities) prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  if (options.signal_at_parent_end != 0) {
    prctl(PR_SET_PDEATHSIG, options.signal_at_parent_end);
    if (getppid() != parent) raise(options.signal_at_parent_end);
  }
  if (options.descriptor_3 >= 0) {
    if (options.descriptor_3 == 3) {
      if (fcntl(3, F_SETFD, 0) < 0) return;
    } else if (dup2(options.descriptor_3, 3) < 0) {
      return;
    }
  }
  execv(options.program.c_str(), arguments);
}

}  // namespace

Result<pid_t> start_process(const ProcessOptions& options) {
  std::vector<char*> arguments;
  for (const std::string& argument : options.arguments) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  // The new process writes its errno here when it cannot become the program; exec closes it. It
  // stands above 3, where dup2 would otherwise close it.
  std::array<int, 2> pipe_fds;
  if (pipe2(pipe_fds.data(), O_CLOEXEC) != 0) return net::system_error("start a process", errno);
  const UniqueFd reader(pipe_fds[0]);
  UniqueFd writer(fcntl(pipe_fds[1], F_DUPFD_CLOEXEC, 10));
  ::close(pipe_fds[1]);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) return net::system_error("start a process", errno);
  if (pid == 0) {
    become(options, arguments.data(), parent);
    const int number = errno;
    // Nobody is left to tell when this fails.
    [[maybe_unused]] const ssize_t told = ::write(writer.get(), &number, sizeof number);
    _exit(127);
  }
  writer.reset();
  int number = 0;
  ssize_t count = 0;
  do {
    count = ::read(reader.get(), &number, sizeof number);
  } while (count < 0 && errno == EINTR);
  if (count == 0) return pid;
  waitpid(pid, nullptr, 0);
  return net::system_error("execute " + options.program, number);
}

std::string exit_text(int wait_status) {
  if (WIFSIGNALED(wait_status)) return "signal " + std::to_string(WTERMSIG(wait_status));
  return "exit " + std::to_string(WEXITSTATUS(wait_status));
}

Result<std::string> own_program_path() {
  std::array<char, PATH_MAX> path;
  const ssize_t size = readlink("/proc/self/exe", path.data(), path.size());
  if (size <= 0) return net::system_error("read /proc/self/exe", errno);
  std::string text(path.data(), static_cast<std::size_t>(size));
  constexpr std::string_view kDeleted = " (deleted)";
  if (text.ends_with(kDeleted)) text.resize(text.size() - kDeleted.size());
  return text;
}

}  // namespace weir::agent
