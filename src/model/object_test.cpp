#include "model/object.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "model/keys.h"
#include "model/parts.h"
#include "model/resources.h"
#include "model/sample_world_test.h"
#include "model/subnet_addresses.h"
#include "model/text_rules.h"
#include "model/utc.h"
#include "model/validate.h"

namespace weir::model {
namespace {

TEST(StoredObject, ComesBackAsItWas) {
  const ObjectIndex index = sample_world();
  for (const Kind kind : all_kinds()) {
    for (const Object* object : index.all(kind)) {
      Object labelled = *object;
      labelled.labels = {{"team", "店"}, {"tier", ""}};
      const auto back = object_from_stored(kind, object->id, Revision(5), stored_text(labelled));
      ASSERT_TRUE(back);
      labelled.revision = Revision(5);
      EXPECT_EQ(*back, labelled);
    }
  }
}

TEST(StoredObject, WithAMemberOfANewerReleaseIsRefusedWithItsName) {
  const auto object = object_from_stored(Kind::kVpc, "vpc-x", Revision(1),
                                         R"({"owner":"default","spec":{},"sealed":true})");
  ASSERT_FALSE(object);
  EXPECT_EQ(object.error().field, "sealed");
}

TEST(StoredObject, WithAFieldOfANewerReleaseCannotBeReadAsItsKind) {
  Object object = sample(Kind::kListener, "listener-x", "x",
                         R"({"loadBalancerId":"l","protocol":"Tcp","port":1,"backendId":"b"})");
  EXPECT_TRUE(spec_of<Listener>(object));
  object.spec["mirrorTo"] = "elsewhere";
  const auto spec = spec_of<Listener>(object);
  ASSERT_FALSE(spec);
  EXPECT_EQ(spec.error().field, "spec.mirrorTo");
}

TEST(StoredObject, HoldsTenThousandRetiredSlots) {
  Json retired = Json::array();
  for (int i = 0; i < 10'000; ++i) {
    retired.push_back(Json::object({{"slot", i}, {"until", "2026-01-01T00:00:00Z"}}));
  }
  Object group = sample(Kind::kTargetGroup, "tg-x", "x", R"({"loadBalancerId":"l"})");
  group.admin["retired"] = retired;
  const auto back = object_from_stored(Kind::kTargetGroup, "tg-x", Revision(1), stored_text(group));
  ASSERT_TRUE(back);
  EXPECT_EQ(admin_of<TargetGroup>(*back)->retired.size(), 10'000u);
}

TEST(Keys, OfAListenerAreItsNameAndItsPortInTheLoadBalancer) {
  const ObjectIndex index = sample_world();
  const Object& listener = *index.find(Kind::kListener, "listener-private000");
  EXPECT_EQ(claimed_keys(listener), (std::vector<std::string>{"name/alb-private000/listener/taken",
                                                              "port/alb-private000/tcp/8080"}));
  EXPECT_EQ(root_keys(listener), std::vector<std::string>{"root/alb-private000"});
  EXPECT_EQ(quota_uses(listener, LoadBalancerType::kAlb)[0].key, "quota/alb-private000/listener");
  EXPECT_EQ(quota_uses(listener, LoadBalancerType::kDnlb)[0].max, 50);
}

TEST(Keys, OfALoadBalancerAreItsAddressAndTheRootsOfItselfAndItsVpc) {
  const ObjectIndex index = sample_world();
  const Object& lb = *index.find(Kind::kLoadBalancer, "alb-private000");
  EXPECT_EQ(claimed_keys(lb), std::vector<std::string>{"address/vpc-private000/10.0.1.10"});
  EXPECT_EQ(root_keys(lb),
            (std::vector<std::string>{"root/alb-private000", "root/vpc-private000"}));
  EXPECT_EQ(quota_uses(lb, LoadBalancerType::kAlb)[0].key, "quota/default/lb/alb");
}

TEST(Keys, OfObjectsAreReadBack) {
  Kind kind = Kind::kVpc;
  Id id;
  EXPECT_TRUE(parse_object_key(object_key(Kind::kDrain, "drain-1"), kind, id));
  EXPECT_EQ(kind, Kind::kDrain);
  EXPECT_EQ(id, "drain-1");
  EXPECT_FALSE(parse_object_key("object/unknown/x", kind, id));
  EXPECT_FALSE(parse_object_key("object/vpc/", kind, id));
  EXPECT_FALSE(parse_object_key("name/vpc/x", kind, id));
}

TEST(SubnetAddresses, KeepNetworkGatewayDhcpAndBroadcastFree) {
  const auto subnet = net::Prefix::parse("10.0.0.0/28").value();
  std::vector<std::string> given;
  const auto is_taken = [&](const net::IpAddress& address) {
    return std::ranges::find(given, address.text()) != given.end();
  };
  while (const auto address = free_address(subnet, is_taken)) given.push_back(address->text());
  EXPECT_EQ(given.size(), 12u);
  EXPECT_EQ(given.front(), "10.0.0.3");
  EXPECT_EQ(given.back(), "10.0.0.14");
}

TEST(Times, AreReadInTheStoredFormOnly) {
  EXPECT_EQ(utc_text(*parse_utc("2028-02-29T23:59:59Z")), "2028-02-29T23:59:59Z");
  for (const char* bad : {"2026-02-29T00:00:00Z", "2026-01-01 00:00:00Z", "2026-01-01T24:00:00Z",
                          "2026-01-01T00:00:00", "+026-01-01T00:00:00Z", "9999-01-01T00:00:00Z"}) {
    EXPECT_FALSE(parse_utc(bad)) << bad;
  }
}

TEST(Text, ThatIsNotUtf8IsRefusedEverywhere) {
  for (const char* bad : {"\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe4\xb8"}) {
    EXPECT_EQ(check_text(bad, TextRule::kDescription, 256), "is not valid UTF-8");
  }
  EXPECT_EQ(check_text("𠀀名_-9", TextRule::kName, 5), "");
}

TEST(Text, OfADescriptionHasAtMost256Characters) {
  std::string text;
  for (int i = 0; i < 256; ++i) text += "述";
  EXPECT_EQ(check_text(text, TextRule::kDescription, 256), "");
  EXPECT_NE(check_text(text + "x", TextRule::kDescription, 256), "");
}

TEST(Keys, EveryQuotaCanBeNamedByAConfiguration) {
  const ObjectIndex index = sample_world();
  for (const Kind kind : all_kinds()) {
    for (const Object* object : index.all(kind)) {
      for (const auto type :
           {LoadBalancerType::kAlb, LoadBalancerType::kNlb, LoadBalancerType::kDnlb}) {
        for (const QuotaUse& use : quota_uses(*object, type)) {
          EXPECT_TRUE(std::ranges::any_of(kQuotaCounters, [&](std::string_view counter) {
            return use.key.ends_with("/" + std::string(counter));
          })) << use.key;
        }
      }
    }
  }
}

const PartKind& target_kind() { return *part_kind_of(*find_description("target")); }

TEST(Parts, ShowEachTargetWithItsGroupAndSlot) {
  Object group = sample(Kind::kTargetGroup, "tg-x", "x",
                        R"({"loadBalancerId":"l","targets":[{"targetId":"target-a",
                            "ipAddress":"10.0.0.1","port":80,"weight":5}]})",
                        R"({"slots":[{"targetId":"target-a","slot":9}]})");
  EXPECT_EQ(part_bodies(target_kind(), group).at(0).dump(),
            R"({"kind":"target","id":"target-a","spec":{"targetGroupId":"tg-x",)"
            R"("targetId":"target-a","ipAddress":"10.0.0.1","port":80,"weight":5},)"
            R"("admin":{"slot":9}})");
  EXPECT_EQ(part_index(target_kind(), group, "target-a"), 0u);
  EXPECT_FALSE(part_index(target_kind(), group, "target-b"));
}

