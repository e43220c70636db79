// What the JD Cloud face says about itself, against what it does.
#include "api/v1_schema.h"

#include <algorithm>
#include <ranges>

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
    ids["networkSecurityGroups"] = made(
        "networkSecurityGroups/", create_body("networkSecurityGroups"), "networkSecurityGroupId");
    ids["availabilityGroups"] = made("availabilityGroups", ag_body(), "agId");
    ids["autoScaling"] = ids["asRules"] = ids["instanceTemplates"] = ids["availabilityGroups"];
    member = api->create("instance", "member",
                         Json::object({{"subnetId", "subnet-default"},
                                       {"az", "local-1a"},
                                       {"ipAddress", "127.64.0.99"},
                                       {"agId", ids["availabilityGroups"]}}))
                 .id();
  }
  static Json ag_body() {
    return Json::object({{"agName", "members"}, {"azs", Json::array({Json("local-1a")})}});
  }
  /// The call's path with a real id where there is one.
  std::string path_to(const V1Operation& operation) {
    std::string path = v1_path(operation).substr(1);
    const auto open = path.find('{');
    if (open == std::string::npos) return path;
    const std::string collection(operation.collection);
    const bool is_delete = operation.call == V1Call::kDelete;
    if (operation.call == V1Call::kListByGroup) {
      return path.replace(open, path.find('}') - open + 1, ids["networkSecurityGroups"]);
    }
    return path.replace(open, path.find('}') - open + 1,
                        is_delete ? second[collection] : ids[collection]);
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

  static std::vector<std::string> keys_of(const Json& json) {
    std::vector<std::string> keys;
    for (const auto& member : json.as_object()) keys.push_back(member.first);
    return keys;
  }
  /// Source: product.md B.4, B.6.
  static std::vector<std::string> result_keys(const V1Operation& operation) {
    static const std::map<std::string_view, std::string> kOwn = {
        {"describeTargetHealth", "targetHealths"},
        {"describeTargets", "targets"},
        {"createInstances", "instanceIds"},
        {"createElasticIps", "elasticIpIds"},
        {"describeBriefInstances", "instances"},
        {"describeInstanceStatus", "instanceStatuses"},
        {"describeInstancePrivateIpAddress", "instancePrivateIpAddress"},
        {"describeAgs", "ags"}};
    const std::string collection(operation.collection);
    const std::string item =
        collection == "availabilityGroups" ? "ag" : collection.substr(0, collection.size() - 1);
    const auto own = kOwn.find(operation.action);
    const std::string name = own == kOwn.end() ? collection : own->second;
    switch (operation.call) {
      case V1Call::kList:
      case V1Call::kHealth:
      case V1Call::kListTargets:
      case V1Call::kListByGroup:
        return {name, "totalCount"};
      case V1Call::kCreate:
        return {own == kOwn.end() ? item + "Id" : name};
      case V1Call::kShow:
        return {item};
      case V1Call::kShowQuota:
        return {"quotas"};
      default:
        return {};
    }
  }
  /// Null when the call has none.
  Json body_of(const V1Operation& operation) {
    if (operation.call == V1Call::kCreate) return create_body(operation.collection);
    if (operation.call == V1Call::kUpdate) return Json::object({{"description", "changed"}});
    if (operation.call == V1Call::kAddTargets) return parse_json(kTwoTargets).value();
    if (operation.method == "GET" || operation.method == "DELETE") return {};
    if (operation.call == V1Call::kLater) return Json::object();
    if (operation.call == V1Call::kModifyQuota) {
      return Json::object({{"type", "vpc"}, {"maxLimit", 11}});
    }
    if (operation.call == V1Call::kAbandonInstances) {
      return Json::object({{"instanceIds", Json::array({Json(member)})}});
    }
    if (operation.call == V1Call::kModifyElasticIp) return Json::object({{"bandwidthMbps", 7}});
    if (operation.method != "POST") return {};
    if (operation.collection == "loadBalancers") {
      return Json::object(
          {{"elasticIpId", ids["elasticIps"]},
           {"securityGroupIds", Json::array({Json(ids["networkSecurityGroups"])})}});
    }
    if (operation.collection == "instances") return Json::object({{"name", "renamed"}});
    if (operation.collection == "networkSecurityGroups") return rules_body(operation.call);
    const Json targets =
        shown("targetGroups/" + ids["targetGroups"] + ":describeTargets", "targets");
    const Json id(targets.as_array().back().string_or("targetId", ""));
    if (operation.call == V1Call::kRemoveTargets) {
      return Json::object({{"targetIds", Json::array({id})}});
    }
    return Json::object(
        {{"targetUpdateSpecs", Json::array({Json::object({{"targetId", id}, {"weight", 7}})})}});
  }
  Json rules_body(V1Call call) {
    if (call == V1Call::kAddRules) {
      return parse_json(R"({"networkSecurityGroupRuleSpecs":[
          {"protocol":6,"direction":0,"addressPrefix":"10.0.0.0/8"}]})")
          .value();
    }
    const Json group =
        shown("networkSecurityGroups/" + ids["networkSecurityGroups"], "networkSecurityGroup");
    const Json id(group.find("securityGroupRules")->as_array().back().string_or("ruleId", ""));
    if (call == V1Call::kRemoveRules) return Json::object({{"ruleIds", Json::array({id})}});
    return Json::object({{"modifySecurityGroupRuleSpecs",
                          Json::array({Json::object({{"ruleId", id}, {"priority", 7}})})}});
  }
  Json create_body(std::string_view collection) {
    if (collection == "networkSecurityGroups") {
      return Json::object({{"networkSecurityGroupName", "second"}, {"vpcId", "vpc-default"}});
    }
    const std::string& lb = ids["loadBalancers"];
    if (collection == "loadBalancers") {
      return Json::object({{"loadBalancerName", "second"},
                           {"type", "alb"},
                           {"subnetId", "subnet-default"},
                           {"azs", Json::array({Json("local-1a")})}});
    }
    if (collection == "listeners") return v1_listener_body(lb, ids["backends"], 81, "second");
    if (collection == "backends") return v1_backend_body(lb, ids["targetGroups"], "second");
    if (collection == "targetGroups") {
      return Json::object({{"targetGroupName", "second"}, {"loadBalancerId", lb}, {"type", "ip"}});
    }
    if (collection == "availabilityGroups") return ag_body();
    if (collection == "vpcs") return Json::object({{"vpcName", "second"}});
    if (collection == "subnets") {
      return Json::object(
          {{"vpcId", ids["vpcs"]}, {"subnetName", "second"}, {"addressPrefix", "10.9.0.0/24"}});
    }
    if (collection == "elasticIps") {
      return parse_json(R"({"maxCount":1,"elasticIpSpec":{"bandwidthMbps":5,"provider":"bgp"}})")
          .value();
    }
    return parse_json(R"({"instanceSpec":{"name":"web.1","az":"local-1a",
        "primaryNetworkInterface":{"networkInterface":{"primaryIpAddress":"10.9.0.5",
        "subnetId":")" +
                      ids["subnets"] + R"("}}}})")
        .value();
  }
  /// The made object takes the place of the one that calls went to, but for load balancers and
  /// availability groups: what is below one stays where it is.
  void note(const V1Operation& operation, const Json& result) {
    const Json& id = result.as_object().front().second;
    second[std::string(operation.collection)] =
        id.is_array() ? id.as_array().front().as_string() : id.as_string();
    if (operation.collection != "loadBalancers" && operation.collection != "availabilityGroups")
      ids[std::string(operation.collection)] = second[std::string(operation.collection)];
  }
  std::string nlb_backend_id() {
    const std::string lb = v1_lb("lines", "nlb");
    Json body = v1_backend_body(lb, v1_group(lb), "lines");
    body["protocol"] = "Tcp";
    return made("backends", body, "backendId");
  }

  static constexpr std::string_view kTwoTargets =
      R"({"targetSpecs":[{"ipAddress":"127.0.0.1","port":81},{"ipAddress":"127.0.0.1","port":82}]})";
  std::map<std::string, std::string> ids;     // where calls go
  std::map<std::string, std::string> second;  // what the test has made, and deletes
  std::string member;                         // of the availability group
};

