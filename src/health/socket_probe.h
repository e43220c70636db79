// The probe on a TCP socket: connects, and if its dialogue says so, sends a request and judges what
// comes back, all within one deadline. A TCP check is one without dialogue: connected is good. What
// is said and judged is not decided here (http_probe.h). Thread: agent loop.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/unique_fd.h"
#include "health/probe.h"

namespace weir::health {

/// Bytes of an answer that are read at most; then it is judged by what is there.
/// Source: reliability.md H4. Reached: the probe is judged.
inline constexpr std::size_t kAnswerBytesMax = 16 * 1024;

/// What a probe says once it is connected.
struct Dialogue {
  std::function<std::string(const ProbeTarget&)> request;
  /// Judges all bytes received so far; nothing while more are needed. After kAnswerBytesMax bytes
  /// there will be no more.
  std::function<std::optional<ProbeOutcome>(const ProbeTarget&, std::string_view)> judge;
};

class SocketProbe final : public Probe {
 public:
  SocketProbe(net::EventLoop& loop, std::optional<Dialogue> dialogue);
  ~SocketProbe() override;

  ProbeId start(const ProbeTarget& target, Instant deadline, ProbeDone done) override;
  void cancel(ProbeId id) override;

 private:
  struct Attempt;

  void connect(ProbeId id, Attempt& attempt);
  void ready(ProbeId id);
  /// Each step gives the outcome when the attempt is over, or nothing when it waits.
  std::optional<ProbeOutcome> advance(ProbeId id, Attempt& attempt);
  std::optional<ProbeOutcome> finish_connect(Attempt& attempt);
  std::optional<ProbeOutcome> send(ProbeId id, Attempt& attempt);
  std::optional<ProbeOutcome> receive(Attempt& attempt);
  void watch(ProbeId id, const Attempt& attempt, std::uint32_t events);
  void finish(ProbeId id, const ProbeOutcome& outcome);
  void release(Attempt& attempt);

  net::EventLoop& loop_;
  const std::optional<Dialogue> dialogue_;
  std::map<ProbeId, std::unique_ptr<Attempt>> attempts_;
  ProbeId last_id_ = 0;
};

}  // namespace weir::health
