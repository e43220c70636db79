// The pages beside the API that operators and their machines read: /livez, /readyz and /metrics.
// Thread: any.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "http/server.h"
#include "store/store.h"

namespace weir::api {

struct OperatorParts {
  const store::Store& store;
  const Metrics& metrics;
  const Clock& clock;
  /// What is ready and what is not, by name.
  const std::function<std::vector<std::pair<std::string, bool>>()>& readiness;
};

/// Liveness and readiness are open to all; metrics to this machine, and to
/// who has a token of the service's own account.
http::Response operator_page(const OperatorParts& parts, const http::Request& request,
                             const std::string& request_id);

}  // namespace weir::api
