#include "dataplane/proxy/samples.h"

#include "http/h1_error.h"

namespace weir::dataplane::proxy {
namespace {

double number(std::uint64_t value) { return static_cast<double>(value); }

template <class Member>
double sum(const PerWorker<ListenerCounters>& counters, Member&& member) {
  return number(counters.sum(member));
}

}  // namespace

void add_samples(const ListenerState& listener, std::vector<Sample>& out) {
  const auto& counters = listener.counters;
  const auto add = [&](Metric metric, double value) {
    out.push_back({metric, {listener.id}, value});
  };
  using Set = const ListenerCounters&;
  add(Metric::kListenerConnections,
      sum(counters, [](Set set) -> const Counter& { return set.connections; }));
  add(Metric::kListenerConnectionsActive,
      sum(counters, [](Set set) -> const Counter& { return set.active; }));
  add(Metric::kListenerBytesIn,
      sum(counters, [](Set set) -> const Counter& { return set.bytes_in; }));
  add(Metric::kListenerBytesOut,
      sum(counters, [](Set set) -> const Counter& { return set.bytes_out; }));
  const auto add_dropped = [&](std::string reason, double count) {
    if (count > 0) {
      out.push_back({Metric::kListenerFieldsDropped, {listener.id, std::move(reason)}, count});
    }
  };
  add_dropped("underscore",
              sum(counters, [](Set set) -> const Counter& { return set.fields_aliased; }));
  add_dropped("h2c", sum(counters, [](Set set) -> const Counter& { return set.fields_h2c; }));
  for (std::size_t i = 0; i < kCodeClasses; ++i) {
    const double count = sum(counters, [i](Set set) -> const Counter& { return set.requests[i]; });
    if (count > 0) {
      out.push_back(
          {Metric::kListenerRequests, {listener.id, std::to_string(i + 1) + "xx", "http1"}, count});
    }
  }
  for (std::size_t i = 0; i < kFailureKinds; ++i) {
    const double count = sum(counters, [i](Set set) -> const Counter& { return set.failures[i]; });
    if (count > 0)
      out.push_back(
          {Metric::kListenerFailures, {listener.id, std::string(kFailureFacts[i].name)}, count});
  }
  for (std::size_t i = 0; i < kParseErrors; ++i) {
    const double count =
        sum(counters, [i](Set set) -> const Counter& { return set.parse_errors[i]; });
    const auto name = std::string(http::error_name(static_cast<http::ParseError>(i)));
    if (count > 0) out.push_back({Metric::kListenerFailures, {listener.id, name}, count});
  }
}

void add_samples(std::span<const TargetStatePtr> targets, std::vector<Sample>& out) {
  using Set = const TargetCounters&;
  while (!targets.empty()) {
    const TargetState& first = *targets.front();
    double requests = 0;
    double active = 0;
    double failures = 0;
    while (!targets.empty() && targets.front()->key == first.key) {
      const PerWorker<TargetCounters>& counters = targets.front()->counters;
      requests += number(counters.sum([](Set set) -> const Counter& { return set.requests; }));
      active += number(counters.sum([](Set set) -> const Counter& { return set.active; }));
      failures +=
          number(counters.sum([](Set set) -> const Counter& { return set.connect_failures; }));
      targets = targets.subspan(1);
    }
    const std::vector<std::string> labels{first.key.service, first.id};
    out.push_back({Metric::kTargetUp, labels, first.takes_new() ? 1.0 : 0.0});
    out.push_back({Metric::kTargetRequests, labels, requests});
    out.push_back({Metric::kTargetConnectionsActive, labels, active});
    out.push_back({Metric::kTargetConnectFailures, labels, failures});
  }
}

void add_samples(const PerWorker<WorkerCounters>& workers, std::vector<Sample>& out) {
  using Set = const WorkerCounters&;
  const auto add = [&](std::string limit, std::uint64_t value) {
    out.push_back({Metric::kProxyLimitReached, {std::move(limit)}, number(value)});
  };
  add("accept_descriptors",
      workers.sum([](Set set) -> const Counter& { return set.accept_pauses; }));
  add("upstream_descriptors",
      workers.sum([](Set set) -> const Counter& { return set.connect_refusals; }));
  add("idle_per_target", workers.sum([](Set set) -> const Counter& { return set.idle_evictions; }));
  add("retry_budget", workers.sum([](Set set) -> const Counter& { return set.retry_refusals; }));
  add("silent_connections",
      workers.sum([](Set set) -> const Counter& { return set.silence_refusals; }));
  add("body_size", workers.sum([](Set set) -> const Counter& { return set.bodies_too_large; }));
  add("interim_answers",
      workers.sum([](Set set) -> const Counter& { return set.interim_excesses; }));
  for (std::size_t i = 0; i < kParseErrors; ++i) {
    const auto error = static_cast<http::ParseError>(i);
    if (!http::is_limit(error)) continue;
    add(std::string(http::error_name(error)),
        workers.sum([i](Set set) -> const Counter& { return set.codec_limits[i]; }));
  }
  out.push_back({Metric::kProxyRetries, {}, number(workers.sum([](Set set) -> const Counter& {
                   return set.retries;
                 }))});
}

void add_samples(const ServicePlan& service, Instant now, std::vector<Sample>& out) {
  const std::vector<std::string> labels{service.service->id};
  if (service.service->may_fail_open) {
    out.push_back({Metric::kBackendFailOpen, labels, service.service->raises_alarm ? 1.0 : 0.0});
  }
  const Persistence* const persistence = service.persistence.get();
  if (persistence == nullptr) return;
  const std::size_t addresses = persistence->size({now, service.service->persistence});
  out.push_back({Metric::kPersistenceAddresses, labels, number(addresses)});
  out.push_back({Metric::kPersistenceEvictions, labels, number(persistence->evictions())});
}

}  // namespace weir::dataplane::proxy
