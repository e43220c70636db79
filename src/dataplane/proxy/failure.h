// Why an exchange or a relayed connection did not end well: a kind (the reason in metrics), on
// whose side it lies, what the client is told, and whether another target may be tried. The request
// path builds no strings. Thread: values.
#pragma once

#include <cstdint>
#include <string_view>

namespace weir::dataplane::proxy {

enum class FailureSource : std::uint8_t { kClient, kUpstream, kSelf };

/// When the request may go to another target.
enum class Retry : std::uint8_t {
  kNever,
  kAlways,        // no byte of it was written
  kIfIdempotent,  // perhaps processed, but no byte of an answer came
};

// X(constant, name, status, source): names are metric labels and never renamed; status 0 = nothing
// is answered.
// clang-format off
#define WEIR_FAILURES(X)                                                                                \
  X(kBadRequest, "bad_request", 400, kClient)              /* the codec's own reason is counted too */  \
  X(kHeaderTimeout, "header_timeout", 408, kClient)                                                     \
  X(kBodyTimeout, "body_timeout", 408, kClient)                                                         \
  X(kBodyTooLarge, "body_too_large", 413, kClient)                                                      \
  X(kClientAborted, "client_aborted", 0, kClient)          /* closed or reset before its answer ended */\
  X(kClientStalled, "client_stalled", 0, kClient)          /* took no byte for the idle time */         \
  X(kNoTarget, "no_target", 503, kSelf)                    /* no usable target */                       \
  X(kConnectFailed, "connect_failed", 502, kUpstream)                                                   \
  X(kConnectTimeout, "connect_timeout", 504, kUpstream)                                                 \
  X(kUpstreamClosed, "upstream_closed", 502, kUpstream)    /* before any byte of an answer */           \
  X(kBadResponse, "bad_response", 502, kUpstream)                                                       \
  X(kResponseTimeout, "response_timeout", 504, kUpstream)                                               \
  X(kUpstreamAborted, "upstream_aborted", 0, kUpstream)    /* in the middle of an answer */             \
  X(kUpstreamStalled, "upstream_stalled", 0, kUpstream)    /* silent in the middle of an answer */      \
  X(kDenied, "denied", 0, kClient)                         /* by security groups, at accept */          \
  X(kIdleTimeout, "idle_timeout", 0, kClient)              /* relayed connection, neither side sent */  \
  X(kDrainEnded, "drain_ended", 503, kSelf)                /* cut at the deadline of its drain record */\
  X(kStopped, "stopped", 503, kSelf)                       /* cut at the deadline of stop() */          \
  X(kNoDescriptor, "no_descriptor", 503, kSelf)            /* descriptor limit of the process */        \
  X(kNoLocalPort, "no_local_port", 503, kSelf)             /* source ports to this target used up */
// clang-format on

enum class FailureKind : std::uint8_t {
#define WEIR_FAILURE_CONSTANT(constant, ...) constant,
  WEIR_FAILURES(WEIR_FAILURE_CONSTANT)
#undef WEIR_FAILURE_CONSTANT
};

inline constexpr std::size_t kFailureKinds = 0
#define WEIR_FAILURE_ONE(...) +1
    WEIR_FAILURES(WEIR_FAILURE_ONE);
#undef WEIR_FAILURE_ONE

struct FailureFacts {
  std::string_view name;
  int status;
  FailureSource source;
};

inline constexpr FailureFacts kFailureFacts[] = {
#define WEIR_FAILURE_FACTS(constant, name, status, source) {name, status, FailureSource::source},
    WEIR_FAILURES(WEIR_FAILURE_FACTS)
#undef WEIR_FAILURE_FACTS
};

struct ExchangeFailure {
  FailureKind kind;
  Retry retry = Retry::kNever;

  const FailureFacts& facts() const { return kFailureFacts[static_cast<std::size_t>(kind)]; }
  FailureSource source() const { return facts().source; }
};

}  // namespace weir::dataplane::proxy
