// Availability groups as validation and the other modules see them, and the bodies of a batch.
#include "model/availability_group.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "model/group_view.h"
#include "model/instance_batch.h"
#include "model/keys.h"
#include "model/sample_world_test.h"
#include "model/validate.h"

namespace weir::model {
namespace {

class AvailabilityGroupRules : public ::testing::Test {
 protected:
  Object group() const { return *index.find(Kind::kAvailabilityGroup, sample_id("ag")); }
  /// A member of the group with this id.
  Object member(const std::string& group, const std::string& id = "i-member0000") {
    return sample(Kind::kInstance, id, "server",
                  Json::object({{"subnetId", "subnet-private000"},
                                {"az", "local-1a"},
                                {"ipAddress", "10.0.1.50"},
                                {"agId", group}}),
                  Json::object({{"ipAddress", "10.0.1.50"}, {"vpcId", "vpc-private000"}}));
  }
  Object backend(const std::string& lb, const std::string& group,
                 const std::string& id = "backend-ag00000000") {
    return sample(Kind::kBackend, id, "members",
                  Json::object({{"loadBalancerId", lb},
                                {"protocol", "Tcp"},
                                {"port", 8420},
                                {"algorithm", "RoundRobin"},
                                {"agIds", Json::array({Json(group)})},
                                {"healthCheck", Json::object({{"protocol", "Tcp"}})}}));
  }
  /// What an update of `old` by this patch of its spec answers.
  Errors patched(const Object& old, Json spec) {
    Object updated;
    Errors found =
        read_update(old, Json::object({{"spec", std::move(spec)}}), UpdateMode::kMerge, updated);
    return check_update(old, updated, sample_view(index), std::move(found));
  }
  static std::string text(const Errors& errors) {
    return errors.empty() ? "" : to_string(errors.front());
  }

