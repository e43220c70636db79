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

void add_samples(const TargetState& target, std::vector<Sample>& out) {
  const auto add = [&](Metric metric, std::uint64_t value) {
    out.push_back({metric, {target.key.service, target.id}, number(value)});
  };
  using Set = const TargetCounters&;
  add(Metric::kTargetRequests,
      target.counters.sum([](Set set) -> const Counter& { return set.requests; }));
  add(Metric::kTargetConnectionsActive, target.active());
  add(Metric::kTargetConnectFailures,
      target.counters.sum([](Set set) -> const Counter& { return set.connect_failures; }));
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
}

}  // namespace weir::dataplane::proxy
