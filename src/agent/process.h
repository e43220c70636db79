// Starts programs: the proxy child of a node, the two roles of `weir up`. No shell, no PATH search.
// Thread: any.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace weir::agent {

struct ProcessOptions {
  /// What is executed: an absolute path, or "/proc/self/exe" for the very image that runs now.
  std::string program;
  std::vector<std::string> arguments;  // argv[0] first
  /// Becomes descriptor 3 of the new process; every other one above 2 closes (close-on-exec).
  int descriptor_3 = -1;
  /// Sent to the new process when the thread that started it ends; 0 = none.
  int signal_at_parent_end = 0;
  /// False: the new process has no capabilities, unless it runs as root.
  bool keeps_capabilities = true;
  /// In a process group of its own, so that Ctrl-C reaches only who started it.
  bool own_group = true;
};

/// Starts it with the default signal mask and handlers. Reaping is the caller's part.
/// Errors:  kUnavailable when the kernel refuses, kNotFound or kPermissionDenied when the program
///          cannot be executed
Result<pid_t> start_process(const ProcessOptions& options);

/// How a process ended, in words: "exit 1", "signal 9".
std::string exit_text(int wait_status);

/// The path of the running program, also after the file was replaced. Errors: kUnavailable
Result<std::string> own_program_path();

}  // namespace weir::agent
