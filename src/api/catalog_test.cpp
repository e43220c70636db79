#include "api/catalog.h"

#include <gtest/gtest.h>

#include "model/keys.h"
#include "store/memory_store.h"
#include "testing/virtual_clock.h"

namespace weir::api {
namespace {

using model::Kind;
using model::Object;

class CatalogTest : public ::testing::Test {
 protected:
  static Object object(Kind kind, const std::string& id, const std::string& lb = "") {
    Object made;
    made.kind = kind;
    made.id = id;
    made.owner = "default";
    if (!lb.empty()) made.spec["loadBalancerId"] = Json(lb);
    return made;
  }
  Revision put(const std::vector<Object>& objects) {
    store::Transaction transaction;
    for (const Object& one : objects) {
      transaction.writes.push_back({model::object_key(one.kind, one.id), model::stored_text(one)});
    }
    return store.commit(transaction).value();
  }
  Revision remove(Kind kind, const std::string& id) {
    store::Transaction transaction;
    transaction.writes.push_back({model::object_key(kind, id), std::nullopt});
    return store.commit(transaction).value();
  }
  static bool has(const Catalog& catalog, Kind kind, const std::string& id) {
    return catalog.read(
        [&](const model::ObjectIndex& index, Revision) { return index.find(kind, id) != nullptr; });
  }

