#include "cli/field_flags.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace weir::cli {
namespace {

const FieldFlag* find(const std::vector<FieldFlag>& flags, std::string_view name) {
  const auto found =
      std::find_if(flags.begin(), flags.end(), [&](const FieldFlag& f) { return f.name == name; });
  return found == flags.end() ? nullptr : &*found;
}

TEST(FieldFlags, AreMadeFromTheFieldTableOfEachKind) {
  const auto flags = field_flags(model::description_of(model::Kind::kBackend), FlagUse::kCreate);
  ASSERT_NE(find(flags, "load-balancer-id"), nullptr);
  EXPECT_EQ(find(flags, "load-balancer-id")->alias, "lb");
  ASSERT_NE(find(flags, "health-check-protocol"), nullptr);
  EXPECT_EQ(find(flags, "health-check-protocol")->choices,
            (std::vector<std::string>{"Http", "Tcp"}));
  EXPECT_EQ(find(flags, "proxy-protocol"), nullptr)
      << "a field whose effect comes later is not offered";
}

TEST(FieldFlags, OfAnUpdateLeaveOutWhatCannotChange) {
  const auto flags = field_flags(model::description_of(model::Kind::kBackend), FlagUse::kUpdate);
  EXPECT_EQ(find(flags, "protocol"), nullptr);
  EXPECT_NE(find(flags, "target-group-ids"), nullptr);
}

TEST(FieldFlags, OfAListLeaveOutFieldsOfFieldsWhichNoFilterKnows) {
  const auto flags = field_flags(model::description_of(model::Kind::kBackend), FlagUse::kFilter);
  EXPECT_EQ(find(flags, "health-check-protocol"), nullptr);
  EXPECT_NE(find(flags, "protocol"), nullptr);
  EXPECT_NE(find(flags, "load-balancer-id"), nullptr);
}

TEST(FieldFlags, NestValuesAtTheirPlace) {
  const auto flags = field_flags(model::description_of(model::Kind::kBackend), FlagUse::kCreate);
  Json body = Json::object();
  set_at(body, *find(flags, "health-check-port"),
         flag_value(*find(flags, "health-check-port"), "81"));
  set_at(body, *find(flags, "health-check-http-code"),
         flag_value(*find(flags, "health-check-http-code"), "2xx,301"));
  EXPECT_EQ(body.dump(), R"({"spec":{"healthCheck":{"port":81,"httpCode":["2xx","301"]}}})");
}

TEST(FieldFlags, KeepTextThatIsNoNumberSoThatTheApiNamesWhatItWanted) {
  const auto flags = field_flags(model::description_of(model::Kind::kListener), FlagUse::kCreate);
  EXPECT_EQ(flag_value(*find(flags, "port"), "80").dump(), "80");
  EXPECT_EQ(flag_value(*find(flags, "port"), "eighty").dump(), "\"eighty\"");
  EXPECT_EQ(flag_value(*find(flags, "port"), "80x").dump(), "\"80x\"");
}

}  // namespace
}  // namespace weir::cli
