#include "cli/wait.h"

#include <gtest/gtest.h>

namespace weir::cli {
namespace {

Json parsed(const char* text) { return parse_json(text).value(); }

TEST(Wait, IsOverWhenEachNodeOfTheLoadBalancerHasTheRevision) {
  const Json tg = parsed(R"({"kind":"tg","revision":7,"status":{}})");
  const auto lb = [](int first, int second) {
    Json nodes = Json::array();
    nodes.push_back(Json::object({{"node", "a"}, {"appliedRevision", first}}));
    nodes.push_back(Json::object({{"node", "b"}, {"appliedRevision", second}}));
    return Json::object({{"status", Json::object({{"nodes", std::move(nodes)}})}});
  };
  EXPECT_EQ(waits_to_be_applied(tg, lb(7, 9)), "");
  EXPECT_EQ(waits_to_be_applied(tg, lb(7, 6)), "node b has yet to apply it");
  EXPECT_EQ(waits_to_be_applied(tg, parsed(R"({"status":{"nodes":[]}})")),
            "no node serves its load balancer");
}

TEST(Wait, SaysWhatANodeCannotApply) {
  const Json lb = parsed(R"({"status":{"nodes":[{"node":"a","appliedRevision":9}]}})");
  const Json broken =
      parsed(R"({"kind":"tg","revision":7,"status":{"errors":[{"node":"a","reason":"unsupported",)"
             R"("detail":"spec.x"}]}})");
  EXPECT_EQ(waits_to_be_applied(broken, lb), "node a cannot apply it: unsupported spec.x");
  EXPECT_EQ(waits_to_be_applied(
                parsed(R"({"kind":"listener","revision":7,"status":{"state":"failed"}})"), lb),
            "its state is failed");
  EXPECT_EQ(waits_to_be_applied(
                parsed(R"({"kind":"listener","revision":7,"status":{"state":"off"}})"), lb),
            "");
}

TEST(Wait, HealthyMeansAllThatAreCheckedAndAtLeastOne) {
  const auto backend = [](const char* targets) {
    return Json::object({{"status", Json::object({{"targets", parsed(targets)}})}});
  };
  EXPECT_EQ(waits_to_be_healthy(backend(R"({"healthy":2})")), "");
  EXPECT_EQ(waits_to_be_healthy(backend(R"({"N/A":2})")), "");
  EXPECT_EQ(waits_to_be_healthy(backend(R"({"healthy":2,"initial":1})")),
            "2 targets are healthy, 0 are not, 1 are not judged yet");
  EXPECT_NE(waits_to_be_healthy(backend("{}")), "");
}

}  // namespace
}  // namespace weir::cli