  ObjectIndex index = sample_world();
};

TEST_F(AvailabilityGroupRules, ItsZonesAndKindNeverChange) {
  for (const char* change : {R"({"azs":["local-1b"]})", R"({"azs":["local-1a","local-1b"]})"}) {
    EXPECT_TRUE(text(patched(group(), parse_json(change).value())).contains("cannot be changed"));
  }
  EXPECT_EQ(text(patched(group(), Json::object({{"description", "x"}}))), "");
}

TEST_F(AvailabilityGroupRules, AnInstanceThatExistsIsNotTakenAndOneThatLeftDoesNotComeBack) {
  const Object alone = *index.find(Kind::kInstance, sample_id("instance"));
  const Errors refused = patched(alone, Json::object({{"agId", sample_id("ag")}}));
  ASSERT_EQ(refused.size(), 1U);
  EXPECT_EQ(refused.front().field, "spec.agId");
  EXPECT_TRUE(refused.front().message.contains("cannot be set on an instance that exists"));
  const Object inside = member(sample_id("ag"));
  EXPECT_EQ(text(patched(inside, Json::object({{"agId", ""}}))), "") << "it leaves";
  EXPECT_EQ(text(patched(inside, Json::object({{"agId", Json()}}))), "") << "it leaves";
  EXPECT_NE(text(patched(inside, Json::object({{"agId", sample_id("far_ag")}}))), "") << "moves";
}

TEST_F(AvailabilityGroupRules, AnUpdateThatDoesNotNameTheGroupOfAnInstanceLeavesItThere) {
  const Object inside = member(sample_id("ag"));
  Object updated;
  const Errors errors =
      read_update(inside, Json::object({{"spec", Json::object({{"description", "x"}})}}),
                  UpdateMode::kReplace, updated);
  EXPECT_TRUE(errors.empty());
  EXPECT_EQ(updated.spec.string_or("agId", ""), sample_id("ag"));
}

TEST_F(AvailabilityGroupRules, A42_WithInstancesOrBackendServicesItIsNotDeletedAndEachIsNamed) {
  EXPECT_TRUE(check_delete(group(), sample_view(index)).empty());
  index.put(member(sample_id("ag")));
  index.put(backend(sample_id("nlb"), sample_id("ag")));
  const Errors errors = check_delete(group(), sample_view(index));
  ASSERT_EQ(errors.size(), 2U);
  EXPECT_EQ(errors[0].code, ErrorCode::kConflict);
  EXPECT_TRUE(errors[0].message.contains("i-member0000")) << errors[0].message;
  EXPECT_TRUE(errors[1].message.contains("backend-ag00000000")) << errors[1].message;
}

TEST_F(AvailabilityGroupRules, IsBoundToTheVpcOfItsMembersElseOfALoadBalancerItServes) {
  EXPECT_EQ(vpc_of_group(group(), index.view()), "");
  index.put(backend(sample_id("local_alb"), sample_id("ag")));
  EXPECT_EQ(vpc_of_group(group(), index.view()), "vpc-default");
  const Errors refused = check_create(member(sample_id("ag")), sample_view(index));
  ASSERT_EQ(refused.size(), 1U) << text(refused);
  EXPECT_EQ(refused.front().field, "spec.subnetId");
}

TEST_F(AvailabilityGroupRules, AMemberDoesNotLeadTrafficOrChecksBackToTheServiceItself) {
  index.put(backend(sample_id("nlb"), sample_id("ag")));
  index.erase(Kind::kInstance, sample_id("own_instance"));
  Object own = member(sample_id("ag"));
  own.spec["ipAddress"] = "10.0.1.5";
  const Errors refused = check_create(own, sample_view(index));
  ASSERT_EQ(refused.size(), 1U) << text(refused);
  EXPECT_EQ(refused.front().field, "spec.ipAddress");
  EXPECT_TRUE(refused.front().message.contains("10.0.1.5 port 8420")) << refused.front().message;
}

TEST_F(AvailabilityGroupRules, AMemberIsNoNode) {
  WorldView view = sample_view(index);
  view.node_addresses = {net::IpAddress::parse("10.0.1.50").value()};
  const Errors refused = check_create(member(sample_id("ag")), view);
  ASSERT_EQ(refused.size(), 1U) << text(refused);
  EXPECT_TRUE(refused.front().message.contains("address of a node")) << refused.front().message;
}

TEST_F(AvailabilityGroupRules, AsManyBackendServicesNameOneAsItsLimitSays) {
  for (std::size_t i = 0; i < kAgBackendsMax; ++i) {
    const std::string id = "backend-" + std::to_string(1'000'000'000 + i);
    EXPECT_EQ(check_create(backend(sample_id("nlb"), sample_id("ag"), "new"), index.view()).size(),
              0U);
    Object one = backend(sample_id("nlb"), sample_id("ag"), id);
    one.name = "s" + std::to_string(i);
    index.put(one);
  }
  const Errors refused =
      check_create(backend(sample_id("nlb"), sample_id("ag"), "new"), index.view());
  ASSERT_EQ(refused.size(), 1U);
  EXPECT_EQ(refused.front().code, ErrorCode::kQuotaExceeded);
  EXPECT_EQ(refused.front().field, "spec.agIds[0]");
}

TEST_F(AvailabilityGroupRules, M25_AGroupOfOneKindGivenAloneTakesThePlaceOfTheOther) {
  const Object old = backend(sample_id("nlb"), sample_id("ag"));
  const auto groups_after = [&](Json spec, UpdateMode mode) {
    Object updated;
    EXPECT_TRUE(read_update(old, Json::object({{"spec", std::move(spec)}}), mode, updated).empty());
    return group_ids(updated);
  };
  const Json target_group = Json::array({Json("tg-1")});
  EXPECT_EQ(groups_after(Json::object({{"targetGroupIds", target_group}}), UpdateMode::kMerge),
            std::vector<Id>{"tg-1"});
  EXPECT_EQ(groups_after(Json::object({{"description", "x"}}), UpdateMode::kMerge),
            std::vector<Id>{sample_id("ag")});
  EXPECT_EQ(groups_after(Json::object({{"targetGroupIds", Json::array()}}), UpdateMode::kMerge),
            std::vector<Id>{sample_id("ag")})
      << "an empty list takes nobody's place";
  EXPECT_EQ(groups_after(Json::object({{"agIds", Json::array()}}), UpdateMode::kMerge),
            std::vector<Id>());
}

TEST_F(AvailabilityGroupRules, M79_ItsTargetsAreItsMembersWithEqualWeightAndNoPortOfTheirOwn) {
  const Object group = *index.find(Kind::kAvailabilityGroup, sample_id("own_ag"));
  const auto targets = targets_of(group);
  ASSERT_EQ(targets.size(), 1U);
  EXPECT_EQ(targets[0].target_id, sample_id("own_instance"));
  EXPECT_EQ(targets[0].instance_id, sample_id("own_instance"));
  EXPECT_EQ(targets[0].weight, 10);
  EXPECT_EQ(targets[0].port, 0);
  EXPECT_EQ(instances_of(group), std::vector<Id>{sample_id("own_instance")});
}

TEST_F(AvailabilityGroupRules, WritesOfItsMembersItsServicesAndItsTableMoveItsRoot) {
  const auto has = [](const std::vector<std::string>& keys, const std::string& key) {
    return std::ranges::find(keys, key) != keys.end();
  };
  const std::string root = root_key(sample_id("ag"));
  EXPECT_EQ(root_keys(group()), std::vector<std::string>{root});
  EXPECT_TRUE(has(root_keys(member(sample_id("ag"))), root));
  EXPECT_TRUE(has(root_keys(backend(sample_id("nlb"), sample_id("ag"))), root));
  EXPECT_FALSE(has(root_keys(member("")), root));
  Object table;
  table.kind = Kind::kTable;
  table.spec = Json::object({{"groupId", sample_id("ag")}});
  EXPECT_EQ(root_keys(table), std::vector<std::string>{root});
}

TEST(InstanceBatch, CountsTheNumberInTheNameAndTheAddressUp) {
  const Json body =
      parse_json(R"({"name":"web-[008].a","labels":{"k":"v"},"spec":{"ipAddress":"10.0.0.254"}})")
          .value();
  const std::vector<Json> bodies = {instance_body(body, 0), instance_body(body, 1),
                                    instance_body(body, 2)};
  EXPECT_EQ(bodies[0].dump(),
            R"({"name":"web-008.a","labels":{"k":"v"},"spec":{"ipAddress":"10.0.0.254"}})");
  EXPECT_EQ(bodies[1].string_or("name", ""), "web-009.a");
  EXPECT_EQ(bodies[1].find("spec")->string_or("ipAddress", ""), "10.0.0.255");
  EXPECT_EQ(bodies[2].string_or("name", ""), "web-010.a");
  EXPECT_EQ(bodies[2].find("spec")->string_or("ipAddress", ""), "10.0.1.0");
}

TEST(InstanceBatch, LeavesWhatHasNoNumberAndWhatItCannotReadToValidation) {
  for (const char* name : {"web", "[1]web", "web[]", "web[x]", "web[12345]", "web]1[", "web[-1]"}) {
    const Json body = Json::object({{"name", name}, {"spec", Json::object({{"ipAddress", 7}})}});
    for (const std::size_t place : {0U, 1U}) EXPECT_EQ(instance_body(body, place), body) << name;
  }
  EXPECT_EQ(instance_body(Json::array(), 1), Json::array());
  EXPECT_EQ(instance_body(Json::object({{"spec", 1}}), 0).dump(), R"({"spec":1})");
}

}  // namespace
}  // namespace weir::model
