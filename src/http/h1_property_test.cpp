#include <gtest/gtest.h>

#include <string>

#include "base/random.h"
#include "http/h1_properties.h"
#include "http/h1_scan.h"

namespace weir::http {
using std::string_view_literals::operator""sv;
namespace {

constexpr std::uint64_t kSeed = 20261120;
constexpr int kRounds = 4000;

std::string_view one_of(Random& random, std::span<const std::string_view> choices) {
  return choices[random.below(choices.size())];
}

constexpr std::string_view kLines[] = {
    "Accept: */*",
    "accept-encoding:gzip, deflate",
    "Cookie: a=b; c=d",
    "X-Empty:",
    "X-Odd: \t v \t",
    "Connection: keep-alive",
    "Connection: close",
    "Connection: X-Odd, upgrade",
    "Keep-Alive: 5",
    "Upgrade: websocket",
    "Upgrade: h2c",
    "TE: trailers",
    "X-Forwarded-For: 203.0.113.9",
    "X-Forwarded-For:",
    "x-forwarded-host: b",
    "X_Forwarded_For: c",
    "Transfer_Encoding: chunked",
    "Expect: 100-continue",
    "Trailer: X-Sum",
    "X_Ordinary: 1",
    "User-Agent: \xc3\xbc\xff",
    "ETag: \"x\"",
    "X: 0123456789012345678901234567890123456789012345678901234567890123456789"};
constexpr std::string_view kFramings[] = {"",
                                          "",
                                          "Content-Length: 0",
                                          "Content-Length:  0042 ",
                                          "Transfer-Encoding: chunked",
                                          "transfer-encoding:Chunked"};
constexpr std::string_view kStarts[] = {"GET / HTTP/1.1\r\nHost: a",
                                        "POST /p?q HTTP/1.1\r\nHost:a:8080",
                                        "HEAD /x HTTP/1.0",
                                        "GET http://A.b/c?d HTTP/1.1\r\nHost: a.b:80",
                                        "OPTIONS * HTTP/1.1\r\nHost: [::1]",
                                        "OPTIONS http://a HTTP/1.1\r\nHost: a",
                                        "\r\nPURGE //..//a%2f HTTP/1.1\r\nhost: a"};
constexpr std::string_view kStatusLines[] = {"HTTP/1.1 200 OK",
                                             "HTTP/1.0 200 ",
                                             "HTTP/1.1 204 No Content",
                                             "HTTP/1.1 304 Not Modified",
                                             "HTTP/1.1 101 Switching Protocols",
                                             "HTTP/1.1 103 Early Hints",
                                             "HTTP/1.1 502 \xff \t x"};

std::string message(Random& random, std::span<const std::string_view> starts) {
  std::string text(one_of(random, starts));
  text += "\r\n";
  const std::uint64_t count = random.below(8);
  const std::uint64_t framing_at = random.below(count + 1);
  for (std::uint64_t i = 0; i <= count; ++i) {
    const std::string_view line =
        i == framing_at ? one_of(random, kFramings) : one_of(random, kLines);
    if (!line.empty()) text.append(line).append("\r\n");
  }
  return text + "\r\n";
}

/// Changes, drops, doubles or inserts a byte now and then, so that broken messages are covered too.
void damage(Random& random, std::string& text) {
  constexpr std::string_view kNasty = "\r\n :\t,;0xX\x00\x7f\x80#?/[]@_-"sv;
  for (std::uint64_t i = random.below(3); i > 0 && !text.empty(); --i) {
    const std::size_t at = random.below(text.size());
    const char byte = kNasty[random.below(kNasty.size())];
    switch (random.below(4)) {
      case 0:
        text[at] = byte;
        break;
      case 1:
        text.erase(at, 1);
        break;
      case 2:
        text.insert(at, 1, text[at]);
        break;
      default:
        text.insert(at, 1, byte);
    }
  }
}

std::vector<std::size_t> cuts(Random& random, std::size_t size) {
  return {random.below(size + 1), random.below(size + 1)};
}

class CodecProperties : public testing::Test {
 protected:
  CodecProperties() { RecordProperty("seed", std::to_string(kSeed)); }
  Random random_{kSeed};
};

TEST_F(CodecProperties, AWrittenMessageIsTheSameMessageInTheSameFraming) {
  int accepted = 0;
  for (int round = 0; round < kRounds; ++round) {
    const std::string request = message(random_, kStarts);
    ASSERT_EQ(properties::request_round_trip(request), "") << "seed " << kSeed << "\n" << request;
    RequestHead head;
    accepted += parse_request_head(request, 0, head).state == ParseState::kComplete;
    const std::string response = message(random_, kStatusLines);
    const bool answers_head = random_.below(2) == 0;
    ASSERT_EQ(properties::response_round_trip(response, answers_head), "")
        << "seed " << kSeed << "\n"
        << response;
  }
  EXPECT_GT(accepted, kRounds / 2);
}

TEST_F(CodecProperties, NoClientForgesAForwardingFieldThatIsOn) {
  for (int round = 0; round < kRounds; ++round) {
    std::string text = message(random_, kStarts);
    damage(random_, text);
    ASSERT_EQ(properties::forwarding_is_forged(text), "") << "seed " << kSeed << "\n" << text;
  }
}

TEST_F(CodecProperties, HowARequestIsSplitChangesNothing) {
  for (int round = 0; round < kRounds; ++round) {
    std::string text = message(random_, kStarts);
    damage(random_, text);
    ASSERT_EQ(properties::request_split_changes(text, cuts(random_, text.size())), "")
        << "seed " << kSeed << "\n"
        << text;
    ASSERT_EQ(properties::request_round_trip(text), "") << "seed " << kSeed << "\n" << text;
  }
}

TEST_F(CodecProperties, HowAResponseIsSplitChangesNothing) {
  for (int round = 0; round < kRounds; ++round) {
    std::string text = message(random_, kStatusLines);
    damage(random_, text);
    const bool answers_head = random_.below(2) == 0;
    ASSERT_EQ(properties::response_split_changes(text, cuts(random_, text.size()), answers_head),
              "")
        << "seed " << kSeed << "\n"
        << text;
    ASSERT_EQ(properties::response_round_trip(text, answers_head), "") << "seed " << kSeed << "\n"
                                                                       << text;
  }
}

TEST_F(CodecProperties, EveryPrefixOfAMessageGivesTheVerdictThatItsBytesGiveOneByOne) {
  for (int round = 0; round < 50; ++round) {
    std::string text = message(random_, kStarts);
    damage(random_, text);
    std::vector<std::size_t> all;
    for (std::size_t size = 0; size <= text.size(); ++size) all.push_back(size);
    ASSERT_EQ(properties::request_split_changes(text, all), "") << "seed " << kSeed << "\n" << text;
  }
}

TEST_F(CodecProperties, LimitsHoldHoweverTheBytesArrive) {
  const auto long_of = [&](std::string_view start, std::size_t size, std::string_view end) {
    return std::string(start) + std::string(size, 'a') + std::string(end);
  };
  for (int round = 0; round < 200; ++round) {
    const std::size_t size = kMaxFieldLine - 40 + random_.below(80);
    for (const std::string& text :
         {long_of("GET /", size, " HTTP/1.1\r\nHost: a\r\n\r\n"),
          long_of("GET / HTTP/1.1\r\nHost: a\r\nX: ", size, "\r\n\r\n"),
          long_of("GET / HTTP/1.1\r\nHost: a\r\nX\x01: ", size, "\r\n\r\n")}) {
      ASSERT_EQ(properties::request_split_changes(text, cuts(random_, text.size())), "")
          << "seed " << kSeed << " size " << size;
    }
  }
}

TEST_F(CodecProperties, HowAChunkedBodyIsSplitChangesNothing) {
  for (int round = 0; round < kRounds; ++round) {
    std::string text = properties::chunked(random_.word(random_.below(60)), 1 + random_.below(20));
    if (random_.below(2) == 0) text.insert(text.size() - 2, "X-Sum: 1\r\nY:\r\n");
    if (random_.below(2) == 0) text.insert(text.find('\r'), ";a=\"b\\\"c\";d");
    damage(random_, text);
    ASSERT_EQ(properties::body_changes(text, cuts(random_, text.size())), "")
        << "seed " << kSeed << "\n"
        << text;
  }
}

TEST_F(CodecProperties, BlocksAreScannedAsSingleBytesAre) {
  for (int round = 0; round < kRounds; ++round) {
    std::string text = random_.word(random_.below(200));
    for (std::uint64_t i = random_.below(6); i > 0 && !text.empty(); --i) {
      text[random_.below(text.size())] = static_cast<char>(random_.below(256));
    }
    const properties::ExactBytes bytes(text);
    const char* const end = bytes.data() + text.size();
    const std::size_t from = random_.below(text.size() + 1);
    scan::LineEnds line_ends(bytes.data(), bytes.data() + from, end);
    for (std::size_t at = from; at < text.size(); ++at) {
      if (!is_char(text[at], kValueChar)) ASSERT_EQ(line_ends.next(), bytes.data() + at);
    }
    ASSERT_EQ(line_ends.next(), end);
    const auto end_of = [&](CharClass wanted) {
      const char* at = bytes.data() + from;
      while (at != end && is_char(*at, wanted)) ++at;
      return at;
    };
    const char* const start = bytes.data() + from;
    ASSERT_EQ(scan::class_end<kTokenChar>(start, end), end_of(kTokenChar));
    ASSERT_EQ(scan::class_end<kHostChar>(start, end), end_of(kHostChar));
    ASSERT_EQ(scan::target_end<false>(start, end), end_of(kTargetChar));
    const char* const query = std::find(start, end_of(kTargetChar), '?');
    ASSERT_EQ(scan::target_end<true>(start, end), query);
  }
}

}  // namespace
}  // namespace weir::http
