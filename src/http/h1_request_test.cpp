#include "http/h1_fixture.h"

namespace weir::http {
namespace {

using enum ParseError;

TEST(RequestParser, ReadsARequestWithAllItsParts) {
  const ParsedRequest request(
      "POST /a/b?x=1&y=2 HTTP/1.1\r\nHost: Shop.example:8080\r\nContent-Length: 42\r\n"
      "X-Empty:\r\nX-Blank: \t v w\t \r\n\r\nbody");
  ASSERT_TRUE(request.is_complete());
  const RequestHead& head = request.head;
  EXPECT_EQ(head.size, request.text.size() - 4);
  EXPECT_EQ(head.method, Method::kPost);
  EXPECT_EQ(head.form, TargetForm::kOrigin);
  EXPECT_EQ(request.in(head.target), "/a/b?x=1&y=2");
  EXPECT_EQ(request.in(head.path), "/a/b");
  EXPECT_EQ(request.in(head.query), "?x=1&y=2");
  EXPECT_EQ(request.in(head.host), "Shop.example:8080");
  EXPECT_EQ(request.in(head.host_name), "Shop.example");
  EXPECT_EQ(head.host_port, 8080);
  EXPECT_EQ(head.framing, Framing::kLength);
  EXPECT_EQ(head.content_length, 42U);
  EXPECT_TRUE(head.keep_alive);
  ASSERT_EQ(head.fields.count, 4);
  EXPECT_EQ(request.in(head.fields.entries[2].value), "");
  EXPECT_EQ(request.in(head.fields.entries[3].value), "v w");
}

TEST(RequestParser, PassesUnknownMethodsAndRefusesConnect) {
  EXPECT_TRUE(ParsedRequest("PURGE / HTTP/1.1\r\nHost: a\r\n\r\n").is_complete());
  EXPECT_EQ(refusal("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"), kConnectRefused);
  EXPECT_EQ(error_status(kConnectRefused), 501);
  EXPECT_EQ(refusal("CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n"), kConnectRefused);
}

TEST(RequestParser, RefusesBrokenRequestLines) {
  for (const char* line : {"GET  / HTTP/1.1",
                           "GET /  HTTP/1.1",
                           "GET\t/ HTTP/1.1",
                           "GET /\tHTTP/1.1",
                           " GET / HTTP/1.1",
                           "GET / HTTP/1.1 ",
                           "GET /",
                           "GET",
                           "GET HTTP/1.1",
                           "G@T / HTTP/1.1",
                           "GET /a b HTTP/1.1",
                           "GET / http/1.1",
                           "GET / HTTP/1.1.1",
                           "GET / HTTP/11",
                           "GET / HTTP/1.",
                           "GET / XTTP/1.1",
                           "GET a HTTP/1.1",
                           "GET ?a HTTP/1.1",
                           "GET /\x80 HTTP/1.1",
                           "GET /\x7f HTTP/1.1",
                           "GET ftp://a/ HTTP/1.1",
                           "GET http:///a HTTP/1.1",
                           "GET http:// HTTP/1.1",
                           "GET http:a HTTP/1.1"}) {
    const ParseError error = refusal(std::string(line) + "\r\nHost: a\r\n\r\n");
    EXPECT_NE(error, kNone) << line;
    EXPECT_EQ(error_status(error), 400) << line;
  }
}

TEST(RequestParser, KnowsOnlyTwoVersions) {
  EXPECT_TRUE(ParsedRequest("GET / HTTP/1.0\r\n\r\n").is_complete());
  for (const char* version : {"HTTP/0.9", "HTTP/1.2", "HTTP/1.9", "HTTP/2.0", "HTTP/3.0"}) {
    const ParseError error = refusal("GET / " + std::string(version) + "\r\nHost: a\r\n\r\n");
    EXPECT_EQ(error, kVersionNotSupported) << version;
    EXPECT_EQ(error_status(error), 505);
  }
  EXPECT_EQ(refusal("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), kVersionNotSupported);
}

TEST(RequestParser, RefusesAFragmentInTheTarget) {
  EXPECT_EQ(refusal("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n"), kFragmentInTarget);
  EXPECT_EQ(refusal("GET /a?b#c HTTP/1.1\r\nHost: a\r\n\r\n"), kFragmentInTarget);
}

TEST(RequestParser, TakesTheAsteriskFormForOptionsOnly) {
  const ParsedRequest request("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(request.is_complete());
  EXPECT_EQ(request.head.form, TargetForm::kAsterisk);
  EXPECT_EQ(refusal("GET * HTTP/1.1\r\nHost: a\r\n\r\n"), kBadTarget);
  EXPECT_EQ(refusal("OPTIONS ** HTTP/1.1\r\nHost: a\r\n\r\n"), kBadTarget);
}

TEST(RequestParser, SkipsOneEmptyLineBeforeTheRequest) {
  EXPECT_TRUE(ParsedRequest("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n").is_complete());
  EXPECT_NE(refusal("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), kNone);
  EXPECT_NE(refusal("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), kNone);
  EXPECT_NE(refusal("\rGET / HTTP/1.1\r\nHost: a\r\n\r\n"), kNone);
}

TEST(RequestParser, RefusesOtherProtocolsAtTheirFirstByte) {
  EXPECT_EQ(refusal("\x16\x03\x01"), kBadMethod);
}

// ecosystem.md, section 3: one test for each row of the table.

TEST(FramingTable, RefusesASpaceBeforeTheColon) {
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost : a\r\n\r\n"), kSpaceInFieldName);
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost\t: a\r\n\r\n"), kSpaceInFieldName);
}

TEST(FramingTable, RefusesAnEmptyLineThatEndsInCrOnly) {
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: a\r\n\rX\r\n\r\n"), kBadLineEnd);
}

TEST(FramingTable, RefusesFoldedLines) {
  EXPECT_EQ(refusal(get_with("X: a\r\n b\r\n")), kFoldedLine);
  EXPECT_EQ(refusal(get_with("X: a\r\n\tb\r\n")), kFoldedLine);
  EXPECT_EQ(refusal(get_with("Transfer-Encoding:\r\n chunked\r\n")), kFoldedLine);
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\n Host: a\r\n\r\n"), kFoldedLine);
}

TEST(FramingTable, RefusesTransferEncodingTogetherWithContentLength) {
  for (const char* coding : {"chunked", "gzip", "identity", ""}) {
    const std::string line = "Transfer-Encoding: " + std::string(coding) + "\r\n";
    EXPECT_EQ(refusal(get_with(line + "Content-Length: 5\r\n")), kLengthAndTransferEncoding);
    EXPECT_EQ(refusal(get_with("Content-Length: 5\r\n" + line)), kLengthAndTransferEncoding);
  }
}

TEST(FramingTable, RefusesTransferCodingsOtherThanExactlyChunked) {
  for (const char* coding :
       {"identity", "xchunked", "chunked, identity", "gzip, chunked", "chunked, chunked",
        "chunked,", ",chunked", "chunked;q=1", "\"chunked\"", "'chunked'", "chunke",
        "chunked chunked", "", "chunked\x80",
        "\xff"
        "chunked"}) {
    const std::string lines = "Transfer-Encoding: " + std::string(coding) + "\r\n";
    EXPECT_EQ(refusal(get_with(lines)), kBadTransferEncoding) << coding;
  }
  for (const char* coding : {"chunked", "Chunked", "CHUNKED", " chunked ", "\tchunked\t"}) {
    const ParsedRequest request(get_with("Transfer-Encoding:" + std::string(coding) + "\r\n"));
    ASSERT_TRUE(request.is_complete()) << coding;
    EXPECT_EQ(request.head.framing, Framing::kChunked);
  }
}

TEST(FramingTable, RefusesTwoTransferEncodingLines) {
  EXPECT_EQ(refusal(get_with("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n")),
            kDuplicateTransferEncoding);
  EXPECT_EQ(refusal(get_with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")),
            kDuplicateTransferEncoding);
}

TEST(FramingTable, RefusesTransferEncodingInHttp10) {
  EXPECT_EQ(refusal("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
            kTransferEncodingInHttp10);
}

TEST(FramingTable, RefusesRepeatedContentLength) {
  EXPECT_EQ(refusal(get_with("Content-Length: 1, 1\r\n")), kBadContentLength);
  EXPECT_EQ(refusal(get_with("Content-Length: 1\r\nContent-Length: 1\r\n")),
            kDuplicateContentLength);
  EXPECT_EQ(refusal(get_with("Content-Length: 1\r\ncontent-length: 2\r\n")),
            kDuplicateContentLength);
}

TEST(FramingTable, WantsExactlyOneHost) {
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\n\r\n"), kNoHost);
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), kDuplicateHost);
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n"), kDuplicateHost);
  EXPECT_EQ(refusal("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"), kDuplicateHost);
  EXPECT_TRUE(ParsedRequest("GET / HTTP/1.0\r\n\r\n").is_complete());
  EXPECT_TRUE(ParsedRequest("GET / HTTP/1.0\r\nHost: a\r\n\r\n").is_complete());
}

TEST(FramingTable, RefusesHttp09AndTwoSpacesAfterTheMethod) {
  EXPECT_NE(refusal("GET /\r\n\r\n"), kNone);
  EXPECT_NE(refusal("GET  / HTTP/1.1\r\nHost: a\r\n\r\n"), kNone);
}

TEST(FramingTable, RefusesATabOrA0x80InThePath) {
  EXPECT_EQ(refusal("GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n"), kBadTarget);
  EXPECT_EQ(refusal("GET /a\x80 HTTP/1.1\r\nHost: a\r\n\r\n"), kBadTarget);
}

TEST(FramingTable, RefusesLinesThatEndInLfOnly) {
  EXPECT_EQ(refusal("GET / HTTP/1.1\nHost: a\n\n"), kBadLineEnd);
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: a\n\r\n"), kBadLineEnd);
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: a\r\n\n"), kBadLineEnd);
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n"), kBadLineEnd);
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: a\r\r\n\r\n"), kBadLineEnd);
}

TEST(FramingTable, RefusesEveryControlCharacterInAValue) {
  for (int c = 0; c < 256; ++c) {
    const std::string value = std::string("a") + static_cast<char>(c) + "b";
    const ParsedRequest request(get_with("X: " + value + "\r\n"));
    const bool is_allowed = c == '\t' || (c >= 0x20 && c != 0x7f);
    EXPECT_EQ(request.is_complete(), is_allowed) << c;
    if (is_allowed) {
      EXPECT_EQ(request.in(request.head.fields.entries[1].value), value);
    }
  }
}

TEST(RequestParser, AcceptsOnlyTokensAsNames) {
  constexpr std::string_view kSymbols = "!#$%&'*+-.^_`|~";
  for (int c = 0; c < 256; ++c) {
    const char symbol = static_cast<char>(c);
    const bool is_alnum = c < 128 && std::isalnum(c) != 0;
    const bool is_token = is_alnum || (c != 0 && kSymbols.contains(symbol));
    // At the start of the line ':' means an empty name; in its middle it ends the name.
    EXPECT_EQ(ParsedRequest(get_with(std::string(1, symbol) + "a: b\r\n")).is_complete(), is_token)
        << c;
    EXPECT_EQ(ParsedRequest(get_with(std::string("a") + symbol + "a: b\r\n")).is_complete(),
              is_token || c == ':')
        << c;
  }
  EXPECT_EQ(refusal(get_with(": b\r\n")), kBadFieldName);
  EXPECT_EQ(refusal(get_with("name\r\n")), kBadFieldName);
}

TEST(RequestParser, ReadsContentLengthAsDigitsUpTo63Bits) {
  for (const char* good : {"0", "5", "003", "9223372036854775807", " 42 ", "\t42\t"}) {
    EXPECT_TRUE(
        ParsedRequest(get_with("Content-Length:" + std::string(good) + "\r\n")).is_complete())
        << good;
  }
  EXPECT_EQ(ParsedRequest(get_with("Content-Length: 9223372036854775807\r\n")).head.content_length,
            kMaxBodySize);
  for (const char* bad : {"", "-1", "+1", "1 2", "0x5", "5;", "1,", "5.0", "1e3", "\"5\"",
                          "9223372036854775808", "18446744073709551616", "99999999999999999999"}) {
    EXPECT_EQ(refusal(get_with("Content-Length: " + std::string(bad) + "\r\n")), kBadContentLength)
        << bad;
  }
}

TEST(RequestParser, ChecksTheHost) {
  for (const char* good : {"a", "A.b-c_d~e", "a:1", "a:65535", "127.0.0.1:80", "[::1]", "[::1]:80",
                           "[2001:db8::192.0.2.1]", "a%20b", "a=b"}) {
    EXPECT_TRUE(
        ParsedRequest("GET / HTTP/1.1\r\nHost: " + std::string(good) + "\r\n\r\n").is_complete())
        << good;
  }
  for (const char* bad : {"",       "a b",     "u@a",      "u:p@a",  "a/",
                          "a:0",    "a:65536", "a:000080", "a:",     "a:b",
                          "a:-1",   "a:80x",   ":80",      "[",      "[]",
                          "[::1",   "::1",     "[::g]",    "[v1.x]", "[fe80::1%25eth0]",
                          "[::1]x", "[::1]80", "a%",       "a%2",    "a%zz",
                          "a\\b",   "a\"b",    "a<b>",     "a\x80",  "http://a"}) {
    EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: " + std::string(bad) + "\r\n\r\n"), kBadHost) << bad;
  }
}

TEST(RequestParser, WantsTheHostToEqualTheAuthorityOfAnAbsoluteForm) {
  const auto absolute = [](const char* target, const char* host) {
    return ParsedRequest("GET " + std::string(target) + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
  };
  for (const auto& [target, host] : {std::pair{"http://a/b?c", "a"},
                                     {"http://A:80/b", "a"},
                                     {"HTTP://a/b", "a:80"},
                                     {"https://a:443", "a"},
                                     {"http://a?b", "a"},
                                     {"http://[::1]:8080/", "[::1]:8080"}}) {
    const ParsedRequest request = absolute(target, host);
    ASSERT_TRUE(request.is_complete()) << target;
    EXPECT_EQ(request.head.form, TargetForm::kAbsolute);
  }
  for (const auto& [target, host] : {std::pair{"http://a/", "b"},
                                     {"http://a:81/", "a"},
                                     {"https://a/", "a:80"},
                                     {"http://a/", "a.b"}}) {
    EXPECT_EQ(absolute(target, host).result.error, kHostMismatch) << target;
  }
  EXPECT_EQ(absolute("http://u@a/", "a").result.error, kBadTarget);
  EXPECT_EQ(absolute("http://a:/", "a").result.error, kBadTarget);
  EXPECT_EQ(absolute("http://a", "a").head.path.length, 0);
  const ParsedRequest old("GET http://a:8080/x HTTP/1.0\r\n\r\n");
  ASSERT_TRUE(old.is_complete());
  EXPECT_EQ(old.in(old.head.host), "a:8080");
}

TEST(RequestParser, KnowsWhetherTheConnectionPersists) {
  const auto keeps = [](const char* version, const char* line) {
    const ParsedRequest request("GET / " + std::string(version) + "\r\nHost: a\r\n" + line +
                                "\r\n");
    EXPECT_TRUE(request.is_complete()) << line;
    return request.head.keep_alive;
  };
  EXPECT_TRUE(keeps("HTTP/1.1", ""));
  EXPECT_TRUE(keeps("HTTP/1.1", "Connection: keep-alive\r\n"));
  EXPECT_FALSE(keeps("HTTP/1.1", "Connection: close\r\n"));
  EXPECT_FALSE(keeps("HTTP/1.1", "Connection: Keep-Alive, CLOSE\r\n"));
  EXPECT_FALSE(keeps("HTTP/1.1", "Connection: keep-alive\r\nConnection: foo,\t ,close\t\r\n"));
  EXPECT_FALSE(keeps("HTTP/1.0", ""));
  EXPECT_TRUE(keeps("HTTP/1.0", "Connection: keep-alive\r\n"));
  EXPECT_FALSE(keeps("HTTP/1.0", "Connection: keep-alive, close\r\n"));
  EXPECT_TRUE(keeps("HTTP/1.1", "Connection:\r\n"));
  EXPECT_TRUE(keeps("HTTP/1.1", "Proxy-Connection: close\r\n"));
}

TEST(RequestParser, RefusesConnectionOptionsThatAreNoTokens) {
  for (const char* bad : {"keep alive", "close;", "\"close\"", "a, b c", "close@"}) {
    EXPECT_EQ(refusal(get_with("Connection: " + std::string(bad) + "\r\n")), kBadConnection) << bad;
  }
  std::string many = "Connection: a";
  for (unsigned i = 1; i <= kMaxConnectionOptions; ++i) many += ",a";
  EXPECT_EQ(refusal(get_with(many + "\r\n")), kTooManyOptions);
}

TEST(RequestParser, ExpectsContinueOnlyForABodyOfHttp11) {
  const auto expects = [](const char* version, const char* lines) {
    const ParsedRequest request("POST / " + std::string(version) +
                                "\r\nHost: a\r\nExpect: 100-Continue\r\n" + lines + "\r\n");
    EXPECT_TRUE(request.is_complete()) << lines;
    return request.head.expects_continue;
  };
  EXPECT_TRUE(expects("HTTP/1.1", "Content-Length: 5\r\n"));
  EXPECT_TRUE(expects("HTTP/1.1", "Transfer-Encoding: chunked\r\n"));
  EXPECT_FALSE(expects("HTTP/1.1", "Content-Length: 0\r\n"));
  EXPECT_FALSE(expects("HTTP/1.1", ""));
  EXPECT_FALSE(expects("HTTP/1.0", "Content-Length: 5\r\n"));
  EXPECT_EQ(refusal(get_with("Expect: 100-continue\r\nExpect: 100-continue\r\n")),
            kDuplicateExpect);
}

TEST(RequestParser, OffersAnUpgradeOnlyWhenItIsClear) {
  const auto upgrade = [](const std::string& lines) {
    const ParsedRequest request(get_with(lines));
    EXPECT_TRUE(request.is_complete()) << lines;
    return std::string(request.in(request.head.upgrade));
  };
  EXPECT_EQ(upgrade("Connection: Upgrade\r\nUpgrade: websocket\r\n"), "websocket");
  EXPECT_EQ(upgrade("Connection: keep-alive, upgrade\r\nUpgrade: foo/2\r\n"), "foo/2");
  EXPECT_EQ(upgrade("Upgrade: websocket\r\n"), "");
  EXPECT_EQ(upgrade("Connection: upgrade\r\n"), "");
  EXPECT_EQ(upgrade("Connection: upgrade\r\nUpgrade: a, b\r\n"), "");
  EXPECT_EQ(upgrade("Connection: upgrade\r\nUpgrade: a\r\nUpgrade: a\r\n"), "");
  EXPECT_EQ(upgrade("Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n"), "");
  EXPECT_EQ(upgrade("Connection: upgrade\r\nUpgrade: HTTP/2.0\r\n"), "");
  const ParsedRequest old(
      "GET / HTTP/1.0\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
  EXPECT_TRUE(old.head.upgrade.empty());
}

TEST(RequestParser, IgnoresAnUpgradeToH2c) {
  for (const char* protocols : {"h2c", "H2C", "websocket, h2c", "h2c,websocket"}) {
    const ParsedRequest request(
        get_with("Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMA\r\n"
                 "Upgrade: " +
                 std::string(protocols) + "\r\n"));
    ASSERT_TRUE(request.is_complete()) << protocols;
    EXPECT_TRUE(request.head.upgrade.empty());
    EXPECT_TRUE(request.head.h2c_ignored);
    EXPECT_FALSE(request.written().contains("ettings"));
  }
}

TEST(RequestParser, MarksNamesThatEqualAForwardingOrFramingNameButForUnderscores) {
  for (const char* name :
       {"Transfer_Encoding", "Content_Length", "X_Forwarded_For", "X-Forwarded_Proto",
        "x_forwarded-port", "X_FORWARDED_HOST", "X_Forwarded_LBIP", "X_Forwarded_Client_Port"}) {
    const ParsedRequest request(get_with(std::string(name) + ": 1\r\n"));
    ASSERT_TRUE(request.is_complete()) << name;
    EXPECT_EQ(request.head.fields.entries[1].id, FieldId::kUnderscoreAlias) << name;
    EXPECT_EQ(request.head.fields.alias_count, 1);
    EXPECT_FALSE(request.written().contains(name));
  }
  for (const char* name : {"X_Request_Id", "Content_Type", "x_forwarded_foo", "User_Agent_Name"}) {
    const ParsedRequest request(get_with(std::string(name) + ": 1\r\n"));
    EXPECT_EQ(request.head.fields.entries[1].id, FieldId::kOther) << name;
    EXPECT_TRUE(request.written().contains(name));
  }
}

TEST(RequestLimits, BoundTheRequestLineAt16KiB) {
  const std::string tail = " HTTP/1.1\r\nHost: a\r\n\r\n";
  const auto with_line_of = [&](std::size_t size) {
    return "GET /" + std::string(size - 16, 'a') + tail;
  };
  EXPECT_TRUE(ParsedRequest(with_line_of(kMaxStartLine)).is_complete());
  EXPECT_EQ(refusal(with_line_of(kMaxStartLine + 1)), kStartLineTooLong);
  EXPECT_EQ(error_status(kStartLineTooLong), 414);
  EXPECT_EQ(refusal("GET /" + std::string(kMaxStartLine, 'a')), kStartLineTooLong);
  EXPECT_EQ(refusal(std::string(10'000'000, 'a')), kStartLineTooLong);
}

TEST(RequestLimits, BoundOneFieldAt16KiB) {
  const auto with_field_of = [](std::size_t size) {
    return get_with("X: " + std::string(size - 5, 'a') + "\r\n");
  };
  EXPECT_TRUE(ParsedRequest(with_field_of(kMaxFieldLine)).is_complete());
  EXPECT_EQ(refusal(with_field_of(kMaxFieldLine + 1)), kFieldTooLong);
  EXPECT_EQ(error_status(kFieldTooLong), 431);
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\n" + std::string(10'000'000, 'a')), kFieldTooLong);
}

TEST(RequestLimits, BoundTheHeadAt64KiB) {
  const auto with_head_of = [](std::size_t size) {
    std::string text = "GET / HTTP/1.1\r\nHost: a\r\n";
    while (size - text.size() > 12'000) text += "X: " + std::string(8'187, 'a') + "\r\n";
    return text + "X: " + std::string(size - text.size() - 7, 'a') + "\r\n\r\n";
  };
  ASSERT_EQ(with_head_of(kMaxRequestHead).size(), kMaxRequestHead);
  const ParsedRequest largest(with_head_of(kMaxRequestHead));
  ASSERT_TRUE(largest.is_complete());
  EXPECT_EQ(largest.head.size, kMaxRequestHead);
  EXPECT_EQ(refusal(with_head_of(kMaxRequestHead + 1)), kHeadTooLarge);
  EXPECT_EQ(error_status(kHeadTooLarge), 431);
}

TEST(RequestLimits, BoundTheNumberOfFieldsAt100) {
  const auto with_fields = [](std::size_t count) {
    std::string text = "GET / HTTP/1.1\r\nHost: a\r\n";
    for (std::size_t i = 1; i < count; ++i) text += "X: a\r\n";
    return text + "\r\n";
  };
  EXPECT_TRUE(ParsedRequest(with_fields(100)).is_complete());
  EXPECT_EQ(refusal(with_fields(101)), kTooManyFields);
  EXPECT_EQ(error_status(kTooManyFields), 431);
}

TEST(RequestParser, AsksForMoreUntilTheHeadIsComplete) {
  const std::string text = "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n";
  for (std::size_t size = 0; size < text.size(); ++size) {
    const ParseResult result = ParsedRequest(text.substr(0, size)).result;
    EXPECT_EQ(result.state, ParseState::kNeedMore) << size;
    EXPECT_EQ(result.scanned, size);
  }
  EXPECT_TRUE(ParsedRequest(text).is_complete());
}

TEST(ParseErrors, HaveNamesAndStatusesThatAClientMayGet) {
  EXPECT_EQ(error_name(kDuplicateHost), "duplicate_host");
  EXPECT_TRUE(is_limit(kTooManyFields));
  EXPECT_FALSE(is_limit(kBadHost));
#define WEIR_H1_CHECK_ERROR(constant, name, status)                                                \
  EXPECT_EQ(error_status(constant), status);                                                       \
  EXPECT_TRUE(constant == kNone || constant == kBadStatus || (status) == 400 || (status) == 414 || \
              (status) == 431 || (status) == 501 || (status) == 505);
  WEIR_H1_ERRORS(WEIR_H1_CHECK_ERROR)
#undef WEIR_H1_CHECK_ERROR
}

}  // namespace
}  // namespace weir::http
