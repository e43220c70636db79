// What the library behind the server would let through, and the guard does not (RFC 9112).
#include "http/server_fixture.h"

namespace weir::http {
namespace {

class ServerGuard : public ServerTest {
 protected:
  void SetUp() override { start(); }
  int status_of_post(std::string_view lines, std::string_view body = "") {
    return status("POST /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + std::string(lines) +
                  "\r\n" + std::string(body));
  }
};

TEST_F(ServerGuard, RefusesABrokenPercentCodeInThePathOnly) {
  const auto get = [&](const std::string& target) {
    return answer("GET " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  };
  EXPECT_TRUE(get("/a%zz").starts_with("HTTP/1.1 400"));
  EXPECT_TRUE(get("/a?p0=p0&o=%&u=%4").contains("GET a p0=p0 o=% u=%4 []"));
}

TEST_F(ServerGuard, AcceptsOneChunkedBodyAndOneContentLength) {
  EXPECT_EQ(status_of_post("Transfer-Encoding: chunked\r\n", "1\r\na\r\n0\r\n\r\n"), 200);
  EXPECT_EQ(status_of_post("Content-Length: 1\r\n", "a"), 200);
}

TEST_F(ServerGuard, RefusesTransferCodingsOtherThanExactlyChunked) {
  for (const char* value : {"identity", "xchunked", "chunked, identity", "gzip, chunked",
                            "chunked,", "chunked;q=1", "\"chunked\"", ""}) {
    EXPECT_EQ(status_of_post("Transfer-Encoding: " + std::string(value) + "\r\n", "0\r\n\r\n"), 400)
        << value;
  }
}

TEST_F(ServerGuard, RefusesARepeatedTransferEncoding) {
  EXPECT_EQ(
      status_of_post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
      400);
}

TEST_F(ServerGuard, RefusesTransferEncodingTogetherWithContentLength) {
  EXPECT_EQ(status_of_post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"),
            400);
  EXPECT_EQ(status_of_post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
            400);
}

TEST_F(ServerGuard, RefusesContentLengthListsRepetitionsAndNonDigits) {
  for (const char* lines :
       {"Content-Length: 1, 1\r\n", "Content-Length: 1\r\nContent-Length: 1\r\n",
        "Content-Length: +1\r\n", "Content-Length: -1\r\n", "Content-Length: 0x1\r\n",
        "Content-Length: 1 1\r\n", "Content-Length: \r\n",
        "Content-Length: 99999999999999999999999\r\n"}) {
    EXPECT_EQ(status_of_post(lines, "a"), 400) << lines;
  }
}

TEST_F(ServerGuard, RefusesTransferEncodingInHttp10) {
  EXPECT_EQ(status("POST /a HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            400);
}

TEST_F(ServerGuard, RefusesFoldedLinesAndSpaceBeforeTheColon) {
  EXPECT_EQ(status_of_post("X-A: 1\r\n  2\r\n"), 400);
  EXPECT_EQ(status_of_post("Content-Length : 0\r\n"), 400);
}

TEST_F(ServerGuard, RefusesBareLineEndsAndControlCharacters) {
  EXPECT_EQ(status("GET /a HTTP/1.1\nHost: x\n\n"), 400);
  EXPECT_EQ(status_of_post("X-A: 1\n"), 400);
  EXPECT_EQ(status_of_post("X-A: a\rb\r\n"), 400);
  EXPECT_EQ(status_of_post(std::string_view("X-A: a\0b\r\n", 10)), 400);
}

TEST_F(ServerGuard, RefusesAMissingAndASecondHost) {
  EXPECT_EQ(status("GET /a HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(status("GET /a HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n"), 400);
  EXPECT_EQ(status("GET http://y/a HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
}

TEST_F(ServerGuard, RefusesBrokenChunks) {
  const std::string chunked = "Transfer-Encoding: chunked\r\n";
  EXPECT_EQ(status_of_post(chunked, "g\r\na\r\n0\r\n\r\n"), 400);
  EXPECT_EQ(status_of_post(chunked, "1\r\nab\r\n0\r\n\r\n"), 400);
  EXPECT_EQ(status_of_post(chunked, "fffffffffffffffff\r\na\r\n0\r\n\r\n"), 400);
}

TEST_F(ServerGuard, NeverServesBytesThatFollowARefusedRequest) {
  const std::string all = answer(
      "POST /first HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n"
      "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(all.starts_with("HTTP/1.1 400")) << all;
  EXPECT_EQ(all.find("smuggled"), std::string::npos);
  EXPECT_NE(all.find("Connection: close"), std::string::npos) << all;
}

TEST_F(ServerGuard, RefusesAHeadBeyondItsLimits) {
  EXPECT_EQ(status("GET /" + std::string(17'000, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n"), 414);
  EXPECT_EQ(status_of_post("X-A: " + std::string(17'000, 'a') + "\r\n"), 431);
  std::string many;
  for (int i = 0; i < 101; ++i) many += "X-" + std::to_string(i) + ": 1\r\n";
  EXPECT_EQ(status_of_post(many), 431);
}

TEST_F(ServerGuard, AcceptsAHeadThatArrivesByteByByte) {
  RawConnection connection(address);
  for (const char c : std::string("GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")) {
    connection.send(std::string(1, c));
  }
  EXPECT_NE(connection.read_all().find("GET slow"), std::string::npos);
}

}  // namespace
}  // namespace weir::http
