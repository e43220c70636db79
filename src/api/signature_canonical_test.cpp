#include "api/signature_canonical.h"

#include <gtest/gtest.h>

#include "api/signature.h"
#include "api/signature_fixture.h"
#include "http/request_target.h"

namespace weir::api {
namespace {

constexpr auto kTwo = SignatureVersion::kJdcloud2;
constexpr auto kThree = SignatureVersion::kJdcloud3;

TEST(SignatureCanonical, InvalidEscapesStayAsTheyAre) {
  EXPECT_EQ(http::decode_tolerantly("%", false), "%");
  EXPECT_EQ(http::decode_tolerantly("%4", false), "%4");
  EXPECT_EQ(http::decode_tolerantly("%zz%41%4G", false), "%zzA%4G");
  EXPECT_EQ(http::decode_tolerantly("%%41", false), "%A");
  EXPECT_EQ(http::decode_tolerantly("%00", false), std::string(1, '\0'));
  EXPECT_EQ(http::decode_tolerantly("a+b", false), "a+b");
  EXPECT_EQ(http::decode_tolerantly("a+b%2B", true), "a b+");
}

TEST(SignatureCanonical, PathsAreEncodedInOneWay) {
  EXPECT_EQ(canonical_path("/a/b:c", kTwo), "/a/b%3Ac");
  EXPECT_EQ(canonical_path("/a/b%3ac", kTwo), "/a/b%3Ac");
  EXPECT_EQ(canonical_path("", kTwo), "/");
  EXPECT_EQ(canonical_path("/a/", kTwo), "/a/");
  EXPECT_EQ(canonical_path("/%7Ea_-.%zz", kTwo), "/~a_-.%25zz");
  EXPECT_EQ(canonical_path("/a+b", kTwo), "/a%2Bb");
  EXPECT_EQ(canonical_path("/a+b", kThree), "/a%20b");
}

TEST(SignatureCanonical, AnEncodedSlashIsNoSlashInVersionTwo) {
  EXPECT_EQ(canonical_path("/a%2Fb", kTwo), "/a%2Fb");
  EXPECT_EQ(canonical_path("/a%2Fb", kThree), "/a/b");
}

TEST(SignatureCanonical, VersionThreeCollapsesSlashes) {
  EXPECT_EQ(canonical_path("//a///b/%2F/", kThree), "/a/b/");
  EXPECT_EQ(canonical_path("//a///b", kTwo), "//a///b");
  EXPECT_EQ(canonical_path("a", kThree), "/a");
}

TEST(SignatureCanonical, QueriesAreSortedByNameThenValue) {
  EXPECT_EQ(canonical_query("b=2&a=2&a=1&c"), "a=1&a=2&b=2&c=");
  EXPECT_EQ(canonical_query("a=%&b=1=2&&"), "a=%25&b=1%3D2");
  EXPECT_EQ(canonical_query("a=x+y&b=%2B"), "a=x%20y&b=%2B");
  EXPECT_EQ(canonical_query("a=!'()*~"), "a=%21%27%28%29%2A~");
  EXPECT_EQ(canonical_query(""), "");
}

TEST(SignatureCanonical, HandlersReadTheQueryThatWasSigned) {
  const auto pairs = http::query_pairs("a=x+y&b=100%&c&=d");
  ASSERT_EQ(pairs.size(), 4U);
  EXPECT_EQ(pairs[0], std::pair(std::string("a"), std::string("x y")));
  EXPECT_EQ(pairs[1], std::pair(std::string("b"), std::string("100%")));
  EXPECT_EQ(pairs[2], std::pair(std::string("c"), std::string()));
  EXPECT_EQ(pairs[3], std::pair(std::string(), std::string("d")));
}

/// Signs as the version 3 signers of Node and Python do in their own tests.
std::string version_three_signature(const std::string& path, const std::string& query,
                                    const std::string& nonce) {
  const std::vector<http::HeaderLine> headers = {
      {"Content-Type", "application/json"},
      {"Host", "apigw-internal-dev.cn-north-1.jcloudcs.com:8000"},
      {"X-Jdcloud-Date", "20190917T064708Z"},
      {"X-Jdcloud-Nonce", nonce}};
  SignatureClaims claims;
  claims.header = {kThree,
                   "ak",
                   "20190917",
                   "cn-north-1",
                   "apigatewaytestproductline",
                   {"content-type", "host", "x-jdcloud-date", "x-jdcloud-nonce"},
                   ""};
  claims.date = "20190917T064708Z";
  claims.body_sha256 = hex_of(sha256(""));
  const SignedRequest request{"GET", path, query, headers, ""};
  const std::string canonical =
      canonical_request(request, claims, canonical_path(path, kThree), canonical_query(query));
  return sign_text(*key_chain(claims.header, "sk"), string_to_sign(claims, canonical)).value();
}

struct KnownAnswer {
  std::string path;
  std::string query;
  std::string nonce;
  std::string signature;
};

// Source: known answers of the public signers jdcloud-sdk-python 1.6 and jdcloud-sdk-nodejs-signer
// (signer_test.py, compare.test.js), which agree with each other.
TEST(SignatureCanonical, VersionThreeGivesTheAnswersOfItsClients) {
  const std::string path = "/v1/regions/cn-north-1/instances";
  const std::string nonce = "X-Jdcloud-Nonce";
  const KnownAnswer answers[] = {
      {path + "/中文:GET", "", nonce,
       "936ed2dcb6fb4271ad640e0f46f1fe61763a0bad8bb4f4eb1224261f969612fa"},
      {"", "", nonce, "44c5ec30b6185516986ae171d8276552bc0f37f6a536a44e4f578958fc1c12be"},
      {"v1/", "", nonce, "035689ae2ce6a3603928ac3d60a6d2fbfb550d33c5da983342a6356419ccd914"},
      {"%2Fv1%2Fregions%2F%2F%2Fcn-north-1%2Finstances", "", nonce,
       "33df199719f9edc6de860e6b53c61d4824e1f389e6030fd37ddc977fda29e467"},
      {"/v1/%2/%2f/%2b%f", "", nonce,
       "6610271450ea321baab326f8debc51a2e4dd7e73b04200275a1d9b3897045caf"},
      {"/v1%2Fregions/cn-north-1%2F%2F%2Finstances/ + /+/ +/+ /%2B%20%2B%2F%2F", "", nonce,
       "7286237483a7fcc51ff7621c9a5c586a0ec85fd06cbf91c20adde2ec3b5e4d97"},
      {path,
       "aa=aa&aa%3Daa=&aa=aa%3D&aa=&aa=aaa&aaa=aaa&aaa=aa&aaa=a&ab=aa&ab=aa&cc=&cc=&bb=aa&bb=",
       nonce, "8ccc3c9af11e964b3c5d6020d2af49e97e27fbb23e2b8f57bdc84815e471d54b"},
      {path, " =blank&%20=blank&+= 2&%2b= 1&blank= &blank=+&blank=%20", nonce,
       "78c0a4db84050d773533c78c1a0f73bf974faf5df881e39b18c3e0de8110324e"},
      {path, " =blank&%2=blank&+=jia0&%2b=jia1&%2B=jia2&blank= %2b%2f%2/&blank=+&%2/blank=%0%f",
       nonce, "972987a6f95be456935cde8be8f106114e2ad27465a507644e61f021a98a7218"},
      {path, "中文参数=中文参数值", nonce,
       "7e3094d23adde49fcc99b7d0de911d7ecaa7767590edd57769d7bdbaca919276"},
      {path, "", "  X-Jdcloud-  -Nonce  ",
       "a03bb8d755cb93e4d8846fe5fcad180f319fa50356f63e8afdc749bd1a95695f"},
  };
  for (const KnownAnswer& answer : answers) {
    EXPECT_EQ(version_three_signature(answer.path, answer.query, answer.nonce), answer.signature)
        << answer.path << "?" << answer.query;
  }
}

}  // namespace
}  // namespace weir::api
