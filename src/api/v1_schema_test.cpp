// What the JD Cloud face says about itself, against what it does.
#include "api/v1_schema.h"

#include <algorithm>

#include "api/v1_fixture.h"
#include "api/v1_operations.h"
#include "model/registry.h"

namespace weir::api {
namespace {

class V1Schema : public V1Test {
 protected:
  void SetUp() override {
    V1Test::SetUp();
    ids["loadBalancers"] = v1_lb();
    ids["targetGroups"] = v1_group(ids["loadBalancers"]);
    ids["backends"] = v1_backend(ids["loadBalancers"], ids["targetGroups"]);
    ids["listeners"] = v1_listener(ids["loadBalancers"], ids["backends"]);
    ids["vpcs"] = "vpc-default";
    ids["subnets"] = "subnet-default";
  }
  /// The call's path with a real id where there is one.
  std::string path_to(const V1Operation& operation) {
    std::string path = v1_path(operation).substr(1);
    const auto open = path.find('{');
    if (open == std::string::npos) return path;
    const auto id = ids.find(std::string(operation.collection));
    return path.replace(open, path.find('}') - open + 1, id == ids.end() ? "i-x" : id->second);
  }
  /// A value of the field that asks for something.
  static Json asking(std::string_view kind, const std::string& field) {
    for (const auto& known : model::find_description(kind)->spec) {
      if (known.name != field) continue;
      if (known.is_list) return Json::array({Json("x")});
      if (known.type == "boolean") return Json(true);
      if (known.type == "integer") return Json(7);
    }
    return Json("x");
  }
  static bool is_refused_as_later(const Answer& answer, const std::string& name) {
    const Json* error = answer.body.find("error");
    const Json* details = error == nullptr ? nullptr : error->find("details");
    if (answer.status != 400 || details == nullptr) return false;
    return std::ranges::any_of(details->as_array(), [&](const Json& detail) {
      return detail.string_or("field", "").starts_with(name) &&
             detail.string_or("message", "").ends_with("not supported yet");
    });
  }

  std::map<std::string, std::string> ids;
};

TEST_F(V1Schema, EveryOperationOfTheListIsAnswered) {
  for (const V1Operation& operation : v1_operations()) {
    const bool has_body = operation.method == "POST" || operation.method == "PATCH";
    const Answer answer =
        v1(std::string(operation.method), path_to(operation), has_body ? "{}" : "");
    EXPECT_NE(answer.message(), "Resource not found") << operation.action;
    EXPECT_LT(answer.status, 500) << operation.action;
  }
}

TEST_F(V1Schema, ParametersThatComeLaterAreRefusedByName) {
  const Json schema = v1_schema_json();
  int checked = 0;
  for (const Json& collection : schema.find("collections")->as_array()) {
    const Json* parameters = collection.find("parameters");
    if (parameters == nullptr) continue;
    const std::string name = collection.string_or("name", "");
    for (const Json& parameter : parameters->as_array()) {
      const std::string key = parameter.string_or("name", "");
      const Json body = Json::object(
          {{key, asking(collection.string_or("kind", ""), parameter.string_or("field", ""))}});
      const bool is_later = parameter.string_or("create", "") == "not supported yet";
      EXPECT_EQ(is_refused_as_later(v1_post(name, body), key), is_later) << name << " " << key;
      const bool is_later_in_updates = parameter.string_or("update", "") == "not supported yet";
      const Answer updated = v1("PATCH", name + "/" + ids[name], body.dump());
      EXPECT_EQ(is_refused_as_later(updated, key), is_later_in_updates) << name << " " << key;
      ++checked;
    }
  }
  EXPECT_GT(checked, 50);
}

TEST_F(V1Schema, ParametersOfInstanceCallsThatComeLaterAreRefusedByName) {
  const Json schema = v1_schema_json();
  int checked = 0;
  for (const Json& operation : schema.find("operations")->as_array()) {
    if (operation.string_or("action", "") != "createInstances") continue;
    for (const Json& parameter : operation.find("parameters")->as_array()) {
      if (parameter.string_or("effect", "") != "not supported yet") continue;
      const std::string path = parameter.string_or("name", "");
      Json body = Json::object({{"instanceSpec", Json::object()}});
      Json* place = &body;
      for (std::size_t at = 0; at < path.size();) {
        const std::size_t dot = std::min(path.find('.', at), path.size());
        place = &(*place)[path.substr(at, dot - at)];
        at = dot + 1;
      }
      *place = Json("x");
      EXPECT_TRUE(is_refused_as_later(v1_post("instances", body), path)) << path;
      ++checked;
    }
  }
  EXPECT_GT(checked, 8);
}

}  // namespace
}  // namespace weir::api
