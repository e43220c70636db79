// What operators ask a node over HTTP: /metrics, /livez and /readyz. Thread: any.
#pragma once

#include "agent/agent.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "http/server.h"

namespace weir::agent {

/// The agent loop counts as alive when it turned within this time. Chosen because it turns once per
/// second by itself, and a slow disk may hold it up for some. Reached: /livez answers 503.
inline constexpr std::chrono::seconds kLoopSilenceMax{10};

/// What /readyz says: has state, and a proxy serves. Control in reach is no condition.
bool is_ready(const AgentStatus& status, const Clock& clock);

/// Handler for a node's operator port. Agent, metrics and clock must outlive it.
http::Handler node_ops_handler(Agent& agent, Metrics& metrics, const Clock& clock);

}  // namespace weir::agent
