#include "app/signals.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "net/system_error.h"

namespace weir::app {
namespace {

sigset_t handled_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGCHLD}) sigaddset(&set, number);
  return set;
}

}  // namespace

void block_signals() {
  const sigset_t set = handled_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

Result<std::unique_ptr<Signals>> Signals::open(net::EventLoop& loop, Caught caught) {
  const sigset_t set = handled_signals();
  UniqueFd fd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd.valid()) return net::system_error("follow signals", errno);
  return std::unique_ptr<Signals>(new Signals(loop, std::move(fd), std::move(caught)));
}

Signals::Signals(net::EventLoop& loop, UniqueFd fd, Caught caught)
    : loop_(loop), fd_(std::move(fd)), caught_(std::move(caught)) {
  loop_.watch(fd_.get(), EPOLLIN, [this](std::uint32_t) { read_all(); });
}

Signals::~Signals() { loop_.unwatch(fd_.get()); }

void Signals::read_all() {
  signalfd_siginfo one{};
  while (read(fd_.get(), &one, sizeof one) == sizeof one) caught_(static_cast<int>(one.ssi_signo));
}

void reap_children(const std::function<void(pid_t pid, int wait_status)>& ended) {
  int status = 0;
  while (true) {
    const pid_t pid = waitpid(-1, &status, WNOHANG);
    if (pid <= 0) return;
    ended(pid, status);
  }
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  // What was allowed before stays in force when this fails.
  static_cast<void>(setrlimit(RLIMIT_NOFILE, &limit));
}

}  // namespace weir::app
