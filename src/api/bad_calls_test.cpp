// The bad calls of the native face (reliability guide, section 4, rows 50 to 59;
// bad_inputs_test.cpp has the rows of fields and those of the other face): listed answers, and
// nothing is stored.
#include "api/api_fixture.h"
#include "model/registry.h"

namespace weir::api {
namespace {

class BadCalls : public ApiTest {
 protected:
  void SetUp() override {
    start();
    lb = make_lb().id();
    tg = make_tg(lb).id();
    backend = make_backend(lb, tg).id();
    listener = make_listener(lb, backend).id();
    before = store->version().revision;
  }
  /// Of every kind that users make.
  static std::vector<std::string> words() {
    std::vector<std::string> all;
    for (const auto& kind : model::kind_descriptions()) {
      if (kind.is_user_made) all.emplace_back(kind.word);
    }
    return all;
  }
  void expect_nothing_stored() const { EXPECT_EQ(store->version().revision, before); }

  std::string lb, tg, backend, listener;
  Revision before;
};

TEST_F(BadCalls, Row50_WhatIsInTheWayOfADeletionIsNamed) {
  const Answer used = api->remove("backend/" + backend);
  EXPECT_EQ(used.problem(), "409 CONFLICT");
  EXPECT_NE(used.message().find(listener), std::string::npos) << used.message();
  const Answer full = api->remove("lb/" + lb);
  EXPECT_EQ(full.problem(), "409 CONFLICT");
  for (const std::string& id : {tg, backend, listener}) {
    EXPECT_NE(full.body.dump().find(id), std::string::npos) << full.body.dump();
  }
  expect_nothing_stored();
}

TEST_F(BadCalls, Row52_IdsThatNobodyHasAreNotFoundAndNotRepeated) {
  for (const std::string& id :
       {std::string("..%2f..%2fetc%2fpasswd"), std::string("'%20OR%201=1--"), std::string("%00"),
        std::string("%0a%1b"), std::string(10'000, 'a'), std::string("backend-0000000000")}) {
    for (const std::string& kind : words()) {
      const std::string path = kind + "/" + id;
      for (const char* method : {"GET", "DELETE", "PATCH"}) {
        const Answer answer = api->call(method, path, *method == 'P' ? R"({"spec":{}})" : "");
        EXPECT_EQ(answer.problem(), "404 NOT_FOUND") << method << " " << path.substr(0, 60);
        EXPECT_EQ(answer.body.dump().find("passwd"), std::string::npos);
      }
    }
    EXPECT_EQ(api->get("backend/" + id + "/health").problem(), "404 NOT_FOUND");
  }
  expect_nothing_stored();
}

TEST_F(BadCalls, Rows53To57_BodiesThatAreNoJsonObjectOrTooLargeAreRefused) {
  std::string many = R"({"spec":{"targetGroupIds":[)";
  for (int i = 0; i < 1000; ++i) many += "\"tg\",";
  many += "\"tg\"]}}";
  for (const std::string& kind : words()) {
    for (const std::string& body :
         {std::string(), std::string("{"), std::string("[]"), std::string("null"),
          std::string("{\"a\":1}x"), std::string("{}\0", 3), std::string("\xef\xbb\xbf{}"),
          std::string("\xff\xfe{\0}\0", 6), std::string(R"({"spec":{"port":80,"port":81}})"),
          std::string(33, '[') + std::string(33, ']'), std::string(100'000, '['), many}) {
      EXPECT_EQ(api->call("POST", kind, body).problem(), "400 INVALID_ARGUMENT")
          << kind << " " << body.substr(0, 40);
    }
    EXPECT_EQ(api->call("POST", kind, std::string(1'048'577, ' ')).problem(),
              "413 INVALID_ARGUMENT");
    for (const http::HeaderLine& header :
         {http::HeaderLine{"Content-Encoding", "gzip"}, {"Content-Type", "text/plain"}}) {
      EXPECT_EQ(api->call("POST", kind, "{}", {header}).status, 415) << header.value;
    }
  }
  expect_nothing_stored();
}

TEST_F(BadCalls, Row59_ListQueriesOutsideTheirRangesAreRefused) {
  std::string many;
  for (int i = 1; i <= 10'000; ++i) many += "labels.a" + std::to_string(i) + "=a&";
  for (const std::string& kind : words()) {
    for (const char* query :
         {"pageSize=0", "pageSize=-1", "pageSize=1001", "pageSize=1000000000", "pageSize=abc",
          "pageSize=", "pageToken=x", "nothing=x", "watch=1", "revision=-1"}) {
      EXPECT_EQ(api->get(kind + "?" + query).problem(), "400 INVALID_ARGUMENT") << kind << query;
    }
    const Answer answer = api->get(kind + "?" + many);
    EXPECT_TRUE(answer.status >= 400 && answer.status < 500) << answer.status;
  }
}

}  // namespace
}  // namespace weir::api
