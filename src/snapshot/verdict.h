// A health verdict: the record that compile, the API and events read. Made by the checker
// (health/), kept in the replica, streamed to control. Thread: values.
#pragma once

#include <compare>
#include <map>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "base/strong_type.h"

namespace weir::snapshot {

enum class HealthState { kInitial, kHealthy, kUnhealthy };

/// "initial", "healthy", "unhealthy".
std::string_view health_state_name(HealthState state);

/// Names one target of one backend service for good: slots are never reused while something can
/// name them.
struct TargetKey {
  std::string service{};  // backend id
  std::string group{};    // target group id
  Slot slot{};

  friend auto operator<=>(const TargetKey&, const TargetKey&) = default;
};

/// Reason of an initial record whose target takes traffic nevertheless: its check was closed, and
/// there is no verdict since.
inline constexpr std::string_view kCheckClosed = "CHECK_CLOSED";

struct Verdict {
  TargetKey target;
  std::string scope = "node";  // "node" or "cluster"
  HealthState state = HealthState::kInitial;
  std::string since{};   // UTC
  std::string reason{};  // CONNECT_FAILED, ... (product.md A.7.1); empty when healthy
  std::string detail{};
  std::string prober{};        // node id
  std::uint64_t sequence = 0;  // grows with each record of a prober

  bool is_check_closed() const { return state == HealthState::kInitial && reason == kCheckClosed; }
  /// May the target take new traffic, as far as checks go?
  bool lets_traffic() const { return state == HealthState::kHealthy || is_check_closed(); }

  friend bool operator==(const Verdict&, const Verdict&) = default;
};

/// Id of the frame that carries the record: "<service>/<group>/<slot>".
std::string verdict_id(const TargetKey& target);
Json verdict_json(const Verdict& verdict);
/// Errors: kInvalidArgument
Result<Verdict> verdict_from_json(const Json& json);

using Verdicts = std::map<TargetKey, Verdict>;

}  // namespace weir::snapshot
