#include "http/h1_body.h"

#include "http/h1_fixture.h"

namespace weir::http {
namespace {

using enum ParseError;
using properties::Body;
using properties::read_body;

Body read_chunked(std::string_view text) { return read_body(BodyReader(Framing::kChunked), text); }

TEST(ChunkedBody, GivesThePayloadAndEndsAtTheEmptyLine) {
  const Body body = read_chunked("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\nGET /");
  EXPECT_EQ(body.state, BodyState::kDone);
  EXPECT_EQ(body.payload, "hello world");
  EXPECT_EQ(body.consumed, 26U);
}

TEST(ChunkedBody, ReadsSizesInAnyCaseWithLeadingZeros) {
  EXPECT_EQ(read_chunked("00a\r\n0123456789\r\n000\r\n\r\n").payload, "0123456789");
  EXPECT_EQ(read_chunked("A\r\n0123456789\r\n0\r\n\r\n").payload, "0123456789");
  EXPECT_EQ(read_chunked("0000000000000001\r\na\r\n0\r\n\r\n").payload, "a");
}

TEST(ChunkedBody, RefusesMalformedChunkLines) {
  const auto refused = [](std::string_view line) { return read_chunked(line).error; };
  for (const char* bad : {"0x5\r\n", "+5\r\n", "-0\r\n", "-2\r\n", " 5\r\n", "5 \r\n", "5\t\r\n",
                          "\r\n", "g\r\n", ";a\r\n", "5 ;a\r\n", "5,5\r\n", "5\x80\r\n"}) {
    EXPECT_EQ(refused(bad), kBadChunkSize) << bad;
  }
  EXPECT_EQ(refused("00000000000000001\r\n"), kChunkTooLarge);
  EXPECT_EQ(refused("8000000000000000\r\n"), kChunkTooLarge);
  EXPECT_EQ(refused("ffffffffffffffff\r\n"), kChunkTooLarge);
  EXPECT_EQ(refused("5\nhello"), kBadLineEnd);
  EXPECT_EQ(refused("5\r\rhello"), kBadLineEnd);
  EXPECT_EQ(refused("5\rXhello"), kBadLineEnd);
}

TEST(ChunkedBody, RefusesAChunkThatDoesNotEndWhereItsSizeSays) {
  for (const char* bad : {"5\r\nhelloXX", "5\r\nhello\n", "5\r\nhello\r\r", "5\r\nhello0\r\n",
                          "5\r\nhello world\r\n", "4\r\nhello\r\n0\r\n\r\n"}) {
    EXPECT_EQ(read_chunked(bad).error, kBadChunkEnd) << bad;
  }
}

TEST(ChunkedBody, NeverGivesAByteOfAChunkWhoseSizeIsNotChecked) {
  EXPECT_EQ(read_chunked("5\r\nhello\r\n5x\r\nworld\r\n0\r\n\r\n").payload, "hello");
  EXPECT_EQ(read_chunked("fffffffffffffffff\r\nhello").payload, "");
}

TEST(ChunkedBody, DropsExtensionsAndBoundsThem) {
  for (const char* good : {"1;a", "1;a=b", "1;a=\"b; \\\"c\\\" \t\"", "1;a;b=c;d=\"\""}) {
    const Body body = read_chunked(std::string(good) + "\r\nx\r\n0;e=f\r\n\r\n");
    EXPECT_EQ(body.state, BodyState::kDone) << good;
    EXPECT_EQ(body.payload, "x") << good;
  }
  for (const char* bad :
       {"1;\r\n", "1;a=\r\n", "1;=b\r\n", "1; a\r\n", "1;a =b\r\n", "1;a= b\r\n", "1;a=\"b\r\n",
        "1;a=\"b\"c\r\n", "1;a=\"\\\r\n", "1;a,b\r\n", "1;a;;\r\n"}) {
    EXPECT_EQ(read_chunked(bad).error, kBadChunkExtension) << bad;
  }
  EXPECT_EQ(read_chunked("1;a\n").error, kBadLineEnd);
  EXPECT_EQ(read_chunked("1;a=\"b\"\n").error, kBadLineEnd);
  EXPECT_EQ(read_chunked("1;" + std::string(1'000'000, 'a')).error, kChunkLineTooLong);
  std::string many;
  for (int i = 0; i < 100; ++i) many += "1;" + std::string(200, 'a') + "\r\nx\r\n";
  EXPECT_EQ(read_chunked(many).error, kExtensionsTooLarge);
}

TEST(ChunkedBody, ChecksTrailersByTheGrammarOfFields) {
  const Body body = read_chunked("1\r\na\r\n0\r\nX-Sum: 1\r\nY:\r\n\r\nrest");
  EXPECT_EQ(body.state, BodyState::kDone);
  EXPECT_EQ(body.trailers, "X-Sum: 1\r\nY:\r\n\r\n");
  const auto refused = [](std::string_view trailers) {
    return read_chunked("0\r\n" + std::string(trailers)).error;
  };
  EXPECT_EQ(refused("X : a\r\n\r\n"), kSpaceInFieldName);
  EXPECT_EQ(refused(" X: a\r\n\r\n"), kFoldedLine);
  EXPECT_EQ(refused("X: a\r\n b\r\n\r\n"), kFoldedLine);
  EXPECT_EQ(refused("X\r\n\r\n"), kBadLineEnd);
  EXPECT_EQ(refused(": a\r\n\r\n"), kBadFieldName);
  EXPECT_EQ(refused("X@: a\r\n\r\n"), kBadFieldName);
  EXPECT_EQ(refused("X: \x01\r\n\r\n"), kBadFieldValue);
  EXPECT_EQ(refused("X: a\n\r\n"), kBadLineEnd);
  EXPECT_EQ(refused("X: a\rY: b\r\n\r\n"), kBadLineEnd);
  EXPECT_EQ(refused("\n"), kBadLineEnd);
  EXPECT_EQ(refused("\rX"), kBadLineEnd);
}

TEST(ChunkedBody, BoundsTrailersInBytesAndNumber) {
  EXPECT_EQ(read_chunked("0\r\nX: " + std::string(1'000'000, 'a')).error, kTrailersTooLarge);
  const std::string largest = "X: " + std::string(kMaxTrailers - 7, 'a') + "\r\n\r\n";
  EXPECT_EQ(read_chunked("0\r\n" + largest).state, BodyState::kDone);
  EXPECT_EQ(read_chunked("0\r\nY" + largest).error, kTrailersTooLarge);
  std::string many = "0\r\n";
  for (int i = 0; i < 101; ++i) many += "X: a\r\n";
  EXPECT_EQ(read_chunked(many + "\r\n").error, kTooManyFields);
}

TEST(ChunkedBody, IsCutShortWhenThePeerClosesBeforeTheEmptyLine) {
  for (const char* text : {"", "5\r\nhel", "5\r\nhello\r\n", "5\r\nhello\r\n0\r\n"}) {
    BodyReader reader(Framing::kChunked);
    const std::string_view bytes = text;
    std::size_t at = 0;
    while (at < bytes.size()) at += reader.next(bytes.substr(at)).consumed;
    EXPECT_FALSE(reader.finish()) << text;
  }
}

TEST(SizedBody, EndsAtItsLengthAndLeavesTheRest) {
  BodyReader reader(Framing::kLength, 5);
  const BodyStep first = reader.next(std::string_view("hel"));
  EXPECT_EQ(first.state, BodyState::kMore);
  EXPECT_EQ(reader.remaining(), 2U);
  EXPECT_FALSE(reader.finish());
  const BodyStep second = reader.next(std::string_view("loNEXT"));
  EXPECT_EQ(second.state, BodyState::kDone);
  EXPECT_EQ(second.consumed, 2U);
  EXPECT_TRUE(reader.finish());
}

TEST(SizedBody, IsDoneAtOnceWhenEmpty) {
  EXPECT_TRUE(BodyReader(Framing::kNone).is_done());
  EXPECT_TRUE(BodyReader(Framing::kLength, 0).is_done());
  EXPECT_FALSE(BodyReader(Framing::kChunked).is_done());
  EXPECT_FALSE(BodyReader(Framing::kUntilClose).is_done());
}

TEST(UntilCloseBody, IsCompleteWhenThePeerCloses) {
  BodyReader reader(Framing::kUntilClose);
  const BodyStep step = reader.next(std::string_view("all of it"));
  EXPECT_EQ(step.payload.size(), 9U);
  EXPECT_FALSE(reader.is_done());
  EXPECT_TRUE(reader.finish());
}

TEST(ChunkedBody, StaysFailedOnceItFailed) {
  BodyReader reader(Framing::kChunked);
  EXPECT_EQ(reader.next(std::string_view("x")).state, BodyState::kFailed);
  EXPECT_EQ(reader.next(std::string_view("5\r\nhello")).state, BodyState::kFailed);
  EXPECT_EQ(reader.error(), kBadChunkSize);
  EXPECT_FALSE(reader.finish());
}

TEST(ChunkFraming, WritesWhatTheReaderReads) {
  EXPECT_EQ(chunk_line(0x1a2b).view(), "1a2b\r\n");
  EXPECT_EQ(chunk_line(~std::uint64_t{0}).view(), "ffffffffffffffff\r\n");
  EXPECT_EQ(read_chunked(properties::chunked("hello world", 4)).payload, "hello world");
}

TEST(ChunkFraming, PassesOnlyTrailersThatSayNothingAboutTheMessage) {
  std::array<char, 256> out;
  const auto written = [&](std::string_view trailers) {
    return std::string(out.data(), write_trailers(trailers, out));
  };
  EXPECT_EQ(written("X-Sum: 1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nHost: b\r\n"
                    "Set-Cookie: a\r\nX_Forwarded_For: c\r\nX-Forwarded-For: d\r\ny:\t2 \r\n\r\n"),
            "0\r\nX-Sum: 1\r\ny: 2\r\n\r\n");
  EXPECT_EQ(written("\r\n"), kLastChunk);
  EXPECT_EQ(written("X: a"), "");
  EXPECT_EQ(written("X: a\r\n b\r\n\r\n"), "");
}

}  // namespace
}  // namespace weir::http
