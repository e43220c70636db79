// Limits and timers of the proxy engine: each with a unit, a reason, and what happens when it is
// reached. Codec limits stand in http/h1_limits.h. Tests shorten them through Limits. Thread:
// immutable values.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "http/h1_limits.h"

namespace weir::dataplane::proxy {

/// From the accept, or from the first byte of a later request, to the end of its head; then 408.
/// Source: reliability guide, section 6, "HTTP timers". Reached: 408,
/// weir_listener_failures_total{reason="header_timeout"}.
inline constexpr std::chrono::milliseconds kHeaderTimeout{10'000};

/// To an established connection with a target; then another target, then 504. Source: as above.
/// Reached: 504, weir_listener_failures_total{reason="connect_timeout"}.
inline constexpr std::chrono::milliseconds kConnectTimeout{5'000};

/// A request body must bring kBodyWindowBytes per window while we are ready to take them; else 408.
/// Source: as above. Reached: 408, weir_listener_failures_total{reason="body_timeout"}.
inline constexpr std::chrono::milliseconds kBodyWindow{10'000};
inline constexpr std::uint32_t kBodyWindowBytes = 1024;

/// Idle connections kept per target and worker; the oldest is closed beyond it. Chosen because a
/// worker seldom has more requests at one target at once, and 1024 cost 4 MB of kernel memory.
/// Reached: weir_proxy_limit_reached_total{limit="idle_per_target"}.
inline constexpr std::uint32_t kIdlePerTarget = 1024;

/// How long an idle connection to a target is kept. Chosen because common servers close theirs
/// after 60 s or more, and those that close earlier tell us by FIN. Reached: the connection is
/// closed.
inline constexpr std::chrono::milliseconds kUpstreamIdle{55'000};

/// After an early answer the rest of the request is read and dropped, so that the answer is not
/// lost to a reset: until the client closes, is silent for kLingerIdle, or kLingerTotal is over.
/// Source: nginx, lingering_close. Reached: the connection is closed.
inline constexpr std::chrono::milliseconds kLingerIdle{5'000};
inline constexpr std::chrono::milliseconds kLingerTotal{30'000};

/// 1xx responses passed on in one exchange; more are a bad answer (502). Chosen because servers
/// send one or two. Reached: 502, weir_proxy_limit_reached_total{limit="interim_answers"}.
inline constexpr std::uint8_t kInterimMax = 8;

/// Retries earned per exchange; without one left the failure goes to the client. Source:
/// reliability guide, section 6, "Retries". Reached: the failure's own status,
/// weir_proxy_limit_reached_total{limit="retry_budget"}.
inline constexpr double kRetryShare = 0.2;
/// Retries a worker may have saved. Chosen because a target that has died is found out within some
/// 100 ms, and its share of a busy worker's requests until then is about this.
inline constexpr double kRetryTokens = 500;
/// Retries earned per second beside. Chosen because ten more requests per second overload no
/// target.
inline constexpr double kRetriesPerSecond = 10;

/// Descriptors of the process that workers leave to others (agent loop, logs, epoll). Chosen
/// because the agent thread of `weir proxy` uses about ten.
inline constexpr std::size_t kReservedDescriptors = 32;

/// Part of the descriptor limit at which accepting pauses. Source: reliability guide, section 6,
/// "Connections". Reached: accepting pauses,
/// weir_proxy_limit_reached_total{limit="accept_descriptors"}.
inline constexpr double kAcceptStopsAt = 0.9;
/// Part at which it goes on. Chosen because a gap of some connections keeps it from fluttering.
inline constexpr double kAcceptResumesAt = 0.85;

/// A connection that nobody can serve is kept without a word this long, where its listener drops
/// such connections; then it is reset. Chosen because a client whose packets are lost gives up
/// connecting after 127 s (tcp(7), tcp_syn_retries). Reached: a reset,
/// weir_listener_failures_total{reason="no_target"}.
inline constexpr std::chrono::milliseconds kSilence{127'000};
/// Meanwhile a target is looked for this often. Chosen because a client sends a lost SYN again
/// after one second.
inline constexpr std::chrono::milliseconds kSilencePause{1'000};
/// Connections that a worker keeps without a word, and the part of its descriptors that they may
/// hold; more are reset. Chosen because a quarter leaves enough for others, and of the usual 4096
/// it is 1024. Reached: a reset, weir_proxy_limit_reached_total{limit="silent_connections"}.
inline constexpr std::uint32_t kSilentMax = 1024;
inline constexpr std::size_t kSilentDivisor = 4;

struct Limits {
  std::chrono::milliseconds header_timeout = kHeaderTimeout;
  std::chrono::milliseconds connect_timeout = kConnectTimeout;
  std::chrono::milliseconds body_window = kBodyWindow;
  std::chrono::milliseconds upstream_idle = kUpstreamIdle;
  std::chrono::milliseconds linger_idle = kLingerIdle;
  std::chrono::milliseconds linger_total = kLingerTotal;
  std::chrono::milliseconds silence = kSilence;
  std::chrono::milliseconds silence_pause = kSilencePause;
  std::uint32_t silent_max = kSilentMax;
  std::uint32_t idle_per_target = kIdlePerTarget;
  /// Bytes of a request body; longer: 413.
  std::uint64_t body_size = http::kMaxBodySize;
  /// Sockets of the whole engine; 0: what RLIMIT_NOFILE allows. Chosen because the operator sets
  /// that one already. Reached: accepting pauses,
  /// weir_proxy_limit_reached_total{limit="accept_descriptors"}.
  std::size_t descriptors = 0;
};

}  // namespace weir::dataplane::proxy
