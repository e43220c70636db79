// The vm calls of the JD Cloud face, and instances as targets there.
#include <algorithm>

#include "api/v1_fixture.h"

namespace weir::api {
namespace {

class V1VmTest : public V1Test {
 protected:
  void SetUp() override {
    start();
    subnet = made("subnets/",
                  Json::object({{"vpcId", "vpc-default"},
                                {"subnetName", "servers"},
                                {"addressPrefix", "127.9.1.0/24"}}),
                  "subnetId");
  }
  Json instance_body(const std::string& address = "127.9.1.5",
                     const std::string& name = "web.1") const {
    Json interface = Json::object({{"subnetId", subnet}, {"securityGroups", Json::array()}});
    if (!address.empty()) interface["primaryIpAddress"] = address;
    const Json spec = Json::object(
        {{"name", name},
         {"az", "local-1a"},
         {"instanceType", "g.n2.medium"},
         {"imageId", "img-1"},
         {"agId", Json()},
         {"keyNames", Json::array({Json("key")})},
         {"systemDisk", Json::object({{"diskCategory", "cloud"},
                                      {"cloudDiskSpec", Json::object({{"diskType", "ssd.gp1"},
                                                                      {"diskSizeGB", 40}})}})},
         {"primaryNetworkInterface", Json::object({{"networkInterface", std::move(interface)}})}});
    return Json::object({{"regionId", "local"}, {"instanceSpec", spec}, {"maxCount", Json()}});
  }
  std::string instance(const std::string& address = "127.9.1.5",
                       const std::string& name = "web.1") {
    const Answer answer = v1_post("instances", instance_body(address, name));
    EXPECT_EQ(answer.status, 200) << answer.body.dump();
    if (answer.status != 200) return "";
    return answer.at("result").find("instanceIds")->as_array().at(0).as_string();
  }
  std::string instance_group(const std::string& lb) {
    // Without a type: instance.
    return made("targetGroups/",
                Json::object({{"targetGroupName", "servers"}, {"loadBalancerId", lb}}),
                "targetGroupId");
  }
  Answer call(const std::string& id, const std::string& verb, const std::string& body = "{}") {
    return v1("POST", "instances/" + id + ":" + verb, body);
  }
  std::string status(const std::string& id) {
    return shown("instances/" + id, "instance").string_or("status", "");
  }
  Json one_in(const std::string& path, std::string_view plural) {
    const Json list = shown(path, plural);
    EXPECT_EQ(list.as_array().size(), 1u) << path;
    return list.as_array().empty() ? Json::object() : list.as_array().at(0);
  }
  Json count(const std::string& query) { return shown("instances?" + query, "totalCount"); }

  std::string subnet;
};

TEST_F(V1VmTest, AnInstanceIsRegisteredShownAndUnregistered) {
  const std::string id = instance("127.9.1.7");
  EXPECT_TRUE(id.starts_with("i-"));
  const Json shown_one = shown("instances/" + id, "instance");
  EXPECT_EQ(shown_one.string_or("instanceName", ""), "web.1");
  EXPECT_EQ(shown_one.string_or("privateIpAddress", ""), "127.9.1.7");
  EXPECT_EQ(shown_one.string_or("subnetId", ""), subnet);
  EXPECT_EQ(shown_one.string_or("vpcId", ""), "vpc-default");
  EXPECT_EQ(shown_one.string_or("az", ""), "local-1a");
  EXPECT_EQ(shown_one.string_or("status", ""), "running");
  EXPECT_EQ(shown_one.string_or("instanceType", ""), "g.n2.medium");
  EXPECT_EQ(shown_one.string_or("imageId", ""), "img-1");
  EXPECT_EQ(shown_one.find("keyNames")->dump(), R"(["key"])");
  EXPECT_EQ(shown_one.find("systemDisk")->find("cloudDisk")->integer_or("diskSizeGB", 0), 40);
  EXPECT_EQ(shown_one.find("primaryNetworkInterface")->dump(),
            R"({"networkInterface":{"networkInterfaceId":"port-)" + id.substr(2) +
                R"(","vpcId":"vpc-default","subnetId":")" + subnet +
                R"(","securityGroups":[],"primaryIp":{"privateIpAddress":"127.9.1.7"},)" +
                R"("secondaryIps":[]},"deviceIndex":1,"autoDelete":true})");
  EXPECT_EQ(shown_one.find("charge")->string_or("chargeStatus", ""), "normal");
  EXPECT_EQ(shown_one.find("createdTime"), nullptr);
  EXPECT_EQ(shown("subnets/" + subnet, "subnet").integer_or("availableIpCount", 0), 251);
  EXPECT_EQ(v1("DELETE", "subnets/" + subnet).problem(), "409 CONFLICT");
  EXPECT_EQ(v1("PATCH", "instances/" + id, "{}").problem(), "404 NOT_FOUND");
  EXPECT_EQ(v1("DELETE", "instances/" + id).status, 200);
  EXPECT_EQ(v1("GET", "instances/" + id).problem(), "404 NOT_FOUND");
}