TEST(Parts, AreReadAsAChangeOfWhatWasThere) {
  const Part old{"tg-x", to_json(Target{"target-a", "", "10.0.0.1", 80, 5})};
  Part view;
  const auto read = [&](const char* body, UpdateMode mode) {
    return read_part(target_kind(), parse_json(body).value(), &old, mode, view);
  };
  EXPECT_EQ(read(R"({"spec":{"weight":7}})", UpdateMode::kMerge), Errors());
  EXPECT_EQ(view.whole, "tg-x");
  EXPECT_EQ(view.item, to_json(Target{"target-a", "", "10.0.0.1", 80, 7}));
  EXPECT_EQ(read(R"({"spec":{"weight":7}})", UpdateMode::kReplace), Errors());
  EXPECT_EQ(view.item.integer_or("port", -1), 0);
  EXPECT_EQ(read(R"({"spec":{"ipAddress":"10.0.0.2"}})", UpdateMode::kMerge).at(0).field,
            "spec.ipAddress");
  EXPECT_EQ(read(R"({"spec":{"colour":1}})", UpdateMode::kMerge).at(0).field, "spec.colour");
  EXPECT_EQ(read(R"({"spec":{"ipAddress":"host"}})", UpdateMode::kMerge).size(), 1u)
      << "a mistake has one message";
}

}  // namespace
}  // namespace weir::model