TEST_F(V1Schema, EveryOperationOfTheListAnswersWithItsOwnKeyAndIsCountedUnderItsName) {
  std::vector<const V1Operation*> in_order;
  for (const V1Operation& operation : v1_operations()) {
    if (operation.call != V1Call::kDelete) in_order.push_back(&operation);
  }
  // What a create has made goes again, from the bottom up.
  for (const V1Operation& operation : v1_operations() | std::views::reverse) {
    if (operation.call == V1Call::kDelete) in_order.push_back(&operation);
  }
  for (const V1Operation* operation : in_order) {
    const std::string path = path_to(*operation);
    const std::string body = body_of(*operation).dump();
    const bool is_later =
        operation->call == V1Call::kRebootInstance || operation->call == V1Call::kLater;
    const auto counted = [&] {
      const std::string status = is_later ? "400" : "200";
      return metrics.value(Metric::kApiRequests, {std::string(operation->counted_as), status})
          .get();
    };
    const auto before = counted();
    const Answer answer = v1(std::string(operation->method), path, body == "null" ? "" : body);
    EXPECT_EQ(counted(), before + 1) << operation->action;
    if (is_later) {
      EXPECT_EQ(answer.message(), std::string(operation->action) + " is not supported yet");
      continue;
    }
    ASSERT_EQ(answer.status, 200) << operation->action << answer.body.dump();
    EXPECT_EQ(keys_of(answer.at("result")), result_keys(*operation)) << operation->action;
    if (operation->call == V1Call::kCreate) note(*operation, answer.at("result"));
  }
}

