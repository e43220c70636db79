// What is left of drain records, as proxy, node and control tell each other: sums for each record,
// and beside them the targets that still have connections, as many as fit. Thread: any (values).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "base/json.h"
#include "base/strong_type.h"

namespace weir::agent {

/// Connections to one target of a record.
struct TargetLeft {
  std::uint64_t connections = 0;
  std::int64_t oldest_seconds = 0;  // age of the oldest of them
};

struct DrainLeft {
  bool is_waiting = false;  // a target of it still takes new traffic
  std::uint64_t connections = 0;
  std::int64_t oldest_seconds = 0;
  std::int64_t later_seconds = 0;  // it ends by so much after the deadline of the record
  /// By backend service and slot; targets without connections are not there.
  std::map<std::pair<std::string, Slot>, TargetLeft> targets{};
  std::uint64_t more = 0;  // targets that did not fit

  /// What another process has left of the same record.
  void add(const DrainLeft& other);
};
using DrainsLeft = std::map<std::string, DrainLeft>;  // by record

struct BoundedDrains {
  Json list;
  std::size_t more = 0;  // records that did not fit
};

/// Units: bytes_max in bytes, half of them for the sums, half for targets.
BoundedDrains drains_json(const DrainsLeft& drains, std::size_t bytes_max);
/// What cannot be read counts as nothing said.
DrainsLeft drains_from_json(const Json& list);

}  // namespace weir::agent
