// Tests of declarative use: documents as a file has them, and random trees of them. Only tests
// include it. Thread: the test's.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "api/people_fixture.h"
#include "base/random.h"

namespace weir::api {

/// A document as a file declares it.
inline Json document(const std::string& kind, const std::string& name, Json spec,
                     const std::string& team = "") {
  Json one = Json::object({{"kind", kind}, {"name", name}, {"spec", std::move(spec)}});
  if (!team.empty()) one["labels"] = Json::object({{"team", team}});
  return one;
}

inline Json names(std::initializer_list<const char*> list) {
  Json items = Json::array();
  for (const char* item : list) items.push_back(Json(item));
  return items;
}

class ApplyTest : public PeopleTest {
 protected:
  static Json body_of(Json documents, const std::string& prune_team = "") {
    Json body = Json::object({{"objects", std::move(documents)}});
    if (!prune_team.empty()) {
      body["prune"] = Json::object({{"labels", Json::object({{"team", prune_team}})}});
    }
    return body;
  }
  Answer apply(Json documents, const std::string& prune_team = "") {
    return api->post("apply", body_of(std::move(documents), prune_team));
  }
  Answer plan(Json documents, const std::string& prune_team = "") {
    return api->post("apply?plan=true", body_of(std::move(documents), prune_team));
  }

  /// "create lb web", one for each change.
  static std::vector<std::string> told(const Answer& answer) {
    std::vector<std::string> lines;
    for (const Json& change : answer.at("changes").as_array()) {
      lines.push_back(change.string_or("action", "") + " " + change.string_or("kind", "") + " " +
                      change.string_or("name", ""));
    }
    return lines;
  }
  /// "spec.port: 80 -> 81" of the change of this name.
  static std::vector<std::string> fields_of(const Answer& answer, const std::string& name) {
    std::vector<std::string> lines;
    for (const Json& change : answer.at("changes").as_array()) {
      if (change.string_or("name", "") != name) continue;
      for (const Json& field : change.find("fields")->as_array()) {
        lines.push_back(field.string_or("path", "") + ": " + field.find("from")->dump() + " -> " +
                        field.find("to")->dump());
      }
    }
    return lines;
  }
  /// What the account has, as apply takes it.
  static Json exported(ApiCaller& caller, const std::string& query = "") {
    const Answer all = caller.get("export" + query);
    EXPECT_EQ(all.status, 200) << all.body.dump();
    return all.at("objects");
  }
  Json exported(const std::string& query = "") { return exported(*api, query); }

  /// A load balancer in the built-in network, with one listener, service and group.
  static Json tree(const std::string& lb = "web", const std::string& team = "") {
    Json group = document("tg", "servers",
                          Json::object({{"loadBalancerId", lb}, {"targets", Json::array()}}), team);
    group.find("spec")->find("targets")->push_back(
        Json::object({{"ipAddress", "127.0.0.1"}, {"port", 8080}}));
    Json backend = document("backend", "app",
                            Json::object({{"loadBalancerId", lb},
                                          {"protocol", "Http"},
                                          {"port", 80},
                                          {"targetGroupIds", names({"servers"})},
                                          {"healthCheck", Json::object({{"protocol", "Tcp"}})}}),
                            team);
    Json listener = document(
        "listener", "front",
        Json::object(
            {{"loadBalancerId", lb}, {"protocol", "Http"}, {"port", 80}, {"backendId", "app"}}),
        team);
    Json balancer = document(
        "lb", lb,
        Json::object(
            {{"type", "alb"}, {"subnetId", "subnet-default"}, {"azs", names({"local-1a"})}}),
        team);
    Json documents = Json::array();
    // The wrong way round: a file may have any order.
    for (Json* one : {&listener, &backend, &group, &balancer}) {
      documents.push_back(std::move(*one));
    }
    return documents;
  }
};

/// Draws trees whose resources of one name differ only in what may be changed.
class TreeGenerator {
 public:
  explicit TreeGenerator(std::uint64_t seed) : random_(seed) {}

  Json draw() {
    documents_ = Json::array();
    network();
    for (const char* type : {"alb", "nlb", "dnlb"}) {
      for (int i = 0; i < 2; ++i) {
        if (often()) load_balancer(type, std::string(type) + "-" + std::to_string(i), i);
      }
    }
    shuffle();
    return documents_;
  }

 private:
  bool often() { return random_.below(4) != 0; }
  bool seldom() { return random_.below(4) == 0; }
  std::string number(std::uint64_t bound) { return std::to_string(random_.below(bound)); }

  void add(const std::string& kind, const std::string& name, Json spec, Json admin = {}) {
    Json one = document(kind, name, std::move(spec), "random");
    if (seldom()) (*one.find("labels"))["step"] = Json(number(3));
    if (!admin.is_null()) one["admin"] = std::move(admin);
    documents_.push_back(std::move(one));
  }
  void describe(Json& spec) {
    if (seldom()) spec["description"] = Json("say " + number(3));
  }

