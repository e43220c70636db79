// What filters compare is what answers show, whether or not the answer was made for it.
#include "api/v1_search.h"

#include <gtest/gtest.h>

#include "api/v1_list.h"
#include "api/v1_projection.h"

namespace weir::api {
namespace {

using model::Kind;
using model::Object;

class V1Search : public ::testing::Test {
 protected:
  void SetUp() override {
    put(Kind::kVpc, "vpc-1", Json::object({{"addressPrefix", "10.0.0.0/8"}}));
    put(Kind::kSubnet, "subnet-1",
        Json::object({{"vpcId", "vpc-1"}, {"addressPrefix", "10.1.0.0/16"}}));
    put(Kind::kInstance, "i-1",
        Json::object({{"subnetId", "subnet-1"},
                      {"az", "local-1a"},
                      {"instanceType", "big"},
                      {"imageId", "img-1"}}),
        Json::object({{"state", "running"}, {"ipAddress", "10.1.0.4"}, {"vpcId", "vpc-1"}}));
    for (const std::string type : {"alb", "nlb", "dnlb"}) {
      put(Kind::kLoadBalancer, type + "-1",
          Json::object({{"type", type}, {"subnetId", "subnet-1"}}),
          Json::object({{"vip", "10.1.0.9"}, {"vpcId", "vpc-1"}}));
      const std::string protocol = type == "alb" ? "Http" : "Tcp";
      const Json below = Json::object({{"loadBalancerId", type + "-1"}, {"protocol", protocol}});
      put(Kind::kListener, "listener-" + type, below);
      put(Kind::kBackend, "backend-" + type, below);
      put(Kind::kTargetGroup, "tg-" + type, Json::object({{"loadBalancerId", type + "-1"}}));
    }
  }
  void put(Kind kind, const std::string& id, Json spec, Json admin = Json::object()) {
    Object object;
    object.kind = kind;
    object.id = id;
    object.name = "name of " + id;
    object.spec = std::move(spec);
    object.admin = std::move(admin);
    index.put(std::move(object));
  }
  static std::string at(const Json& document, std::string_view path) {
    const auto dot = path.find('.');
    const Json* member = document.find(path.substr(0, dot));
    if (member == nullptr) return "absent";
    return dot == std::string_view::npos ? member->dump() : at(*member, path.substr(dot + 1));
  }

  model::ObjectIndex index;
  Observed observed;
};

TEST_F(V1Search, FiltersCompareWhatAnswersShow) {
  for (const Kind kind : {Kind::kLoadBalancer, Kind::kListener, Kind::kBackend, Kind::kTargetGroup,
                          Kind::kVpc, Kind::kSubnet, Kind::kInstance}) {
    for (const Object* object : index.all(kind)) {
      const Json document = v1_document(*object, index, observed.view());
      for (const V1Filter& filter : v1_kind_of(kind).filters) {
        // These are in no answer of some kinds, and filters know them all the same.
        if (filter.path == "azType" || filter.path == "targetPrivateIpAddress") continue;
        QueryList query;
        query.filters.push_back({std::string(filter.filter.name), FilterOperator::kEq, {"x"}});
        const Json searched = v1_searched(*object, index, observed.view(), query);
        EXPECT_EQ(at(searched, filter.path), at(document, filter.path))
            << object->id << " by " << filter.filter.name;
      }
    }
  }
}

TEST_F(V1Search, AListWithoutFiltersMakesNoAnswers) {
  const Object* instance = index.find(Kind::kInstance, "i-1");
  EXPECT_EQ(v1_searched(*instance, index, observed.view(), {}), Json::object());
}

TEST_F(V1Search, PagesEndWithTheLastOne) {
  QueryList query;
  query.page_size = 10;
  query.page_number = 2;
  EXPECT_EQ(v1_page_of(25, query).begin, 10u);
  EXPECT_EQ(v1_page_of(25, query).end, 20u);
  query.page_number = 99;
  EXPECT_EQ(v1_page_of(25, query).begin, 20u);
  EXPECT_EQ(v1_page_of(25, query).end, 25u);
  EXPECT_EQ(v1_page_of(0, query).end, 0u);
}

}  // namespace
}  // namespace weir::api
