// Calls of the JD Cloud face for tests, over the control plane of api_fixture.h. Only tests include
// it. Thread: the test's.
#pragma once

#include "api/api_fixture.h"

namespace weir::api {

class V1Test : public ApiTest {
 protected:
  static std::string path_of(const std::string& path) { return "/v1/regions/local/" + path; }

  Answer v1(const std::string& method, const std::string& path, const std::string& body = "") {
    return api->call(method, path_of(path), body);
  }
  Answer v1_post(const std::string& path, const Json& body) {
    return v1("POST", path, body.dump());
  }
  /// The id in the result of a create.
  std::string made(const std::string& path, const Json& body, const std::string& key) {
    const Answer answer = v1_post(path, body);
    EXPECT_EQ(answer.status, 200) << answer.body.dump();
    return answer.at("result").string_or(key, "");
  }
  /// A member of the result of a GET.
  Json shown(const std::string& path, std::string_view key) {
    const Answer answer = v1("GET", path);
    EXPECT_EQ(answer.status, 200) << answer.body.dump();
    const Json* found = answer.at("result").find(key);
    return found == nullptr ? Json() : *found;
  }

  std::string v1_lb(const std::string& name = "web", const std::string& type = "alb") {
    return made("loadBalancers/",
                Json::object({{"loadBalancerName", name},
                              {"type", type},
                              {"subnetId", "subnet-default"},
                              {"azs", Json::array({Json("local-1a")})}}),
                "loadBalancerId");
  }
  std::string v1_group(const std::string& lb, const std::string& name = "servers") {
    return made("targetGroups/",
                Json::object({{"targetGroupName", name}, {"loadBalancerId", lb}, {"type", "ip"}}),
                "targetGroupId");
  }
  static Json v1_backend_body(const std::string& lb, const std::string& group,
                              const std::string& name = "web") {
    return Json::object({{"backendName", name},
                         {"loadBalancerId", lb},
                         {"protocol", "Http"},
                         {"port", 80},
                         {"targetGroupIds", Json::array({Json(group)})},
                         {"healthCheckSpec", Json::object({{"protocol", "Http"}})}});
  }
  std::string v1_backend(const std::string& lb, const std::string& group) {
    return made("backends/", v1_backend_body(lb, group), "backendId");
  }
  static Json v1_listener_body(const std::string& lb, const std::string& backend, int port = 80,
                               const std::string& name = "front") {
    return Json::object({{"listenerName", name},
                         {"loadBalancerId", lb},
                         {"protocol", "Http"},
                         {"port", port},
                         {"backendId", backend}});
  }
  std::string v1_listener(const std::string& lb, const std::string& backend) {
    return made("listeners/", v1_listener_body(lb, backend), "listenerId");
  }
};

}  // namespace weir::api
