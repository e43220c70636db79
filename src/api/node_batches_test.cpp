// What a node is sent by following changes is what it is sent by comparing everything.
#include "api/node_batches.h"

#include <gtest/gtest.h>

#include <random>

namespace weir::api {
namespace {

using model::Kind;
using model::Object;

class NodeBatchesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    put(Kind::kVpc, "vpc-1", Json::object());
    put(Kind::kSubnet, "subnet-1", Json::object({{"vpcId", "vpc-1"}}));
    for (const std::string number : {"1", "2"}) {
      const std::string lb = "lb-" + number;
      put(Kind::kInstance, "i-" + number, Json::object({{"subnetId", "subnet-1"}}));
      put(Kind::kLoadBalancer, lb, Json::object({{"subnetId", "subnet-1"}}));
      put(Kind::kListener, "listener-" + number, Json::object({{"loadBalancerId", lb}}));
      put_group("tg-" + number, lb, {"i-" + number});
      place(lb, "n" + number);
    }
    following.advance(index, revision);
    comparing.advance(index, revision);
    changes.clear();
  }
  void put(Kind kind, const std::string& id, Json spec, const std::string& name = "",
           Json admin = Json::object()) {
    Object object;
    object.kind = kind;
    object.id = id;
    object.name = name;
    object.revision = revision = Revision(revision.value + 1);
    object.spec = std::move(spec);
    object.admin = std::move(admin);
    note(kind, id, std::make_shared<const Object>(object));
    index.put(std::move(object));
  }
  void put_group(const std::string& id, const std::string& lb,
                 const std::vector<std::string>& instances) {
    Json targets = Json::array();
    for (const auto& one : instances) targets.push_back(Json::object({{"instanceId", one}}));
    put(Kind::kTargetGroup, id,
        Json::object({{"loadBalancerId", lb}, {"type", "instance"}, {"targets", targets}}));
  }
  void put_availability_group(const std::string& id, const std::vector<std::string>& members) {
    Json slots = Json::array();
    for (const auto& one : members) slots.push_back(Json::object({{"targetId", one}}));
    put(Kind::kAvailabilityGroup, id, Json::object(), "", Json::object({{"slots", slots}}));
  }
  void put_backend(const std::string& id, const std::string& lb, const std::string& group) {
    Json groups = Json::array();
    if (!group.empty()) groups.push_back(Json(group));
    put(Kind::kBackend, id, Json::object({{"loadBalancerId", lb}, {"agIds", groups}}));
  }
  void place(const std::string& lb, const std::string& node) {
    put(Kind::kPlacement, lb + "." + node,
        Json::object({{"loadBalancerId", lb}, {"nodeId", node}}));
  }
  void erase(Kind kind, const std::string& id) {
    revision = Revision(revision.value + 1);
    if (index.find(kind, id) == nullptr) return;
    note(kind, id, nullptr);
    index.erase(kind, id);
  }
  void note(Kind kind, const std::string& id, std::shared_ptr<const Object> after) {
    LiveChange change{.revision = revision, .before = nullptr, .after = std::move(after)};
    const Object* before = index.find(kind, id);
    if (before != nullptr) change.before = std::make_shared<const Object>(*before);
    changes.push_back(std::move(change));
  }
  static std::vector<std::string> lines(const std::vector<model::Frame>& frames) {
    std::vector<std::string> texts;
    for (const model::Frame& frame : frames) {
      texts.push_back(to_string(frame.version) + " " + std::string(frame.kind) + " " + frame.id +
                      (frame.is_tombstone ? " gone" : " " + frame.body));
    }
    return texts;
  }
  /// What node n1 is sent for the changes since, by its kinds and ids.
  std::optional<std::vector<std::string>> followed() {
    const auto frames = following.follow(std::exchange(changes, {}), revision);
    if (!frames) return std::nullopt;
    std::vector<std::string> ids;
    for (const model::Frame& frame : *frames) ids.push_back(frame.id);
    return ids;
  }
  void change_at_random(std::mt19937& random);

  using Ids = std::vector<std::string>;
  model::ObjectIndex index;
  Revision revision;
  std::vector<LiveChange> changes;
  NodeBatches following{"n1", Epoch(1)};
  NodeBatches comparing{"n1", Epoch(1)};
};

TEST_F(NodeBatchesTest, AChangeElsewhereNeedsNoLookAtWhatIsPlaced) {
  put(Kind::kListener, "listener-2", Json::object({{"loadBalancerId", "lb-2"}}), "renamed");
  put(Kind::kInstance, "i-2", Json::object({{"subnetId", "subnet-1"}}), "renamed");
  place("lb-2", "n3");
  EXPECT_EQ(followed(), Ids());
}

