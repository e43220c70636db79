#include "base/base64.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace weir {
namespace {

TEST(Base64, WritesTheVectorsOfTheStandard) {
  EXPECT_EQ(to_base64(""), "");
  EXPECT_EQ(to_base64("f"), "Zg==");
  EXPECT_EQ(to_base64("fo"), "Zm8=");
  EXPECT_EQ(to_base64("foo"), "Zm9v");
  EXPECT_EQ(to_base64("foobar"), "Zm9vYmFy");
}

TEST(Base64, ReadsWhatItWrote) {
  Random random(3);
  for (std::size_t size = 0; size < 300; ++size) {
    std::string bytes;
    for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>(random.below(256));
    const auto read = from_base64(to_base64(bytes));
    ASSERT_TRUE(read.ok()) << size;
    EXPECT_EQ(*read, bytes);
  }
}

TEST(Base64, RefusesEverySpellingButTheCanonicalOne) {
  for (const char* text :
       {"Zg", "Zg=", "Zh==", "Zg== ", "Zm9v\n", "Zm-v", "=", "====", "Z", "Zg==="})
    EXPECT_FALSE(from_base64(text).ok()) << text;
}

}  // namespace
}  // namespace weir
