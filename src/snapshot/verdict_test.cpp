#include "snapshot/verdict.h"

#include <gtest/gtest.h>

namespace weir::snapshot {
namespace {

Verdict example() {
  return {.target = {.service = "backend-1", .group = "tg-1", .slot = Slot(7)},
          .scope = "node",
          .state = HealthState::kUnhealthy,
          .since = "2026-01-01T00:00:00Z",
          .reason = "CONNECT_FAILED",
          .detail = "connection refused",
          .prober = "node-1",
          .sequence = 42};
}

TEST(Verdict, ComesBackFromItsJson) {
  const auto parsed = parse_json(verdict_json(example()).dump());
  ASSERT_TRUE(parsed.ok());
  const auto verdict = verdict_from_json(*parsed);
  ASSERT_TRUE(verdict.ok());
  EXPECT_EQ(*verdict, example());
}

TEST(Verdict, IsNamedByServiceGroupAndSlot) {
  EXPECT_EQ(verdict_id(example().target), "backend-1/tg-1/7");
}

TEST(Verdict, NamesTheFieldThatIsMissingOrWrong) {
  const Json good = verdict_json(example());
  for (const auto& [key, value] : good.as_object()) {
    Json bad = good;
    bad.erase(key);
    const auto missing = verdict_from_json(bad);
    ASSERT_FALSE(missing.ok()) << key;
    EXPECT_EQ(missing.error().field, key);
  }
  for (const auto& [key, value] : Json::Object{{"slot", 65536},
                                               {"slot", -1},
                                               {"state", "sick"},
                                               {"scope", "world"},
                                               {"sequence", "1"},
                                               {"service", 1}}) {
    Json bad = good;
    bad[key] = value;
    const auto wrong = verdict_from_json(bad);
    ASSERT_FALSE(wrong.ok()) << key;
    EXPECT_EQ(wrong.error().field, key);
  }
  EXPECT_FALSE(verdict_from_json(Json::array()).ok());
}

}  // namespace
}  // namespace weir::snapshot