TEST_F(V1VmTest, EachHasItsOwnAddressAndACallSaysWhichInstancesItRegistered) {
  const std::string address =
      "instanceSpec.primaryNetworkInterface.networkInterface.primaryIpAddress";
  Json body = instance_body("");
  EXPECT_EQ(v1_post("instances", body).message(), address + ": is missing");
  body = instance_body("127.9.1.9");
  for (const Json& bad : {Json(-1), Json(0), Json(101), Json("1"), Json(1.5)}) {
    body["maxCount"] = bad;
    const Answer answer = v1_post("instances", body);
    EXPECT_EQ(answer.problem(), "400 INVALID_ARGUMENT") << bad.dump();
    EXPECT_EQ(answer.fields(), std::vector<std::string>{"maxCount"}) << bad.dump();
  }
  EXPECT_EQ(count(""), Json(0));
  body["maxCount"] = 1;
  const Answer made = v1_post("instances/", body);
  const Json::Array ids = made.at("result").find("instanceIds")->as_array();
  ASSERT_EQ(ids.size(), 1u);
  EXPECT_FALSE(made.etag.empty());
  EXPECT_EQ(made.etag, v1("GET", "instances/" + ids.at(0).as_string()).etag);
}

TEST_F(V1VmTest, ErrorsNameTheKeysOfTheCallAllAtOnce) {
  const Json body = parse_json(
                        R"({"instanceSpec":{"name":".x","az":"mars","systemDisk":{},
      "dataDisks":[{},{"cloudDiskSpec":{"diskSizeGB":-1}}],
      "primaryNetworkInterface":{"networkInterface":{"subnetId":"subnet-nosuchthin",
      "primaryIpAddress":"nonsense"}}}})")
                        .value();
  const Answer answer = v1_post("instances", body);
  auto fields = answer.fields();
  std::ranges::sort(fields);
  const std::string place = "instanceSpec.primaryNetworkInterface.networkInterface.";
  EXPECT_EQ(fields, (std::vector<std::string>{
                        "instanceSpec.az", "instanceSpec.dataDisks[1].diskSizeGB",
                        "instanceSpec.name", place + "primaryIpAddress", place + "subnetId"}))
      << answer.body.dump();
  EXPECT_EQ(v1_post("instances", Json::object()).message(), "instanceSpec: is missing");
  EXPECT_EQ(v1("POST", "instances", R"({"instanceSpec":[]})").fields().at(0), "instanceSpec");
  EXPECT_EQ(v1("POST", "instances", R"({"instanceSpec":{"dataDisks":{}}})").fields().at(0),
            "instanceSpec.dataDisks");
}

TEST_F(V1VmTest, WhatComesLaterIsRefusedByName) {
  Json body = instance_body();
  (*body.find("instanceSpec"))["instanceTemplateId"] = "it-1";
  EXPECT_EQ(v1_post("instances", body).message(),
            "instanceSpec.instanceTemplateId: not supported yet");
  EXPECT_EQ(count(""), Json(0));
}

TEST_F(V1VmTest, StartAndStopChangeNothingButTheStatusAndRebootComesLater) {
  const std::string id = instance();
  EXPECT_EQ(call(id, "rebootInstance").message(), "rebootInstance is not supported yet");
  EXPECT_EQ(call("i-nosuchthin", "rebootInstance").problem(), "404 NOT_FOUND");
  EXPECT_EQ(call(id, "stopInstance", R"({"chargeOnStopped":"keepCharging"})").status, 200);
  EXPECT_EQ(status(id), "stopped");
  EXPECT_EQ(call(id, "stopInstance").status, 200);
  EXPECT_EQ(call(id, "rebootInstance").problem(), "400 INVALID_ARGUMENT");
  EXPECT_EQ(v1("POST", "instances/" + id + "%3AstartInstance", "{}").status, 200);
  EXPECT_EQ(status(id), "running");
  EXPECT_EQ(call("i-nosuchthin", "startInstance").problem(), "404 NOT_FOUND");
  EXPECT_EQ(call(id, "resizeInstance").problem(), "404 NOT_FOUND");
}

