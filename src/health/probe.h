// One attempt to find out whether a target works: the only part of health checking that does IO.
// The Checker decides when, the Tracker what it means. Thread: agent loop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "net/address.h"
#include "net/event_loop.h"
#include "snapshot/snapshot.h"

namespace weir::health {

/// Why a probe failed. Source: product.md A.7.1; the names are those of the public API.
enum class ProbeReason {
  kNone,  // it succeeded
  kConnectFailed,
  kConnectTimeout,
  kConnectInterrupt,
  kRequestFailed,
  kRequestTimeout,
  kReceiveResponseFailed,
  kReceiveResponseTimeout,
  kHttpCodeMismatch,
  kResponseFormatError,
  kNotRun,  // this node could not even try (out of descriptors or ports): says nothing about the
            // target, and is no reason of the public API
};

/// "CONNECT_FAILED" and so on; empty for kNone and kNotRun.
std::string_view probe_reason_name(ProbeReason reason);

struct ProbeOutcome {
  ProbeReason reason = ProbeReason::kNone;
  std::string detail{};  // for people; never bytes of the target's answer

  bool success() const { return reason == ProbeReason::kNone; }
  friend bool operator==(const ProbeOutcome&, const ProbeOutcome&) = default;
};

/// What one probe needs to know.
struct ProbeTarget {
  net::Endpoint endpoint;                // the checked address and port
  std::optional<net::IpAddress> source;  // empty = kernel's choice
  snapshot::HealthCheck check;

  friend bool operator==(const ProbeTarget&, const ProbeTarget&) = default;
};

using ProbeId = std::uint64_t;
using ProbeDone = std::function<void(const ProbeOutcome&)>;

class Probe {
 public:
  /// Probes that still run end without their callback.
  virtual ~Probe() = default;
  /// Calls `done` once, never from within start(), at `deadline` with a timeout reason at the
  /// latest; not at all after cancel().
  virtual ProbeId start(const ProbeTarget& target, Instant deadline, ProbeDone done) = 0;
  /// Nothing when the probe has ended.
  virtual void cancel(ProbeId id) = 0;
};

/// The probe of a check protocol, on sockets. `loop` must outlive it.
std::unique_ptr<Probe> make_probe(snapshot::CheckProtocol protocol, net::EventLoop& loop);

}  // namespace weir::health
