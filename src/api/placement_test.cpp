#include "api/placement.h"

#include <gtest/gtest.h>

#include "model/public_pool.h"
#include "model/resources.h"

namespace weir::api {
namespace {

using model::BindingMode;
using model::Kind;
using model::Object;

class Placement : public ::testing::Test {
 protected:
  void SetUp() override {
    add_subnet("subnet-1", "blue", "10.0.1.0/24");
    add_subnet("subnet-2", "green", "127.64.0.0/16");
  }
  void add_subnet(const std::string& id, const std::string& name, const std::string& prefix,
                  std::string_view owner = model::kDefaultOwner) {
    Object subnet;
    subnet.kind = Kind::kSubnet;
    subnet.owner = owner;
    subnet.id = id;
    subnet.name = name;
    subnet.spec = Json::object({{"vpcId", "vpc-1"}, {"addressPrefix", prefix}});
    index.put(subnet);
  }
  void add_node(const std::string& id, const std::string& subnet, BindingMode mode) {
    model::Node spec;
    spec.bindings = {{.subnet = subnet, .mode = mode, .interface = "", .sources = {}}};
    Object node;
    node.kind = Kind::kNode;
    node.id = id;
    node.spec = model::to_json(spec);
    index.put(node);
  }
  const Object& add_lb(const std::string& id, const std::string& subnet = "subnet-1",
                       const std::string& type = "alb") {
    Object lb;
    lb.kind = Kind::kLoadBalancer;
    lb.id = id;
    lb.spec = Json::object({{"type", type}, {"subnetId", subnet}});
    index.put(lb);
    return *index.find(Kind::kLoadBalancer, id);
  }
  void place(const std::string& lb, const std::string& node) {
    index.put(new_placement(*index.find(Kind::kLoadBalancer, lb), node, 1, ""));
  }
  PlacementChange change(const Object& lb, const std::string& away = "") {
    return placement_change(lb, index, [=](const std::string& node) {
      return node != away ? Presence::kConnected : Presence::kAway;
    });
  }
  using Nodes = std::vector<std::string>;

