// Turns counters into samples of base/metric_names.h. Thread: any.
#pragma once

#include <vector>

#include "base/metrics.h"
#include "dataplane/proxy/plan.h"

namespace weir::dataplane::proxy {

void add_samples(const ListenerState& listener, std::vector<Sample>& out);
void add_samples(const TargetState& target, std::vector<Sample>& out);
void add_samples(const PerWorker<WorkerCounters>& workers, std::vector<Sample>& out);

}  // namespace weir::dataplane::proxy
