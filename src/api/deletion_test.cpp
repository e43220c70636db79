// The order in which things may go, and what a deleted load balancer leaves behind.
#include "api/api_fixture.h"

namespace weir::api {
namespace {

class Deletion : public ApiTest {
 protected:
  void SetUp() override {
    start();
    lb = make_lb().id();
    tg = make_tg(lb).id();
    make_target(tg, 8080);
    backend = make_backend(lb, tg).id();
    listener = make_listener(lb, backend).id();
  }

  std::string lb, tg, backend, listener;
};

TEST_F(Deletion, OfALoadBalancerNamesWhatIsLeftM3) {
  const Answer refused = api->remove("lb/" + lb);
  EXPECT_EQ(refused.problem(), "409 CONFLICT");
  const std::string details = refused.body.dump();
  for (const std::string& id : {tg, backend, listener}) {
    EXPECT_NE(details.find(id), std::string::npos) << details;
  }
  EXPECT_EQ(api->get("lb/" + lb).status, 200);
}

TEST_F(Deletion, OfABackendThatAListenerUsesIsRefusedM27) {
  const Answer refused = api->remove("backend/" + backend);
  EXPECT_EQ(refused.problem(), "409 CONFLICT");
  EXPECT_NE(refused.body.dump().find(listener), std::string::npos);
  EXPECT_EQ(api->remove("tg/" + tg).problem(), "409 CONFLICT");
  EXPECT_EQ(api->remove("subnet/subnet-default").problem(), "409 CONFLICT");
  EXPECT_EQ(api->remove("vpc/vpc-default").problem(), "409 CONFLICT");
}

TEST_F(Deletion, OfABackendDetachesItsGroupM26) {
  EXPECT_EQ(api->remove("listener/" + listener).status, 200);
  EXPECT_EQ(api->remove("backend/" + backend).status, 200);
  EXPECT_EQ(api->get("tg/" + tg).status, 200);
  EXPECT_EQ(api->remove("tg/" + tg).status, 200);
}

TEST_F(Deletion, InTheOppositeOrderLeavesNothingBehind) {
  for (const std::string& path :
       {"listener/" + listener, "backend/" + backend, "tg/" + tg, "lb/" + lb}) {
    EXPECT_EQ(api->remove(path).status, 200) << path;
  }
  EXPECT_TRUE(eventually([&] { return stored("root/" + lb).empty(); }));
  EXPECT_TRUE(store->list("name/").value().entries.empty());
  EXPECT_TRUE(store->list("port/").value().entries.empty());
  EXPECT_TRUE(store->list("address/").value().entries.empty());
  EXPECT_TRUE(store->list("quota/" + lb).value().entries.empty());
}

TEST_F(Deletion, WithCascadeHidesTheWholeTreeInOneCommitAndCollectsItLater) {
  const Answer gone = api->remove("lb/" + lb + "?cascade=true");
  EXPECT_EQ(gone.status, 200) << gone.message();
  for (const std::string& path :
       {"lb/" + lb, "tg/" + tg, "backend/" + backend, "listener/" + listener}) {
    EXPECT_EQ(api->get(path).status, 404) << path;
  }
  for (const char* kind : {"lb", "tg", "target", "backend", "listener"}) {
    EXPECT_TRUE(api->get(kind).items().empty()) << kind;
  }
  EXPECT_EQ(make_tg(lb, "late").problem(), "404 NOT_FOUND");
  EXPECT_TRUE(eventually([&] { return stored("root/" + lb).empty(); }));
  for (const char* prefix :
       {"object/listener/", "object/backend/", "object/tg/", "name/", "port/"}) {
    EXPECT_TRUE(store->list(prefix).value().entries.empty()) << prefix;
  }
}

TEST_F(Deletion, WithCascadeOfALargeTreeIsCollectedInParts) {
  for (int i = 0; i < 19; ++i) {
    const std::string number = std::to_string(i);
    ASSERT_EQ(make_tg(lb, "tg" + number).status, 201);
    ASSERT_EQ(make_backend(lb, "", "b" + number).status, 201);
    ASSERT_EQ(make_listener(lb, backend, 1000 + i, "l" + number).status, 201);
  }
  EXPECT_EQ(api->remove("lb/" + lb + "?cascade=true").status, 200);
  EXPECT_TRUE(api->get("listener").items().empty());
  EXPECT_TRUE(eventually([&] { return stored("root/" + lb).empty(); }));
  EXPECT_TRUE(store->list("object/listener/").value().entries.empty());
}

TEST_F(Deletion, OfAProtectedLoadBalancerIsRefusedWithAndWithoutCascade) {
  EXPECT_EQ(api->patch_spec("lb/" + lb, Json::object({{"deleteProtection", true}})).status, 200);
  EXPECT_EQ(api->remove("lb/" + lb).problem(), "409 CONFLICT");
  EXPECT_EQ(api->remove("lb/" + lb + "?cascade=true").problem(), "409 CONFLICT");
  EXPECT_EQ(api->get("tg/" + tg).status, 200);
}

TEST_F(Deletion, OfATargetLeavesADrainRecordUntilItsDeadline) {
  const std::string target = api->get("target").items()[0].string_or("id", "");
  EXPECT_EQ(api->remove("target/" + target).status, 200);
  const Answer drains = api->get("drain");
  ASSERT_EQ(drains.items().size(), 1u);
  const Json& spec = *drains.items()[0].find("spec");
  EXPECT_EQ(spec.string_or("groupId", ""), tg);
  EXPECT_EQ(spec.find("services")->as_array().at(0).string_or("serviceId", ""), backend);
  const Json& left = spec.find("targets")->as_array().at(0);
  EXPECT_EQ(left.integer_or("slot", -1), 0);
  EXPECT_EQ(left.string_or("address", ""), "127.0.0.1");
  EXPECT_EQ(left.integer_or("port", 0), 8080);
  EXPECT_EQ(spec.string_or("deadline", ""), utc_text(clock.wall_now() + std::chrono::seconds(300)));
  clock.advance(std::chrono::seconds(310));
  EXPECT_TRUE(eventually([&] { return api->get("drain").items().empty(); }));
}

TEST_F(Deletion, OfAGroupFromItsBackendDrainsAllItsTargetsAndComingBackStopsThat) {
  make_target(tg, 8081);
  const std::string other = make_tg(lb, "other").id();
  const auto attach = [&](const std::string& group) {
    return api->patch_spec("backend/" + backend,
                           Json::object({{"targetGroupIds", Json::array({Json(group)})}}));
  };
  EXPECT_EQ(attach(other).status, 200);
  const Answer drains = api->get("drain");
  ASSERT_EQ(drains.items().size(), 1u);
  const Json& spec = *drains.items()[0].find("spec");
  EXPECT_EQ(spec.find("targets")->as_array().size(), 2u);
  EXPECT_EQ(attach(tg).status, 200);
  EXPECT_EQ(api->get("drain").items().size(), 0u);
}

TEST_F(ApiTest, DrainsTargetsOfAnNlbForAsLongAsItsBackendSays) {
  const std::string lb = make_lb("n", "nlb").id();
  const std::string tg = make_tg(lb).id();
  const std::string target = make_target(tg, 0).id();
  Json spec = backend_spec(lb, tg, "Tcp");
  spec["connectionDrainingSeconds"] = Json(17);
  EXPECT_EQ(api->create("backend", "b", spec).status, 201);
  EXPECT_EQ(api->remove("target/" + target).status, 200);
  const Answer drains = api->get("drain?loadBalancerId=" + lb);
  ASSERT_EQ(drains.items().size(), 1u);
  const Json& drain = *drains.items()[0].find("spec");
  EXPECT_EQ(drain.string_or("deadline", ""), utc_text(clock.wall_now() + std::chrono::seconds(17)));
  EXPECT_EQ(drain.integer_or("drainingSeconds", 0), 17);
  const Json& service = drain.find("services")->as_array().at(0);
  EXPECT_EQ(service.integer_or("port", 0), 80) << "that of targets without one";
}

}  // namespace
}  // namespace weir::api
