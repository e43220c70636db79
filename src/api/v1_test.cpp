// The JD Cloud face as its clients see it, through the HTTP server.
#include <algorithm>
#include <set>

#include "api/signature_fixture.h"
#include "api/v1_fixture.h"

namespace weir::api {
namespace {

class V1SignedTest : public V1Test {
 protected:
  /// A call of the access key in credentials.json.
  ClientCall own_call(ClientCall call = {}) {
    const Json credentials = parse_json(read_file(server->credentials_path()).value()).value();
    call.access_key = credentials.string_or("accessKey", "");
    call.secret = credentials.string_or("secretKey", "");
    call.path = path_of("loadBalancers/");
    return call;
  }
  int status_of(const ClientCall& call) {
    http::ClientRequest request;
    request.method = call.method;
    request.target = call.path + (call.query.empty() ? "" : "?" + call.query);
    request.body = call.body;
    for (const http::HeaderLine& line : call.headers) {
      const bool is_framing = line.name == "host" || line.name == "Host" ||
                              line.name == "Connection" || line.name == "Accept-Encoding";
      if (!is_framing) request.headers.push_back(line);
    }
    request.headers.push_back({"Authorization", authorization_of(call)});
    auto client = http::Client::open(server->api_endpoint()).value();
    const auto response = client->exchange(request, soon());
    EXPECT_TRUE(response);
    return response ? response->status : 0;
  }
  /// Signs the date and the nonce alone, whatever Host the client sends.
  static ClientCall plain(ClientCall call, std::string_view nonce) {
    call.headers = {{"x-jdcloud-date", call.date}, {"x-jdcloud-nonce", std::string(nonce)}};
    if (!call.body.empty()) call.headers.push_back({"content-type", "application/json"});
    call.signed_headers = {"x-jdcloud-date", "x-jdcloud-nonce"};
    return call;
  }
};

TEST_F(V1SignedTest, a_call_signed_with_the_key_of_the_credentials_is_answered) {
  EXPECT_EQ(status_of(plain(own_call(), "n1")), 200);
}

TEST_F(V1SignedTest, a_signed_create_is_recorded_under_its_access_key) {
  ClientCall call = own_call();
  call.method = "POST";
  call.body =
      R"({"loadBalancerName":"a","subnetId":"subnet-default","azs":["local-1a"],"type":"alb"})";
  EXPECT_EQ(status_of(plain(call, "n1")), 200);
  const auto rows = store->audit_rows(100);
  ASSERT_TRUE(rows);
  const bool is_there = std::ranges::any_of(*rows, [&](const auto& entry) {
    const store::AuditRow& row = entry.second;
    return row.who == call.access_key && row.operation == "create lb" && row.result == "ok";
  });
  EXPECT_TRUE(is_there);
}

TEST_F(V1SignedTest, an_access_key_speaks_for_its_user_until_it_is_revoked) {
  EXPECT_EQ(api->create("user", "ann", Json::object({{"role", "viewer"}})).status, 201);
  const Answer key = api->create("accesskey", "k", Json::object({{"user", "ann"}}));
  ASSERT_EQ(key.status, 201) << key.message();
  ClientCall call = own_call();
  call.access_key = key.id();
  call.secret = key.body.string_or("secret", "");
  EXPECT_EQ(status_of(plain(call, "n1")), 200);
  ClientCall write = call;
  write.method = "POST";
  write.body = "{}";
  EXPECT_EQ(status_of(plain(write, "n2")), 403) << "a viewer makes nothing";
  EXPECT_EQ(api->remove("accesskey/" + key.id()).status, 200);
  EXPECT_EQ(status_of(plain(call, "n3")), 401);
}

TEST_F(V1SignedTest, an_access_key_ends_with_its_days) {
  EXPECT_EQ(api->create("user", "ann", Json::object({{"role", "viewer"}})).status, 201);
  const Answer key =
      api->create("accesskey", "k", Json::object({{"user", "ann"}, {"validDays", 1}}));
  ASSERT_EQ(key.status, 201) << key.message();
  ClientCall first = own_call();
  ClientCall call = first;
  call.access_key = key.id();
  call.secret = key.body.string_or("secret", "");
  EXPECT_EQ(status_of(plain(call, "n1")), 200);
  clock.advance(std::chrono::hours(24));
  call.date = first.date = "20260102T010000Z";
  EXPECT_EQ(status_of(plain(call, "n2")), 401);
  EXPECT_EQ(status_of(plain(first, "n3")), 200) << "what the first start made does not end";
}

TEST_F(V1SignedTest, another_secret_an_unknown_key_an_old_date_and_a_repeat_are_refused) {
  ClientCall forged = own_call();
  forged.secret = "wrong";
  EXPECT_EQ(status_of(plain(forged, "n1")), 401);
  ClientCall unknown = own_call();
  unknown.access_key = "NOBODY";
  EXPECT_EQ(status_of(plain(unknown, "n1")), 401);
  ClientCall old = own_call();
  old.date = "20260101T004400Z";
  EXPECT_EQ(status_of(plain(old, "n1")), 401);
  EXPECT_EQ(status_of(plain(own_call(), "n1")), 200);
  EXPECT_EQ(status_of(plain(own_call(), "n1")), 401);
}

TEST_F(V1Test, without_credentials_every_path_answers_401) {
  ApiCaller nobody(server->api_endpoint(), "none");
  for (const char* path : {"/v1", "/v1/regions/local/loadBalancers/", "/v1/regions/x/nothing"}) {
    EXPECT_EQ(nobody.get(path).problem(), "401 ACCESS_ERROR") << path;
  }
}

TEST_F(V1Test, unknown_regions_collections_and_verbs_answer_404) {
  EXPECT_EQ(api->get("/v1/regions/elsewhere/loadBalancers/").problem(), "404 NOT_FOUND");
  EXPECT_EQ(v1("GET", "urlMaps/").problem(), "404 NOT_FOUND");
  const std::string lb = v1_lb();
  EXPECT_EQ(v1("POST", "loadBalancers/" + lb + ":levitate", "{}").problem(), "404 NOT_FOUND");
  EXPECT_EQ(v1("PUT", "loadBalancers/" + lb, "{}").problem(), "404 NOT_FOUND");
}

TEST_F(V1Test, a_verb_stands_behind_its_own_separator_and_is_not_empty) {
  const std::string lb = v1_lb();
  const std::string group = v1_group(lb);
  const std::string backend = v1_backend(lb, group);
  EXPECT_EQ(v1("GET", "backends/" + backend + "/health").status, 200);
  EXPECT_EQ(v1("GET", "targetGroups/" + group + ":describeTargets").status, 200);
  for (const std::string& path :
       {"backends/" + backend + ":health", "backends/" + backend + ":/health",
        "backends/" + backend + ":x/health", "backends/" + backend + "/health/x",
        "targetGroups/" + group + "/describeTargets", "loadBalancers/" + lb + ":",
        "loadBalancers/" + lb + "%3A"}) {
    EXPECT_EQ(v1("GET", path).problem(), "404 NOT_FOUND") << path;
  }
}

TEST_F(V1Test, every_write_tells_the_revision_it_made) {
  const std::string lb = v1_lb();
  const std::string path = "targetGroups/" + v1_group(lb);
  const std::string before = v1("GET", path).etag;
  const Answer updated = v1("PATCH", path, R"({"description":"x"})");
  EXPECT_EQ(updated.etag, v1("GET", path).etag);
  const Answer removed = v1("DELETE", path);
  EXPECT_EQ(removed.status, 200);
  EXPECT_FALSE(removed.etag.empty());
  EXPECT_EQ(std::set<std::string>({before, updated.etag, removed.etag}).size(), 3u);
}

TEST_F(V1Test, paths_work_with_and_without_trailing_slash_and_with_an_encoded_colon) {
  const std::string lb = v1_lb();
  EXPECT_EQ(shown("loadBalancers", "totalCount"), Json(1));
  EXPECT_EQ(shown("loadBalancers/", "totalCount"), Json(1));
  const std::string group = v1_group(lb);
  EXPECT_EQ(shown("targetGroups/" + group + ":describeTargets", "totalCount"), Json(0));
  EXPECT_EQ(shown("targetGroups/" + group + "%3AdescribeTargets", "totalCount"), Json(0));
}

TEST_F(V1Test, a_load_balancer_is_shown_in_the_form_of_the_public_api) {
  const std::string id =
      made("loadBalancers/",
           parse_json(R"({"regionId":"local","loadBalancerName":"测试","subnetId":"subnet-default",
                          "type":"alb","azs":["local-1a"],"description":null,"elasticIp":null,
                          "securityGroupIds":[],"userTags":[{"key":"team","value":"a"}]})")
               .value(),
           "loadBalancerId");
  const Json lb = shown("loadBalancers/" + id, "loadBalancer");
  EXPECT_EQ(lb.string_or("loadBalancerId", ""), id);
  EXPECT_EQ(lb.string_or("loadBalancerName", ""), "测试");
  EXPECT_EQ(lb.string_or("type", ""), "alb");
  EXPECT_EQ(lb.string_or("vpcId", ""), "vpc-default");
  EXPECT_EQ(lb.string_or("azType", ""), "standard");
  EXPECT_TRUE(lb.find("privateIp")->string_or("privateIpAddress", "").starts_with("127.64."));
  EXPECT_EQ(lb.find("privateIpAddress"), nullptr);
  EXPECT_FALSE(lb.find("state")->string_or("code", "").empty());
  EXPECT_EQ(lb.find("charge")->string_or("chargeStatus", ""), "normal");
  EXPECT_EQ(lb.find("tags")->dump(), R"([{"key":"team","value":"a"}])");
  EXPECT_FALSE(lb.string_or("createdTime", "").empty());
}

TEST_F(V1Test, a_charge_is_stored_and_shown_and_a_wrong_word_in_it_refused) {
  const std::string start = R"({"loadBalancerName":"a","subnetId":"subnet-default",)"
                            R"("azs":["local-1a"],"chargeSpec":{"chargeMode":")";
  const Answer good = v1("POST", "loadBalancers/",
                         start + R"(prepaid_by_duration","chargeUnit":null,"unknown":1}})");
  ASSERT_EQ(good.status, 200) << good.body.dump();
  const std::string id = good.at("result").string_or("loadBalancerId", "");
  const Json lb = shown("loadBalancers/" + id, "loadBalancer");
  EXPECT_EQ(lb.find("charge")->string_or("chargeMode", ""), "prepaid_by_duration");
  EXPECT_EQ(lb.find("charge")->string_or("chargeStatus", ""), "normal");
  EXPECT_EQ(v1("PATCH", "loadBalancers/" + id, R"({"description":"x"})").status, 200);
  const Json after = shown("loadBalancers/" + id, "loadBalancer");
  EXPECT_EQ(after.find("charge")->string_or("chargeMode", ""), "prepaid_by_duration");
  const Answer bad = v1("POST", "loadBalancers/", start + R"(free"}})");
  EXPECT_EQ(bad.problem(), "400 INVALID_ARGUMENT");
  EXPECT_EQ(bad.fields(), std::vector<std::string>{"chargeSpec.chargeMode"});
}

