// Who may speak to the API, in which form, and what it says about itself.
#include <sys/stat.h>
#include <zlib.h>

#include <algorithm>
#include <iostream>

#include "api/api_fixture.h"
#include "api/native_face.h"

namespace weir::api {
namespace {

TEST_F(ApiTest, RefusesCallsWithoutAGoodTokenAllAlike) {
  for (const std::string& header :
       {std::string(), std::string("Basic x"), std::string("Bearer "), "Bearer x" + token,
        "Bearer " + token + "0", "Bearer weir_0123456789_" + std::string(64, 'a'),
        "bearer " + token}) {
    http::ClientRequest request;
    request.target = "/weir/v1/lb";
    if (!header.empty()) request.headers = {{"Authorization", header}};
    const auto response = api->client().exchange(request, soon());
    ASSERT_TRUE(response);
    EXPECT_EQ(response->status, 401) << header;
    EXPECT_NE(response->body.find("ACCESS_ERROR"), std::string::npos);
  }
}

TEST_F(ApiTest, KeepsItsSecretsInOnePrivateFileAndStoresThemHashedOrSealed) {
  struct stat file{};
  ASSERT_EQ(::stat(server->credentials_path().c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600u);
  for (const char* name : {"/node.key", "/control.key"}) {
    const std::string path = folder.path() + "/data" + name;
    ASSERT_EQ(::stat(path.c_str(), &file), 0) << name;
    EXPECT_EQ(file.st_mode & 0777, 0600u) << name;
  }
  const Json credentials = parse_json(read_file(server->credentials_path()).value()).value();
  EXPECT_EQ(credentials.string_or("endpoint", ""), server->api_endpoint());
  for (const char* member : {"accessKey", "secretKey", "token"}) {
    EXPECT_FALSE(credentials.string_or(member, "").empty()) << member;
  }
  const std::string secret = credentials.string_or("secretKey", "");
  for (const auto& entry : store->list("").value().entries) {
    EXPECT_EQ(entry.value.find(token), std::string::npos) << entry.key;
    EXPECT_EQ(entry.value.find(secret), std::string::npos) << entry.key;
    EXPECT_EQ(entry.key.find(secret), std::string::npos) << entry.key;
  }
}

TEST_F(ApiTest, TakesJsonOnly) {
  for (const char* type : {"text/plain", "application/x-www-form-urlencoded", ""}) {
    const Answer answer = api->call("POST", "vpc", "{}", {{"Content-Type", type}});
    EXPECT_EQ(answer.status, 415) << type;
  }
  EXPECT_EQ(api->call("POST", "vpc", "{}", {{"Content-Type", "Application/JSON; charset=utf-8"}})
                .problem(),
            "400 INVALID_ARGUMENT");
}

TEST_F(ApiTest, RefusesBodiesThatAreNoJsonObject) {
  for (const std::string& body :
       {std::string(), std::string("{"), std::string("[]"), std::string("null"),
        std::string("{\"a\":1}x"), std::string("{}\0", 3), std::string("\xef\xbb\xbf{}"),
        std::string("{\"name\":\"a\",\"name\":\"b\"}"),
        std::string(40, '[') + std::string(40, ']')}) {
    EXPECT_EQ(api->call("POST", "vpc", body).problem(), "400 INVALID_ARGUMENT") << body;
  }
  EXPECT_EQ(api->call("POST", "vpc", std::string(1'048'577, ' ')).status, 413);
  EXPECT_EQ(api->call("POST", "vpc", "{}", {{"Content-Encoding", "gzip"}}).status, 415);
}

TEST_F(ApiTest, AnswersForItsOwnHostsOnly) {
  const Answer refused = api->call("GET", "lb", "", {{"Host", "evil.example"}});
  EXPECT_EQ(refused.problem(), "421 INVALID_ARGUMENT");
  EXPECT_EQ(api->call("GET", "lb", "", {{"Host", "localhost:80"}}).status, 200);
}

TEST_F(ApiTest, RefusesMethodsThatAResourceDoesNotHave) {
  EXPECT_EQ(api->call("HEAD", "lb").status, 200);
  EXPECT_EQ(api->call("PUT", "lb", "{}").status, 405);
  EXPECT_EQ(api->call("POST", "lb/x", "{}").status, 405);
  EXPECT_EQ(api->call("BREW", "lb").status, 405);
}

TEST_F(ApiTest, EveryKindAnswersTheMethodsItHasAnd405ToOthers) {
  for (const model::KindDescription& kind : model::kind_descriptions()) {
    for (const bool is_one : {false, true}) {
      const auto methods = native_methods(kind, is_one);
      const std::string path = std::string(kind.word) + (is_one ? "/x" : "");
      for (const std::string method : {"GET", "POST", "PUT", "PATCH", "DELETE"}) {
        const bool is_known = std::ranges::find(methods, method) != methods.end();
        const std::string body = method.starts_with("P") ? "{}" : "";
        EXPECT_EQ(api->call(method, path, body).status == 405, !is_known) << method << " " << path;
      }
    }
  }
}

TEST_F(ApiTest, SaysWhetherItLivesAndIsReadyWithoutAToken) {
  ApiCaller nobody(server->api_endpoint(), "");
  EXPECT_EQ(nobody.get("/livez").status, 200);
  EXPECT_EQ(nobody.get("/readyz").status, 200);
  const Answer verbose = nobody.get("/readyz?verbose");
  EXPECT_NE(verbose.body.as_string().find("[+] store"), std::string::npos);
  const Answer text = nobody.get("/metrics");
  EXPECT_NE(text.body.as_string().find("weir_api_requests_total"), std::string::npos);
  EXPECT_EQ(nobody.get("/elsewhere").status, 404);
}

TEST_F(ApiTest, TellsItsVersionAndItsSchema) {
  const Answer version = api->get("version");
  EXPECT_EQ(version.body.string_or("build", ""), "0.1.0");
  EXPECT_GT(version.body.integer_or("revision", 0), 0);
  const Answer schema = api->get("schema");
  ASSERT_EQ(schema.status, 200);
  std::vector<std::string> kinds;
  for (const Json& kind : schema.at("kinds").as_array())
    kinds.push_back(kind.string_or("name", ""));
  EXPECT_EQ(kinds, (std::vector<std::string>{"vpc", "subnet", "ag", "instance", "eip",
                                             "securityGroup", "securityGroupRule", "lb", "tg",
                                             "target", "backend", "listener", "node", "placement",
                                             "drain", "table", "keyring"}));
  EXPECT_NE(schema.body.dump().find("\"connectionDrainingSeconds\""), std::string::npos);
}

std::string unpacked(const std::string& path) {
  gzFile file = ::gzopen(path.c_str(), "rb");
  if (file == nullptr) return "";
  std::string all;
  char block[8192];
  for (int size; (size = ::gzread(file, block, sizeof block)) > 0;) {
    all.append(block, static_cast<std::size_t>(size));
  }
  ::gzclose(file);
  return all;
}

/// (name, content) of the regular files of a tar archive (POSIX ustar).
std::vector<std::pair<std::string, std::string>> files_of(const std::string& tar) {
  std::vector<std::pair<std::string, std::string>> files;
  for (std::size_t at = 0; at + 512 <= tar.size() && tar[at] != '\0';) {
    const std::size_t size = std::strtoul(tar.substr(at + 124, 12).c_str(), nullptr, 8);
    const char type = tar[at + 156];
    if (type == '0' || type == '\0') files.emplace_back(&tar[at], tar.substr(at + 512, size));
    at += 512 + (size + 511) / 512 * 512;
  }
  return files;
}

TEST_F(ApiTest, AnswersEveryDocumentOfTheJsonPackWithoutAFault) {
  const std::string path = "../shared/data/JSONTestSuite_test_parsing.tar.gz";
  const auto files = files_of(unpacked(path));
  if (files.empty()) GTEST_SKIP() << "the data pack " << path << " is not there";
  EXPECT_GT(files.size(), 300u);
  for (const auto& [name, content] : files) {
    for (const char* target :
         {"vpc", "backend", "/v1/regions/local/backends/", "/v1/regions/local/instances"}) {
      const Answer answer = api->call("POST", target, content);
      // A call of the JD Cloud face may leave its body out; then all its fields are missing.
      EXPECT_EQ(answer.problem(), "400 INVALID_ARGUMENT") << target << " " << name;
      const bool is_text = name.contains("/n_") || name.contains("/n-");
      if (is_text && !content.empty()) {
        EXPECT_EQ(answer.message().contains("is missing"), false) << target << " " << name;
      }
    }
  }
}

}  // namespace
}  // namespace weir::api
