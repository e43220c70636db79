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
  const NodeStream n1 = observed.connected("n1");
  for (int i = 0; i < kServices; ++i) {
    observed.verdict(n1, verdict_about("backend-" + std::to_string(i), 1));
  }
  const ObservedView before = observed.view();
  observed.verdict(n1, verdict_about("backend-7", 1, HealthState::kUnhealthy));
  const ObservedView after = observed.view();
  std::vector<std::string> copied;
  for (const std::string& backend : after.verdicts.backends()) {
    if (before.verdicts.find(backend) != after.verdicts.find(backend)) copied.push_back(backend);
  }
  EXPECT_EQ(copied, std::vector<std::string>{"backend-7"});
  EXPECT_EQ(after.verdicts.parts_apart(before.verdicts), 1U);
  const Verdict asked = verdict_about("backend-7", 1);
  EXPECT_EQ(before.verdict(asked.target, "n1")->state, HealthState::kHealthy);
  EXPECT_EQ(after.verdict(asked.target, "n1")->state, HealthState::kUnhealthy);
}

TEST(ObservedTest, VerdictsThatEndTakeTheirServiceWithThem) {
  Observed observed;
  const NodeStream n1 = observed.connected("n1");
  const NodeStream n2 = observed.connected("n2");
  for (std::uint16_t slot = 1; slot <= 2; ++slot) {
    observed.verdict(n1, verdict_about("backend-1", slot));
    observed.verdict(n2, verdict_about("backend-1", slot));
  }
  observed.verdict_gone(n1, "backend-1/tg-1/1");
  observed.verdict_gone(n1, "no verdict");
  const snapshot::TargetKey target = verdict_about("backend-1", 1).target;
  EXPECT_EQ(observed.view().verdict(target, "n1"), nullptr);
  EXPECT_NE(observed.view().verdict(target, "n2"), nullptr);
  observed.connected("n1");
  observed.connected("n2");
  EXPECT_TRUE(observed.view().verdicts.backends().empty());
}

const Json kApplied = Json::object({{"epoch", 1}, {"revision", 1}});

Json report_of_listeners(const std::vector<std::string>& ids) {
  Json listeners = Json::array();
  for (const std::string& id : ids) {
    listeners.push_back(Json::object({{"id", id}, {"state", "serving"}}));
  }
  return Json::object({{"applied", kApplied}, {"listeners", std::move(listeners)}});
}

Json report_of_same(std::string_view list) {
  return Json::object({{"applied", kApplied}, {"same", Json::array({Json(list)})}});
}

std::size_t listeners_of(const Observed& observed) {
  return observed.view().node("n1")->listeners.size();
}

TEST(ObservedTest, AListThatAReportNamesAsTheSameStaysAndOneThatIsMissingIsEmpty) {
  Observed observed;
  const NodeStream stream = observed.connected("n1");
  Json first = report_of_listeners({"listener-1"});
  first["addresses"] = Json::array({Json::object({{"address", "127.0.0.2"}, {"state", "held"}})});
  ASSERT_TRUE(observed.report(stream, first).ok());
  ASSERT_TRUE(observed.report(stream, report_of_same("listeners")).ok());
  EXPECT_EQ(listeners_of(observed), 1U);
  EXPECT_TRUE(observed.view().node("n1")->addresses.empty());
  ASSERT_TRUE(observed.report(stream, report_of_same("listeners")).ok());
  EXPECT_EQ(listeners_of(observed), 1U);
  EXPECT_FALSE(observed.report(stream, report_of_same("addresses")).ok()) << "it was missing";
  EXPECT_EQ(listeners_of(observed), 1U);
}

TEST(ObservedTest, AReportMayOnlyCallTheSameWhatItsOwnStreamHasTold) {
  Observed observed;
  const NodeStream older = observed.connected("n1");
  ASSERT_TRUE(observed.report(older, report_of_listeners({"listener-1"})).ok());
  const NodeStream newer = observed.connected("n1");
  EXPECT_FALSE(observed.report(newer, report_of_same("listeners")).ok());
  EXPECT_FALSE(observed.report(newer, report_of_same("a list of no build")).ok());
  EXPECT_EQ(listeners_of(observed), 1U) << "as it was last seen";
}

TEST(ObservedTest, WhatAnOlderStreamStillHadToSayGoesOverNothing) {
  Observed observed;
  const NodeStream older = observed.connected("n1");
  ASSERT_TRUE(observed.report(older, report_of_listeners({"listener-1"})).ok());
  const NodeStream newer = observed.connected("n1");
  ASSERT_TRUE(observed.report(newer, report_of_listeners({"listener-1", "listener-2"})).ok());
  observed.verdict(newer, verdict_about("backend-1", 1));
  EXPECT_TRUE(observed.report(older, report_of_same("listeners")).ok());
  EXPECT_TRUE(observed.report(older, report_of_listeners({})).ok());
  observed.verdict(older, verdict_about("backend-1", 1, HealthState::kUnhealthy));
  observed.verdict_gone(older, "backend-1/tg-1/1");
  observed.disconnected("n1");
  EXPECT_EQ(listeners_of(observed), 2U);
  const Verdict asked = verdict_about("backend-1", 1);
  ASSERT_NE(observed.view().verdict(asked.target, "n1"), nullptr);
  EXPECT_EQ(observed.view().verdict(asked.target, "n1")->state, HealthState::kHealthy);
  ASSERT_TRUE(observed.report(newer, report_of_same("listeners")).ok());
  EXPECT_EQ(listeners_of(observed), 2U);
}

TEST(ObservedTest, ServicesThatAreForgottenLeaveTheOthers) {
  Observed observed;
  const NodeStream n1 = observed.connected("n1");
  observed.verdict(n1, verdict_about("backend-1", 1));
  observed.verdict(n1, verdict_about("backend-2", 1));
  observed.forget_services({"backend-1", "backend-unknown"});
  EXPECT_EQ(observed.view().verdicts.backends(), std::vector<std::string>{"backend-2"});
}

}  // namespace
}  // namespace weir::api