TEST_F(V1Test, what_comes_later_is_refused_by_name) {
  Json body = Json::object({{"loadBalancerName", "a"},
                            {"subnetId", "subnet-default"},
                            {"azs", Json::array({Json("local-1a")})},
                            {"customizedConfigurationId", "cc-1"}});
  const Answer answer = v1_post("loadBalancers/", body);
  EXPECT_EQ(answer.problem(), "400 INVALID_ARGUMENT");
  EXPECT_EQ(answer.message(), "customizedConfigurationId: not supported yet");
  const std::string lb = v1_lb();
  const std::string backend = v1_backend(lb, v1_group(lb));
  Json listener = v1_listener_body(lb, backend);
  listener["protocol"] = "Https";
  EXPECT_EQ(v1_post("listeners/", listener).message(), "protocol: 'Https' is not supported yet");
}

TEST_F(V1Test, errors_name_the_keys_of_the_call) {
  const std::string lb = v1_lb();
  Json body = v1_backend_body(lb, v1_group(lb));
  *body.find("healthCheckSpec") = Json::object({{"protocol", "Http"}, {"intervalSeconds", 4}});
  body["port"] = 0;
  EXPECT_EQ(v1_post("backends/", body).fields(),
            (std::vector<std::string>{"port", "healthCheckSpec.intervalSeconds"}));
}

