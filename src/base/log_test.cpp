#include "base/log.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace weir::log {
namespace {

class LogTest : public ::testing::Test {
 protected:
  ~LogTest() override { configure({}); }

  /// What is written, without the time in front of a text line.
  template <class Write>
  static std::string written(const Options& options, const Write& write) {
    configure(options);
    ::testing::internal::CaptureStderr();
    write();
    return ::testing::internal::GetCapturedStderr();
  }
  static std::string text_of(const std::string& value) {
    const std::string line = written({}, [&] { info("said", {{"detail", value}}); });
    return line.substr(line.find("detail="));
  }
};

TEST_F(LogTest, WritesPlainValuesAsTheyAre) {
  EXPECT_EQ(text_of("10.0.0.1:80"), "detail=10.0.0.1:80\n");
  EXPECT_EQ(text_of("名"), "detail=名\n");
}

TEST_F(LogTest, QuotesWhatWouldEndTheLineForgeAFieldOrDriveATerminal) {
  EXPECT_EQ(text_of(""), "detail=\"\"\n");
  EXPECT_EQ(text_of("a b"), "detail=\"a b\"\n");
  EXPECT_EQ(text_of("x\nlevel=error"), "detail=\"x\\nlevel=error\"\n");
  EXPECT_EQ(text_of("\x1b[2J"), "detail=\"\\u001b[2J\"\n");
  EXPECT_EQ(text_of("a\x0b"), "detail=\"a\\u000b\"\n");
  EXPECT_EQ(text_of("\x7f"), "detail=\"\\u007f\"\n");
}

TEST_F(LogTest, WritesOneJsonObjectALineWhenAskedTo) {
  const std::string line = written({.format = Format::kJson, .program = "node"},
                                   [] { warning("said", {{"count", 2}, {"detail", "a\n\"b"}}); });
  const auto json = parse_json(line);
  ASSERT_TRUE(json) << line;
  EXPECT_EQ(json->string_or("level", ""), "warning");
  EXPECT_EQ(json->string_or("program", ""), "node");
  EXPECT_EQ(json->string_or("message", ""), "said");
  EXPECT_EQ(json->string_or("count", ""), "2");
  EXPECT_EQ(json->string_or("detail", ""), "a\n\"b");
}

TEST_F(LogTest, LeavesOutWhatIsBelowItsLevel) {
  EXPECT_EQ(written({.level = Level::kError}, [] { warning("said"); }), "");
  EXPECT_NE(written({.level = Level::kDebug}, [] { debug("said"); }), "");
}

}  // namespace
}  // namespace weir::log
