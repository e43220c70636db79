// Samples of proxy processes: their JSON form on the child's socket, and totals that do not fall
// back when a child ends. Thread: owner loop.
#pragma once

#include <vector>

#include "base/json.h"
#include "base/metrics.h"
#include "base/result.h"

namespace weir::agent {

/// `[[name, [label values], value], …]`.
Json samples_json(const std::vector<Sample>& samples);
/// Samples of names or labels this build does not know are left out.
/// Errors:  kInvalidArgument when it is not a list
Result<std::vector<Sample>> samples_from_json(const Json& json);

/// Adds up what several processes count; gauges of ended processes are forgotten, counters kept.
class SampleTotals {
 public:
  void process_ended(const std::vector<Sample>& last);
  /// `processes`: the one that serves first.
  std::vector<Sample> sum(const std::vector<const std::vector<Sample>*>& processes) const;

 private:
  std::vector<Sample> ended_;
};

}  // namespace weir::agent