TEST_F(V1Test, a_chain_is_made_in_order_and_removed_in_order) {
  const std::string lb = v1_lb();
  const std::string group = v1_group(lb);
  const std::string backend = v1_backend(lb, group);
  const std::string listener = v1_listener(lb, backend);
  EXPECT_EQ(v1("DELETE", "backends/" + backend).problem(), "409 CONFLICT");
  EXPECT_EQ(v1("DELETE", "targetGroups/" + group).problem(), "409 CONFLICT");
  EXPECT_EQ(v1("DELETE", "loadBalancers/" + lb).problem(), "409 CONFLICT");
  for (const std::string& path : {"listeners/" + listener, "backends/" + backend,
                                  "targetGroups/" + group, "loadBalancers/" + lb}) {
    EXPECT_EQ(v1("DELETE", path).status, 200) << path;
    EXPECT_EQ(v1("GET", path).problem(), "404 NOT_FOUND") << path;
  }
}

TEST_F(V1Test, names_and_ports_are_taken_once) {
  const std::string lb = v1_lb();
  const std::string group = v1_group(lb);
  const std::string backend = v1_backend(lb, group);
  v1_listener(lb, backend);
  EXPECT_EQ(v1_post("backends/", v1_backend_body(lb, group)).problem(), "409 ALREADY_EXISTS");
  EXPECT_EQ(v1_post("listeners/", v1_listener_body(lb, backend, 80, "other")).problem(),
            "409 ALREADY_EXISTS");
}