TEST_F(NodeBatchesTest, ChangedContentsAreSentWithoutALookAtTheRest) {
  put(Kind::kInstance, "i-1", Json::object({{"subnetId", "subnet-1"}}), "renamed");
  put_group("tg-1", "lb-1", {"i-1"});
  put(Kind::kInstance, "i-1", Json::object({{"subnetId", "subnet-1"}}), "again");
  EXPECT_EQ(followed(), (Ids{"tg-1", "i-1"}));
}

TEST_F(NodeBatchesTest, WhatComesBelowALoadBalancerAndGoesIsSentWithoutALookAtTheRest) {
  const Json below = Json::object({{"loadBalancerId", "lb-1"}});
  put(Kind::kListener, "listener-3", below);
  put(Kind::kBackend, "backend-3", below);
  put_group("tg-3", "lb-1", {});
  EXPECT_EQ(followed(), (Ids{"listener-3", "backend-3", "tg-3"}));
  erase(Kind::kListener, "listener-3");
  put(Kind::kBackend, "backend-4", below);
  erase(Kind::kBackend, "backend-4");
  erase(Kind::kTargetGroup, "tg-3");
  EXPECT_EQ(followed(), (Ids{"listener-3", "tg-3"}));
}

TEST_F(NodeBatchesTest, AGroupThatNamesWhatIsHereIsSentWithoutALookAtTheRest) {
  put_group("tg-3", "lb-1", {"i-1"});
  EXPECT_EQ(followed(), Ids{"tg-3"});
  erase(Kind::kTargetGroup, "tg-1");
  EXPECT_EQ(followed(), Ids{"tg-1"}) << "the other group names the instance too";
  erase(Kind::kTargetGroup, "tg-3");
  EXPECT_EQ(followed(), (Ids{"tg-3", "i-1"})) << "now none does";
}

TEST_F(NodeBatchesTest, AnAvailabilityGroupComesAndGoesByALookAndItsUsesInBetweenByNone) {
  put_availability_group("ag-1", {"i-2"});
  EXPECT_EQ(followed(), Ids()) << "no backend service here names it";
  put_backend("backend-1", "lb-1", "ag-1");
  EXPECT_FALSE(followed());
  following.advance(index, revision);
  put_backend("backend-3", "lb-1", "ag-1");
  put(Kind::kDrain, "drain-1", Json::object({{"loadBalancerId", "lb-1"}, {"groupId", "ag-1"}}));
  EXPECT_EQ(followed(), (Ids{"backend-3", "drain-1"}));
  put_backend("backend-1", "lb-1", "");
  erase(Kind::kDrain, "drain-1");
  EXPECT_EQ(followed(), (Ids{"backend-1", "drain-1"}));
  erase(Kind::kBackend, "backend-3");
  EXPECT_FALSE(followed()) << "the last one that named it";
}

TEST_F(NodeBatchesTest, WhatNamesOthersOrIsPlacedNeedsALook) {
  put_group("tg-1", "lb-1", {"i-1", "i-2"});
  EXPECT_FALSE(followed());
  following.advance(index, revision);
  place("lb-2", "n1");
  EXPECT_FALSE(followed());
}

TEST_F(NodeBatchesTest, AnInstanceThatIsNamedBeforeItIsThereIsSentOnceItIs) {
  put_group("tg-1", "lb-1", {"i-1", "i-later"});
  following.advance(index, revision);
  changes.clear();
  put(Kind::kInstance, "i-later", Json::object({{"subnetId", "subnet-1"}}));
  EXPECT_FALSE(followed());
}

TEST_F(NodeBatchesTest, M81_AMemberThatComesOrGoesIsSentWithoutALookAtTheRest) {
  put_availability_group("ag-1", {});
  put_backend("backend-1", "lb-1", "ag-1");
  following.advance(index, revision);
  changes.clear();
  put(Kind::kInstance, "i-3", Json::object({{"subnetId", "subnet-1"}, {"agId", "ag-1"}}));
  put_availability_group("ag-1", {"i-3"});
  EXPECT_EQ(followed(), (Ids{"i-3", "ag-1"}));
  erase(Kind::kInstance, "i-3");
  put_availability_group("ag-1", {});
  EXPECT_EQ(followed(), (Ids{"ag-1", "i-3"}));
}

TEST_F(NodeBatchesTest, AMemberThatLeavesStaysWhileAnotherGroupNamesIt) {
  put_availability_group("ag-1", {"i-1"});
  put_backend("backend-1", "lb-1", "ag-1");
  following.advance(index, revision);
  changes.clear();
  put_availability_group("ag-1", {});
  EXPECT_EQ(followed(), Ids{"ag-1"});
  put_group("tg-1", "lb-1", {});
  EXPECT_EQ(followed(), (Ids{"tg-1", "i-1"})) << "now none does";
}

