// Says in the log when a backend service begins to fail open although checks have answered, and
// when that ends, once for each. Thread: owner.
#pragma once

#include <set>
#include <string>

#include "snapshot/snapshot.h"

namespace weir::agent {

class FailOpenWatch {
 public:
  /// Compares with the Snapshot of the last call. A service that is gone fails open no longer.
  void update(const snapshot::Snapshot& snapshot);

 private:
  std::set<std::string> failing_open_;  // ids of backend services
};

}  // namespace weir::agent