TEST_F(V1Test, an_update_changes_what_it_names_and_nothing_else) {
  const std::string lb = v1_lb();
  const std::string group = v1_group(lb);
  Json body = v1_backend_body(lb, group);
  body["httpForwardedPort"] = true;
  body["description"] = "before";
  const std::string backend = made("backends/", body, "backendId");
  const Answer answer = v1("PATCH", "backends/" + backend,
                           R"({"regionId":"local","backendId":"x","port":9,"protocol":"Tcp",
                               "description":"after","targetGroupIds":null,
                               "healthCheckSpec":{"protocol":"Tcp","intervalSeconds":9}})");
  ASSERT_EQ(answer.status, 200) << answer.body.dump();
  const Json shown_now = shown("backends/" + backend, "backend");
  EXPECT_EQ(shown_now.integer_or("port", 0), 80);
  EXPECT_EQ(shown_now.string_or("protocol", ""), "Http");
  EXPECT_EQ(shown_now.string_or("description", ""), "after");
  EXPECT_TRUE(shown_now.bool_or("httpForwardedPort", false));
  EXPECT_EQ(shown_now.find("targetGroupIds")->dump(), "[\"" + group + "\"]");
  EXPECT_EQ(shown_now.find("healthCheck")->string_or("protocol", ""), "Tcp");
  EXPECT_EQ(shown_now.find("healthCheck")->integer_or("intervalSeconds", 0), 9);
  EXPECT_EQ(v1("PATCH", "backends/" + backend, R"({"targetGroupIds":[]})").status, 200);
  EXPECT_EQ(shown("backends/" + backend, "backend").find("targetGroupIds")->dump(), "[]");
}

