// Turns counters into samples of base/metric_names.h. Thread: any.
#pragma once

#include <span>
#include <vector>

#include "base/metrics.h"
#include "dataplane/proxy/plan.h"

namespace weir::dataplane::proxy {

void add_samples(const ListenerState& listener, std::vector<Sample>& out);
/// `targets` stand next to each other that are one target at several endpoints; they give one
/// sample.
void add_samples(std::span<const TargetStatePtr> targets, std::vector<Sample>& out);
void add_samples(const PerWorker<WorkerCounters>& workers, std::vector<Sample>& out);
/// Of its persistence and of its failing open, where it has those.
void add_samples(const ServicePlan& service, Instant now, std::vector<Sample>& out);

}  // namespace weir::dataplane::proxy
