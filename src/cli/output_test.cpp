#include "cli/output.h"

#include <gtest/gtest.h>

namespace weir::cli {
namespace {

TEST(Output, AlignsColumnsByCharactersNotBytes) {
  const std::vector<std::string> titles = {"NAME", "PORT"};
  const std::vector<std::vector<std::string>> rows = {{"测试", "80"}, {"longer-name", "443"}};
  EXPECT_EQ(table_text(titles, rows), "NAME         PORT\n测试           80\nlonger-name  443\n");
}

TEST(Output, ShowsADashForWhatIsNotThere) {
  const Json resource = *parse_json(R"({"name":"a","spec":{"list":["x","y"],"empty":[]}})");
  EXPECT_EQ(text_at(resource, "name"), "a");
  EXPECT_EQ(text_at(resource, "spec.list"), "x,y");
  EXPECT_EQ(text_at(resource, "spec.empty"), "-");
  EXPECT_EQ(text_at(resource, "spec.none.deeper"), "-");
}

TEST(Output, QuotesYamlTextThatWouldReadAsSomethingElse) {
  const Json value =
      *parse_json(R"({"a":"true","b":"10.0","c":"plain","d":7,"e":null,"f":"x: y"})");
  EXPECT_EQ(value_text(value, Form::kYaml),
            "a: \"true\"\nb: \"10.0\"\nc: plain\nd: 7\ne: ~\nf: \"x: y\"\n");
}

}  // namespace
}  // namespace weir::cli