TEST_F(V1Test, a_listener_is_switched_off_and_a_load_balancer_stopped_by_an_update) {
  const std::string lb = v1_lb();
  const std::string listener = v1_listener(lb, v1_backend(lb, v1_group(lb)));
  EXPECT_EQ(v1("PATCH", "listeners/" + listener, R"({"status":"Off"})").status, 200);
  EXPECT_EQ(shown("listeners/" + listener, "listener").string_or("status", ""), "Off");
  EXPECT_EQ(v1("PATCH", "loadBalancers/" + lb, R"({"action":"Pause"})").problem(),
            "400 INVALID_ARGUMENT");
  EXPECT_EQ(v1("PATCH", "loadBalancers/" + lb, R"({"action":"Stop"})").status, 200);
  EXPECT_EQ(api->get("lb/" + lb).at("admin").string_or("state", ""), "stopped");
}

TEST_F(V1Test, the_check_is_closed_by_an_update_only_and_then_reads_not_applicable) {
  const std::string lb = v1_lb();
  const std::string group = v1_group(lb);
  Json body = v1_backend_body(lb, group);
  body["closeHealthCheck"] = true;
  EXPECT_EQ(v1_post("backends/", body).problem(), "400 INVALID_ARGUMENT");
  const std::string backend = v1_backend(lb, group);
  v1_post("targetGroups/" + group + ":registerTargets",
          parse_json(R"({"targetSpecs":[{"ipAddress":"127.0.0.1","port":8080}]})").value());
  const std::string health = "backends/" + backend + "/health";
  EXPECT_EQ(shown(health, "targetHealths").as_array().at(0).string_or("status", ""), "unhealthy");
  EXPECT_EQ(v1("PATCH", "backends/" + backend, R"({"closeHealthCheck":true})").status, 200);
  const Json target = shown(health, "targetHealths").as_array().at(0);
  EXPECT_EQ(target.string_or("status", ""), "N/A");
  EXPECT_EQ(target.string_or("targetGroupId", ""), group);
  EXPECT_EQ(target.integer_or("port", 0), 8080);
  EXPECT_EQ(target.find("unhealthReason")->string_or("reason", "-"), "");
}

TEST_F(V1Test, B12_fail_open_is_native_and_this_face_neither_takes_nor_shows_nor_drops_it) {
  const std::string lb = v1_lb();
  Json body = v1_backend_body(lb, v1_group(lb));
  body["failOpen"] = true;
  const std::string backend = made("backends/", body, "backendId");
  const std::string path = "backend/" + backend;
  const auto fails_open = [&] { return api->get(path).at("spec").bool_or("failOpen", false); };
  EXPECT_FALSE(fails_open());
  EXPECT_EQ(v1("PATCH", "backends/" + backend, R"({"failOpen":true})").status, 200);
  EXPECT_FALSE(fails_open());
  const auto keys = [&] {
    std::string names;
    const Json document = shown("backends/" + backend, "backend");
    for (const auto& [name, value] : document.as_object()) names += name + " ";
    return names;
  };
  const std::string before = keys();
  const Json open = Json::object({{"failOpen", true}});
  ASSERT_EQ(api->patch_spec(path, open).status, 200);
  EXPECT_TRUE(fails_open());
  EXPECT_EQ(v1("PATCH", "backends/" + backend, R"({"description":"x","failOpen":false})").status,
            200);
  EXPECT_TRUE(fails_open());
  EXPECT_EQ(keys(), before);
  EXPECT_EQ(shown("backends/" + backend, "backend").string_or("description", ""), "x");
}

