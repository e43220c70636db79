// Puts the next image of the program in the place of this one (SIGHUP): the new file must first
// prove that it starts; then execve keeps the process, its children and its listening sockets. A
// file that does not start changes nothing. Thread: owner loop.
#pragma once

#include <string>
#include <vector>

#include "agent/listen_sockets.h"
#include "net/event_loop.h"

namespace weir::app {

/// A new file that has not proved itself by then is refused. Source: reliability guide, P3.
/// Reached: the upgrade is refused, the running program goes on.
inline constexpr std::chrono::seconds kUpgradeCheckMax{10};

class Upgrade {
 public:
  /// `arguments` of this program, its name first.
  explicit Upgrade(std::vector<std::string> arguments);

  /// Starts the new file with `--check`; its end comes as an ended child. False when none was
  /// started.
  bool check(net::EventLoop& loop);
  bool is_check(pid_t pid) const { return pid == check_pid_; }
  /// True when the new file is good.
  bool check_ended(int wait_status);
  /// Returns only when it failed; everything is then as before.
  void become_next_image(const agent::ListenSockets& sockets);

 private:
  const std::vector<std::string> arguments_;
  const std::string program_;  // the path this program was started from
  pid_t check_pid_ = -1;
};

}  // namespace weir::app
