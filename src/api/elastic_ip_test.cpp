// Elastic IPs and load balancers that name them, on the native face, in the store and with nodes.
#include "api/elastic_ips.h"
#include "api/fake_node.h"
#include "api/v1_fixture.h"
#include "model/node.h"
#include "model/placement.h"

namespace weir::api {
namespace {

class ElasticIpTest : public V1Test {
 protected:
  static Json spec_of(const std::string& address = "", int bandwidth = 5) {
    Json spec = Json::object({{"bandwidthMbps", bandwidth}, {"provider", "bgp"}});
    if (!address.empty()) spec["address"] = address;
    return spec;
  }
  std::string elastic_ip(const std::string& name = "public") {
    const Answer made = api->create("eip", name, spec_of());
    EXPECT_EQ(made.status, 201) << made.body.dump();
    return made.id();
  }
  Answer associate(const std::string& lb, const std::string& id) {
    return api->patch_spec("lb/" + lb, Json::object({{"elasticIpId", id}}));
  }
  std::string admin(const std::string& path, std::string_view field) {
    return api->get(path).at("admin").string_or(field, "");
  }
  std::string state(const std::string& id) {
    return api->get("eip/" + id).at("status").string_or("state", "");
  }
  std::vector<std::string> releasing(const std::string& id) {
    std::vector<std::string> nodes;
    const Answer shown = api->get("eip/" + id);
    const Json* list = shown.at("admin").find("releasing");
    if (list == nullptr) return nodes;
    for (const Json& node : list->as_array()) nodes.push_back(node.as_string());
    return nodes;
  }
  std::string stream() const { return server->stream_addresses().front(); }
};

TEST_F(ElasticIpTest, TakesTheLowestFreeAddressOfAPoolOrTheOneAskedFor) {
  const Answer first = api->create("eip", "first", spec_of());
  ASSERT_EQ(first.status, 201) << first.body.dump();
  EXPECT_TRUE(first.id().starts_with("fip-"));
  EXPECT_EQ(first.at("admin").string_or("address", ""), "127.127.0.1");
  EXPECT_EQ(first.at("admin").string_or("pool", ""), "default");
  EXPECT_EQ(first.at("status").string_or("state", ""), "NOT_ASSOCIATED");
  EXPECT_EQ(stored("address/public/127.127.0.1"), first.id());
  const Answer asked = api->create("eip", "asked", spec_of("127.127.0.9"));
  EXPECT_EQ(asked.at("admin").string_or("address", ""), "127.127.0.9");
  EXPECT_EQ(api->create("eip", "again", spec_of("127.127.0.9")).problem(), "409 CONFLICT");
  EXPECT_EQ(api->create("eip", "far", spec_of("127.128.0.9")).problem(), "400 INVALID_ARGUMENT");
  EXPECT_EQ(admin("eip/" + elastic_ip("second"), "address"), "127.127.0.2");
  EXPECT_EQ(api->remove("eip/" + first.id()).status, 200);
  EXPECT_EQ(stored("address/public/127.127.0.1"), "") << "no node has ever held it";
  EXPECT_EQ(admin("eip/" + elastic_ip("third"), "address"), "127.127.0.1");
}

TEST_F(ElasticIpTest, NamesEverythingThatIsWrongAtOnce) {
  const Answer refused = api->create(
      "eip", "", Json::object({{"bandwidthMbps", 0}, {"provider", "moon"}, {"address", "x"}}));
  EXPECT_EQ(refused.problem(), "400 INVALID_ARGUMENT");
  EXPECT_EQ(refused.fields(), (std::vector<std::string>{"spec.bandwidthMbps", "spec.address",
                                                        "name", "spec.provider"}));
}

TEST_F(ElasticIpTest, HasAQuotaOfTen) {
  for (int i = 0; i < 10; ++i) elastic_ip("e" + std::to_string(i));
  EXPECT_EQ(stored("quota/default/eip"), "10");
  const Answer beyond = api->create("eip", "eleventh", spec_of());
  EXPECT_EQ(beyond.problem(), "429 QUOTA_EXCEEDED");
  EXPECT_TRUE(beyond.message().contains("quota limit eip exceeded")) << beyond.message();
}

class SmallPoolTest : public ElasticIpTest {
 protected:
  void SetUp() override {
    options.pools = {{.name = "small",
                      .prefixes = {*net::Prefix::parse("127.64.0.0/30"),
                                   *net::Prefix::parse("203.0.113.1/32")}}};
    options.quotas = {{"eip", 2}};
    ElasticIpTest::SetUp();
  }
};

TEST_F(SmallPoolTest, SaysWhenItIsEmptyAndKeepsOutOfSubnets) {
  EXPECT_EQ(admin("eip/" + elastic_ip(), "address"), "203.0.113.1")
      << "127.64.0.0/16 is the default subnet";
  const Answer none = api->create("eip", "second", spec_of());
  EXPECT_EQ(none.problem(), "400 FAILED_PRECONDITION");
  EXPECT_EQ(none.fields(), std::vector<std::string>{"spec.provider"});
  EXPECT_EQ(api->create("eip", "third", spec_of("127.64.0.1")).problem(), "409 CONFLICT");
}

TEST_F(ElasticIpTest, M9_M10_BothSidesOfAnAssociationAreWrittenInOneTransaction) {
  for (const char* type : {"alb", "nlb", "dnlb"}) {
    const std::string lb = make_lb(type, type).id();
    const std::string id = elastic_ip(type);
    const std::string address = admin("eip/" + id, "address");
    const Answer bound = associate(lb, id);
    ASSERT_EQ(bound.status, 200) << bound.body.dump();
    EXPECT_EQ(bound.at("admin").string_or("elasticIpAddress", ""), address);
    EXPECT_EQ(bound.at("admin").string_or("elasticIpPool", ""), "default");
    const Answer other = api->get("eip/" + id);
    EXPECT_EQ(other.revision(), bound.revision());
    EXPECT_EQ(other.at("admin").string_or("loadBalancerId", ""), lb);
    EXPECT_EQ(state(id), "ASSOCIATED");
    EXPECT_EQ(stored("elasticip/" + id), lb);
    EXPECT_EQ(api->remove("eip/" + id).problem(), "400 FAILED_PRECONDITION");
    const Answer unbound = associate(lb, "");
    EXPECT_EQ(unbound.at("admin").find("elasticIpAddress"), nullptr) << unbound.body.dump();
    EXPECT_EQ(unbound.at("spec").find("elasticIpId"), nullptr);
    EXPECT_EQ(admin("eip/" + id, "loadBalancerId"), "");
    EXPECT_EQ(stored("elasticip/" + id), "");
    EXPECT_EQ(state(id), "NOT_ASSOCIATED");
    EXPECT_EQ(api->remove("eip/" + id).status, 200);
  }
}

TEST_F(ElasticIpTest, AnUpdateThatDoesNotNameItKeepsItAndOneThatNamesAnotherExchangesIt) {
  const std::string lb = make_lb().id();
  const std::string first = elastic_ip("first");
  const std::string second = elastic_ip("second");
  associate(lb, first);
  const Json whole = Json::object({{"name", "web"},
                                   {"spec", Json::object({{"subnetId", "subnet-default"},
                                                          {"azs", Json::array({Json("local-1a")})},
                                                          {"description", "replaced"}})}});
  EXPECT_EQ(api->call("PUT", "lb/" + lb, whole.dump()).status, 200);
  EXPECT_EQ(state(first), "ASSOCIATED");
  EXPECT_EQ(associate(lb, second).status, 200);
  EXPECT_EQ(state(first), "NOT_ASSOCIATED");
  EXPECT_EQ(state(second), "ASSOCIATED");
  EXPECT_EQ(admin("lb/" + lb, "elasticIpAddress"), "127.127.0.2");
}

TEST_F(ElasticIpTest, OneElasticIpHasOneLoadBalancerWhoeverAsksFirst) {
  const std::string id = elastic_ip();
  const std::string one = make_lb("one").id();
  const std::string two = make_lb("two").id();
  for (int round = 0; round < 20; ++round) {
    Answer mine;
    Answer yours;
    std::thread other([&] {
      ApiCaller there = caller();
      yours = there.patch_spec("lb/" + two, Json::object({{"elasticIpId", id}}));
    });
    mine = associate(one, id);
    other.join();
    EXPECT_NE(mine.status == 200, yours.status == 200) << mine.body.dump() << yours.body.dump();
    EXPECT_EQ((mine.status == 200 ? yours : mine).problem(), "409 CONFLICT");
    EXPECT_EQ(associate(mine.status == 200 ? one : two, "").status, 200);
  }
}

TEST_F(ElasticIpTest, ARaceBetweenAssociationAndDeletionLeavesNoLoadBalancerWithoutItsElasticIp) {
  const std::string lb = make_lb().id();
  for (int round = 0; round < 20; ++round) {
    const std::string id = elastic_ip();
    Answer bound;
    std::thread other([&] {
      ApiCaller there = caller();
      bound = there.patch_spec("lb/" + lb, Json::object({{"elasticIpId", id}}));
    });
    const Answer removed = api->remove("eip/" + id);
    other.join();
    EXPECT_NE(bound.status == 200, removed.status == 200)
        << bound.body.dump() << removed.body.dump();
    associate(lb, "");
    api->remove("eip/" + id);
  }
  EXPECT_EQ(stored("quota/default/eip"), "0");
}

TEST_F(ElasticIpTest, M10_DeletingALoadBalancerFreesItsElasticIpForAnother) {
  for (const bool is_cascade : {false, true}) {
    const std::string lb = make_lb().id();
    if (is_cascade) make_tg(lb);
    const std::string id = elastic_ip();
    associate(lb, id);
    EXPECT_EQ(api->remove("lb/" + lb + (is_cascade ? "?cascade=true" : "")).status, 200);
    EXPECT_EQ(admin("eip/" + id, "loadBalancerId"), "");
    EXPECT_EQ(stored("elasticip/" + id), "");
    const std::string next = make_lb("next").id();
    EXPECT_EQ(associate(next, id).status, 200);
    EXPECT_EQ(api->remove("lb/" + next).status, 200);
    EXPECT_EQ(api->remove("eip/" + id).status, 200);
  }
}

TEST_F(ElasticIpTest, IsSeenByItsOwnNodeAsPartOfTheLoadBalancerAlone) {
  FakeNode node("n1");
  ASSERT_EQ(node.follow(stream()), "full");
  const std::string lb = make_lb().id();
  const std::string id = elastic_ip();
  ASSERT_TRUE(node.take_until([&] { return node.has("lb", lb); }));
  const Answer bound = associate(lb, id);
  const auto revision = static_cast<std::uint64_t>(bound.revision());
  ASSERT_TRUE(node.take_until([&] { return node.have.revision.value >= revision; }));
  EXPECT_EQ(node.frames_in_batch, 1u) << "the change, and nothing else";
  EXPECT_FALSE(node.has("eip", id));
  node.report(Json::object(
      {{"addresses", Json::array({FakeNode::state_of("address", "127.127.0.1", "held")})}}));
  EXPECT_TRUE(eventually([&] {
    const Answer shown = api->get("eip/" + id);
    const auto& nodes = shown.at("status").find("nodes")->as_array();
    return nodes.size() == 1 && nodes.front().string_or("state", "") == "held";
  }));
}

TEST_F(ElasticIpTest, M10_AnAddressIsNotGivenElsewhereWhileANodeHasConnectionsOnIt) {
  const std::string other_subnet =
      api->create("subnet", "other",
                  Json::object({{"vpcId", "vpc-default"}, {"addressPrefix", "127.9.1.0/24"}}))
          .id();
  FakeNode one("n1", "loopback", "subnet-default");
  FakeNode two("n2", "loopback", other_subnet);
  ASSERT_EQ(one.follow(stream()), "full");
  ASSERT_EQ(two.follow(stream()), "full");
  const std::string lb = make_lb().id();
  const std::string here = make_lb("here").id();
  const std::string there =
      api->create(
             "lb", "there",
             Json::object({{"subnetId", other_subnet}, {"azs", Json::array({Json("local-1a")})}}))
          .id();
  const std::string id = elastic_ip();
  associate(lb, id);
  const auto unbound = static_cast<std::uint64_t>(associate(lb, "").revision());
  EXPECT_EQ(releasing(id), std::vector<std::string>{"n1"});
  const Json held = Json::object(
      {{"addresses", Json::array({FakeNode::state_of("address", "127.127.0.1", "held")})}});
  ASSERT_TRUE(one.take_until([&] { return one.have.revision.value >= unbound; }));
  ASSERT_TRUE(one.report(held));
  EXPECT_EQ(associate(there, id).problem(), "409 CONFLICT") << "connections may run on n1";
  EXPECT_EQ(associate(here, id).status, 200) << "n1 serves this one too";
  EXPECT_EQ(releasing(id), std::vector<std::string>());
  const auto again = static_cast<std::uint64_t>(associate(here, "").revision());
  ASSERT_TRUE(one.take_until([&] { return one.have.revision.value >= again; }));
  ASSERT_TRUE(one.report());
  EXPECT_TRUE(eventually([&] { return associate(there, id).status == 200; }));
}

TEST_F(ElasticIpTest, IsReleasedOnceTheNodesHaveLetItGo) {
  FakeNode node("n1");
  ASSERT_EQ(node.follow(stream()), "full");
  const std::string lb = make_lb().id();
  const std::string id = elastic_ip();
  associate(lb, id);
  const auto unbound = static_cast<std::uint64_t>(associate(lb, "").revision());
  ASSERT_TRUE(node.take_until([&] { return node.have.revision.value >= unbound; }));
  ASSERT_TRUE(node.report(Json::object(
      {{"addresses", Json::array({FakeNode::state_of("address", "127.127.0.1", "held")})}})));
  ASSERT_TRUE(eventually([&] {
    return api->get("node/n1").at("status").integer_or("appliedRevision", 0) >=
           static_cast<std::int64_t>(unbound);
  }));
  EXPECT_EQ(releasing(id), std::vector<std::string>{"n1"}) << "connections run there";
  ASSERT_TRUE(node.report());
  EXPECT_TRUE(eventually([&] { return releasing(id).empty(); }));
  EXPECT_EQ(state(id), "NOT_ASSOCIATED");
  EXPECT_EQ(api->get("eip/" + id).at("admin").string_or("address", ""), "127.127.0.1");
}

TEST_F(ElasticIpTest, ADeletedOneKeepsItsAddressUntilTheNodesHaveGivenItUp) {
  FakeNode node("n1");
  ASSERT_EQ(node.follow(stream()), "full");
  const std::string lb = make_lb().id();
  const std::string id = elastic_ip();
  associate(lb, id);
  associate(lb, "");
  const Answer removed = api->remove("eip/" + id);
  ASSERT_EQ(removed.status, 200);
  EXPECT_EQ(admin("eip/" + elastic_ip("next"), "address"), "127.127.0.2");
  EXPECT_EQ(api->create("eip", "same", spec_of("127.127.0.1")).problem(), "409 CONFLICT");
  const auto revision = static_cast<std::uint64_t>(removed.revision());
  ASSERT_TRUE(node.take_until([&] { return node.have.revision.value >= revision; }));
  ASSERT_TRUE(node.report());
  EXPECT_TRUE(eventually([&] { return stored("address/public/127.127.0.1").empty(); }));
  EXPECT_EQ(api->create("eip", "same", spec_of("127.127.0.1")).status, 201);
}

/// One association, judged without a service around it.
class AssociationTest : public ::testing::Test {
 protected:
  model::Object add(model::Kind kind, const std::string& id, Json spec,
                    Json admin = Json::object()) {
    model::Object object;
    object.kind = kind;
    object.id = id;
    object.owner = model::kDefaultOwner;
    object.revision = Revision(1);
    object.spec = std::move(spec);
    object.admin = std::move(admin);
    index_.put(object);
    return object;
  }
  void add_node(const std::string& id, std::vector<model::Binding> bindings) {
    model::Node node;
    node.bindings = std::move(bindings);
    add(model::Kind::kNode, id, model::to_json(node));
    model::Placement placement;
    placement.load_balancer_id = "alb-1";
    placement.node_id = id;
    add(model::Kind::kPlacement, "placement-" + id, model::to_json(placement));
  }
  Errors follow() {
    add(model::Kind::kElasticIp, "fip-1", Json::object(),
        Json::object({{"address", "203.0.113.1"}, {"pool", "edge"}}));
    const model::Object old = add(model::Kind::kLoadBalancer, "alb-1", Json::object());
    model::Object lb = old;
    lb.spec["elasticIpId"] = "fip-1";
    SideEffects effects;
    const std::set<std::string> taken;
    const std::function<Presence(const std::string&)> presence;
    const HookContext context{index_, taken, presence, WallTime(), observed_};
    return follow_elastic_ip(&old, lb, context, effects);
  }
  static model::Binding binding(const std::string& subnet, model::BindingMode mode) {
    return {.subnet = subnet, .mode = mode, .interface = "eth0", .sources = {}};
  }

  model::ObjectIndex index_;
  ObservedView observed_;
};

TEST_F(AssociationTest, OfAPoolOnInterfacesNeedsOneNodeThatAnnounces) {
  using enum model::BindingMode;
  add_node("n1", {binding("*", kExternal), binding("pool/edge", kInterface)});
  EXPECT_EQ(follow(), Errors());
  add_node("n2", {binding("pool/other", kInterface), binding("*", kExternal)});
  EXPECT_EQ(follow(), Errors()) << "n2 leaves it to somebody else";
  add_node("n3", {binding("*", kInterface)});
  const Errors errors = follow();
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors.front().code, ErrorCode::kFailedPrecondition);
  EXPECT_TRUE(errors.front().message.contains("n1, n3")) << errors.front().message;
}

}  // namespace
}  // namespace weir::api
