#include "base/metrics.h"

#include <gtest/gtest.h>

#include <set>

namespace weir {
namespace {

TEST(Metrics, WritesOwnValuesAndThoseOfSourcesAsPrometheusText) {
  Metrics metrics;
  metrics.value(Metric::kApiRequests, {"create lb", "200"}).add(2);
  metrics.add_source(
      [](std::vector<Sample>& out) { out.push_back({Metric::kStoreRevision, {}, 7}); });
  const std::string text = metrics.text();
  EXPECT_NE(text.find("weir_api_requests_total{operation=\"create lb\",code=\"200\"} 2"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("# TYPE weir_store_revision gauge\nweir_store_revision 7"), std::string::npos)
      << text;
}

TEST(Metrics, HasUniqueNamesThatKeepThePrometheusRules) {
  std::set<std::string_view> names;
#define WEIR_CHECK_NAME(constant, name, ...) EXPECT_TRUE(names.insert(name).second) << name;
  WEIR_METRICS(WEIR_CHECK_NAME)
  for (int i = 0; i < static_cast<int>(names.size()); ++i) {
    const MetricDescription& line = describe(static_cast<Metric>(i));
    EXPECT_TRUE(line.name.starts_with("weir_")) << line.name;
    EXPECT_EQ(line.name.ends_with("_total"), line.type == MetricType::kCounter) << line.name;
    EXPECT_TRUE(line.help.ends_with(".")) << line.name;
  }
}

}  // namespace
}  // namespace weir