TEST_F(V1VmTest, AStaleIfMatchStopsEveryKindOfWrite) {
  const std::string id = instance();
  const std::string group = instance_group(v1_lb());
  const auto stale = [&](const std::string& path, const std::string& body) {
    return api->call("POST", path_of(path), body, {{"If-Match", "\"1\""}}).problem();
  };
  EXPECT_EQ(stale("instances/" + id + ":stopInstance", "{}"), "412 CONFLICT");
  EXPECT_EQ(stale("targetGroups/" + group + ":registerTargets",
                  R"({"targetSpecs":[{"instanceId":")" + id + R"("}]})"),
            "412 CONFLICT");
  EXPECT_EQ(status(id), "running");
  EXPECT_EQ(shown("targetGroups/" + group + ":describeTargets", "totalCount"), Json(0));
}

TEST_F(V1VmTest, AttributesAreModifiedAndTheRestStays) {
  const std::string id = instance("127.9.1.7");
  EXPECT_EQ(call(id, "modifyInstanceAttribute",
                 R"({"name":"renamed","description":null,"hostname":"web","az":"local-1b"})")
                .status,
            200);
  const Json after = shown("instances/" + id, "instance");
  EXPECT_EQ(after.string_or("instanceName", ""), "renamed");
  EXPECT_EQ(after.string_or("hostname", ""), "web");
  EXPECT_EQ(after.string_or("az", ""), "local-1a");
  EXPECT_EQ(after.string_or("privateIpAddress", ""), "127.9.1.7");
  EXPECT_EQ(call(id, "modifyInstanceAttribute", R"({"name":"x"})").fields(),
            std::vector<std::string>{"name"});
}

TEST_F(V1VmTest, DataForAServerIsRefusedUntilOneGetsIt) {
  const std::string id = instance("127.9.1.7");
  const Answer refused = call(id, "modifyInstanceAttribute",
                              R"({"name":"renamed","metadata":[{"key":"a","value":"b"}],)"
                              R"("userdata":[{"key":"launch-script","value":"eA=="}]})");
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.fields(), (std::vector<std::string>{"metadata", "userdata"}));
  EXPECT_TRUE(refused.message().find("not supported yet") != std::string::npos);
  EXPECT_NE(shown("instances/" + id, "instance").string_or("instanceName", ""), "renamed");
}

TEST_F(V1VmTest, ListsHaveFiltersAndBriefForms) {
  const std::string first = instance("127.9.1.7", "first");
  const std::string second = instance("127.9.1.17", "second");
  call(second, "stopInstance");
  const auto only = [&](const std::string& name, const std::string& value) {
    return one_in("instances?filters.1.name=" + name + "&filters.1.values.1=" + value, "instances")
        .string_or("instanceId", "");
  };
  EXPECT_EQ(only("instanceId", first), first);
  EXPECT_EQ(only("privateIpAddress", "1.17"), second);
  EXPECT_EQ(only("status", "stopped"), second);
  EXPECT_EQ(only("name", "irs"), first);
  EXPECT_EQ(count("filters.1.name=subnetId&filters.1.values.1=" + subnet), Json(2));
  EXPECT_EQ(count("filters.1.name=vpcId&filters.1.values.1=vpc-default"), Json(2));
  EXPECT_EQ(count("filters.1.name=az&filters.1.values.1=local-1b"), Json(0));
  EXPECT_EQ(count("filters.1.name=imageId&filters.1.values.1=img-1"), Json(2));
  EXPECT_EQ(count("filters.1.name=faultDomain&filters.1.values.1=x"), Json(0));
  EXPECT_EQ(v1("GET", "instances?filters.1.name=color&filters.1.values.1=red").problem(),
            "400 INVALID_ARGUMENT");
  const std::string one = "?filters.1.name=instanceId&filters.1.values.1=" + second;
  EXPECT_EQ(one_in("instanceStatus" + one, "instanceStatuses").dump(),
            R"({"instanceId":")" + second + R"(","status":"stopped"})");
  EXPECT_EQ(one_in("instancePrivateIpAddress/" + one, "instancePrivateIpAddress")
                .string_or("privateIpAddress", ""),
            "127.9.1.17");
  const Json brief = one_in("instances%3AdescribeBriefInstances" + one, "instances");
  EXPECT_EQ(brief.string_or("instanceName", ""), "second");
  EXPECT_EQ(brief.find("systemDisk"), nullptr);
  EXPECT_EQ(brief.find("charge"), nullptr);
}

