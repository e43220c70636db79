// The bad inputs of the model's table (reliability guide, section 4), sent to both faces: the code,
// the status word and the field of each, and that nothing of a refused one is stored.
#include <algorithm>
#include <map>

#include "api/problem.h"
#include "api/v1_fixture.h"
#include "api/v1_kinds.h"
#include "model/bad_inputs_table_test.h"
#include "model/keys.h"

namespace weir::api {
namespace {

using model::BadInput;
using model::Kind;

class BadInputsTest : public V1Test {
 protected:
  /// Fills the store with the objects of the table's world, under its own ids.
  void SetUp() override {
    start();
    const model::ObjectIndex world = model::sample_world();
    store::Transaction writes;
    for (const Kind kind : model::all_kinds()) {
      for (const model::Object* object : world.all(kind)) {
        writes.writes.push_back({model::object_key(kind, object->id), model::stored_text(*object)});
      }
    }
    writes.audit.operation = "test world";
    ASSERT_TRUE(store->commit(writes));
  }
  /// Everything that says what exists, with its revisions.
  std::map<std::string, Revision> contents() {
    std::map<std::string, Revision> all;
    for (const char* prefix : {"object/", "name/", "port/", "address/"}) {
      for (const auto& entry : store->list(prefix).value().entries) {
        all[entry.key] = entry.revision;
      }
    }
    return all;
  }
  /// The address of the service itself is another one here; resource_api_test.cpp has that rule.
  static std::vector<BadInput> inputs() {
    auto all = model::all_bad_inputs();
    std::erase_if(all, [](const BadInput& input) { return input.says == "this service itself"; });
    return all;
  }
  static void expect_refusal(const Answer& answer, const BadInput& input,
                             const std::string& field) {
    const std::string wanted = input.code == "not_found"             ? "404 NOT_FOUND"
                               : input.code == "already_exists"      ? "409 ALREADY_EXISTS"
                               : input.code == "conflict"            ? "409 CONFLICT"
                               : input.code == "failed_precondition" ? "400 FAILED_PRECONDITION"
                                                                     : "400 INVALID_ARGUMENT";
    EXPECT_EQ(answer.problem(), wanted) << answer.body.dump();
    if (field.empty()) return;
    EXPECT_EQ(answer.fields(), std::vector<std::string>{field}) << answer.body.dump();
  }
};

TEST_F(BadInputsTest, OfTheNativeFaceAreAnsweredAsListedAndStoreNothing) {
  std::size_t refused = 0;
  for (const BadInput& input : inputs()) {
    SCOPED_TRACE(input.source);
    const auto before = contents();
    const Answer answer = api->call("POST", input.kind, input.text.value_or(input.body.dump()));
    if (input.is_accepted) {
      ASSERT_EQ(answer.status, 201) << answer.body.dump();
      ASSERT_EQ(api->remove(input.kind + "/" + answer.id()).status, 200);
      continue;
    }
    expect_refusal(answer, input, input.field);
    EXPECT_EQ(contents(), before);
    ++refused;
  }
  EXPECT_GT(refused, 200u);
}

/// How the JD Cloud face says the same.
class V1BadInputsTest : public BadInputsTest {
 protected:
  static const V1Kind& kind_of(const BadInput& input) {
    return v1_kind_of(*model::kind_of_name(input.kind));
  }
  static Json v1_body(const BadInput& input) {
    Json flat = Json::object();
    for (const char* part : {"spec", "admin"}) {
      const Json* members = input.body.find(part);
      if (members == nullptr) continue;
      for (const auto& [name, value] : members->as_object()) {
        if (name != "targets") flat[name == "healthCheck" ? "healthCheckSpec" : name] = value;
      }
    }
    for (const auto& [name, value] : input.body.as_object()) {
      if (name == "name" && input.kind != "instance") {
        flat[kind_of(input).name_key()] = value;
      } else if (name != "spec" && name != "admin") {
        flat[name] = value;
      }
    }
    // The native face has another default.
    if (input.kind == "tg" && flat.find("type") == nullptr) flat["type"] = "ip";
    return input.kind == "instance" ? instance_body(std::move(flat)) : flat;
  }
  static Json instance_body(Json flat) {
    Json interface = Json::object();
    for (const auto& [from, to] :
         {std::pair{"subnetId", "subnetId"}, std::pair{"ipAddress", "primaryIpAddress"}}) {
      if (const Json* value = flat.find(from)) interface[to] = *value;
      flat.erase(from);
    }
    flat["primaryNetworkInterface"] = Json::object({{"networkInterface", std::move(interface)}});
    return Json::object({{"instanceSpec", std::move(flat)}});
  }
  static std::string v1_field(const BadInput& input) {
    std::string field = input.field;
    if (field == "name" && input.kind != "instance") return kind_of(input).name_key();
    if (field.starts_with("spec.")) field.erase(0, 5);
    if (field.starts_with("admin.")) field.erase(0, 6);
    if (field.starts_with("healthCheck")) field.insert(11, "Spec");
    if (field.starts_with("targets[")) field.replace(0, 7, "targetSpecs");
    if (input.kind != "instance" || field.empty()) return field;
    const std::string interface = "primaryNetworkInterface.networkInterface.";
    if (field == "subnetId") field = interface + "subnetId";
    if (field == "ipAddress") field = interface + "primaryIpAddress";
    return "instanceSpec." + field;
  }
  /// An empty list of what comes later.
  static bool asks_nothing(const BadInput& input) {
    const Json* list = input.body.is_object() && input.body.find("spec") != nullptr
                           ? input.body.find("spec")->find("certificateSpecs")
                           : nullptr;
    return list != nullptr && *list == Json::array();
  }
  /// Keys that this face does not know or takes at another time are ignored (product.md G7).
  static bool is_ignored(const BadInput& input) {
    return input.field == "spec.realIp" || input.field == "tenantId" || input.field == "kind" ||
           input.field == "admin.status" || asks_nothing(input);
  }
  /// The targets of the case, which are a call of their own here.
  static const Json* targets_of(const BadInput& input) {
    const Json* spec = input.body.find("spec");
    const Json* targets = spec == nullptr ? nullptr : spec->find("targets");
    return targets == nullptr || targets->as_array().empty() ? nullptr : targets;
  }
  static std::string id_in(const Answer& answer, const BadInput& input) {
    const Json& result = answer.at("result");
    const Json* ids = result.find("instanceIds");
    return ids == nullptr ? result.string_or(kind_of(input).id_key(), "")
                          : ids->as_array().at(0).as_string();
  }

