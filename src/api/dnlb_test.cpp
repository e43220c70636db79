// Distributed network load balancers on both faces: what they take, what they answer.
#include "api/v1_fixture.h"

namespace weir::api {
namespace {

class DnlbTest : public V1Test {
 protected:
  /// Without zones, which it does not need.
  std::string dnlb() {
    const Answer made = api->create(
        "lb", "spread", Json::object({{"type", "dnlb"}, {"subnetId", "subnet-default"}}));
    EXPECT_EQ(made.status, 201) << made.message();
    return made.id();
  }
  Json tcp_spec(const std::string& lb, Json algorithm = Json()) {
    Json spec = backend_spec(lb, "", "Tcp");
    if (!algorithm.is_null()) spec["algorithm"] = std::move(algorithm);
    return spec;
  }
  static Json azs_in(const Json& spec) {
    const Json* azs = spec.find("azs");
    return azs == nullptr ? Json() : *azs;
  }
  static std::string algorithm_in(const Answer& answer) {
    return answer.at("spec").string_or("algorithm", "");
  }
  std::string v1_algorithm(const std::string& backend) {
    return shown("backends/" + backend, "backend").string_or("algorithm", "");
  }
};

TEST_F(DnlbTest, M5_ItsZonesAreOptionalAndComeBackAsGiven) {
  const std::string plain = dnlb();
  EXPECT_TRUE(plain.starts_with("dnlb-"));
  EXPECT_EQ(azs_in(api->get("lb/" + plain).at("spec")), Json::array());
  const Answer zoned = make_lb("zoned", "dnlb");
  ASSERT_EQ(zoned.status, 201) << zoned.message();
  EXPECT_EQ(azs_in(zoned.at("spec")), Json::array({Json("local-1a")}));
  EXPECT_EQ(azs_in(shown("loadBalancers/" + zoned.id(), "loadBalancer")),
            Json::array({Json("local-1a")}));
}

TEST_F(DnlbTest, M28_WithoutAnAlgorithmItsBackendServicesHashTheSourceOnBothFaces) {
  const std::string lb = dnlb();
  const Answer native = api->create("backend", "native", tcp_spec(lb));
  ASSERT_EQ(native.status, 201) << native.message();
  EXPECT_EQ(algorithm_in(native), "IpHash");
  EXPECT_EQ(v1_algorithm(native.id()), "IpHash");
  Json body = v1_backend_body(lb, v1_group(lb), "v1");
  body["protocol"] = "Tcp";
  body["healthCheckSpec"]["protocol"] = "Tcp";
  const std::string made_v1 = made("backends/", body, "backendId");
  EXPECT_EQ(v1_algorithm(made_v1), "IpHash");
  EXPECT_EQ(algorithm_in(api->get("backend/" + made_v1)), "IpHash");
}

TEST_F(DnlbTest, M28_AnUpdateKeepsTheAlgorithmUnlessItAsksForTheDefault) {
  const std::string lb = dnlb();
  const std::string id = api->create("backend", "web", tcp_spec(lb, "QuintupleHash")).id();
  EXPECT_EQ(algorithm_in(api->patch_spec("backend/" + id, Json::object({{"description", "x"}}))),
            "QuintupleHash");
  EXPECT_EQ(v1("PATCH", "backends/" + id, R"({"description":"y","algorithm":null})").status, 200);
  EXPECT_EQ(v1_algorithm(id), "QuintupleHash") << "null is absent on this face";
  EXPECT_EQ(algorithm_in(api->patch_spec("backend/" + id, Json::object({{"algorithm", Json()}}))),
            "IpHash");
  EXPECT_EQ(v1("PATCH", "backends/" + id, R"({"algorithm":"QuintupleHash"})").status, 200);
  EXPECT_EQ(algorithm_in(api->get("backend/" + id)), "QuintupleHash");
  const Answer replaced = api->call("PUT", "backend/" + id,
                                    Json::object({{"name", "web"}, {"spec", tcp_spec(lb)}}).dump());
  EXPECT_EQ(algorithm_in(replaced), "IpHash");
}

TEST_F(DnlbTest, M28_RefusesTheAlgorithmsOfOtherTypesWithItsListOnBothFaces) {
  const std::string lb = dnlb();
  const std::string id = api->create("backend", "web", tcp_spec(lb)).id();
  for (const char* word : {"RoundRobin", "LeastConn", "random"}) {
    const Answer native = api->patch_spec("backend/" + id, Json::object({{"algorithm", word}}));
    EXPECT_EQ(native.status, 400) << word;
    EXPECT_TRUE(native.body.dump().contains("expected one of [IpHash, QuintupleHash]"))
        << native.body.dump();
    const Answer old = v1("PATCH", "backends/" + id, Json::object({{"algorithm", word}}).dump());
    EXPECT_EQ(old.status, 400) << word;
    EXPECT_TRUE(old.body.dump().contains("expected one of [IpHash, QuintupleHash]"))
        << old.body.dump();
  }
  EXPECT_EQ(algorithm_in(api->get("backend/" + id)), "IpHash");
  const std::string alb = make_lb().id();
  EXPECT_EQ(algorithm_in(api->create("backend", "web", tcp_spec(alb))), "RoundRobin");
  EXPECT_EQ(api->create("backend", "five", tcp_spec(alb, "QuintupleHash")).status, 400);
}

TEST_F(DnlbTest, HashesOverATableFromTheFirstTargetOn) {
  const std::string lb = dnlb();
  const std::string tg = make_tg(lb).id();
  ASSERT_EQ(make_target(tg, 8080).status, 201);
  Json spec = tcp_spec(lb);
  spec["targetGroupIds"] = Json::array({Json(tg)});
  ASSERT_EQ(api->create("backend", "web", spec).status, 201);
  EXPECT_EQ(api->get("table?loadBalancerId=" + lb).items().size(), 1u);
}

TEST_F(DnlbTest, M11_ShowsNoSettingThatItsListenersDoNotHave) {
  const std::string lb = dnlb();
  const std::string backend = api->create("backend", "web", tcp_spec(lb)).id();
  Json body = v1_listener_body(lb, backend);
  EXPECT_EQ(v1_post("listeners/", body).status, 400) << "Http";
  body["protocol"] = "Tcp";
  body["connectionIdleTimeSeconds"] = Json(60);
  EXPECT_EQ(v1_post("listeners/", body).status, 400);
  body["connectionIdleTimeSeconds"] = Json();
  const std::string listener = made("listeners/", body, "listenerId");
  const Json document = shown("listeners/" + listener, "listener");
  EXPECT_EQ(document.find("connectionIdleTimeSeconds"), nullptr);
  EXPECT_EQ(document.string_or("loadBalancerType", ""), "dnlb");
  EXPECT_EQ(shown("backends/" + backend, "backend").find("connectionDrainingSeconds"), nullptr);
}

}  // namespace
}  // namespace weir::api