  void network() {
    Json vpc = Json::object({{"addressPrefix", "10.0.0.0/16"}});
    describe(vpc);
    add("vpc", "net", std::move(vpc));
    add("subnet", "front", Json::object({{"vpcId", "net"}, {"addressPrefix", "10.0.1.0/24"}}));
    add("subnet", "rear", Json::object({{"vpcId", "net"}, {"addressPrefix", "10.0.2.0/24"}}));
    add("ag", "fleet", Json::object({{"azs", names({"local-1a"})}}));
    for (int i = 0; i < 4; ++i) {
      const std::string at = std::to_string(10 + i);
      Json admin = seldom() ? Json::object({{"state", "stopped"}}) : Json();
      Json vm = Json::object({{"subnetId", i < 2 ? "rear" : "net/rear"},
                              {"ipAddress", "10.0.2." + at},
                              {"az", "local-1a"}});
      if (i == 3) vm["agId"] = Json("fleet");
      add("instance", "vm-" + std::to_string(i), std::move(vm), std::move(admin));
    }
    add("eip", "public",
        Json::object({{"bandwidthMbps", 1 + random_.below(3)}, {"provider", "bgp"}}));
    group("web");
    group("api");
  }
  void group(const std::string& name) {
    Json rules = Json::array();
    for (std::uint64_t i = random_.below(3); i > 0; --i) {
      Json rule = Json::object({{"direction", "in"},
                                {"protocol", "TCP"},
                                {"addressPrefix", "10." + std::to_string(i) + ".0.0/16"}});
      if (often()) rule["fromPort"] = Json(1 + random_.below(9));
      if (seldom()) rule["priority"] = Json(2);
      rules.push_back(std::move(rule));
    }
    Json spec = Json::object({{"vpcId", "net"}, {"rules", std::move(rules)}});
    add("securityGroup", name, std::move(spec));
  }

  void load_balancer(const std::string& type, const std::string& name, int which) {
    Json spec = Json::object({{"type", type}, {"subnetId", "front"}});
    if (type != "dnlb") spec["azs"] = names({"local-1a"});
    if (type == "alb") spec["securityGroupIds"] = seldom() ? names({"web", "api"}) : names({"api"});
    if (name == "alb-0") spec["elasticIpId"] = Json(often() ? "public" : "");
    if (which == 1) spec["privateIpAddress"] = Json(type == "alb" ? "10.0.1.20" : "10.0.1.21");
    if (type == "dnlb") spec.erase("privateIpAddress");
    describe(spec);
    Json admin = seldom() ? Json::object({{"state", "stopped"}}) : Json();
    add("lb", name, std::move(spec), std::move(admin));
    for (int i = 0; i < 2; ++i) servers(type, name, i);
    for (const char* protocol : {"Http", "Tcp"}) {
      if (type == "alb" || protocol == std::string("Tcp")) service(type, name, protocol);
    }
  }
  void servers(const std::string& type, const std::string& lb, int which) {
    const bool has_instances = which == 1;
    Json targets = Json::array();
    for (int i = 0; i < 4; ++i) {
      if (seldom()) continue;
      Json target = Json::object();
      const std::string at = std::to_string(10 + i);
      if (has_instances) target["instanceId"] = Json("vm-" + std::to_string(i));
      if (!has_instances) target["ipAddress"] = Json("10.0.2." + at);
      if (type != "dnlb" && seldom()) target["port"] = Json(8000 + random_.below(3));
      if (seldom()) target["weight"] = Json(1 + random_.below(5));
      targets.push_back(std::move(target));
    }
    Json spec = Json::object({{"loadBalancerId", lb},
                              {"type", has_instances ? "instance" : "ip"},
                              {"targets", std::move(targets)}});
    describe(spec);
    add("tg", "servers-" + std::to_string(which), std::move(spec));
  }
  void service(const std::string& type, const std::string& lb, const std::string& protocol) {
    const std::string name = "app-" + protocol;
    Json check = Json::object({{"protocol", "Tcp"}});
    if (seldom()) check["healthyThresholdCount"] = Json(2 + random_.below(3));
    Json spec = Json::object({{"loadBalancerId", lb},
                              {"protocol", protocol},
                              {"port", 80},
                              {"healthCheck", std::move(check)}});
    if (seldom()) {
      spec["agIds"] = names({"fleet"});
    } else if (often()) {
      spec["targetGroupIds"] = names({seldom() ? "servers-0" : "servers-1"});
    }
    if (type == "dnlb" && seldom()) spec["algorithm"] = Json("QuintupleHash");
    if (type == "nlb" && seldom()) spec["sessionStickiness"] = Json(true);
    if (type != "dnlb" && seldom()) spec["algorithm"] = Json(often() ? "IpHash" : "RoundRobin");
    if (seldom()) spec["failOpen"] = Json(true);
    describe(spec);
    Json admin = seldom() ? Json::object({{"closeHealthCheck", random_.below(2) == 0}}) : Json();
    add("backend", name, std::move(spec), std::move(admin));
    for (int i = 0; i < 3; ++i) {
      if (seldom()) continue;
      const int port = (protocol == "Http" ? 80 : 90) + i;
      Json front = Json::object(
          {{"loadBalancerId", lb}, {"protocol", protocol}, {"port", port}, {"backendId", name}});
      if (type != "dnlb" && seldom()) front["connectionIdleTimeSeconds"] = Json(60);
      Json status = seldom() ? Json::object({{"status", often() ? "Off" : "On"}}) : Json();
      add("listener", "port-" + std::to_string(port), std::move(front), std::move(status));
    }
  }
  void shuffle() {
    Json::Array& all = documents_.as_array();
    for (std::size_t i = all.size(); i > 1; --i) std::swap(all[i - 1], all[random_.below(i)]);
  }

  Random random_;
  Json documents_;
};

}  // namespace weir::api