TEST_F(NodeBatchesTest, AGroupThatIsReplacedStaysAsLongAsItsMembersDrain) {
  put_availability_group("ag-1", {"i-2"});
  put_backend("backend-1", "lb-1", "ag-1");
  following.advance(index, revision);
  put(Kind::kDrain, "drain-1", Json::object({{"loadBalancerId", "lb-1"}, {"groupId", "ag-1"}}));
  put_backend("backend-1", "lb-1", "");
  changes.clear();
  Ids sent;
  for (const auto& frame : following.advance(index, revision)) {
    EXPECT_FALSE(frame.is_tombstone) << frame.id;
    sent.push_back(frame.id);
  }
  EXPECT_EQ(sent, (Ids{"backend-1", "drain-1"}));
  erase(Kind::kDrain, "drain-1");
  EXPECT_FALSE(followed());
  EXPECT_EQ(following.advance(index, revision).size(), 3U) << "the record, the group, its member";
}

TEST_F(NodeBatchesTest, OfATableOfAnAvailabilityGroupOnlyThatOfAPlacedOneIsSent) {
  put_availability_group("ag-1", {});
  put_backend("backend-1", "lb-1", "ag-1");
  following.advance(index, revision);
  changes.clear();
  put(Kind::kTable, "table-1", Json::object({{"groupId", "ag-1"}}));
  put(Kind::kTable, "table-2", Json::object({{"groupId", "ag-2"}}));
  EXPECT_EQ(followed(), Ids{"table-1"});
}

void NodeBatchesTest::change_at_random(std::mt19937& random) {
  const auto below = [&](unsigned limit) { return static_cast<unsigned>(random() % limit); };
  const std::string number = std::to_string(1 + below(3));
  const std::string lb = "lb-" + std::to_string(1 + below(3));
  const std::string instance = "i-" + std::to_string(1 + below(4));
  const std::string name = "name-" + std::to_string(below(1000));
  switch (below(22)) {
    case 0:
      return put(Kind::kInstance, instance, Json::object({{"subnetId", "subnet-1"}}), name);
    case 1:
      return erase(Kind::kInstance, instance);
    case 2:
      return put_group("tg-" + number, lb, {instance, "i-" + std::to_string(1 + below(4))});
    case 3:
      return erase(Kind::kTargetGroup, "tg-" + number);
    case 4:
      return put(Kind::kLoadBalancer, lb, Json::object({{"subnetId", "subnet-1"}}), name);
    case 5:
      return erase(Kind::kLoadBalancer, lb);
    case 6:
      return place(lb, "n" + number);
    case 7:
      return erase(Kind::kPlacement, lb + ".n1");
    case 8:
      return put(Kind::kSubnet, "subnet-1", Json::object({{"vpcId", "vpc-" + number}}), name);
    case 9:
      return erase(Kind::kListener, "listener-" + number);
    case 10:
      return put_group("tg-" + number, lb, {});
    case 11:
      return put(Kind::kKeyring, "keyring", Json::object(), name);
    case 12:
      return put_availability_group("ag-" + number, {instance});
    case 13:
      return put_availability_group("ag-" + number, {});
    case 14:
      return erase(Kind::kAvailabilityGroup, "ag-" + number);
    case 15:
      return put_backend("backend-" + number, lb, below(3) == 0 ? "" : "ag-" + number);
    case 16:
      return put(Kind::kDrain, "drain-" + number,
                 Json::object({{"loadBalancerId", lb}, {"groupId", "ag-" + number}}));
    case 17:
      return erase(Kind::kDrain, "drain-" + number);
    case 18:
      return put(Kind::kTable, "table-" + number, Json::object({{"groupId", "ag-" + number}}));
    case 19:
      return erase(Kind::kBackend, "backend-" + number);
    default:
      return put(Kind::kListener, "listener-" + number, Json::object({{"loadBalancerId", lb}}),
                 name);
  }
}

TEST_F(NodeBatchesTest, FollowingComesToWhatComparingComesTo) {
  for (unsigned seed = 1; seed <= 50; ++seed) {
    std::mt19937 random(seed);
    for (int step = 0; step < 100; ++step) {
      for (unsigned i = 1 + static_cast<unsigned>(random() % 3); i > 0; --i) {
        change_at_random(random);
      }
      auto frames = following.follow(std::exchange(changes, {}), revision);
      if (!frames) frames = following.advance(index, revision);
      ASSERT_EQ(lines(*frames), lines(comparing.advance(index, revision)))
          << "seed " << seed << ", step " << step;
    }
  }
}

}  // namespace
}  // namespace weir::api
