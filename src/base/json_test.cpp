#include "base/json.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

std::string problem(std::string_view text) {
  const auto result = parse_json(text);
  return result ? "" : result.error().message;
}

TEST(Json, WritesWhatItRead) {
  const std::string text = R"({"b":[1,-2,1.5,true,null,"x\n\"\\ü"],"a":{}})";
  ASSERT_TRUE(parse_json(text));
  EXPECT_EQ(parse_json(text)->dump(), text);
}

TEST(Json, TellsIntegersFromOtherNumbers) {
  const auto json = parse_json("[80, 80.0, 1e2, 18446744073709551696]");
  ASSERT_TRUE(json);
  EXPECT_TRUE(json->as_array()[0].is_integer());
  EXPECT_FALSE(json->as_array()[1].is_integer());
  EXPECT_FALSE(json->as_array()[2].is_integer());
  EXPECT_FALSE(json->as_array()[3].is_integer());
}

TEST(Json, RefusesDuplicateKeysAtEveryLevel) {
  EXPECT_EQ(problem(R"({"port":80,"port":81})"), "duplicate key 'port'");
  EXPECT_EQ(problem(R"([{"a":{"x":1,"x":1}}])"), "duplicate key 'x'");
  EXPECT_EQ(problem(R"([{"x":1},{"x":1}])"), "");
}

TEST(Json, RefusesNulByteOrderMarkTrailingBytesAndBadUtf8) {
  EXPECT_NE(problem(std::string_view("{}\0", 3)), "");
  EXPECT_NE(problem("\xEF\xBB\xBF{}"), "");
  EXPECT_NE(problem("{\"a\":1}x"), "");
  EXPECT_NE(problem("\"\xff\""), "");
  EXPECT_NE(problem("\"\\ud800\""), "");
  EXPECT_NE(problem("1e400"), "");
}

TEST(Json, RepeatsLittleOfABadTextAndNothingThatIsNotPrintable) {
  const std::string key(100'000, 'k');
  for (const std::string& text : {"{\"" + key + "\":1,\"" + key + "\":2}", "\"" + key + "\xff\"",
                                  std::string("\"\xff\""), std::string("{\"\x80\xfe")}) {
    const std::string message = problem(text);
    EXPECT_FALSE(message.empty());
    EXPECT_LT(message.size(), 200U);
    for (const char c : message) EXPECT_TRUE(c >= 0x20 && c < 0x7f) << message;
  }
}

TEST(Json, BoundsDepthItemsAndSize) {
  EXPECT_EQ(problem(std::string(32, '[') + std::string(32, ']')), "");
  EXPECT_EQ(problem(std::string(33, '[') + std::string(33, ']')), "deeper than 32 levels");
  EXPECT_EQ(problem(std::string(100000, '[')), "deeper than 32 levels");
  std::string items = "[0";
  for (int i = 1; i < 1000; ++i) items += ",0";
  EXPECT_EQ(problem(items + "]"), "");
  EXPECT_EQ(problem(items + ",0]"), "more than 1000 items in one value");
  EXPECT_EQ(problem(std::string((1 << 20) + 1, ' ')), "larger than 1048576 bytes");
}

TEST(Json, IndentsForPeople) {
  EXPECT_EQ(parse_json(R"({"a":[1],"b":{}})")->dump(2),
            "{\n  \"a\": [\n    1\n  ],\n  \"b\": {}\n}");
}

}  // namespace
}  // namespace weir