  model::ObjectIndex index;
};

TEST_F(Placement, AnElasticIpIsAnnouncedByOneOfSeveralNodes) {
  const auto add_both = [this](const std::string& id) {
    model::Node spec;
    spec.bindings = {
        {.subnet = "subnet-1", .mode = BindingMode::kExternal, .interface = "", .sources = {}},
        {.subnet = model::pool_network("public"),
         .mode = BindingMode::kInterface,
         .interface = "eth1",
         .sources = {}}};
    Object node;
    node.kind = Kind::kNode;
    node.id = id;
    node.spec = model::to_json(spec);
    index.put(node);
  };
  add_both("node-1");
  Object lb = add_lb("alb-1");
  lb.admin = Json::object({{"elasticIpPool", "public"}});
  index.put(lb);
  EXPECT_EQ(change(lb).add, Nodes{"node-1"});
  place("alb-1", "node-1");
  add_both("node-2");
  EXPECT_TRUE(change(lb).add.empty());
  add_node("node-3", "subnet-1", BindingMode::kExternal);
  EXPECT_EQ(change(lb).add, Nodes{"node-3"}) << "it answers on the other address alone";
}

TEST_F(Placement, ASubnetOfAnotherAccountIsServedOnlyWhereABindingSaysItsId) {
  add_subnet("subnet-3", "blue", "127.64.0.0/16", "evil");
  const Object& lb = add_lb("alb-1", "subnet-3");
  add_node("node-name", "blue", BindingMode::kInterface);
  add_node("node-any", "*", BindingMode::kLoopback);
  EXPECT_TRUE(change(lb).add.empty());
  add_node("node-id", "subnet-3", BindingMode::kLoopback);
  EXPECT_EQ(change(lb).add, Nodes{"node-id"});
}

TEST_F(Placement, WaitsUntilANodeServesTheSubnet) {
  const Object& lb = add_lb("alb-1");
  EXPECT_TRUE(change(lb).add.empty());
  add_node("n1", "subnet-2", BindingMode::kInterface);
  EXPECT_TRUE(change(lb).add.empty());
  add_node("n2", "subnet-1", BindingMode::kInterface);
  EXPECT_EQ(change(lb).add, Nodes{"n2"});
}

TEST_F(Placement, TakesTheLeastLoadedNodeThatIsConnected) {
  for (const char* node : {"n1", "n2", "n3"}) add_node(node, "blue", BindingMode::kInterface);
  add_lb("alb-1");
  place("alb-1", "n1");
  const Object& lb = add_lb("alb-2");
  EXPECT_EQ(change(lb).add, Nodes{"n2"});
  EXPECT_EQ(change(lb, "n2").add, Nodes{"n3"});
}

TEST_F(Placement, WaitsForTheFirstOfSeveralNodesAfterAStart) {
  const auto change_after = [this](const Object& lb, Clock::Duration since_start,
                                   const ObservedView& observed = {}) {
    return placement_change(lb, index, presence_in(observed, since_start));
  };
  const auto start = std::chrono::seconds(1);
  add_node("n1", "subnet-1", BindingMode::kInterface);
  const Object& lb = add_lb("alb-1");
  EXPECT_EQ(change_after(lb, start).add, Nodes{"n1"}) << "nobody else could take it";
  add_node("n2", "subnet-1", BindingMode::kInterface);
  EXPECT_TRUE(change_after(lb, start).add.empty());
  EXPECT_TRUE(change_after(lb, start).is_waiting);
  ObservedView observed;
  NodeReport connected;
  connected.streams = 1;
  observed.nodes["n2"] = std::make_shared<const NodeReport>(connected);
  EXPECT_EQ(change_after(lb, start, observed).add, Nodes{"n2"});
  EXPECT_EQ(change_after(lb, kReturnGrace).add, Nodes{"n1"});
}

TEST_F(Placement, EndsOnANodeThatWasDeletedEvenWhenNobodyElseCouldServe) {
  const Object& lb = add_lb("alb-1");
  place("alb-1", "n1");
  EXPECT_EQ(change(lb).remove.size(), 1u);
  EXPECT_TRUE(change(lb).add.empty());
}

TEST_F(Placement, PutsADnlbOnEveryNodeThatCanAnswerBesideOthers) {
  add_node("n1", "subnet-2", BindingMode::kLoopback);
  add_node("n2", "green", BindingMode::kExternal);
  add_node("n3", "subnet-1", BindingMode::kExternal);
  add_node("n4", "*", BindingMode::kLoopback);
  const Object& lb = add_lb("dnlb-1", "subnet-2", "dnlb");
  EXPECT_EQ(change(lb).add, (Nodes{"n1", "n2", "n4"}));
  place("dnlb-1", "n2");
  EXPECT_EQ(change(lb).add, (Nodes{"n1", "n4"}));
}

TEST_F(Placement, PutsADnlbOnOneNodeOfASegment) {
  for (const char* node : {"n1", "n2"}) add_node(node, "blue", BindingMode::kInterface);
  const Object& lb = add_lb("dnlb-1", "subnet-1", "dnlb");
  EXPECT_EQ(change(lb).add, Nodes{"n1"});
}

TEST_F(Placement, StaysWhereItIs) {
  add_node("n1", "subnet-1", BindingMode::kInterface);
  add_node("n2", "subnet-1", BindingMode::kInterface);
  const Object& lb = add_lb("alb-1");
  place("alb-1", "n2");
  EXPECT_TRUE(change(lb, "n2").add.empty());
  EXPECT_TRUE(change(lb, "n2").remove.empty());
}

TEST_F(Placement, IsOnEveryNodeWhoseAddressesOthersMove) {
  add_node("n1", "subnet-1", BindingMode::kExternal);
  add_node("n2", "subnet-1", BindingMode::kExternal);
  add_node("n3", "subnet-1", BindingMode::kInterface);
  const Object& lb = add_lb("alb-1");
  place("alb-1", "n1");
  EXPECT_EQ(change(lb).add, Nodes{"n2"});
}

TEST_F(Placement, MovesWhenItsNodeLosesTheBinding) {
  add_node("n1", "subnet-2", BindingMode::kInterface);
  add_node("n2", "subnet-1", BindingMode::kInterface);
  const Object& lb = add_lb("alb-1");
  place("alb-1", "n1");
  EXPECT_EQ(change(lb).add, Nodes{"n2"});
  EXPECT_EQ(change(lb).remove.size(), 1u);
  EXPECT_EQ(next_placement_epoch(lb, index), 2);
}

TEST_F(Placement, StaysWithItsNodeWhenNobodyElseCouldServe) {
  add_node("n1", "subnet-2", BindingMode::kInterface);
  const Object& lb = add_lb("alb-1");
  place("alb-1", "n1");
  EXPECT_TRUE(change(lb).remove.empty());
}

TEST_F(Placement, LetsALoopbackBindingForEverySubnetServeLoopbackOnly) {
  add_node("n1", "*", BindingMode::kLoopback);
  EXPECT_TRUE(change(add_lb("alb-1", "subnet-1")).add.empty());
  EXPECT_EQ(change(add_lb("alb-2", "subnet-2")).add, Nodes{"n1"});
  add_node("n2", "*", BindingMode::kExternal);
  EXPECT_EQ(change(*index.find(Kind::kLoadBalancer, "alb-1")).add, Nodes{"n2"});
}

TEST_F(Placement, PrefersABindingByIdToOneByNameToOneForAll) {
  model::Node spec;
  spec.bindings = {
      {.subnet = "*", .mode = BindingMode::kInterface, .interface = "", .sources = {}},
      {.subnet = "blue", .mode = BindingMode::kLoopback, .interface = "", .sources = {}},
      {.subnet = "subnet-1", .mode = BindingMode::kExternal, .interface = "", .sources = {}}};
  Object node;
  node.kind = Kind::kNode;
  for (const auto expected :
       {BindingMode::kExternal, BindingMode::kLoopback, BindingMode::kInterface}) {
    node.spec = model::to_json(spec);
    EXPECT_EQ(binding_of(node, *index.find(Kind::kSubnet, "subnet-1")), expected);
    spec.bindings.pop_back();
  }
}

TEST_F(Placement, GivesANodeOnlyWhatBelongsToItsLoadBalancers) {
  Object vpc;
  vpc.kind = Kind::kVpc;
  vpc.id = "vpc-1";
  index.put(vpc);
  add_lb("alb-1");
  add_lb("alb-2", "subnet-2");
  place("alb-1", "n1");
  place("alb-2", "n2");
  for (const char* lb : {"alb-1", "alb-2"}) {
    Object listener;
    listener.kind = Kind::kListener;
    listener.id = std::string("listener-of-") + lb;
    listener.spec = Json::object({{"loadBalancerId", lb}});
    index.put(listener);
  }
  std::vector<std::string> ids;
  const std::vector<model::Id> none;
  const auto instances = [&](const Object&) -> const auto& { return none; };
  for (const auto& [key, object] : placed_objects(index, "n1", instances).objects) {
    if (key.first != Kind::kPlacement) ids.push_back(key.second);
  }
  EXPECT_EQ(ids, (std::vector<std::string>{"vpc-1", "subnet-1", "alb-1", "listener-of-alb-1"}));
}

}  // namespace
}  // namespace weir::api
