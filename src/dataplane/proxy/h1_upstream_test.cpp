#include "dataplane/proxy/h1_upstream.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace weir::dataplane::proxy {
namespace {

using Kind = UpstreamEvent::Kind;

/// The events of `bytes`, given `step` at a time, as letters: H head, P payload, E end, X
/// connection failed.
std::string events(UpstreamCodec& codec, std::string bytes, std::size_t step,
                   std::string* body = nullptr) {
  std::string letters;
  std::string waiting;
  while (!bytes.empty()) {
    waiting += bytes.substr(0, step);
    bytes.erase(0, std::min(step, bytes.size()));
    std::span<const char> rest(waiting);
    for (UpstreamEvent event = codec.next(rest); event.kind != Kind::kMore;
         event = codec.next(rest)) {
      if (event.kind == Kind::kConnectionFailed) return letters + "X";
      rest = rest.subspan(event.consumed);
      if (event.kind == Kind::kPayload && !event.payload.empty()) {
        if (body != nullptr) body->append(event.payload.data(), event.payload.size());
        if (!letters.ends_with("P")) letters += "P";
      }
      if (event.kind == Kind::kHead) letters += "H";
      if (event.kind == Kind::kEnd) letters += "E";
    }
    waiting.erase(0, waiting.size() - rest.size());
  }
  return letters;
}

class H1UpstreamTest : public ::testing::TestWithParam<std::size_t> {
 protected:
  http::ResponseHead head_;
  H1Upstream codec_{head_};
};

TEST_P(H1UpstreamTest, CarriesOneStreamAfterAnother) {
  EXPECT_EQ(codec_.vacancies(), 1U);
  for (int i = 0; i < 3; ++i) {
    codec_.open({});
    EXPECT_EQ(codec_.vacancies(), 0U);
    std::string body;
    EXPECT_EQ(
        events(codec_, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", GetParam(), &body),
        "HPE");
    EXPECT_EQ(body, "hello");
    EXPECT_EQ(codec_.vacancies(), 1U);
  }
}

TEST_P(H1UpstreamTest, ReadsEveryFraming) {
  const std::pair<std::string, std::string> cases[] = {
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\nX: "
       "t\r\n\r\n",
       "HPE"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "HE"},
      {"HTTP/1.1 204 No Content\r\n\r\n", "HE"},
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", "HHPE"},
      {"HTTP/1.1 200 OK\r\n\r\nuntil the end", "HP"},
  };
  for (const auto& [bytes, expected] : cases) {
    H1Upstream codec(head_);
    codec.open({});
    EXPECT_EQ(events(codec, bytes, GetParam()), expected) << bytes;
  }
}

TEST_P(H1UpstreamTest, FailsOnBytesThatBelongToNoStream) {
  EXPECT_EQ(events(codec_, "HTTP/1.1 200 OK\r\n\r\n", GetParam()), "X");
  H1Upstream other(head_);
  other.open({});
  EXPECT_EQ(events(other, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1", GetParam()),
            "HPEX");
  EXPECT_EQ(other.vacancies(), 0U);
}

TEST_P(H1UpstreamTest, SwitchesProtocolsOnlyWhenItWasAsked) {
  const std::string switching =
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
  codec_.open({});
  EXPECT_EQ(events(codec_, switching, GetParam()), "X");
  H1Upstream other(head_);
  other.open({.allows_upgrade = true});
  EXPECT_EQ(events(other, switching, GetParam()), "H");
  EXPECT_EQ(other.vacancies(), 0U);
}

TEST_P(H1UpstreamTest, DoesNotOfferAConnectionThatTheServerWillClose) {
  codec_.open({});
  EXPECT_EQ(events(codec_, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx",
                   GetParam()),
            "HPE");
  EXPECT_EQ(codec_.vacancies(), 0U);
}

INSTANTIATE_TEST_SUITE_P(StepSizes, H1UpstreamTest, ::testing::Values(1, 7, 10'000));

TEST(H1Upstream, ACleanEndCompletesOnlyABodyThatLastsUntilThen) {
  http::ResponseHead head;
  const std::pair<std::string, Kind> cases[] = {
      {"HTTP/1.1 200 OK\r\n\r\nuntil", Kind::kEnd},
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", Kind::kConnectionFailed},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n",
       Kind::kConnectionFailed},
      {"HTTP/1.1 200 OK\r\nConte", Kind::kConnectionFailed},
  };
  for (const auto& [bytes, expected] : cases) {
    for (const bool is_clean : {true, false}) {
      H1Upstream codec(head);
      codec.open({});
      events(codec, bytes, bytes.size());
      EXPECT_EQ(codec.closed(is_clean).kind, is_clean ? expected : Kind::kConnectionFailed)
          << bytes;
    }
  }
}

}  // namespace
}  // namespace weir::dataplane::proxy
