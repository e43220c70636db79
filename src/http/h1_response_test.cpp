#include "http/h1_fixture.h"

namespace weir::http {
namespace {

using enum ParseError;

TEST(ResponseParser, ReadsAResponseWithAllItsParts) {
  const ParsedResponse response(
      "HTTP/1.1 200 All right\r\nContent-Length: 3\r\nServer: s\r\n\r\nabc");
  ASSERT_TRUE(response.is_complete());
  EXPECT_EQ(response.head.status, 200);
  EXPECT_EQ(response.in(response.head.reason), "All right");
  EXPECT_EQ(response.head.framing, Framing::kLength);
  EXPECT_EQ(response.head.content_length, 3U);
  EXPECT_TRUE(response.head.keep_alive);
  EXPECT_EQ(response.head.size, response.text.size() - 3);
}

TEST(ResponseParser, ChecksTheStatusLine) {
  for (const char* good : {"HTTP/1.1 200 ", "HTTP/1.0 200 OK", "HTTP/1.1 599 \xff\t x"}) {
    EXPECT_TRUE(ParsedResponse(std::string(good) + "\r\n\r\n").is_complete()) << good;
  }
  for (const char* bad :
       {"HTTP/1.1 200",     "HTTP/1.1 20 OK",   "HTTP/1.1 2 OK",       "HTTP/1.1 2000 OK",
        "HTTP/1.1 099 OK",  "HTTP/1.1 600 OK",  "HTTP/1.1 2x0 OK",     "HTTP/1.1  200 OK",
        "HTTP/1.1\t200 OK", "HTTP/1.1 200\tOK", "HTTP/1.1 200 O\x01K", "HTTP/1.2 200 OK",
        "HTTP/2.0 200 OK",  "HTTP/0.9 200 OK",  "HTTP/01.1 200 OK",    "HTTP/1.01 200 OK",
        "http/1.1 200 OK",  "ICY 200 OK",       "HTTP/1.1 -20 OK",     "HTTP/1.1 +20 OK",
        " HTTP/1.1 200 OK"}) {
    EXPECT_NE(response_refusal(std::string(bad) + "\r\n\r\n"), kNone) << bad;
  }
  EXPECT_NE(response_refusal("\r\nHTTP/1.1 200 OK\r\n\r\n"), kNone);
  EXPECT_EQ(response_refusal("HTTP/1.1 200 OK\nServer: s\n\n"), kBadLineEnd);
  EXPECT_EQ(response_refusal("HTTP/1.1 200 OK\rServer: s\r\n\r\n"), kBadLineEnd);
}

TEST(ResponseParser, ReadsUntilCloseWhenNothingElseTellsTheLength) {
  const ParsedResponse response("HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n");
  ASSERT_TRUE(response.is_complete());
  EXPECT_EQ(response.head.framing, Framing::kUntilClose);
  EXPECT_FALSE(response.head.keep_alive);
}

TEST(ResponseParser, KnowsResponsesThatNeverHaveABody) {
  constexpr std::string_view kLength = "Content-Length: 10\r\n\r\n";
  for (const char* status : {"100", "103", "204", "304"}) {
    const ParsedResponse response("HTTP/1.1 " + std::string(status) + " x\r\n" +
                                  std::string(kLength));
    ASSERT_TRUE(response.is_complete()) << status;
    EXPECT_EQ(response.head.framing, Framing::kNone) << status;
  }
  const ParsedResponse to_head("HTTP/1.1 200 OK\r\n" + std::string(kLength), true);
  EXPECT_EQ(to_head.head.framing, Framing::kNone);
  EXPECT_TRUE(to_head.head.has_content_length);
  EXPECT_TRUE(to_head.head.keep_alive);
  const ParsedResponse chunked_to_head("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                                       true);
  EXPECT_EQ(chunked_to_head.head.framing, Framing::kNone);
}

TEST(ResponseParser, DoesNotReuseAConnectionAfterABodyThatMayNotBe) {
  EXPECT_TRUE(ParsedResponse("HTTP/1.1 204 x\r\n\r\n").head.keep_alive);
  EXPECT_TRUE(ParsedResponse("HTTP/1.1 204 x\r\nContent-Length: 0\r\n\r\n").head.keep_alive);
  EXPECT_FALSE(ParsedResponse("HTTP/1.1 204 x\r\nContent-Length: 5\r\n\r\n").head.keep_alive);
  EXPECT_FALSE(
      ParsedResponse("HTTP/1.1 204 x\r\nTransfer-Encoding: chunked\r\n\r\n").head.keep_alive);
}

TEST(ResponseParser, RefusesHostileFraming) {
  const auto with = [](std::string_view lines) {
    return response_refusal("HTTP/1.1 200 OK\r\n" + std::string(lines) + "\r\n");
  };
  EXPECT_EQ(with("Content-Length: 1\r\nContent-Length: 1\r\n"), kDuplicateContentLength);
  EXPECT_EQ(with("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"),
            kLengthAndTransferEncoding);
  EXPECT_EQ(with("Content-Length: 1, 1\r\n"), kBadContentLength);
  EXPECT_EQ(with("Transfer-Encoding: gzip, chunked\r\n"), kBadTransferEncoding);
  EXPECT_EQ(with("Transfer-Encoding: identity\r\n"), kBadTransferEncoding);
  EXPECT_EQ(with("X: a\r\n b\r\n"), kFoldedLine);
  EXPECT_EQ(with("X : a\r\n"), kSpaceInFieldName);
  EXPECT_EQ(with(std::string_view("X: a\0b\r\n", 8)), kBadFieldValue);
  EXPECT_EQ(with("X: a\rb\r\n"), kBadLineEnd);
  EXPECT_EQ(response_refusal("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
            kTransferEncodingInHttp10);
  EXPECT_EQ(response_refusal("HTTP/1.1 204 x\r\nContent-Length: x\r\n\r\n"), kBadContentLength);
}

TEST(ResponseParser, KnowsWhetherTheConnectionPersists) {
  EXPECT_FALSE(ParsedResponse("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n").head.keep_alive);
  EXPECT_TRUE(
      ParsedResponse("HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n")
          .head.keep_alive);
  EXPECT_FALSE(ParsedResponse("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                   .head.keep_alive);
}

TEST(ResponseParser, TellsInterimResponsesFromSwitches) {
  EXPECT_TRUE(ParsedResponse("HTTP/1.1 103 x\r\n\r\n").head.is_interim());
  const ParsedResponse response(
      "HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nraw");
  EXPECT_FALSE(response.head.is_interim());
  EXPECT_EQ(response.in(response.head.upgrade), "websocket");
  EXPECT_TRUE(ParsedResponse("HTTP/1.1 200 x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
                  .head.upgrade.empty());
}

TEST(ResponseLimits, BoundTheHeadAt32KiBAndTheFieldsAt100) {
  std::string large = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 3; ++i) large += "X: " + std::string(11'000, 'a') + "\r\n";
  EXPECT_EQ(response_refusal(large + "\r\n"), kHeadTooLarge);
  EXPECT_EQ(response_refusal("HTTP/1.1 200 OK\r\nX: " + std::string(1'000'000, 'a')),
            kFieldTooLong);
  std::string many = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 101; ++i) many += "X: a\r\n";
  EXPECT_EQ(response_refusal(many + "\r\n"), kTooManyFields);
}

}  // namespace
}  // namespace weir::http
