// The rules of elastic IPs and of their pools.
#include <gtest/gtest.h>

#include <algorithm>

#include "model/keys.h"
#include "model/resources.h"
#include "model/sample_world_test.h"
#include "model/validate.h"

namespace weir::model {
namespace {

net::IpAddress address(std::string_view text) { return *net::IpAddress::parse(text); }

class ElasticIpRules : public ::testing::Test {
 protected:
  ElasticIpRules() : index_(sample_world()) {
    pools_ = {{.name = "edge", .prefixes = {*net::Prefix::parse("203.0.113.0/28")}},
              {.name = "zoned",
               .provider = "no_bgp",
               .az = "local-1a",
               .prefixes = {*net::Prefix::parse("198.51.100.7/32")}}};
  }
  WorldView world() const {
    WorldView view = sample_view(index_);
    view.pools = pools_;
    return view;
  }
  Errors create(Kind kind, const std::string& spec) {
    Object made;
    Errors errors =
        read_create(kind, parse_json(R"({"name":"new","spec":)" + spec + "}").value(), made);
    made.id = "new-0000000000";
    made.owner = kDefaultOwner;
    return check_create(made, world(), std::move(errors));
  }
  /// What is wrong, as "field: message" of the first one.
  std::string first(const Errors& errors) {
    return errors.empty() ? "" : errors.front().field + ": " + errors.front().message;
  }
  void put_elastic_ip(const std::string& id, const std::string& holder = "",
                      const std::string& az = "") {
    index_.put(sample(Kind::kElasticIp, id, id, R"({"bandwidthMbps":5,"provider":"bgp"})",
                      (R"({"address":"203.0.113.1","pool":"edge","loadBalancerId":")" + holder +
                       R"(","az":")" + az + "\"}")
                          .c_str()));
  }
  Errors associate(const std::string& lb, const std::string& elastic_ip) {
    const Object& old = *index_.find(Kind::kLoadBalancer, lb);
    Object updated;
    Errors errors =
        read_update(old, parse_json(R"({"spec":{"elasticIpId":")" + elastic_ip + "\"}}").value(),
                    UpdateMode::kMerge, updated);
    return check_update(old, updated, world(), std::move(errors));
  }

  ObjectIndex index_;
  std::vector<PublicPool> pools_;
};

TEST(PublicPools, GiveEveryAddressButThoseOfNetworkAndBroadcast) {
  const PublicPool pool{
      .name = "edge",
      .prefixes = {*net::Prefix::parse("203.0.113.0/30"), *net::Prefix::parse("198.51.100.0/31"),
                   *net::Prefix::parse("192.0.2.9/32")}};
  std::vector<std::string> given;
  const auto is_taken = [&](const net::IpAddress& one) {
    return std::ranges::find(given, one.text()) != given.end();
  };
  while (const auto free = free_public_address(pool, is_taken)) {
    EXPECT_TRUE(may_give(pool, *free)) << free->text();
    given.push_back(free->text());
  }
  EXPECT_EQ(given, (std::vector<std::string>{"203.0.113.1", "203.0.113.2", "198.51.100.0",
                                             "198.51.100.1", "192.0.2.9"}));
  for (const char* text : {"203.0.113.0", "203.0.113.3", "203.0.113.4", "192.0.2.8"}) {
    EXPECT_FALSE(may_give(pool, address(text))) << text;
  }
}

TEST_F(ElasticIpRules, TakesAProviderThatAPoolHasAndABandwidthOfOneToAThousand) {
  EXPECT_EQ(create(Kind::kElasticIp, R"({"bandwidthMbps":1,"provider":"bgp"})"), Errors());
  EXPECT_EQ(create(Kind::kElasticIp, R"({"bandwidthMbps":1000,"provider":"no_bgp"})"), Errors());
  EXPECT_EQ(create(Kind::kElasticIp, "{}").size(), 2u) << "both are required";
  EXPECT_EQ(first(create(Kind::kElasticIp, R"({"bandwidthMbps":1001,"provider":"bgp"})")),
            "spec.bandwidthMbps: must be an integer between 1 and 1000, found 1001");
  EXPECT_EQ(first(create(Kind::kElasticIp, R"({"bandwidthMbps":5,"provider":"moon"})")),
            "spec.provider: is 'moon', expected one of [bgp, no_bgp], as the public pools have it");
  pools_.clear();
  EXPECT_EQ(first(create(Kind::kElasticIp, R"({"bandwidthMbps":5,"provider":"bgp"})")),
            "spec.provider: no public pool is configured");
}

TEST_F(ElasticIpRules, TakesAnAddressOfAPoolOfItsProvider) {
  const auto with = [&](const std::string& text) {
    return first(create(Kind::kElasticIp,
                        R"({"bandwidthMbps":5,"provider":"bgp","address":")" + text + "\"}"));
  };
  EXPECT_EQ(with("203.0.113.9"), "");
  EXPECT_EQ(with("203.0.113.16"), "spec.address: lies in no configured public pool");
  EXPECT_EQ(with("203.0.113.15"),
            "spec.address: is the network or broadcast address of its prefix");
  EXPECT_EQ(with("198.51.100.7"), "spec.address: lies in pool zoned of provider no_bgp");
}