  testing::VirtualClock clock;
  Metrics metrics;
  store::MemoryStore store{clock, metrics};
};

TEST_F(CatalogTest, HasWhatWasStoredBeforeAndWhatIsCommittedLater) {
  put({object(Kind::kVpc, "vpc-1")});
  const auto catalog = Catalog::open(store).value();
  EXPECT_TRUE(has(*catalog, Kind::kVpc, "vpc-1"));
  const Revision revision = put({object(Kind::kVpc, "vpc-2")});
  ASSERT_TRUE(catalog->refresh());
  EXPECT_TRUE(has(*catalog, Kind::kVpc, "vpc-2"));
  EXPECT_GE(catalog->revision(), revision);
}

TEST_F(CatalogTest, FollowsTheStoreByItself) {
  const auto catalog = Catalog::open(store).value();
  const Revision before = catalog->revision();
  put({object(Kind::kVpc, "vpc-1")});
  EXPECT_TRUE(
      catalog->wait_after(before, std::chrono::steady_clock::now() + std::chrono::seconds(20)));
  EXPECT_TRUE(has(*catalog, Kind::kVpc, "vpc-1"));
}

TEST_F(CatalogTest, NeverShowsWhatADeletedLoadBalancerLeftBehind) {
  put({object(Kind::kLoadBalancer, "alb-1")});
  put({object(Kind::kListener, "listener-1", "alb-1"), object(Kind::kDrain, "drain-1", "alb-1"),
       object(Kind::kListener, "listener-orphan", "alb-0")});
  const auto catalog = Catalog::open(store).value();
  EXPECT_FALSE(has(*catalog, Kind::kListener, "listener-orphan"));
  EXPECT_TRUE(has(*catalog, Kind::kListener, "listener-1"));
  const Revision gone = remove(Kind::kLoadBalancer, "alb-1");
  ASSERT_TRUE(catalog->refresh());
  EXPECT_FALSE(has(*catalog, Kind::kListener, "listener-1"));
  EXPECT_EQ(catalog->hidden().at("alb-1").size(), 2u);
  EXPECT_EQ(catalog->hidden().at("alb-0").size(), 1u);
  const auto progress = catalog->changes_after(Revision(gone.value - 1)).value();
  EXPECT_EQ(progress.changes.size(), 3u);
  for (const LiveChange& change : progress.changes) EXPECT_EQ(change.after, nullptr);
  remove(Kind::kListener, "listener-1");
  ASSERT_TRUE(catalog->refresh());
  EXPECT_EQ(catalog->changes_after(gone).value().changes.size(), 0u);
  EXPECT_EQ(catalog->hidden().at("alb-1").size(), 1u);
}

TEST_F(CatalogTest, TakesALoadBalancerBeforeWhatComesWithItInOneCommit) {
  const auto catalog = Catalog::open(store).value();
  // "object/drain/..." stands before "object/lb/..." in the order of keys.
  put({object(Kind::kDrain, "drain-1", "alb-1"), object(Kind::kLoadBalancer, "alb-1")});
  ASSERT_TRUE(catalog->refresh());
  EXPECT_TRUE(has(*catalog, Kind::kDrain, "drain-1"));
}

TEST_F(CatalogTest, RemembersHowThingsWere) {
  const auto catalog = Catalog::open(store).value();
  Object vpc = object(Kind::kVpc, "vpc-1");
  vpc.name = "old";
  const Revision old = put({vpc});
  vpc.name = "new";
  put({vpc, object(Kind::kVpc, "vpc-2")});
  remove(Kind::kVpc, "vpc-1");
  ASSERT_TRUE(catalog->refresh());
  const auto past = catalog->index_at(old).value();
  EXPECT_EQ(past.find(Kind::kVpc, "vpc-1")->name, "old");
  EXPECT_EQ(past.find(Kind::kVpc, "vpc-2"), nullptr);
  EXPECT_FALSE(catalog->index_at(Revision(catalog->revision().value + 1)).has_value());
}

TEST_F(CatalogTest, ThePastAndThePresentDoNotChangeEachOther) {
  const auto catalog = Catalog::open(store).value();
  Object subnet = object(Kind::kSubnet, "subnet-1");
  subnet.spec["vpcId"] = "vpc-1";
  const Revision old = put({object(Kind::kVpc, "vpc-1"), subnet});
  ASSERT_TRUE(catalog->refresh());
  auto past = catalog->index_at(old).value();
  remove(Kind::kSubnet, "subnet-1");
  ASSERT_TRUE(catalog->refresh());
  ASSERT_EQ(past.children(Kind::kSubnet, "vpc-1").size(), 1U);
  EXPECT_EQ(past.children(Kind::kSubnet, "vpc-1").front()->id, "subnet-1");
  past.erase(Kind::kVpc, "vpc-1");
  catalog->read([](const model::ObjectIndex& index, Revision) {
    EXPECT_TRUE(index.children(Kind::kSubnet, "vpc-1").empty());
    EXPECT_NE(index.find(Kind::kVpc, "vpc-1"), nullptr);
  });
}

TEST_F(CatalogTest, DoesNotPretendToKnowWhatWasBeforeItWasOpened) {
  const Revision first = put({object(Kind::kVpc, "vpc-1")});
  put({object(Kind::kVpc, "vpc-2")});
  const auto catalog = Catalog::open(store).value();
  EXPECT_FALSE(catalog->changes_after(first).has_value());
  EXPECT_TRUE(catalog->changes_after(catalog->revision()).has_value());
}

TEST_F(CatalogTest, ForgetsTheOldestChangesBeyondItsBound) {
  const auto catalog = Catalog::open(store).value();
  const Revision start = catalog->revision();
  for (std::size_t i = 0; i <= kLiveChangesKept; ++i) {
    put({object(Kind::kVpc, "vpc-1")});
    // A catalog further behind than the store keeps changes lists again, and its history is gone.
    if (i % 1000 == 0) ASSERT_TRUE(catalog->refresh());
  }
  ASSERT_TRUE(catalog->refresh());
  EXPECT_FALSE(catalog->changes_after(start).has_value());
  const Revision kept(catalog->revision().value - kLiveChangesKept);
  EXPECT_EQ(catalog->changes_after(kept).value().changes.size(), kLiveChangesKept);
}

TEST_F(CatalogTest, ForgetsTheOldestChangesBeyondItsMemory) {
  const auto catalog = Catalog::open(store).value();
  const Revision start = catalog->revision();
  Object vpc = object(Kind::kVpc, "vpc-1");
  vpc.spec["description"] = std::string(50'000, 'x');
  const std::size_t count = kLiveChangesBytesKept / 50'000 + 10;
  Revision last;
  for (std::size_t i = 0; i < count; ++i) {
    last = put({vpc});
    ASSERT_TRUE(catalog->refresh());
  }
  EXPECT_FALSE(catalog->changes_after(start).has_value());
  EXPECT_EQ(catalog->changes_after(Revision(last.value - 1000)).value().changes.size(), 1000U);
}

TEST_F(CatalogTest, KnowsTheGroupOfATarget) {
  const auto catalog = Catalog::open(store).value();
  Object group = object(Kind::kTargetGroup, "tg-1", "alb-1");
  group.spec["targets"] = Json::array({Json::object({{"targetId", "target-1"}})});
  put({object(Kind::kLoadBalancer, "alb-1"), group});
  ASSERT_TRUE(catalog->refresh());
  EXPECT_EQ(catalog->whole_of_part("target-1"), "tg-1");
  group.spec["targets"] = Json::array();
  put({group});
  ASSERT_TRUE(catalog->refresh());
  EXPECT_EQ(catalog->whole_of_part("target-1"), "");
}

}  // namespace
}  // namespace weir::api
