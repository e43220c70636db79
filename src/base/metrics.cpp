#include "base/metrics.h"

#include <prometheus/text_serializer.h>

#include <sstream>

#include "base/check.h"

namespace weir {
namespace {

#define WEIR_UNWRAP(...) __VA_ARGS__
#define WEIR_METRIC_LINE(constant, name, type, labels, help) \
  MetricDescription{name, MetricType::type, std::vector<std::string_view> WEIR_UNWRAP labels, help},

const std::vector<MetricDescription>& descriptions() {
  static const std::vector<MetricDescription> lines = {WEIR_METRICS(WEIR_METRIC_LINE)};
  return lines;
}

prometheus::ClientMetric client_metric(const MetricDescription& description, const Sample& sample) {
  prometheus::ClientMetric metric;
  for (std::size_t i = 0; i < description.labels.size(); ++i) {
    metric.label.push_back({std::string(description.labels[i]), sample.labels[i]});
  }
  if (description.type == MetricType::kCounter) {
    metric.counter.value = sample.value;
  } else {
    metric.gauge.value = sample.value;
  }
  return metric;
}

}  // namespace

const MetricDescription& describe(Metric metric) {
  return descriptions()[static_cast<std::size_t>(metric)];
}

MetricValue& Metrics::value(Metric metric, std::vector<std::string> labels) {
  WEIR_CHECK(labels.size() == describe(metric).labels.size());
  const MutexLock lock(mutex_);
  auto& slot = values_[Key(metric, std::move(labels))];
  if (!slot) slot = std::make_unique<MetricValue>();
  return *slot;
}

void Metrics::add_source(Source source) {
  const MutexLock lock(mutex_);
  sources_.push_back(std::move(source));
}

std::vector<Sample> Metrics::samples() const {
  std::vector<Sample> all;
  std::vector<Source> sources;
  {
    const MutexLock lock(mutex_);
    for (const auto& [key, value] : values_) all.push_back({key.first, key.second, value->get()});
    sources = sources_;
  }
  for (const Source& source : sources) source(all);
  return all;
}

std::string Metrics::text() const {
  std::map<Metric, prometheus::MetricFamily> families;
  for (const Sample& sample : samples()) {
    const MetricDescription& description = describe(sample.metric);
    WEIR_CHECK(sample.labels.size() == description.labels.size());
    auto& family = families[sample.metric];
    family.name = description.name;
    family.help = description.help;
    family.type = description.type == MetricType::kCounter ? prometheus::MetricType::Counter
                                                           : prometheus::MetricType::Gauge;
    family.metric.push_back(client_metric(description, sample));
  }
  std::vector<prometheus::MetricFamily> list;
  for (auto& [metric, family] : families) list.push_back(std::move(family));
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, list);
  return out.str();
}

}  // namespace weir
