// What writes at the size of the quotas make: few drain records, transactions that the store takes.
#include "api/drain_records.h"

#include <gtest/gtest.h>

#include <set>

#include "api/api_fixture.h"
#include "api/kind_hooks.h"
#include "api/write_plan.h"
#include "model/registry.h"
#include "model/resources.h"

namespace weir::api {
namespace {

using model::Kind;
using model::Object;

/// A load balancer with a group "tg-1" of targets, shared by backend services "b0", "b1", ...
class DrainRecords : public ::testing::Test {
 protected:
  void make(const std::string& type, int targets, int services) {
    add(Kind::kLoadBalancer, "lb-1",
        Json::object({{"type", type}, {"subnetId", "s"}, {"azs", Json::array()}}));
    model::TargetGroup group;
    group.load_balancer_id = "lb-1";
    model::TargetGroupAdmin admin;
    for (int i = 0; i < targets; ++i) {
      model::Target target;
      target.target_id = "target-012345678" + std::to_string(i);
      target.ip_address = "10.100." + std::to_string(100 + i / 250) + "." + std::to_string(i % 250);
      target.port = 65535;
      group.targets.push_back(target);
      admin.slots.push_back({target.target_id, static_cast<std::uint16_t>(60'000 + i)});
    }
    add(Kind::kTargetGroup, "tg-1", model::to_json(group), model::to_json(admin));
    for (int i = 0; i < services; ++i) add_service(i, Json::array({Json("tg-1")}));
  }
  void add_service(int number, Json groups) {
    add(Kind::kBackend, "backend-012345678" + std::to_string(number),
        Json::object({{"loadBalancerId", "lb-1"},
                      {"protocol", "Tcp"},
                      {"port", 65535},
                      {"algorithm", "RoundRobin"},
                      {"targetGroupIds", std::move(groups)},
                      {"connectionDrainingSeconds", seconds_ + (is_each_other_ ? number : 0)},
                      {"healthCheck", Json::object({{"protocol", "Tcp"}})}}));
  }
  void add(Kind kind, const std::string& id, Json spec, Json admin = Json::object()) {
    Object object;
    object.kind = kind;
    object.id = id;
    object.owner = "default";
    object.revision = Revision(1);
    object.spec = std::move(spec);
    object.admin = std::move(admin);
    index_.put(object);
  }
  const Object& group() { return *index_.find(Kind::kTargetGroup, "tg-1"); }
  const Object& service(int number) {
    return *index_.find(Kind::kBackend, "backend-012345678" + std::to_string(number));
  }
  SideEffects update(const Object& old, const Object& updated) {
    SideEffects effects;
    Object changed = updated;
    const ObservedView observed;
    const HookContext context{index_, taken_, presence_, now_, observed};
    const Errors errors = complete_update(old, changed, context, effects);
    EXPECT_TRUE(errors.empty()) << to_string(errors.front());
    WritePlan plan({{"root/lb-1", Revision(1)}});
    plan.update(old, changed);
    for (const Object& other : effects.created) {
      plan.create(other, model::LoadBalancerType::kNlb, {});
    }
    for (const auto& other : effects.updated) plan.update(other.old, other.updated);
    for (const Object& other : effects.removed) plan.remove(other, model::LoadBalancerType::kNlb);
    measure(plan.take({}));
    return effects;
  }
  void measure(const store::Transaction& transaction) {
    std::set<std::string> keys;
    bytes_ = 0;
    for (const auto& one : transaction.expectations) keys.insert(one.key);
    for (const auto& one : transaction.counters) keys.insert(one.key);
    for (const auto& one : transaction.writes) {
      keys.insert(one.key);
      bytes_ += one.key.size() + (one.value ? one.value->size() : 0);
    }
    keys_ = keys.size();
  }
  SideEffects replace_group(int number) {
    Object updated = service(number);
    updated.spec["targetGroupIds"] = Json::array();
    return update(service(number), updated);
  }
  SideEffects remove_targets(std::size_t count) {
    auto spec = model::from_json<model::TargetGroup>(group().spec, "spec").value;
    spec.targets.erase(spec.targets.begin(), spec.targets.begin() + static_cast<long>(count));
    Object updated = group();
    updated.spec = model::to_json(spec);
    return update(group(), updated);
  }
  static std::size_t targets_of(const Object& record) {
    return model::from_json<model::Drain>(record.spec, "spec").value.targets.size();
  }

  int seconds_ = 300;
  bool is_each_other_ = false;  // services have other times each
  model::ObjectIndex index_;
  std::set<std::string> taken_;
  std::function<Presence(const std::string&)> presence_ = [](const auto&) { return Presence{}; };
  WallTime now_ = WallTime{} + std::chrono::hours(1000);
  std::size_t keys_ = 0;
  std::size_t bytes_ = 0;
};

TEST_F(DrainRecords, M41_AThousandTargetsAreReplacedInOneCall) {
  make("dnlb", 1000, 1);
  const SideEffects effects = replace_group(0);
  ASSERT_EQ(effects.created.size(), 1U);
  EXPECT_EQ(targets_of(effects.created[0]), 1000U);
  EXPECT_TRUE(model::from_json<model::Drain>(effects.created[0].spec, "spec").errors.empty());
  EXPECT_EQ(keys_, 3U) << "the service, the record, the root";
}

TEST_F(DrainRecords, M41_AThousandTargetsLeaveFiftyServicesInOneCall) {
  make("dnlb", 1000, 50);
  const SideEffects effects = remove_targets(1000);
  ASSERT_EQ(effects.created.size(), 1U);
  EXPECT_EQ(effects.created[0].spec.find("services")->as_array().size(), 50U);
  EXPECT_EQ(keys_, 3U);
  EXPECT_LT(bytes_, store::kTransactionBytesMax / 2);
}

TEST_F(DrainRecords, M41_EachTimeHasOneRecordAndAllFitOneCall) {
  is_each_other_ = true;
  make("nlb", 100, 50);
  const SideEffects effects = remove_targets(100);
  EXPECT_EQ(effects.created.size(), 50U);
  EXPECT_EQ(keys_, 52U);
  // Beside them the group may hold its retired slots, under half of the transaction.
  EXPECT_LT(bytes_, store::kTransactionBytesMax / 2);
}

TEST_F(DrainRecords, M41_TenTargetsOfAGroupThatManyServicesShareMakeOneRecord) {
  for (const int services : {20, 50}) {
    index_ = {};
    make("dnlb", 600, services);
    const SideEffects effects = remove_targets(10);
    ASSERT_EQ(effects.created.size(), 1U);
    EXPECT_EQ(targets_of(effects.created[0]), 10U);
    EXPECT_EQ(keys_, 3U);
  }
}

TEST_F(DrainRecords, M41_AGroupThatComesBackTakesItsTargetsOutOfTheRecord) {
  make("nlb", 3, 2);
  const SideEffects detached = replace_group(0);
  Object record = detached.created.at(0);
  record.revision = Revision(2);
  index_.put(record);
  Object back = service(0);
  Object without = back;
  without.spec["targetGroupIds"] = Json::array();
  index_.put(without);
  // One of its targets has left the group since: it drains on.
  auto spec = model::from_json<model::TargetGroup>(group().spec, "spec").value;
  auto admin = model::from_json<model::TargetGroupAdmin>(group().admin, "admin").value;
  const std::string gone = spec.targets.back().target_id;
  spec.targets.pop_back();
  admin.slots.pop_back();
  add(Kind::kTargetGroup, "tg-1", model::to_json(spec), model::to_json(admin));
  const SideEffects effects = update(without, back);
  ASSERT_EQ(effects.updated.size(), 1U);
  const auto left =
      model::from_json<model::Drain>(effects.updated[0].updated.spec, "spec").value.targets;
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].target_id, gone);
  EXPECT_TRUE(effects.removed.empty());
}

TEST_F(DrainRecords, M41_ARecordGoesWhenAllItsTargetsComeBack) {
  make("nlb", 3, 2);
  Object record = replace_group(0).created.at(0);
  record.revision = Revision(2);
  index_.put(record);
  const Object back = service(0);
  Object without = back;
  without.spec["targetGroupIds"] = Json::array();
  index_.put(without);
  const SideEffects effects = update(without, back);
  ASSERT_EQ(effects.removed.size(), 1U);
  EXPECT_TRUE(effects.created.empty());
}

class DrainCalls : public ApiTest {
 protected:
  Json targets(int first, int count) const {
    Json list = Json::array();
    for (int i = first; i < first + count; ++i) {
      list.push_back(Json::object(
          {{"ipAddress", "127.1." + std::to_string(i / 250) + "." + std::to_string(1 + i % 250)},
           {"port", 80}}));
    }
    return list;
  }
};

TEST_F(DrainCalls, M41_TheStoreTakesHalfOfAFullGroupAndThenTheRest) {
  const std::string lb = make_lb("d", "dnlb").id();
  const std::string tg = make_tg(lb).id();
  const auto set = [&](int first, int count) {
    return api->patch_spec("tg/" + tg, Json::object({{"targets", targets(first, count)}})).status;
  };
  ASSERT_EQ(set(0, 1000), 200);
  Json spec = backend_spec(lb, tg, "Tcp");
  const std::string backend = api->create("backend", "b", spec).id();
  EXPECT_EQ(set(500, 500), 200) << "500 are deregistered";
  const Json none = Json::object({{"targetGroupIds", Json::array()}});
  EXPECT_EQ(set(0, 1000), 200);
  EXPECT_EQ(api->patch_spec("backend/" + backend, none).status, 200) << "1000 are detached";
}

}  // namespace
}  // namespace weir::api
