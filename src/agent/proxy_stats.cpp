#include "agent/proxy_stats.h"

#include <array>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace weir::agent {
namespace {

std::optional<Metric> metric_of_name(std::string_view name) {
  static constexpr std::array kAll = {
#define WEIR_METRIC_OF_NAME(constant, ...) Metric::constant,
      WEIR_METRICS(WEIR_METRIC_OF_NAME)
#undef WEIR_METRIC_OF_NAME
  };
  for (const Metric metric : kAll) {
    if (describe(metric).name == name) return metric;
  }
  return std::nullopt;
}

std::optional<Sample> sample_from_json(const Json& json) {
  if (!json.is_array() || json.as_array().size() != 3) return std::nullopt;
  const auto& items = json.as_array();
  if (!items[0].is_string() || !items[1].is_array() || !items[2].is_number()) return std::nullopt;
  const std::optional<Metric> metric = metric_of_name(items[0].as_string());
  if (!metric || describe(*metric).labels.size() != items[1].as_array().size()) return std::nullopt;
  Sample sample{*metric, {}, items[2].as_number()};
  for (const Json& label : items[1].as_array()) {
    if (!label.is_string()) return std::nullopt;
    sample.labels.push_back(label.as_string());
  }
  return sample;
}

/// Gauges that add up over processes; of the others the process that serves is right.
bool is_summed(Metric metric) {
  return describe(metric).type == MetricType::kCounter ||
         metric == Metric::kListenerConnectionsActive || metric == Metric::kSnapshotsAlive ||
         metric == Metric::kTargetConnectionsActive;
}

using Sums = std::map<std::pair<Metric, std::vector<std::string>>, double>;

void add(const std::vector<Sample>& samples, Sums& sums) {
  for (const Sample& sample : samples) sums[{sample.metric, sample.labels}] += sample.value;
}

std::vector<Sample> to_samples(const Sums& sums) {
  std::vector<Sample> samples;
  for (const auto& [key, value] : sums) samples.push_back({key.first, key.second, value});
  return samples;
}

}  // namespace

Json samples_json(const std::vector<Sample>& samples) {
  Json json = Json::array();
  for (const Sample& sample : samples) {
    Json labels = Json::array();
    for (const std::string& label : sample.labels) labels.push_back(label);
    json.push_back(Json::array({describe(sample.metric).name, std::move(labels), sample.value}));
  }
  return json;
}

Result<std::vector<Sample>> samples_from_json(const Json& json) {
  if (!json.is_array()) return Error{ErrorCode::kInvalidArgument, "expected a list of samples", {}};
  std::vector<Sample> samples;
  for (const Json& item : json.as_array()) {
    if (auto sample = sample_from_json(item)) samples.push_back(*std::move(sample));
  }
  return samples;
}

void SampleTotals::process_ended(const std::vector<Sample>& last) {
  Sums sums;
  add(ended_, sums);
  for (const Sample& sample : last) {
    if (describe(sample.metric).type == MetricType::kCounter) {
      sums[{sample.metric, sample.labels}] += sample.value;
    }
  }
  ended_ = to_samples(sums);
}

std::vector<Sample> SampleTotals::sum(
    const std::vector<const std::vector<Sample>*>& processes) const {
  Sums sums;
  add(ended_, sums);
  for (const auto* samples : processes) {
    for (const Sample& sample : *samples) {
      const auto [at, is_new] = sums.try_emplace({sample.metric, sample.labels}, sample.value);
      if (!is_new && is_summed(sample.metric)) at->second += sample.value;
    }
  }
  return to_samples(sums);
}

}  // namespace weir::agent
