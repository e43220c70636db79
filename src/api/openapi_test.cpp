// The OpenAPI document as a document: it holds together, and says every call of the tables.
#include "api/openapi.h"

#include <set>

#include "api/api_fixture.h"
#include "api/native_pages.h"
#include "api/v1_operations.h"

namespace weir::api {
namespace {

const Json& document() {
  static const Json kDocument = openapi_json();
  return kDocument;
}

/// Every object of the document, with its path.
template <class Visit>
void each_object(const Json& json, const std::string& path, const Visit& visit) {
  if (json.is_array()) {
    for (const Json& item : json.as_array()) each_object(item, path + "[]", visit);
  }
  if (!json.is_object()) return;
  visit(json, path);
  for (const auto& [name, member] : json.as_object()) {
    each_object(member, path + "/" + name, visit);
  }
}

std::set<std::string> operation_ids() {
  std::set<std::string> ids;
  each_object(document(), "", [&](const Json& json, const std::string&) {
    const std::string id = json.string_or("operationId", "");
    if (!id.empty()) {
      EXPECT_TRUE(ids.insert(id).second) << id << " stands there twice";
    }
  });
  return ids;
}

TEST(OpenApi, EveryReferenceLeadsSomewhere) {
  int found = 0;
  each_object(document(), "", [&](const Json& json, const std::string& path) {
    std::string reference = json.string_or("$ref", "");
    if (reference.empty()) return;
    ASSERT_TRUE(reference.starts_with("#/components/")) << path;
    const Json* at = &document();
    reference = reference.substr(2) + "/";
    while (at != nullptr && !reference.empty()) {
      const std::size_t slash = reference.find('/');
      at = at->find(reference.substr(0, slash));
      reference.erase(0, slash + 1);
    }
    EXPECT_NE(at, nullptr) << path << json.dump();
    ++found;
  });
  EXPECT_GT(found, 500);
}

TEST(OpenApi, SaysEveryPageAndEveryOperationOfTheTables) {
  const auto ids = operation_ids();
  for (const NativePage& page : native_pages()) {
    EXPECT_TRUE(ids.contains(std::string(page.id))) << page.path;
  }
  for (const V1Operation& operation : v1_operations()) {
    EXPECT_TRUE(ids.contains("v1_" + std::string(operation.action))) << operation.action;
    const Json* calls =
        document().find("paths")->find("/v1/regions/{regionId}" + v1_path(operation));
    ASSERT_NE(calls, nullptr) << operation.action;
  }
}

TEST(OpenApi, EveryParameterOfAPathIsDeclaredAndEveryBodyIsAnObject) {
  for (const auto& [path, calls] : document().find("paths")->as_object()) {
    for (const auto& [method, call] : calls.as_object()) {
      const std::string where = method + " " + path;
      const Json* parameters = call.find("parameters");
      const std::string text = parameters == nullptr ? "" : parameters->dump();
      for (std::size_t at = path.find('{'); at != std::string::npos; at = path.find('{', at + 1)) {
        const std::string name = path.substr(at + 1, path.find('}', at) - at - 1);
        EXPECT_NE(text.find("{\"name\":\"" + name + "\",\"in\":\"path\""), std::string::npos)
            << where;
      }
      const bool has_body = method == "post" || method == "put" || method == "patch";
      EXPECT_EQ(call.find("requestBody") != nullptr, has_body) << where;
      EXPECT_NE(call.find("x-weir-role"), nullptr) << where;
    }
  }
}

TEST(OpenApi, EveryPagedListTakesLabels) {
  int paged = 0;
  for (const auto& [path, calls] : document().find("paths")->as_object()) {
    const Json* list = path.starts_with("/weir/") ? calls.find("get") : nullptr;
    const Json* parameters = list == nullptr ? nullptr : list->find("parameters");
    const std::string text = parameters == nullptr ? "" : parameters->dump();
    if (text.find("\"pageToken\"") == std::string::npos) continue;
    if (text.find("\"owner\"") == std::string::npos) continue;
    ++paged;
    EXPECT_NE(text.find("\"labels.KEY\""), std::string::npos) << path;
  }
  EXPECT_GT(paged, 10);
}

TEST(OpenApi, AListOfAnAnswerSaysWhatItsItemsHave) {
  int found = 0;
  each_object(document(), "", [&](const Json& json, const std::string& path) {
    const Json* quotas = json.find("instancesQuotas");
    if (quotas == nullptr || quotas->find("items") == nullptr) return;
    ++found;
    const Json* members = quotas->find("items")->find("properties");
    ASSERT_NE(members, nullptr) << path;
    for (const char* name : {"az", "limit", "used"})
      EXPECT_NE(members->find(name), nullptr) << name;
  });
  EXPECT_GT(found, 0);
}

class OpenApiPage : public ApiTest {};

TEST_F(OpenApiPage, IsSentOnceToOneWhoKeepsIt) {
  const Answer first = api->get("openapi.json");
  ASSERT_EQ(first.status, 200);
  EXPECT_EQ(first.body, document());
  const std::string etag = first.etag;
  EXPECT_EQ(api->call("GET", "/weir/v1/openapi.json", "", {{"If-None-Match", etag}}).status, 304);
  EXPECT_EQ(api->call("GET", "/weir/v1/openapi.json", "", {{"If-None-Match", "\"x\""}}).status,
            200);
  EXPECT_EQ(api->call("POST", "/weir/v1/openapi.json", "{}").status, 405);
}

}  // namespace
}  // namespace weir::api