TEST_F(V1VmTest, M75_TargetsAreInstancesUnlessTheGroupSaysAddresses) {
  const std::string id = instance("127.9.1.7");
  const std::string lb = v1_lb();
  const std::string group = instance_group(lb);
  EXPECT_EQ(shown("targetGroups/" + group, "targetGroup").string_or("type", ""), "instance");
  const std::string path = "targetGroups/" + group;
  const auto add = [&](const std::string& specs) {
    return v1("POST", path + ":registerTargets", R"({"targetSpecs":[)" + specs + "]}");
  };
  EXPECT_EQ(add(R"({"ipAddress":"127.0.0.1","type":"ip"})").problem(), "400 INVALID_ARGUMENT");
  EXPECT_EQ(add(R"({"port":1})").fields(), std::vector<std::string>{"targetSpecs[0].instanceId"});
  EXPECT_EQ(add(R"({"instanceId":"i-nosuchthin"})").problem(), "404 NOT_FOUND");
  const Answer good =
      add(R"({"instanceId":")" + id + R"(","ipAddress":null,"port":8080,"weight":7})");
  ASSERT_EQ(good.status, 200) << good.body.dump();
  const Answer again = add(R"({"instanceId":")" + id + R"(","port":8080})");
  EXPECT_EQ(again.problem(), "400 INVALID_ARGUMENT");
  EXPECT_EQ(again.message(), "targetSpecs[0]: Target is already register to same TargetGroup.");
  EXPECT_EQ(add(R"({"instanceId":")" + id + R"(","port":8081,"type":"container"})").message(),
            "targetSpecs[0].type: not supported yet");
  const Json target = one_in(
      path + ":describeTargets?filters.1.name=instanceId&filters.1.values.1=" + id, "targets");
  EXPECT_EQ(target.string_or("type", ""), "vm");
  EXPECT_EQ(target.string_or("privateIpAddress", ""), "127.9.1.7");
  EXPECT_EQ(target.string_or("ipAddress", ""), "127.9.1.7");
  EXPECT_EQ(
      shown(path + ":describeTargets?filters.1.name=type&filters.1.values.1=ip", "totalCount"),
      Json(0));
  const std::string backend = v1_backend(lb, group);
  const Json health = one_in("backends/" + backend + "/health", "targetHealths");
  EXPECT_EQ(health.string_or("type", ""), "vm");
  EXPECT_EQ(health.string_or("instanceId", ""), id);
  EXPECT_EQ(health.string_or("ipAddress", ""), "127.9.1.7");
  EXPECT_EQ(health.integer_or("port", 0), 8080);
  const Answer refused = v1("DELETE", "instances/" + id);
  EXPECT_EQ(refused.problem(), "409 CONFLICT");
  EXPECT_TRUE(refused.message().contains(group)) << refused.message();
}

TEST_F(V1VmTest, LoadBalancersAreFoundByTheAddressOfATarget) {
  const std::string id = instance("127.9.1.7");
  const std::string lb = v1_lb();
  const std::string group = instance_group(lb);
  v1("POST", "targetGroups/" + group + ":registerTargets",
     R"({"targetSpecs":[{"instanceId":")" + id + R"("}]})");
  const std::string filter =
      "loadBalancers/?filters.1.name=targetPrivateIpAddress&filters.1.values.1=";
  EXPECT_EQ(one_in(filter + "127.9.1.7", "loadBalancers").string_or("loadBalancerId", ""), lb);
  EXPECT_EQ(one_in(filter + "127.9.1.7", "loadBalancers").find("targetPrivateIpAddress"), nullptr);
  EXPECT_EQ(shown(filter + "127.9.1.8", "totalCount"), Json(0));
}

}  // namespace
}  // namespace weir::api
