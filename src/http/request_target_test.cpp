#include "http/request_target.h"

#include <gtest/gtest.h>

#include "http/client.h"

namespace weir::http {
namespace {

using Segments = std::vector<std::string>;

TEST(RequestTarget, SplitsAPathIntoDecodedSegments) {
  EXPECT_EQ(path_segments("/").value(), Segments{});
  EXPECT_EQ(path_segments("/weir/v1/lb").value(), (Segments{"weir", "v1", "lb"}));
  EXPECT_EQ(path_segments("/weir/v1/lb/").value(), (Segments{"weir", "v1", "lb"}));
  EXPECT_EQ(path_segments("/a//b").value(), (Segments{"a", "", "b"}));
}

TEST(RequestTarget, KeepsAnEncodedSlashInsideItsSegment) {
  EXPECT_EQ(path_segments("/lb/..%2f..%2Fetc").value(), (Segments{"lb", "../../etc"}));
}

using Pairs = std::vector<std::pair<std::string, std::string>>;

TEST(RequestTarget, RefusesABrokenPercentCodeInAPathAndKeepsItInAQuery) {
  EXPECT_FALSE(path_segments("/a%zz"));
  EXPECT_FALSE(path_segments("/a%4"));
  EXPECT_EQ(query_pairs("a=%&%zz=%4&b=%%41"), (Pairs{{"a", "%"}, {"%zz", "%4"}, {"b", "%A"}}));
}

TEST(RequestTarget, DecodesQueryPairsInTheirOrder) {
  const auto pairs = query_pairs("b=1&a=x%20y&&flag&b=2=3");
  const Pairs expected = {{"b", "1"}, {"a", "x y"}, {"flag", ""}, {"b", "2=3"}};
  EXPECT_EQ(pairs, expected);
}

TEST(RequestTarget, APlusInAQueryIsASpaceAndInAPathAPlus) {
  EXPECT_EQ(query_pairs("name=a+b%2B"), (Pairs{{"name", "a b+"}}));
  EXPECT_EQ(path_segments("/a+b").value(), Segments{"a+b"});
}

TEST(RequestTarget, EncodesWhatItDecodes) {
  std::string every;
  for (int c = 0; c < 256; ++c) every += static_cast<char>(c);
  EXPECT_EQ(percent_decode(encode_segment(every)).value(), every);
}

}  // namespace
}  // namespace weir::http