TEST_F(V1Test, targets_are_registered_changed_and_removed_all_or_none) {
  const std::string group = v1_group(v1_lb());
  const std::string path = "targetGroups/" + group;
  const auto call = [&](const std::string& verb, const std::string& body) {
    return v1("POST", path + ":" + verb, body);
  };
  EXPECT_EQ(call("registerTargets", R"({"targetSpecs":[{"ipAddress":"127.0.0.1","port":1},
                  {"type":"ip","ipAddress":"127.0.0.1","port":2,"weight":null}]})")
                .status,
            200);
  const Answer bad = call("registerTargets", R"({"targetSpecs":[{"ipAddress":"127.0.0.1","port":3},
                           {"ipAddress":"127.0.0.1","port":4,"weight":101}]})");
  EXPECT_EQ(bad.fields(), std::vector<std::string>{"targetSpecs[1].weight"});
  const Json::Array targets = shown(path + ":describeTargets", "targets").as_array();
  ASSERT_EQ(targets.size(), 2u);
  EXPECT_EQ(targets[0].integer_or("weight", 0), 10);
  EXPECT_EQ(targets[0].string_or("type", ""), "ip");
  const std::string first = targets[0].string_or("targetId", "");
  EXPECT_EQ(call("updateTargets", R"({"targetUpdateSpecs":[{"targetId":")" + first +
                                      R"(","weight":0,"port":null}]})")
                .status,
            200);
  const Json after = shown(path + ":describeTargets", "targets").as_array().at(0);
  EXPECT_EQ(after.integer_or("weight", -1), 0);
  EXPECT_EQ(after.integer_or("port", -1), 1);
  EXPECT_EQ(after.string_or("targetId", ""), first);
  EXPECT_EQ(
      call("deregisterTargets", R"({"targetIds":[")" + first + R"(","target-none"]})").problem(),
      "404 NOT_FOUND");
  EXPECT_EQ(shown(path + ":describeTargets", "totalCount"), Json(2));
  EXPECT_EQ(call("deregisterTargets", R"({"targetIds":[")" + first + R"("]})").status, 200);
  EXPECT_EQ(shown(path + ":describeTargets", "totalCount"), Json(1));
  EXPECT_EQ(
      call("registerTargets", R"({"targetSpecs":[{"ipAddress":"127.0.0.1","port":2}]})").problem(),
      "400 INVALID_ARGUMENT");
}

TEST_F(V1Test, a_renamed_group_keeps_its_targets_and_a_changed_load_balancer_its_address) {
  const std::string lb = v1_lb();
  const std::string group = v1_group(lb);
  v1_post("targetGroups/" + group + ":registerTargets",
          parse_json(R"({"targetSpecs":[{"ipAddress":"127.0.0.1","port":8080}]})").value());
  const Json before = shown("targetGroups/" + group, "targetGroup");
  ASSERT_EQ(before.find("targets")->as_array().size(), 1u);
  EXPECT_EQ(
      v1("PATCH", "targetGroups/" + group, R"({"targetGroupName":"new","targets":[]})").status,
      200);
  const Json after = shown("targetGroups/" + group, "targetGroup");
  EXPECT_EQ(after.string_or("targetGroupName", ""), "new");
  EXPECT_EQ(*after.find("targets"), *before.find("targets"));
  const Json address = *shown("loadBalancers/" + lb, "loadBalancer").find("privateIp");
  EXPECT_EQ(v1("PATCH", "loadBalancers/" + lb, R"({"loadBalancerName":"new","azs":[]})").status,
            200);
  const Json changed = shown("loadBalancers/" + lb, "loadBalancer");
  EXPECT_EQ(changed.string_or("loadBalancerName", ""), "new");
  EXPECT_EQ(*changed.find("privateIp"), address);
  EXPECT_EQ(changed.find("azs")->dump(), R"(["local-1a"])");
}

TEST_F(V1Test, what_one_face_writes_the_other_shows) {
  const std::string lb = make_lb().id();
  const std::string group = make_tg(lb).id();
  const std::string target = make_target(group, 8080, 7).id();
  const Json shown_target =
      shown("targetGroups/" + group + ":describeTargets", "targets").as_array().at(0);
  EXPECT_EQ(shown_target.string_or("targetId", ""), target);
  EXPECT_EQ(shown_target.integer_or("weight", 0), 7);
  EXPECT_EQ(v1("POST", "targetGroups/" + group + ":deregisterTargets",
               R"({"targetIds":[")" + target + R"("]})")
                .status,
            200);
  EXPECT_EQ(api->get("target/" + target).problem(), "404 NOT_FOUND");
}

