// What a change of what is observed costs: that of what it is about.
#include "api/observed.h"

#include <gtest/gtest.h>

namespace weir::api {
namespace {

using snapshot::HealthState;
using snapshot::Verdict;

Verdict verdict_about(const std::string& service, std::uint16_t slot,
                      HealthState state = HealthState::kHealthy) {
  return {.target = {service, "tg-1", Slot(slot)}, .state = state};
}

TEST(ObservedTest, AVerdictLeavesThoseAboutOtherServicesWhereTheyAre) {
  constexpr int kServices = 2000;
  Observed observed;
  for (int i = 0; i < kServices; ++i) {
    observed.verdict("n1", verdict_about("backend-" + std::to_string(i), 1));
  }
  const ObservedView before = observed.view();
  observed.verdict("n1", verdict_about("backend-7", 1, HealthState::kUnhealthy));
  const ObservedView after = observed.view();
  std::vector<std::string> copied;
  for (const std::string& backend : after.verdicts.backends()) {
    if (before.verdicts.find(backend) != after.verdicts.find(backend)) copied.push_back(backend);
  }
  EXPECT_EQ(copied, std::vector<std::string>{"backend-7"});
  const Verdict asked = verdict_about("backend-7", 1);
  EXPECT_EQ(before.verdict(asked.target, "n1")->state, HealthState::kHealthy);
  EXPECT_EQ(after.verdict(asked.target, "n1")->state, HealthState::kUnhealthy);
}

TEST(ObservedTest, VerdictsThatEndTakeTheirServiceWithThem) {
  Observed observed;
  for (std::uint16_t slot = 1; slot <= 2; ++slot) {
    observed.verdict("n1", verdict_about("backend-1", slot));
    observed.verdict("n2", verdict_about("backend-1", slot));
  }
  observed.verdict_gone("n1", "backend-1/tg-1/1");
  observed.verdict_gone("n1", "no verdict");
  const snapshot::TargetKey target = verdict_about("backend-1", 1).target;
  EXPECT_EQ(observed.view().verdict(target, "n1"), nullptr);
  EXPECT_NE(observed.view().verdict(target, "n2"), nullptr);
  observed.connected("n1");
  observed.connected("n2");
  EXPECT_TRUE(observed.view().verdicts.backends().empty());
}

TEST(ObservedTest, AListThatAReportNamesAsTheSameStaysAndOneThatIsMissingIsEmpty) {
  Observed observed;
  const Json applied = Json::object({{"epoch", 1}, {"revision", 1}});
  const Json addresses = Json::array({Json::object({{"address", "127.0.0.2"}, {"state", "held"}})});
  const Json listeners = Json::array({Json::object({{"id", "listener-1"}, {"state", "serving"}})});
  ASSERT_TRUE(observed
                  .report("n1", Json::object({{"applied", applied},
                                              {"addresses", addresses},
                                              {"listeners", listeners}}))
                  .ok());
  ASSERT_TRUE(
      observed
          .report("n1", Json::object({{"applied", applied}, {"same", Json::array({"listeners"})}}))
          .ok());
  const ObservedView view = observed.view();
  EXPECT_EQ(view.node("n1")->listeners.size(), 1U);
  EXPECT_TRUE(view.node("n1")->addresses.empty());
}

TEST(ObservedTest, ServicesThatAreForgottenLeaveTheOthers) {
  Observed observed;
  observed.verdict("n1", verdict_about("backend-1", 1));
  observed.verdict("n1", verdict_about("backend-2", 1));
  observed.forget_services({"backend-1", "backend-unknown"});
  EXPECT_EQ(observed.view().verdicts.backends(), std::vector<std::string>{"backend-2"});
}

}  // namespace
}  // namespace weir::api
