#include "cli/events.h"

#include <gtest/gtest.h>

#include "model/utc.h"

namespace weir::cli {
namespace {

TEST(Events, SinceIsAnAgeOrATime) {
  const WallTime now = model::parse_utc("2026-01-31T12:00:00Z").value();
  EXPECT_EQ(since_text("90s", now), "2026-01-31T11:58:30Z");
  EXPECT_EQ(since_text("10m", now), "2026-01-31T11:50:00Z");
  EXPECT_EQ(since_text("2h", now), "2026-01-31T10:00:00Z");
  EXPECT_EQ(since_text("1d", now), "2026-01-30T12:00:00Z");
  EXPECT_EQ(since_text("2026-01-01T00:00:00Z", now), "2026-01-01T00:00:00Z");
  for (const char* text :
       {"", "10", "m", "-5m", "5 m", "5w", "99999999999999999999s", "yesterday"}) {
    EXPECT_EQ(since_text(text, now), std::nullopt) << text;
  }
}

TEST(Events, ALineSaysWhenWhatToWhomByWhomAndWhy) {
  const auto line = [](const char* text) { return event_line(parse_json(text).value()); };
  EXPECT_EQ(line(R"({"type": "changed", "time": "2026-01-31T12:00:00Z", "call": "update tg",
                     "object": {"kind": "tg", "id": "tg-0000000001", "name": "servers"},
                     "fields": ["spec.description", "labels.team"], "who": "ann/token-1"})"),
            "2026-01-31T12:00:00Z  changed       tg/tg-0000000001                servers           "
            "ann/token-1       update tg: spec.description, labels.team");
  EXPECT_EQ(line(R"({"type": "verdict", "time": "2026-01-31T12:00:00Z", "state": "unhealthy",
                     "object": {"kind": "backend", "id": "backend-0000000001", "name": "web"},
                     "reason": "CONNECT_FAILED", "target": "target-1", "node": "n1"})"),
            "2026-01-31T12:00:00Z  verdict       backend/backend-0000000001      web               "
            "-                 unhealthy CONNECT_FAILED target-1 on n1");
}

}  // namespace
}  // namespace weir::cli
