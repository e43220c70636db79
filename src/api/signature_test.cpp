#include "api/signature.h"

#include <gtest/gtest.h>

#include <functional>

#include "api/signature_canonical.h"
#include "api/signature_fixture.h"
#include "http/client.h"
#include "testing/virtual_clock.h"

namespace weir::api {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

/// What the server says: read, then checked with the secret of the one access key there is.
Result<SignatureClaims> verdict(const http::Request& request, WallTime now,
                                std::string_view secret = "TESTSK") {
  const SignedRequest view = signed_request(request);
  auto claims = read_signature(view, SignatureRules(), now);
  if (!claims) return claims.error();
  const bool is_known = claims->header.access_key == "TESTAK";
  WEIR_TRY(check_signature(view, *claims, is_known ? std::optional(secret) : std::nullopt));
  return claims;
}

Result<SignatureClaims> verdict(const http::Request& request) {
  return verdict(request, testing::VirtualClock().wall_now());
}

bool is_accepted(const http::Request& request) { return verdict(request).ok(); }

/// The request of the test vector. Source: product.md B.7.
http::Request vector_request(std::string_view signature) {
  http::Request request;
  request.method = "POST";
  request.target = "/v1/resource:action?p1=p1&p0=p0&o=%&u=u";
  request.headers = {{"x-jdcloud-date", "20190214T104514Z"},
                     {"x-jdcloud-nonce", "testnonce"},
                     {"x-my-header", "test"},
                     {"x-my-header_blank", " blank"}};
  request.headers.push_back(
      {"Authorization",
       "JDCLOUD2-HMAC-SHA256 Credential=TESTAK/20190214/cn-north-1/test/jdcloud2_request, "
       "SignedHeaders=x-jdcloud-date;x-jdcloud-nonce;x-my-header;x-my-header_blank, Signature=" +
           std::string(signature)});
  request.body = "body data";
  return request;
}

constexpr std::string_view kVectorSignature =
    "2a98f83c074e7bee260bfc8ef64f009c07595bd93f7f0c3f4e156bf6479ed9bf";
// 2019-02-14T10:45:14Z.
constexpr WallTime kVectorTime{std::chrono::seconds(1550141114)};

TEST(Signature, EveryStepOfTheTestVectorIsAsPublished) {
  const http::Request request = vector_request(kVectorSignature);
  const SignedRequest view = signed_request(request);
  const auto claims = read_signature(view, SignatureRules(), kVectorTime);
  ASSERT_TRUE(claims) << claims.error().message;
  EXPECT_EQ(claims->body_sha256,
            "e51832a118eeff7ad976d635b7d04538e362e4c21bd0f6253580b0a83a209074");
  const std::string canonical =
      canonical_request(view, *claims, canonical_path(view.path, SignatureVersion::kJdcloud2),
                        canonical_query(view.query));
  EXPECT_EQ(canonical,
            "POST\n/v1/resource%3Aaction\no=%25&p0=p0&p1=p1&u=u\n"
            "x-jdcloud-date:20190214T104514Z\nx-jdcloud-nonce:testnonce\nx-my-header:test\n"
            "x-my-header_blank:blank\n\n"
            "x-jdcloud-date;x-jdcloud-nonce;x-my-header;x-my-header_blank\n"
            "e51832a118eeff7ad976d635b7d04538e362e4c21bd0f6253580b0a83a209074");
  EXPECT_EQ(hex_of(sha256(canonical)),
            "fb2e317056269590681d091f8eb22272967c0b922b2deda887312215ea4eed4c");
  EXPECT_EQ(string_to_sign(*claims, canonical),
            "JDCLOUD2-HMAC-SHA256\n20190214T104514Z\n20190214/cn-north-1/test/jdcloud2_request\n"
            "fb2e317056269590681d091f8eb22272967c0b922b2deda887312215ea4eed4c");
  const auto chain = key_chain(claims->header, "TESTSK");
  ASSERT_TRUE(chain);
  EXPECT_EQ(hex_of(chain->keys[0]),
            "dbbdee87f18afeedd6456923587f5323b90c3a77fbc6e381b243c90c672d5daf");
  EXPECT_EQ(hex_of(chain->keys[1]),
            "78e1da51757851329da8e31a6bad9f509c4816cacb8d5b2b9d171e49498ce4b6");
  EXPECT_EQ(hex_of(chain->keys[2]),
            "44050ec21c8e839f36ff5b2d44ec4a5876f4ffd6ef9a7a692a3eba40396bdb68");
  EXPECT_EQ(hex_of(chain->keys[3]),
            "a4e50bcb6001be0008696b173c30172b5ce22a77db00d21c6a9d69de2ba33b7d");
  EXPECT_EQ(sign_text(*chain, string_to_sign(*claims, canonical)).value(), kVectorSignature);
}

TEST(Signature, TheTestVectorIsAcceptedAndGivesItsScopeBack) {
  const auto claims = verdict(vector_request(kVectorSignature), kVectorTime);
  ASSERT_TRUE(claims) << claims.error().message;
  EXPECT_EQ(claims->header.access_key, "TESTAK");
  EXPECT_EQ(claims->header.region, "cn-north-1");
  EXPECT_EQ(claims->header.service, "test");
  EXPECT_EQ(claims->nonce, "testnonce");
  EXPECT_EQ(claims->time, kVectorTime);
}

TEST(Signature, TheTestVectorIsAcceptedAsItComesOverASocket) {
  http::ServerOptions options;
  options.listen = {"127.0.0.1:0"};
  auto server = http::Server::start(options, [](const http::Request& request) {
    http::Response response;
    response.body = verdict(request, kVectorTime) ? "accepted" : "refused";
    return response;
  });
  ASSERT_TRUE(server) << to_string(server.error());
  const auto client = http::Client::open("http://" + (*server)->addresses().at(0));
  ASSERT_TRUE(client) << to_string(client.error());
  const http::Request vector = vector_request(kVectorSignature);
  const http::ClientRequest request{.method = vector.method,
                                    .target = vector.target,
                                    .headers = vector.headers,
                                    .body = vector.body};
  const auto answer =
      (*client)->exchange(request, std::chrono::steady_clock::now() + std::chrono::seconds(20));
  ASSERT_TRUE(answer) << to_string(answer.error());
  EXPECT_EQ(answer->body, "accepted");
}

TEST(Signature, NodesCallsAreAccepted) {
  ClientCall list;
  list.query =
      "pageNumber=1&filters.1.name=loadBalancerNames&filters.1.values.1=a%20b&filters.1.values.2="
      "%E4%B8%AD%E6%96%87!%27()*~&filters.1.operator=like";
  list.signed_query =
      "filters.1.name=loadBalancerNames&filters.1.operator=like&filters.1.values.1=a%20b&"
      "filters.1.values.2=%E4%B8%AD%E6%96%87%21%27%28%29%2A~&pageNumber=1";
  EXPECT_TRUE(is_accepted(signed_by(node_call(list))));
  ClientCall action;
  action.method = "POST";
  action.path = "/v1/regions/cn-north-1/loadBalancers/alb-1%3AassociateElasticIp";
  action.body = R"({"elasticIpId":"fip-1"})";
  EXPECT_TRUE(is_accepted(signed_by(node_call(action))));
  ClientCall start;
  start.method = "POST";
  start.path = "/v1/regions/cn-north-1/instances/i-1%3AstartInstance";
  start.service = "vm";
  start.body = "{}";
  EXPECT_TRUE(is_accepted(signed_by(node_call(start))));
}

TEST(Signature, GosCallsAreAcceptedThoughASpaceIsSignedAsPlus) {
  ClientCall list;
  list.query = "filters.1.name=loadBalancerNames&filters.1.values.1=a+b";
  EXPECT_TRUE(is_accepted(signed_by(go_call(list))));
}

TEST(Signature, JavasCallsAreAcceptedThoughTheColonIsSignedAsItStands) {
  ClientCall action;
  action.method = "POST";
  action.path = "/v1/regions/cn-north-1/loadBalancers/alb-1:associateElasticIp";
  action.body = "{}";
  EXPECT_TRUE(is_accepted(signed_by(java_call(action))));
  action.signed_path = "/v1/regions/cn-north-1/loadBalancers/alb-1%3AassociateElasticIp";
  EXPECT_TRUE(is_accepted(signed_by(java_call(action)))) << "encoded under the signature only";
}

TEST(Signature, PythonsVersionThreeCallsAreAccepted) {
  ClientCall action;
  action.method = "POST";
  action.path = "/v1//regions/cn-north-1/loadBalancers/alb-1:associateElasticIp";
  action.signed_path = "/v1/regions/cn-north-1/loadBalancers/alb-1%3AassociateElasticIp";
  action.body = R"({"regionId": "cn-north-1", "loadBalancerId": "alb-1", "elasticIpId": "fip-1"})";
  EXPECT_TRUE(is_accepted(signed_by(python_call(action))));
  ClientCall certificates;
  certificates.path = "/v1/sslCert";
  certificates.region = "jdcloud-api";
  certificates.service = "ssl";
  EXPECT_TRUE(is_accepted(signed_by(python_call(certificates))));
}

TEST(Signature, MethodsAreSignedInCapitals) {
  http::Request request = signed_by(node_call());
  request.method = "get";
  EXPECT_TRUE(is_accepted(request));
}

/// Changes one thing of a good request.
struct Tampering {
  std::string_view what;
  std::function<void(http::Request&)> apply;
};

void set_header(http::Request& request, std::string_view name, std::string value) {
  for (http::HeaderLine& line : request.headers) {
    if (line.name == name) line.value = value;
  }
}

std::vector<Tampering> tamperings() {
  return {
      {"method", [](auto& r) { r.method = "DELETE"; }},
      {"path", [](auto& r) { r.target.insert(r.target.find('?'), "x"); }},
      {"query value", [](auto& r) { r.target += "x"; }},
      {"query, a name without value", [](auto& r) { r.target += "&cascade"; }},
      {"query, an empty name", [](auto& r) { r.target += "&=1"; }},
      {"body", [](auto& r) { r.body += " "; }},
      {"host",
       [](auto& r) {
         set_header(r, "host", "other:8420");
         set_header(r, "Host", "other:8420");
       }},
      {"date", [](auto& r) { set_header(r, "x-jdcloud-date", "20260101T010001Z"); }},
      {"content type",
       [](auto& r) {
         set_header(r, "content-type", "text/plain");
         set_header(r, "Content-Type", "text/plain");
       }},
  };
}

ClientCall sample_call() {
  ClientCall call;
  call.method = "POST";
  call.query = "plan=true";
  call.body = R"({"a":1})";
  return call;
}

TEST(Signature, ARequestWithOnePartChangedIsRefused) {
  for (const ClientCall& call : {node_call(sample_call()), python_call(sample_call())}) {
    const http::Request good = signed_by(call);
    ASSERT_TRUE(is_accepted(good));
    for (const Tampering& tampering : tamperings()) {
      http::Request bad = good;
      tampering.apply(bad);
      EXPECT_FALSE(is_accepted(bad)) << tampering.what << ", " << good.headers.back().value;
    }
  }
}

TEST(Signature, TheNonceIsUnderTheSignatureOfVersionTwoOnly) {
  http::Request node = signed_by(node_call());
  set_header(node, "x-jdcloud-nonce", "another");
  EXPECT_FALSE(is_accepted(node));
  http::Request python = signed_by(python_call());
  set_header(python, "x-jdcloud-nonce", "another");
  EXPECT_TRUE(is_accepted(python)) << "the gap of version 3 that its clients leave";
}

TEST(Signature, AnyChangedPartOfTheAuthorizationIsRefused) {
  const http::Request good = signed_by(node_call());
  const std::string& text = good.headers.back().value;
  for (std::size_t at = 0; at < text.size(); ++at) {
    http::Request bad = good;
    char& c = bad.headers.back().value[at];
    c = c == '0' ? '1' : '0';
    EXPECT_FALSE(is_accepted(bad)) << at << ": " << bad.headers.back().value;
    bad = good;
    bad.headers.back().value.erase(at, 1);
    // White space between the parts is free.
    if (text[at] != ' ' || text[at - 1] != ',') {
      EXPECT_FALSE(is_accepted(bad)) << at << ": " << bad.headers.back().value;
    }
  }
}

TEST(Signature, AWrongSecretOrAnUnknownAccessKeyIsRefused) {
  const http::Request request = signed_by(node_call());
  const WallTime now = testing::VirtualClock().wall_now();
  EXPECT_FALSE(verdict(request, now, "TESTSX"));
  EXPECT_FALSE(verdict(request, now, ""));
  const SignedRequest view = signed_request(request);
  const auto claims = read_signature(view, SignatureRules(), now);
  ASSERT_TRUE(claims);
  EXPECT_FALSE(check_signature(view, *claims, std::nullopt));
}

TEST(Signature, NobodySignsWithTheSecretThatStandsInForNone) {
  ClientCall call;
  call.secret = std::string(40, '0');
  const http::Request request = signed_by(node_call(call));
  const SignedRequest view = signed_request(request);
  const auto claims = read_signature(view, SignatureRules(), testing::VirtualClock().wall_now());
  ASSERT_TRUE(claims);
  EXPECT_FALSE(check_signature(view, *claims, std::nullopt));
}

TEST(Signature, AClockMayBeFourteenMinutesOffButNotSixteen) {
  const WallTime now = testing::VirtualClock().wall_now();
  for (const ClientCall& call : {node_call(), python_call()}) {
    const http::Request request = signed_by(call);
    for (const minutes skew : {minutes(0), minutes(14), minutes(15)}) {
      EXPECT_TRUE(verdict(request, now + skew)) << skew.count();
      EXPECT_TRUE(verdict(request, now - skew)) << skew.count();
    }
    for (const seconds skew : {seconds(15 * 60 + 1), seconds(16 * 60), seconds(86'400)}) {
      EXPECT_FALSE(verdict(request, now + skew)) << skew.count();
      EXPECT_FALSE(verdict(request, now - skew)) << skew.count();
    }
  }
}

TEST(Signature, ADateMustBeATimeOfTheScopesDay) {
  for (const std::string date :
       {"20260101T010000", "2026-01-01T01:00:00Z", "20260101t010000Z", "20260132T010000Z",
        "20260101T250000Z", "20260101T016000Z", "20260101T010060Z", "2026010 T010000Z",
        "99991231T235959Z", "+0260101T010000Z", ""}) {
    ClientCall call;
    call.date = date;
    EXPECT_FALSE(is_accepted(signed_by(node_call(call)))) << date;
  }
  http::Request request = signed_by(node_call());
  std::string& authorization = request.headers.back().value;
  authorization.replace(authorization.find("20260101"), 8, "20260102");
  const auto refused = verdict(request);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "is not on the day of the scope");
}

TEST(Signature, VersionTwoMustSignDateAndNonce) {
  for (const std::string_view missing : {"x-jdcloud-date", "x-jdcloud-nonce"}) {
    ClientCall call = node_call();
    std::erase(call.signed_headers, missing);
    EXPECT_FALSE(is_accepted(signed_by(call))) << missing;
  }
}

TEST(Signature, DateAndNonceMustBeSent) {
  for (const ClientCall& base : {node_call(), python_call()}) {
    for (const std::string_view missing : {"x-jdcloud-date", "x-jdcloud-nonce"}) {
      ClientCall call = base;
      std::erase_if(call.headers, [&](const auto& line) { return line.name == missing; });
      std::erase(call.signed_headers, missing);
      EXPECT_FALSE(is_accepted(signed_by(call))) << missing;
    }
  }
}

TEST(Signature, AnEndlessNonceIsRefused) {
  ClientCall call = node_call();
  for (auto& line : call.headers) {
    if (line.name == "x-jdcloud-nonce") line.value = std::string(kNonceMax, 'n');
  }
  EXPECT_TRUE(is_accepted(signed_by(call)));
  for (auto& line : call.headers) {
    if (line.name == "x-jdcloud-nonce") line.value += 'n';
  }
  EXPECT_FALSE(is_accepted(signed_by(call)));
}

TEST(Signature, ASecurityTokenMustBeSignedAndIsGivenBack) {
  for (const ClientCall& base : {node_call(), python_call()}) {
    ClientCall call = base;
    call.headers.push_back({"x-jdcloud-security-token", "sts"});
    EXPECT_FALSE(is_accepted(signed_by(call)));
    call.signed_headers.push_back("x-jdcloud-security-token");
    const auto claims = verdict(signed_by(call));
    ASSERT_TRUE(claims) << claims.error().message;
    EXPECT_EQ(claims->security_token, "sts");
  }
}

TEST(Signature, AStatedAlgorithmMustBeTheUsedOne) {
  for (const auto& [algorithm, good] : {std::pair{"JDCLOUD2-HMAC-SHA256", true},
                                        {"JDCLOUD3-HMAC-SHA256", false},
                                        {"jdcloud2-hmac-sha256", false},
                                        {"", false}}) {
    ClientCall call = node_call();
    call.headers.push_back({"x-jdcloud-algorithm", algorithm});
    EXPECT_EQ(is_accepted(signed_by(call)), good) << algorithm;
  }
}

TEST(Signature, AStatedBodyHashMustBeTheBodys) {
  ClientCall call = node_call(sample_call());
  call.headers.push_back({"x-jdcloud-content-sha256", hex_of(sha256(call.body))});
  EXPECT_TRUE(is_accepted(signed_by(call)));
  call.headers.back().value = hex_of(sha256(""));
  EXPECT_FALSE(is_accepted(signed_by(call)));
  call = python_call(sample_call());
  for (auto& line : call.headers) {
    if (line.name == "JDCLOUD3-HMAC-SHA256") line.value = hex_of(sha256(call.body));
  }
  EXPECT_TRUE(is_accepted(signed_by(call)));
  for (auto& line : call.headers) {
    if (line.name == "JDCLOUD3-HMAC-SHA256") line.value = "else";
  }
  EXPECT_FALSE(is_accepted(signed_by(call)));
}

TEST(Signature, ASignedHeaderMustBeSentAndSentOnce) {
  ClientCall call = node_call();
  call.signed_headers.push_back("x-missing");
  EXPECT_FALSE(is_accepted(signed_by(call)));
  for (const std::string_view twice : {"x-jdcloud-date", "x-jdcloud-nonce", "host", "accept"}) {
    http::Request request = signed_by(node_call());
    request.headers.push_back({std::string(twice), *find_header(request.headers, twice)});
    EXPECT_FALSE(is_accepted(request)) << twice;
  }
  http::Request request = signed_by(node_call());
  request.headers.push_back(request.headers.back());
  EXPECT_FALSE(is_accepted(request)) << "authorization";
}

TEST(Signature, WhiteSpaceInsideValuesIsReducedInVersionTwo) {
  ClientCall call = node_call();
  for (auto& line : call.headers) {
    if (line.name == "accept") line.value = "text/plain, text/html";
  }
  http::Request request = signed_by(call);
  set_header(request, "accept", " text/plain, \t text/html ");
  EXPECT_TRUE(is_accepted(request));
}

TEST(Signature, ARequestWithoutSignatureIsNotASignedOne) {
  http::Request request;
  request.target = "/";
  EXPECT_FALSE(is_signed(signed_request(request)));
  request.headers = {{"Authorization", "Bearer weir_x"}};
  EXPECT_FALSE(is_signed(signed_request(request)));
  for (const std::string_view text : {"JDCLOUD2-HMAC-SHA256", "JDCLOUD3-HMAC-SHA256 Credential="}) {
    request.headers = {{"authorization", std::string(text)}};
    EXPECT_TRUE(is_signed(signed_request(request))) << text;
    EXPECT_FALSE(verdict(request)) << text;
  }
}

TEST(Signature, TheClientLearnsNothingButThatItWasRefused) {
  EXPECT_EQ(signature_refusal().code, ErrorCode::kUnauthenticated);
  EXPECT_EQ(signature_refusal().field, "");
}

}  // namespace
}  // namespace weir::api