// What an update can set, on which type of load balancer, and a value it does not have yet.
struct Change {
  std::string_view type;
  std::string_view name;
  std::string_view value;
};
const std::map<std::string, std::vector<Change>> kChanges = {
    {"loadBalancers",
     {{"alb", "loadBalancerName", R"("other")"},
      {"alb", "privateIpAddress", R"("127.64.0.77")"},
      {"alb", "description", R"("other")"},
      {"alb", "deleteProtection", "true"},
      {"alb", "action", R"("Stop")"}}},
    {"listeners",
     {{"alb", "listenerName", R"("other")"},
      {"alb", "backendId", ""},
      {"alb", "connectionIdleTimeSeconds", "77"},
      {"alb", "description", R"("other")"},
      {"alb", "status", R"("Off")"}}},
    {"backends",
     {{"alb", "backendName", R"("other")"},
      {"alb", "algorithm", R"("LeastConn")"},
      {"alb", "targetGroupIds", "[]"},
      {"alb", "agIds", ""},
      {"nlb", "sessionStickiness", "true"},
      {"nlb", "sessionStickyTimeout", "77"},
      {"nlb", "connectionDrainingSeconds", "77"},
      {"alb", "httpForwardedProtocol", "true"},
      {"alb", "httpForwardedPort", "true"},
      {"alb", "httpForwardedHost", "true"},
      {"alb", "httpForwardedVip", "true"},
      {"alb", "httpForwardedClientPort", "true"},
      {"alb", "healthCheckSpec", R"({"protocol":"Tcp","intervalSeconds":9})"},
      {"alb", "description", R"("other")"},
      {"alb", "closeHealthCheck", "true"}}},
    {"targetGroups",
     {{"alb", "targetGroupName", R"("other")"}, {"alb", "description", R"("other")"}}},
    {"networkSecurityGroups",
     {{"alb", "networkSecurityGroupName", R"("other")"}, {"alb", "description", R"("other")"}}},
    {"availabilityGroups", {{"alb", "name", R"("other")"}, {"alb", "description", R"("other")"}}},
    {"vpcs", {{"alb", "vpcName", R"("other")"}, {"alb", "description", R"("other")"}}},
    {"subnets", {{"alb", "subnetName", R"("other")"}, {"alb", "description", R"("other")"}}},
};

