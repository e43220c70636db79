// Reads the files of a replica back, whatever happened to them. Decides nothing about writing.
// Thread: any (pure but for reading files).
#pragma once

#include <cstdint>
#include <string>

#include "agent/replica.h"

namespace weir::agent {

struct ReplicaReading {
  ReplicaState state;
  std::uint64_t damage_count = 0;
  /// Both generations are there and every file reads to its end.
  bool is_whole = false;
  /// Size of `log` as far as it counts, in bytes.
  std::uint64_t log_bytes = 0;
  std::uint64_t checkpoint_bytes = 0;
};

/// Never fails: a folder without a usable file gives an empty state.
ReplicaReading read_replica(const std::string& folder);

}  // namespace weir::agent