TEST_F(V1Test, lists_show_alb_unless_a_type_or_an_id_is_asked_for) {
  v1_lb("first");
  const std::string nlb = v1_lb("second", "nlb");
  const auto count = [&](const std::string& query) {
    return shown("loadBalancers/?" + query, "totalCount");
  };
  EXPECT_EQ(count(""), Json(1));
  EXPECT_EQ(count("filters.1.name=loadBalancerType&filters.1.values.1=nlb"), Json(1));
  EXPECT_EQ(count("filters.1.name=loadBalancerIds&filters.1.values.1=" + nlb), Json(1));
  EXPECT_EQ(count("filters.1.name=loadBalancerNames&filters.1.operator=like"
                  "&filters.1.values.1=ir"),
            Json(1));
  EXPECT_EQ(count("filters.1.name=azType&filters.1.values.1=all"), Json(1));
  EXPECT_EQ(count("filters.1.name=azType&filters.1.values.1=edge"), Json(0));
  EXPECT_EQ(v1("GET", "loadBalancers/?filters.1.name=color&filters.1.values.1=red").problem(),
            "400 INVALID_ARGUMENT");
}

TEST_F(V1Test, a_page_beyond_the_end_is_the_last_one) {
  const std::string lb = v1_lb();
  for (int i = 0; i < 12; ++i) v1_group(lb, "group-" + std::to_string(i));
  EXPECT_EQ(shown("targetGroups/?pageSize=10", "targetGroups").as_array().size(), 10u);
  EXPECT_EQ(shown("targetGroups/?pageSize=10&pageNumber=9", "targetGroups").as_array().size(), 2u);
  EXPECT_EQ(shown("targetGroups/?pageSize=10", "totalCount"), Json(12));
  EXPECT_EQ(v1("GET", "targetGroups/?pageSize=9").problem(), "400 INVALID_ARGUMENT");
}

TEST_F(V1Test, vpcs_and_subnets_are_made_changed_and_removed) {
  const std::string vpc =
      made("vpcs/", Json::object({{"vpcName", "net"}, {"addressPrefix", "10.1.0.0/16"}}), "vpcId");
  const std::string subnet = made("subnets/",
                                  Json::object({{"vpcId", vpc},
                                                {"subnetName", "one"},
                                                {"addressPrefix", "10.1.1.0/24"},
                                                {"ipMaskLen", 0}}),
                                  "subnetId");
  const Json shown_subnet = shown("subnets/" + subnet, "subnet");
  EXPECT_EQ(shown_subnet.integer_or("availableIpCount", 0), 252);
  EXPECT_EQ(shown_subnet.string_or("vpcId", ""), vpc);
  EXPECT_EQ(v1("PATCH", "subnets/" + subnet, R"({"subnetName":"two"})").status, 200);
  EXPECT_EQ(
      shown("vpcs/" + vpc, "vpc").find("subnets")->as_array().at(0).string_or("subnetName", ""),
      "two");
  EXPECT_EQ(v1("DELETE", "vpcs/" + vpc).problem(), "409 CONFLICT");
  EXPECT_EQ(v1("DELETE", "subnets/" + subnet).status, 200);
  EXPECT_EQ(v1("DELETE", "vpcs/" + vpc).status, 200);
}

TEST_F(V1Test, a_stale_if_match_is_refused_and_the_body_must_be_json) {
  const std::string lb = v1_lb();
  const Answer stale = api->call("PATCH", path_of("loadBalancers/" + lb), R"({"description":"x"})",
                                 {{"If-Match", "\"1\""}});
  EXPECT_EQ(stale.problem(), "412 CONFLICT");
  EXPECT_EQ(v1("POST", "loadBalancers/", "nonsense").problem(), "400 INVALID_ARGUMENT");
}

}  // namespace
}  // namespace weir::api