  /// What the create shall answer, then the targets; then everything is taken away again.
  void run(const BadInput& input) {
    const std::string collection = std::string(kind_of(input).collection) + "/";
    const bool is_about_targets = input.field.starts_with("spec.targets");
    const bool is_made = input.is_accepted || is_about_targets || is_ignored(input);
    const std::string body = input.text ? *input.text : v1_body(input).dump();
    const auto before = contents();
    const Answer made = v1("POST", collection, body);
    if (!is_made) {
      expect_refusal(made, input, v1_field(input));
      EXPECT_EQ(contents(), before);
      return;
    }
    ASSERT_EQ(made.status, 200) << made.body.dump();
    const std::string id = id_in(made, input);
    if (const Json* targets = targets_of(input)) add_targets(input, id, *targets);
    ASSERT_EQ(v1("DELETE", collection + id).status, 200);
  }
  void add_targets(const BadInput& input, const std::string& group, const Json& targets) {
    const auto before = contents();
    const Answer added = v1_post("targetGroups/" + group + ":registerTargets",
                                 Json::object({{"targetSpecs", targets}}));
    if (input.is_accepted) {
      EXPECT_EQ(added.status, 200) << added.body.dump();
      return;
    }
    expect_refusal(added, input, v1_field(input));
    EXPECT_EQ(contents(), before);
  }
};

TEST_F(V1BadInputsTest, OfTheJdCloudFaceAreAnsweredAsListedAndStoreNothing) {
  for (const BadInput& input : inputs()) {
    if (input.field == "spec") continue;  // there is no such part here
    SCOPED_TRACE(input.source);
    run(input);
    if (HasFatalFailure()) return;
  }
}

TEST_F(V1BadInputsTest, UpdatesOfAHealthCheckAreJudgedAsCreatesAre) {
  const std::string path = "backends/" + model::sample_id("http_backend");
  for (const BadInput& input : inputs()) {
    const Json* spec = input.body.is_object() ? input.body.find("spec") : nullptr;
    const Json* check = spec == nullptr ? nullptr : spec->find("healthCheck");
    if (input.kind != "backend" || check == nullptr || !check->is_object() ||
        !input.field.starts_with("spec.healthCheck.") || input.says.contains("dnlb")) {
      continue;
    }
    SCOPED_TRACE(input.source);
    const auto before = contents();
    const Answer answer = v1("PATCH", path, Json::object({{"healthCheckSpec", *check}}).dump());
    expect_refusal(answer, input, v1_field(input));
    EXPECT_EQ(contents(), before);
  }
}

TEST_F(V1BadInputsTest, Row49_M21_ProtocolAndPortOfABackendCannotBeChanged) {
  const std::string id = model::sample_id("http_backend");
  for (const Json& change : {Json::object({{"protocol", "Tcp"}}), Json::object({{"port", 81}})}) {
    const Answer native = api->patch_spec("backend/" + id, change);
    EXPECT_EQ(native.problem(), "400 INVALID_ARGUMENT");
    EXPECT_TRUE(native.message().contains("cannot be changed")) << native.message();
    // No parameters of this call, so they are unknown keys there.
    EXPECT_EQ(v1("PATCH", "backends/" + id, change.dump()).status, 200);
  }
  const Json after = shown("backends/" + id, "backend");
  EXPECT_EQ(after.string_or("protocol", ""), "Http");
  EXPECT_EQ(after.integer_or("port", 0), 80);
}

TEST_F(V1BadInputsTest, Row52_IdsThatNobodyHasAreNotFoundAndNotRepeated) {
  const auto before = contents();
  for (const std::string& id :
       {std::string("..%2f..%2fetc%2fpasswd"), std::string("'%20OR%201=1--"), std::string("%00"),
        std::string("%0a%1b"), std::string(10'000, 'a'), std::string("backend-0000000000")}) {
    for (const char* collection : {"backends/", "targetGroups/", "loadBalancers/", "instances/"}) {
      const Answer answer = v1("GET", collection + id);
      EXPECT_EQ(answer.problem(), "404 NOT_FOUND") << collection << id.substr(0, 40);
      EXPECT_FALSE(answer.body.dump().contains("passwd"));
      EXPECT_EQ(v1("DELETE", collection + id).problem(), "404 NOT_FOUND");
    }
    EXPECT_EQ(v1("GET", "targetGroups/" + id + ":describeTargets").problem(), "404 NOT_FOUND");
    EXPECT_EQ(v1("POST", "instances/" + id + ":stopInstance", "{}").problem(), "404 NOT_FOUND");
  }
  EXPECT_EQ(contents(), before);
}

TEST_F(V1BadInputsTest, Rows53To57_BodiesThatAreNoJsonObjectOrTooLargeAreRefused) {
  const auto before = contents();
  std::string many = R"({"targetGroupIds":[)";
  for (int i = 0; i < 1000; ++i) many += "\"tg\",";
  many += "\"tg\"]}";
  for (const char* path : {"backends/", "loadBalancers/", "instances"}) {
    for (const std::string& body :
         {std::string("{"), std::string("[]"), std::string("null"), std::string("{\"a\":1}x"),
          std::string("{}\0", 3), std::string("\xef\xbb\xbf{}"), std::string("\xff\xfe{\0}\0", 6),
          std::string(R"({"port":80,"port":81})"), std::string(33, '[') + std::string(33, ']'),
          std::string(100'000, '['), many}) {
      EXPECT_EQ(v1("POST", path, body).problem(), "400 INVALID_ARGUMENT")
          << path << body.substr(0, 40);
    }
    EXPECT_EQ(v1("POST", path, std::string(1'048'577, ' ')).problem(), "413 INVALID_ARGUMENT");
    for (const http::HeaderLine& header : {http::HeaderLine{"Content-Encoding", "gzip"},
                                           {"Content-Type", "text/plain"},
                                           {"Content-Type", ""}}) {
      EXPECT_EQ(api->call("POST", path_of(path), "{}", {header}).status, 415) << header.value;
    }
  }
  EXPECT_EQ(contents(), before);
}

TEST_F(V1BadInputsTest, Row59_ListQueriesOutsideTheirRangesAreRefused) {
  std::string many;
  for (int i = 1; i <= 10'000; ++i) many += "filters." + std::to_string(i) + ".name=a&";
  for (const std::string& query :
       {std::string("pageSize=0"), std::string("pageSize=9"), std::string("pageSize=101"),
        std::string("pageSize=-1"), std::string("pageSize=1000000000"), std::string("pageSize=abc"),
        std::string("pageNumber=0"), std::string("filters.1.name=nothing&filters.1.values.1=x")}) {
    for (const char* path : {"loadBalancers/?", "instances?", "instanceStatus?", "subnets/?"}) {
      EXPECT_EQ(v1("GET", path + query).problem(), "400 INVALID_ARGUMENT") << path << query;
    }
  }
  const Answer answer = v1("GET", "instances?" + many);
  EXPECT_TRUE(answer.status >= 400 && answer.status < 500) << answer.status;
}

}  // namespace
}  // namespace weir::api
