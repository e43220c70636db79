// describeNetworkInterfaces: the one interface that each instance has.
#include "api/v1_fixture.h"

namespace weir::api {
namespace {

class V1NetworkInterface : public V1Test {
 protected:
  void SetUp() override {
    start();
    subnet = made("subnets/",
                  Json::object({{"vpcId", "vpc-default"},
                                {"subnetName", "servers"},
                                {"addressPrefix", "127.9.1.0/24"}}),
                  "subnetId");
    for (int i = 5; i < 17; ++i) {
      const std::string number = std::to_string(i);
      ids.push_back(api->create("instance", "web." + number,
                                Json::object({{"subnetId", subnet},
                                              {"ipAddress", "127.9.1." + number},
                                              {"az", i % 2 == 0 ? "local-1a" : "local-1b"}}))
                        .id());
    }
  }
  std::size_t found(const std::string& query) {
    return shown("networkInterfaces/?pageSize=100&" + query, "networkInterfaces").as_array().size();
  }
  static std::string filter(const std::string& name, const std::string& value) {
    return "filters.1.name=" + name + "&filters.1.values.1=" + value;
  }

  std::string subnet;
  std::vector<std::string> ids;
};

TEST_F(V1NetworkInterface, IsShownForEachInstanceWithItsAddress) {
  const Json first =
      shown("networkInterfaces/?" + filter("networkInterfaceNames", "web.5"), "networkInterfaces")
          .as_array()
          .at(0);
  EXPECT_EQ(first.string_or("instanceId", ""), ids[0]);
  EXPECT_EQ(first.string_or("networkInterfaceId", ""), "port-" + ids[0].substr(2));
  EXPECT_EQ(first.find("primaryIp")->string_or("privateIpAddress", ""), "127.9.1.5");
  EXPECT_EQ(first.string_or("role", ""), "Primary");
  const Json instance = shown("instances/" + ids[0], "instance");
  EXPECT_EQ(instance.find("primaryNetworkInterface")
                ->find("networkInterface")
                ->string_or("networkInterfaceId", ""),
            first.string_or("networkInterfaceId", ""));
}

TEST_F(V1NetworkInterface, IsFoundByEveryFilterAndInPages) {
  const std::string id = "port-" + ids[3].substr(2);
  EXPECT_EQ(found(filter("networkInterfaceIds", id)), 1u);
  EXPECT_EQ(found(filter("vpcId", "vpc-default")), 12u);
  EXPECT_EQ(found(filter("subnetId", subnet)), 12u);
  EXPECT_EQ(found(filter("subnetId", "none")), 0u);
  EXPECT_EQ(found(filter("role", "Secondary")), 0u);
  EXPECT_EQ(found(filter("azType", "all")), 12u);
  EXPECT_EQ(found(filter("azType", "edge")), 0u);
  EXPECT_EQ(found(filter("azs", "local-1a")), 6u);
  EXPECT_EQ(v1("GET", "networkInterfaces?" + filter("status", "x")).status, 400);
  const Answer page = v1("GET", "networkInterfaces/?pageNumber=2&pageSize=10");
  EXPECT_EQ(page.at("result").find("networkInterfaces")->as_array().size(), 2u);
  EXPECT_EQ(page.at("result").integer_or("totalCount", 0), 12);
  // The list of instances takes the id too, or else an elastic IP: no instance has one.
  EXPECT_EQ(shown("instances?" + filter("networkInterfaceId", id) +
                      "&filters.2.name=elasticIpAddress&filters.2.values.1=127.127.0.1",
                  "totalCount"),
            Json(1));
  EXPECT_EQ(shown("instances?" + filter("elasticIpAddress", "127.127.0.1"), "totalCount"), Json(0));
  EXPECT_EQ(shown("instances?" + filter("networkInterfaceId", id), "totalCount"), Json(1));
}

}  // namespace
}  // namespace weir::api
