#include "http/h1_writer.h"

#include "http/h1_fixture.h"

namespace weir::http {
namespace {

const RequestOptions kPeer{
    .forwarding = {.peer = "192.0.2.1"}, .vip = "198.51.100.7", .listener_port = "8080"};

TEST(RequestWriter, CopiesWhatIsUnchangedAndAddsThePeer) {
  const ParsedRequest request(
      "GET /a?b HTTP/1.1\r\nHost: a:81\r\nUser-Agent: u\r\nAccept: */*\r\n\r\n");
  EXPECT_EQ(request.written(kPeer),
            "GET /a?b HTTP/1.1\r\nHost: a:81\r\nUser-Agent: u\r\nAccept: */*\r\n"
            "X-Forwarded-For: 192.0.2.1\r\n\r\n");
}

TEST(RequestWriter, WritesOddSpacingAnew) {
  EXPECT_EQ(ParsedRequest("GET / HTTP/1.1\r\nHost:a\r\nX:\t b \t\r\nY:\r\nZ: c\r\n\r\n").written(),
            "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\nY: \r\nZ: c\r\n\r\n");
}

TEST(RequestWriter, AppendsThePeerToAllForwardedForLines) {
  const ParsedRequest request(
      get_with("X-Forwarded-For: 203.0.113.1, 203.0.113.2\r\nA: b\r\n"
               "x-forwarded-for:203.0.113.3\r\nX-Forwarded-For:\r\n"));
  EXPECT_EQ(request.written(kPeer),
            "GET / HTTP/1.1\r\nHost: a\r\nA: b\r\nX-Forwarded-For: 203.0.113.1, 203.0.113.2, "
            "203.0.113.3, 192.0.2.1\r\n\r\n");
}

TEST(RequestWriter, LeavesForwardingFieldsThatAreOffAndReplacesThoseThatAreOn) {
  const ParsedRequest request(
      get_with("X-Forwarded-Proto: gopher\r\nx-forwarded-PORT: 1\r\nX-Forwarded-LBIP: 2\r\n"
               "X-Forwarded-Host: h\r\nX-Forwarded-Client-Port: 3\r\nX-Forwarded-Proto: x\r\n"
               "X_Forwarded_Proto: alias\r\n"));
  EXPECT_EQ(request.written(),
            get_with("X-Forwarded-Proto: gopher\r\nx-forwarded-PORT: 1\r\nX-Forwarded-LBIP: 2\r\n"
                     "X-Forwarded-Host: h\r\nX-Forwarded-Client-Port: 3\r\n"
                     "X-Forwarded-Proto: x\r\n"));
  const RequestOptions all{.forwarding = {.proto = "https",
                                          .port = "443",
                                          .lbip = "198.51.100.7",
                                          .client_port = "50000",
                                          .host = true},
                           .vip = "198.51.100.7",
                           .listener_port = "443"};
  EXPECT_EQ(request.written(all),
            get_with("X-Forwarded-Host: a:443\r\nX-Forwarded-Proto: https\r\n"
                     "X-Forwarded-Port: 443\r\nX-Forwarded-LBIP: 198.51.100.7\r\n"
                     "X-Forwarded-Client-Port: 50000\r\n"));
}

TEST(RequestWriter, NamesTheForwardedHostWithItsPort) {
  const RequestOptions options{
      .forwarding = {.host = true}, .vip = "198.51.100.7", .listener_port = "8080"};
  const auto forwarded_host = [&](std::string_view text) {
    const std::string out = ParsedRequest(text).written(options);
    const std::size_t at = out.find("X-Forwarded-Host: ") + 18;
    return out.substr(at, out.find('\r', at) - at);
  };
  EXPECT_EQ(forwarded_host("GET / HTTP/1.1\r\nHost: a:81\r\n\r\n"), "a:81");
  EXPECT_EQ(forwarded_host("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), "a:8080");
  EXPECT_EQ(forwarded_host("GET / HTTP/1.1\r\nHost: [::1]\r\n\r\n"), "[::1]:8080");
  EXPECT_EQ(forwarded_host("GET / HTTP/1.0\r\n\r\n"), "198.51.100.7:8080");
}

TEST(RequestWriter, RemovesFieldsOfOneConnectionAndThoseItNominates) {
  const ParsedRequest request(
      get_with("Connection: keep-alive, X-Private , x-other\r\nKeep-Alive: 5\r\n"
               "X-Private: 1\r\nX-PRIVATE: 2\r\nX-Kept: 3\r\nTE: trailers\r\n"
               "Proxy-Connection: close\r\nUpgrade: websocket\r\nTrailer: X\r\n"
               "Connection: X-Kept2\r\nX-Kept2: 4\r\nHTTP2-Settings: A\r\n"));
  EXPECT_EQ(request.written(), get_with("X-Kept: 3\r\n"));
}

TEST(RequestWriter, KeepsHostAndFramingEvenWhenTheyAreNominated) {
  const ParsedRequest request(
      get_with("Connection: Host, Content-Length\r\nContent-Length: 007\r\nX: a\r\n"));
  EXPECT_EQ(request.written(), get_with("X: a\r\nContent-Length: 7\r\n"));
}

TEST(RequestWriter, WritesTheFramingItUnderstood) {
  EXPECT_TRUE(ParsedRequest(get_with("transfer-encoding:  CHUNKED\r\n"))
                  .written()
                  .ends_with("\r\nTransfer-Encoding: chunked\r\n\r\n"));
  EXPECT_TRUE(ParsedRequest(get_with("content-length: 0\r\n"))
                  .written()
                  .ends_with("\r\nContent-Length: 0\r\n\r\n"));
}

TEST(RequestWriter, TurnsTheAbsoluteFormIntoTheOriginForm) {
  const auto written = [](const char* target) {
    const ParsedRequest request("GET " + std::string(target) +
                                " HTTP/1.1\r\nX: y\r\nHost: a\r\n\r\n");
    return request.written();
  };
  const std::string rest = " HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n";
  EXPECT_EQ(written("http://a/b?c"), "GET /b?c" + rest);
  EXPECT_EQ(written("http://a"), "GET /" + rest);
  EXPECT_EQ(written("http://a?c"), "GET /?c" + rest);
  EXPECT_EQ(ParsedRequest("OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n").written(),
            "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(ParsedRequest("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").written(),
            "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
}

TEST(RequestWriter, NamesTheVipAsHostForAnHttp10ClientWithoutOne) {
  EXPECT_EQ(ParsedRequest("GET / HTTP/1.0\r\n\r\n").written(kPeer),
            "GET / HTTP/1.1\r\nHost: 198.51.100.7:8080\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n");
}

TEST(RequestWriter, PassesAnUpgradeOnlyWhenAsked) {
  const ParsedRequest request(
      get_with("Connection: Upgrade\r\nUpgrade: websocket\r\n"
               "Sec-WebSocket-Version: 13\r\n"));
  EXPECT_EQ(request.written(), get_with("Sec-WebSocket-Version: 13\r\n"));
  EXPECT_EQ(request.written({.pass_upgrade = true}),
            get_with("Sec-WebSocket-Version: 13\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"));
}

TEST(RequestWriter, PassesAnExpectationOnlyWhenAsked) {
  const std::string lines = "Expect: 100-continue\r\nContent-Length: 1\r\n";
  EXPECT_FALSE(ParsedRequest(get_with(lines)).written().contains("Expect"));
  EXPECT_TRUE(ParsedRequest(get_with(lines)).written({.pass_expect = true}).contains("Expect"));
  EXPECT_FALSE(ParsedRequest("POST / HTTP/1.0\r\n" + lines + "\r\n")
                   .written({.pass_expect = true})
                   .contains("Expect"));
  EXPECT_TRUE(ParsedRequest(get_with("Expect: other\r\n")).written().contains("Expect: other"));
}

TEST(RequestWriter, AsksTheServerToCloseWhenAsked) {
  EXPECT_EQ(ParsedRequest(get_with("")).written({.close = true}),
            get_with("Connection: close\r\n"));
  EXPECT_FALSE(ParsedRequest(get_with("Connection: close\r\n")).written().contains("Connection"));
}

TEST(RequestWriter, SaysSoWhenTheBufferIsTooSmall) {
  const ParsedRequest request(get_with("A: b\r\n"));
  const std::size_t needed = request.written().size();
  for (std::size_t size = 0; size <= needed; ++size) {
    std::string out(size, '\0');
    const std::size_t written = write_request_head(request.head, request.text.data(), {}, out);
    EXPECT_EQ(written, size == needed ? needed : 0);
  }
}

TEST(ResponseWriter, CopiesWhatIsUnchanged) {
  const std::string text = "HTTP/1.1 200 OK\r\nServer: s\r\nContent-Length: 3\r\nETag: e\r\n\r\n";
  EXPECT_EQ(ParsedResponse(text).written(),
            "HTTP/1.1 200 OK\r\nServer: s\r\nETag: e\r\nContent-Length: 3\r\n\r\n");
}

TEST(ResponseWriter, RemovesFieldsOfTheServerConnection) {
  const ParsedResponse response(
      "HTTP/1.1 200 OK\r\nConnection: close, X-Own\r\nKeep-Alive: timeout=5\r\nX-Own: 1\r\n"
      "Upgrade: h2c\r\nProxy-Connection: x\r\nTrailer: y\r\nContent-Length: 0\r\nA: b\r\n\r\n");
  EXPECT_EQ(response.written(), "HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 0\r\n\r\n");
}

TEST(ResponseWriter, ClosesForHttp10ClientsWhatOnlyChunksCouldFrame) {
  const ParsedResponse response("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_EQ(response.written(), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  const ResponseOptions old{.client_version = Version::kHttp10};
  EXPECT_EQ(plan_response(response.head, old).framing, Framing::kUntilClose);
  EXPECT_TRUE(plan_response(response.head, old).close);
  EXPECT_EQ(response.written(old), "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
}

TEST(ResponseWriter, TellsAnHttp10ClientThatTheConnectionPersists) {
  const ParsedResponse response("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(response.written({.client_version = Version::kHttp10}),
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(response.written({.client_version = Version::kHttp10, .client_keep_alive = false}),
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

TEST(ResponseWriter, ClosesWhenTheClientTheEngineOrTheFramingWantsIt) {
  const ParsedResponse sized("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_FALSE(plan_response(sized.head, {}).close);
  EXPECT_TRUE(plan_response(sized.head, {.client_keep_alive = false}).close);
  EXPECT_TRUE(plan_response(sized.head, {.close = true}).close);
  const ParsedResponse endless("HTTP/1.1 200 OK\r\n\r\n");
  EXPECT_TRUE(plan_response(endless.head, {}).close);
  EXPECT_EQ(endless.written(), "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
}

TEST(ResponseWriter, KeepsTheLengthOfABodyThatIsLeftOut) {
  const std::string text = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n";
  EXPECT_EQ(ParsedResponse(text, true).written(), text);
  const std::string unchanged = "HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n";
  EXPECT_EQ(ParsedResponse(unchanged).written(), unchanged);
  EXPECT_EQ(ParsedResponse("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n").written(),
            "HTTP/1.1 204 No Content\r\n\r\n");
}

TEST(ResponseWriter, PassesASwitchOfProtocolsOnlyWhenAsked) {
  const ParsedResponse response(
      "HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nA: b\r\n\r\n");
  EXPECT_EQ(response.written({.pass_upgrade = true}),
            "HTTP/1.1 101 Switching\r\nA: b\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
}

TEST(ResponseWriter, WritesInterimResponsesWithoutConnection) {
  EXPECT_EQ(ParsedResponse("HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n").written({.close = true}),
            "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n");
}

TEST(ErrorResponse, SaysTheStatusAndTheReason) {
  std::array<char, kMaxErrorResponse> out;
  const auto written = [&](const ErrorResponse& response) {
    return std::string(out.data(), write_error_response(response, out));
  };
  EXPECT_EQ(written({.status = 400, .reason = "duplicate_host"}),
            "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 32\r\n"
            "Connection: close\r\n\r\n400 Bad Request: duplicate_host\n");
  EXPECT_EQ(written({.status = 503, .date = "Fri, 20 Nov 2026 05:00:00 GMT", .close = false}),
            "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: 24\r\n"
            "Date: Fri, 20 Nov 2026 05:00:00 GMT\r\n\r\n503 Service Unavailable\n");
  EXPECT_TRUE(written({.status = 502, .answers_head = true}).ends_with("\r\n\r\n"));
  for (int status = 100; status < 600; ++status) {
    const std::string text = written({.status = status});
    const ParsedResponse response(text);
    ASSERT_TRUE(response.is_complete()) << text;
    if (response.head.framing == Framing::kLength) {
      EXPECT_EQ(response.head.content_length, text.size() - response.head.size);
    }
  }
}

TEST(ErrorResponse, ContinueIsAnInterimResponse) {
  const ParsedResponse response(kContinueResponse);
  ASSERT_TRUE(response.is_complete());
  EXPECT_EQ(response.head.status, 100);
}

}  // namespace
}  // namespace weir::http
