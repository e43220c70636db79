// Tells the service manager how a role is doing, by systemd's notification protocol: one datagram
// of "KEY=VALUE" lines to the socket that NOTIFY_SOCKET names. Without that variable nothing is
// said, and a manager that does not listen is no error. An upgraded image inherits the variable.
// Thread: any (immutable).
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"

namespace weir::app {

class ServiceNotifier {
 public:
  /// By the environment of this process.
  static ServiceNotifier from_environment();
  /// `socket` is a path, "@name" of an abstract socket, or empty: then nothing is ever sent.
  ServiceNotifier(std::string socket, bool wants_pulse);

  /// `status` is one line for people.
  void starting(std::string_view status) const;
  void ready(std::string_view status) const;
  /// Between this and the next ready() an upgrade is under way. `now` is of the monotonic clock.
  void reloading(Instant now) const;
  void stopping() const;
  /// The manager wants pulse() more often than every WATCHDOG_USEC.
  bool wants_pulse() const { return wants_pulse_; }
  void pulse() const;

 private:
  void send(const std::string& lines) const;

  const std::string socket_;
  const bool wants_pulse_;
};

}  // namespace weir::app
