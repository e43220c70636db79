// Metrics of one process, in the Prometheus text format. Every metric is one line of metric_names.h
// (name, type, labels, help). Counters that live elsewhere (a worker's own, a child's) are
// delivered by sources when the text is asked for. Thread: any.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/metric_names.h"
#include "base/mutex.h"

namespace weir {

enum class MetricType { kCounter, kGauge };

struct MetricDescription {
  std::string_view name;
  MetricType type;
  std::vector<std::string_view> labels;
  std::string_view help;
};

const MetricDescription& describe(Metric metric);

/// One value of one metric at the moment of asking; `labels` are values in the order of the
/// description.
struct Sample {
  Metric metric;
  std::vector<std::string> labels;
  double value = 0;
};

/// A number that any thread may add to or set.
class MetricValue {
 public:
  void add(double amount = 1) { value_.fetch_add(amount, std::memory_order_relaxed); }
  void set(double value) { value_.store(value, std::memory_order_relaxed); }
  double get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

class Metrics {
 public:
  using Source = std::function<void(std::vector<Sample>&)>;

  /// The value for these label values, made on first use; the reference stays good.
  MetricValue& value(Metric metric, std::vector<std::string> labels = {});
  /// `source` is called whenever the metrics are read; it must be thread safe and outlive this
  /// object.
  void add_source(Source source);
  /// All samples: own values and those of the sources.
  std::vector<Sample> samples() const;
  /// Prometheus text exposition.
  std::string text() const;

 private:
  using Key = std::pair<Metric, std::vector<std::string>>;

  mutable Mutex mutex_;
  std::map<Key, std::unique_ptr<MetricValue>> values_ WEIR_GUARDED_BY(mutex_);
  std::vector<Source> sources_ WEIR_GUARDED_BY(mutex_);
};

}  // namespace weir