TEST_F(V1Schema, AnUpdateOfWhatTakesEffectIsSeenAndOfWhatIsIgnoredIsNot) {
  const std::string other =
      v1_post("backends", v1_backend_body(ids["loadBalancers"], ids["targetGroups"], "second"))
          .at("result")
          .string_or("backendId", "");
  const std::string nlb_backend = nlb_backend_id();
  const Json schema = v1_schema_json();
  int checked = 0;
  for (const Json& collection : schema.find("collections")->as_array()) {
    const Json* parameters = collection.find("parameters");
    if (parameters == nullptr) continue;
    const std::string name = collection.string_or("name", "");
    const std::string item = collection.string_or("item", "");
    for (const Json& parameter : parameters->as_array()) {
      const std::string key = parameter.string_or("name", "");
      const std::string effect = parameter.string_or("update", "");
      if (effect == "not supported yet") continue;
      const auto& known = kChanges.at(name);
      const auto change = std::ranges::find(known, key, &Change::name);
      ASSERT_EQ(change != known.end(), effect == "takes effect") << name << " " << key;
      const bool is_nlb = change != known.end() && change->type == "nlb";
      const std::string path = name + "/" + (is_nlb ? nlb_backend : ids[name]);
      const std::string value = change == known.end() ? R"("x")"
                                : key == "backendId"  ? "\"" + other + "\""
                                : key == "agIds"      ? "[\"" + ids["availabilityGroups"] + "\"]"
                                                      : std::string(change->value);
      // The switch of the check is one that no answer of this face shows.
      const auto seen = [&] {
        return key == "closeHealthCheck" ? api->get("backend/" + ids[name]).at("admin")
                                         : shown(path, item);
      };
      const Json before = seen();
      const Answer updated = v1("PATCH", path, "{\"" + key + "\":" + value + "}");
      EXPECT_EQ(updated.status, 200) << name << " " << key << updated.body.dump();
      EXPECT_EQ(seen() != before, effect == "takes effect") << name << " " << key;
      ++checked;
    }
  }
  EXPECT_GT(checked, 45);
}

TEST_F(V1Schema, DefaultsAreWhatACreateWithoutThemGets) {
  const Json schema = v1_schema_json();
  const std::map<std::string, std::string> made_of_little = {
      {"loadBalancers", ids["loadBalancers"]},
      {"listeners", ids["listeners"]},
      {"backends", ids["backends"]},
      {"targetGroups",
       made("targetGroups",
            Json::object({{"targetGroupName", "plain"}, {"loadBalancerId", ids["loadBalancers"]}}),
            "targetGroupId")}};
  int checked = 0;
  for (const Json& collection : schema.find("collections")->as_array()) {
    const auto id = made_of_little.find(collection.string_or("name", ""));
    if (id == made_of_little.end()) continue;
    const Json document = shown(id->first + "/" + id->second, collection.string_or("item", ""));
    for (const Json& parameter : collection.find("parameters")->as_array()) {
      const std::string key = parameter.string_or("name", "");
      const Json* value = parameter.find("default");
      const Json* found = document.find(key);
      const bool is_given = key == "targetGroupIds" || key == "azs";
      if (value == nullptr || found == nullptr || is_given) continue;
      EXPECT_EQ(*found, *value) << id->first << " " << key;
      ++checked;
    }
  }
  EXPECT_GT(checked, 10);
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
  EXPECT_GT(checked, 7);
}

}  // namespace
}  // namespace weir::api
