#include "health/http_probe.h"

#include <gtest/gtest.h>

namespace weir::health {
namespace {

ProbeTarget target() {
  ProbeTarget target{.endpoint = *net::Endpoint::parse("10.0.0.1:8080"), .source = {}, .check = {}};
  target.check.protocol = snapshot::CheckProtocol::kHttp;
  target.check.http_codes = {{200, 299}, {300, 399}};
  return target;
}

ProbeOutcome judge(std::string_view answer, std::vector<std::pair<int, int>> codes = {{200, 399}}) {
  snapshot::HealthCheck check;
  check.http_codes = std::move(codes);
  const auto outcome = judge_http_answer(check, answer);
  EXPECT_TRUE(outcome.has_value());
  return outcome.value_or(ProbeOutcome{ProbeReason::kNotRun, "no judgement"});
}

TEST(HttpRequest, M65_IsAHeadRequestOfHttp10WithoutHost) {
  EXPECT_EQ(http_request(target()), "HEAD / HTTP/1.0\r\nUser-Agent: weir-health-check\r\n\r\n");
}

TEST(HttpRequest, NamesTheHostOnlyWhenOneIsSet) {
  auto with_host = target();
  with_host.check.http_host = "shop.example";
  with_host.check.http_path = "/status?full=1";
  EXPECT_EQ(http_request(with_host),
            "HEAD /status?full=1 HTTP/1.0\r\nHost: shop.example\r\n"
            "User-Agent: weir-health-check\r\n\r\n");
}

TEST(HttpRequest, OfHttp11NamesTheAddressAndPortWhenNoHostIsSet) {
  auto http_1_1 = target();
  http_1_1.check.http_1_1 = true;
  EXPECT_EQ(http_request(http_1_1),
            "HEAD / HTTP/1.1\r\nHost: 10.0.0.1:8080\r\nConnection: close\r\n"
            "User-Agent: weir-health-check\r\n\r\n");
  http_1_1.check.http_host = "shop.example";
  EXPECT_NE(http_request(http_1_1).find("Host: shop.example\r\n"), std::string::npos);
}

TEST(HttpRequest, EncodesWhatAPathMayHoldButAUrlMayNot) {
  auto odd = target();
  odd.check.http_path = "/健康/a#b[1]<2>{3}^%20";
  const std::string request = http_request(odd);
  EXPECT_EQ(request.substr(0, request.find('\r')),
            "HEAD /%E5%81%A5%E5%BA%B7/a%23b%5B1%5D%3C2%3E%7B3%7D%5E%20 HTTP/1.0");
}

TEST(HttpAnswer, M60_JudgesTheEdgesOfTheCodeClassesExactly) {
  const std::vector<int> edges = {199, 200, 299, 300, 399, 400, 499, 500};
  for (const int low : {200, 300, 400}) {
    for (const int status : edges) {
      // 199 is interim: the final answer follows.
      const std::string line = "HTTP/1.0 " + std::to_string(status) + " x\r\n\r\n";
      const std::string answer = status == 199 ? line + "HTTP/1.0 500 x\r\n\r\n" : line;
      const bool is_normal = status >= low && status <= low + 99;
      EXPECT_EQ(judge(answer, {{low, low + 99}}).success(), is_normal) << low << " " << status;
    }
  }
  EXPECT_TRUE(judge("HTTP/1.1 404 x\r\n\r\n", {{200, 200}, {404, 404}}).success());
  EXPECT_EQ(judge("HTTP/1.1 404 x\r\n\r\n"),
            (ProbeOutcome{ProbeReason::kHttpCodeMismatch, "status 404"}));
}

TEST(HttpAnswer, WaitsForTheWholeHead) {
  const std::string answer = "HTTP/1.1 200 OK\r\nServer: x\r\n\r\n";
  for (std::size_t size = 0; size < answer.size(); ++size) {
    EXPECT_FALSE(judge_http_answer(target().check, answer.substr(0, size)).has_value()) << size;
  }
  EXPECT_TRUE(judge(answer).success());
  EXPECT_TRUE(judge(answer + "body that should not be here").success());
}

TEST(HttpAnswer, IsAFormatErrorWhenItIsNotHttp) {
  for (const char* answer : {"SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 abc OK\r\n\r\n", "\r\n\r\n",
                             "HTTP/1.1 200 OK\r\nno colon\r\n\r\n"}) {
    EXPECT_EQ(judge(answer).reason, ProbeReason::kResponseFormatError) << answer;
  }
}

TEST(HttpAnswer, IsJudgedByItsStatusWhenItsHeadNeverEnds) {
  std::string fields;
  while (fields.size() < kAnswerBytesMax) fields += "X: " + std::string(800, 'a') + "\r\n";
  fields.resize(kAnswerBytesMax - 20);
  const std::string good = "HTTP/1.1 200 OK\r\n" + fields;
  EXPECT_FALSE(judge_http_answer(target().check, good).has_value());
  EXPECT_TRUE(judge(good + "aaaaaaaaaa").success());
  EXPECT_EQ(judge("HTTP/1.1 500 NO\r\n" + fields + "aaaaaaaaaa").reason,
            ProbeReason::kHttpCodeMismatch);
  std::string many = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 200; ++i) many += "A: b\r\n";
  EXPECT_TRUE(judge(many).success());
  EXPECT_EQ(judge(std::string(kAnswerBytesMax, 'H')).reason, ProbeReason::kResponseFormatError);
}

}  // namespace
}  // namespace weir::health