TEST_F(ElasticIpRules, ChangesItsBandwidthAloneWhateverThePoolsAreNow) {
  put_elastic_ip("fip-0000000000");
  pools_.clear();
  const Object& old = *index_.find(Kind::kElasticIp, "fip-0000000000");
  const auto update = [&](const char* spec) {
    Object updated;
    Errors errors = read_update(old, Json::object({{"spec", parse_json(spec).value()}}),
                                UpdateMode::kMerge, updated);
    return first(check_update(old, updated, world(), std::move(errors)));
  };
  EXPECT_EQ(update(R"({"bandwidthMbps":7})"), "");
  EXPECT_EQ(update(R"({"provider":"no_bgp"})"), "spec.provider: cannot be changed");
  EXPECT_EQ(update(R"({"address":"203.0.113.2"})"), "spec.address: cannot be changed");
}

TEST_F(ElasticIpRules, HasOneLoadBalancerAtMost) {
  put_elastic_ip("fip-0000000000", "nlb-private000");
  EXPECT_EQ(first(associate("alb-private000", "fip-0000000000")),
            "spec.elasticIpId: fip-0000000000 is in use by load balancer nlb-private000");
  EXPECT_EQ(first(associate("alb-private000", "fip-1111111111")),
            "spec.elasticIpId: elastic IP 'fip-1111111111' not found");
  put_elastic_ip("fip-0000000000");
  for (const char* lb : {"alb-private000", "nlb-private000", "dnlb-private000"}) {
    EXPECT_EQ(associate(lb, "fip-0000000000"), Errors()) << lb;
  }
}

TEST_F(ElasticIpRules, OfOneZoneFitsAnAlbOfThatZoneAlone) {
  put_elastic_ip("fip-0000000000", "", "local-1a");
  EXPECT_EQ(associate("alb-private000", "fip-0000000000"), Errors());
  Object wide = *index_.find(Kind::kLoadBalancer, "alb-private000");
  wide.spec["azs"] = Json::array({Json("local-1a"), Json("local-1b")});
  index_.put(wide);
  EXPECT_EQ(first(associate("alb-private000", "fip-0000000000")),
            "spec.elasticIpId: is of AZ local-1a alone, the load balancer is in AZ local-1a, "
            "local-1b");
  for (const char* lb : {"nlb-private000", "dnlb-private000"}) {
    EXPECT_TRUE(first(associate(lb, "fip-0000000000")).contains("not supported yet")) << lb;
  }
}

TEST_F(ElasticIpRules, IsNotDeletedWhileALoadBalancerHasIt) {
  put_elastic_ip("fip-0000000000", "nlb-private000");
  const Errors bound = check_delete(*index_.find(Kind::kElasticIp, "fip-0000000000"), world());
  ASSERT_EQ(bound.size(), 1u);
  EXPECT_EQ(bound.front().code, ErrorCode::kFailedPrecondition);
  put_elastic_ip("fip-0000000000");
  EXPECT_EQ(check_delete(*index_.find(Kind::kElasticIp, "fip-0000000000"), world()), Errors());
}

TEST_F(ElasticIpRules, NoSubnetAndNoTargetMeetsAPool) {
  pools_.push_back({.name = "local", .prefixes = {*net::Prefix::parse("127.127.0.0/24")}});
  EXPECT_EQ(
      first(create(Kind::kSubnet, R"({"vpcId":"vpc-default","addressPrefix":"127.127.0.0/20"})")),
      "spec.addressPrefix: overlaps public pool local");
  EXPECT_EQ(first(create(Kind::kTargetGroup, R"({"loadBalancerId":"alb-local00000",
                "targets":[{"ipAddress":"127.127.0.9","port":80}]})")),
            "spec.targets[0].ipAddress: is an address of public pool local, where load balancers "
            "answer");
}

TEST_F(ElasticIpRules, KeysHoldItsAddressItsLoadBalancerAndTheQuotaOfItsOwner) {
  put_elastic_ip("fip-0000000000", "alb-private000");
  const Object& elastic_ip = *index_.find(Kind::kElasticIp, "fip-0000000000");
  EXPECT_EQ(claimed_keys(elastic_ip), std::vector<std::string>{"address/public/203.0.113.1"});
  EXPECT_EQ(root_keys(elastic_ip), std::vector<std::string>());
  const auto uses = quota_uses(elastic_ip, LoadBalancerType::kAlb);
  ASSERT_EQ(uses.size(), 1u);
  EXPECT_EQ(uses.front().key, "quota/default/eip");
  EXPECT_EQ(uses.front().max, 10);
  Object lb = *index_.find(Kind::kLoadBalancer, "alb-private000");
  lb.spec["elasticIpId"] = elastic_ip.id;
  EXPECT_EQ(claimed_keys(lb), (std::vector<std::string>{"address/vpc-private000/10.0.1.10",
                                                        "elasticip/fip-0000000000"}));
}

}  // namespace
}  // namespace weir::model
