// What a page of a list looks at: what its filters and its size leave, not what there is.
#include "api/listing.h"

#include <gtest/gtest.h>

namespace weir::api {
namespace {

using model::Kind;

class ListingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (int lb = 1; lb <= 10; ++lb) {
      for (int i = 10; i < 30; ++i) {
        put("tg-" + std::to_string(lb) + "-" + std::to_string(i), "lb-" + std::to_string(lb));
      }
    }
  }
  void put(const std::string& id, const std::string& lb) {
    model::Object group;
    group.kind = Kind::kTargetGroup;
    group.id = group.name = id;
    Json targets = Json::array();
    for (const char* place : {"-b", "-a"}) {
      targets.push_back(Json::object({{"targetId", id + place}, {"ipAddress", "10.0.0.1"}}));
    }
    group.spec = Json::object({{"loadBalancerId", lb}, {"type", "ip"}, {"targets", targets}});
    index_.put(std::move(group));
  }
  ListQuery query(const char* kind, std::vector<std::pair<std::string, std::string>> filters) {
    ListQuery query;
    query.kind = model::find_description(kind);
    query.filters = std::move(filters);
    return query;
  }
  static std::vector<std::string> ids(const std::vector<ListItem>& items) {
    std::vector<std::string> ids;
    for (const ListItem& item : items) ids.push_back(item.id);
    return ids;
  }

  model::ObjectIndex index_;
};

TEST_F(ListingTest, FiltersByIdLeaveLittleToLookAt) {
  const auto count = [this](const ListQuery& query) {
    return list_candidates(index_, query).size();
  };
  EXPECT_EQ(count(query("tg", {})), 200U);
  EXPECT_EQ(count(query("tg", {{"spec.loadBalancerId", "lb-3"}})), 20U);
  EXPECT_EQ(count(query("tg", {{"spec.loadBalancerId", "lb-3"}, {"id", "tg-3-12"}})), 1U);
  EXPECT_EQ(count(query("target", {{"spec.targetGroupId", "tg-3-12"}})), 1U);
  EXPECT_EQ(count(query("target", {{"spec.targetGroupId", "tg-unknown"}})), 0U);
  // Others are looked at one by one.
  EXPECT_EQ(count(query("tg", {{"name", "tg-3-12"}})), 200U);
}

TEST_F(ListingTest, APageHasWhatComesBehindItsTokenAndNoMoreThanItAsksFor) {
  ListQuery page = query("tg", {{"spec.loadBalancerId", "lb-3"}});
  page.after = "tg-3-11";
  EXPECT_EQ(ids(list_items(index_, page, 2)), (std::vector<std::string>{"tg-3-12", "tg-3-13"}));
  page.after = "tg-3-28";
  EXPECT_EQ(ids(list_items(index_, page, 2)), (std::vector<std::string>{"tg-3-29"}));
}

TEST_F(ListingTest, TargetsAscendByTheirOwnIds) {
  ListQuery page = query("target", {{"spec.targetGroupId", "tg-3-12"}});
  EXPECT_EQ(ids(list_items(index_, page)), (std::vector<std::string>{"tg-3-12-a", "tg-3-12-b"}));
  page.after = "tg-3-12-a";
  EXPECT_EQ(ids(list_items(index_, page)), (std::vector<std::string>{"tg-3-12-b"}));
}

}  // namespace
}  // namespace weir::api
