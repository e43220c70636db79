// What compile makes of a load balancer with an elastic IP.
#include "snapshot/compile_fixture.h"

namespace weir::snapshot {
namespace {

net::IpAddress address(std::string_view text) { return *net::IpAddress::parse(text); }

class ElasticIpCompile : public CompileFixture {
 protected:
  void SetUp() override {
    put_front();
    model::Backend backend;
    backend.load_balancer_id = "alb-1";
    backend.port = 80;
    put("b1", backend);
  }
  void put_load_balancer(const std::string& id, const std::string& vip,
                         const std::string& elastic_ip, const std::string& created = "") {
    model::LoadBalancer lb;
    lb.subnet_id = "subnet-1";
    model::LoadBalancerAdmin admin;
    admin.vip = vip;
    admin.elastic_ip_address = elastic_ip;
    if (!elastic_ip.empty()) admin.elastic_ip_pool = "edge";
    put(id, lb, admin, created);
  }
};

TEST_F(ElasticIpCompile, M9_M10_ItsListenersAnswerThereTooWhileItHasOne) {
  EXPECT_EQ(compile_now().addresses.size(), 1u);
  put_load_balancer("alb-1", "10.0.0.100", "203.0.113.1");
  const Snapshot& with = compile_now();
  ASSERT_EQ(with.addresses.size(), 2u);
  EXPECT_EQ(with.addresses[1].address, address("203.0.113.1"));
  EXPECT_EQ(with.addresses[1].subnet_id, "pool/edge");
  EXPECT_EQ(with.addresses[1].load_balancer_id, "alb-1");
  EXPECT_EQ(
      with.listeners.at(0)->endpoints(),
      (std::vector<net::Endpoint>{{address("10.0.0.100"), 80}, {address("203.0.113.1"), 80}}));
  EXPECT_EQ(with.listeners.at(0)->endpoint.address, address("10.0.0.100")) << "the VIP";
  put_load_balancer("alb-1", "10.0.0.100", "");
  const Snapshot& without = compile_now();
  EXPECT_EQ(without.addresses.size(), 1u);
  EXPECT_EQ(without.listeners.at(0)->endpoints().size(), 1u);
}

TEST_F(ElasticIpCompile, AnAddressStaysWithTheOlderLoadBalancerAndTheOtherSaysSo) {
  put_load_balancer("alb-1", "10.0.0.100", "203.0.113.1", "2026-01-02T00:00:00Z");
  put_load_balancer("alb-2", "203.0.113.1", "", "2026-01-01T00:00:00Z");
  put_placement("placement-2", "alb-2");
  const Snapshot& both = compile_now();
  EXPECT_EQ(both.addresses.size(), 2u);
  EXPECT_FALSE(both.listeners.at(0)->elastic_ip);
  ASSERT_EQ(both.errors.size(), 1u);
  EXPECT_EQ(both.errors[0].id, "alb-1");
  EXPECT_EQ(both.errors[0].detail,
            "admin.elasticIpAddress: 203.0.113.1 is served for another load balancer already");
  remove("lb", "alb-2");
  const Snapshot& alone = compile_now();
  EXPECT_TRUE(alone.listeners.at(0)->elastic_ip);
  EXPECT_TRUE(alone.errors.empty());
}

TEST_F(ElasticIpCompile, AnAssociationBuildsWhatIsBelowItsLoadBalancerAndSharesTheServices) {
  for (int i = 0; i < 50; ++i) {
    const std::string number = std::to_string(i);
    put_load_balancer("other-" + number, "10.0.1." + number, "");
    put_placement("placement-other-" + number, "other-" + number);
    model::Backend backend;
    backend.load_balancer_id = "other-" + number;
    backend.port = 80;
    put("other-b" + number, backend);
    model::Listener listener;
    listener.load_balancer_id = "other-" + number;
    listener.port = 80;
    listener.backend_id = "other-b" + number;
    put("other-l" + number, listener);
  }
  const Snapshot before = compile_now();
  put_load_balancer("alb-1", "10.0.0.100", "203.0.113.1");
  const Snapshot& after = compile_now();
  EXPECT_EQ(work_of(*compiled_).objects_read, 1u);
  EXPECT_EQ(work_of(*compiled_).listeners_built, 1u);
  EXPECT_EQ(after.services, before.services) << "the same objects";
}

TEST_F(ElasticIpCompile, AnObjectOfAnElasticIpIsReadAndForwardsNothing) {
  model::ElasticIp elastic_ip;
  elastic_ip.bandwidth_mbps = 5;
  elastic_ip.provider = "bgp";
  put("fip-1", elastic_ip);
  EXPECT_TRUE(compile_now().errors.empty());
}

}  // namespace
}  // namespace weir::snapshot
