// What every Engine promises, as a typed suite: `Harness` has an `Engine& engine()` that is fresh
// per test. No traffic runs here; what flows see is asserted by the conformance suite. Thread: the
// test's.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "dataplane/engine.h"

namespace weir::dataplane {

template <class Harness>
class EngineContract : public ::testing::Test {
 protected:
  static snapshot::Target target(std::uint16_t slot, int weight) {
    snapshot::Target made;
    made.id = "target-" + std::to_string(slot);
    made.slot = Slot(slot);
    made.endpoint = *net::Endpoint::parse("127.0.0.1:9");
    made.weight = weight;
    made.takes_new = weight > 0;
    if (weight == 0) made.excluded = "weight 0";
    return made;
  }
  /// A TCP listener "front" over a service "web" with targets of weight 3, 1 and 0 in slots 1 to 3.
  static std::unique_ptr<snapshot::Snapshot> snapshot(std::uint64_t revision) {
    auto service = std::make_shared<snapshot::Service>();
    service->id = "web";
    service->group_id = "group";
    service->targets = {target(1, 3), target(2, 1), target(3, 0)};
    auto listener = std::make_shared<snapshot::Listener>();
    listener->id = "front";
    listener->endpoint = *net::Endpoint::parse("127.0.0.1:8");
    listener->route.push_back({service, 1});
    auto made = std::make_unique<snapshot::Snapshot>();
    made->version = Version{Epoch(1), Revision(revision)};
    made->services = {service};
    made->listeners = {listener};
    return made;
  }
  static snapshot::TargetKey key(std::uint16_t slot) { return {"web", "group", Slot(slot)}; }
  Engine& engine() { return harness_.engine(); }
  double share(std::size_t index) {
    const auto explained = engine().explain({"front", {}});
    return explained.ok() && index < explained->targets.size() ? explained->targets[index].share
                                                               : -1;
  }

 private:
  Harness harness_;
};

TYPED_TEST_SUITE_P(EngineContract);

TYPED_TEST_P(EngineContract, AppliesSnapshotsAndNamesTheVersionInForce) {
  for (const std::uint64_t revision : {5U, 6U, 6U, 9U}) {
    const auto applied = this->engine().apply(this->snapshot(revision));
    ASSERT_TRUE(applied.ok());
    EXPECT_EQ(applied->version, (Version{Epoch(1), Revision(revision)}));
  }
}

TYPED_TEST_P(EngineContract, RefusesANullSnapshot) {
  const auto applied = this->engine().apply(nullptr);
  ASSERT_FALSE(applied.ok());
  EXPECT_EQ(applied.error().code, ErrorCode::kInvalidArgument);
}

TYPED_TEST_P(EngineContract, ExplainsSharesByWeightAndNamesWhatExcludesATarget) {
  ASSERT_TRUE(this->engine().apply(this->snapshot(1)).ok());
  const auto explained = this->engine().explain({"front", {}});
  ASSERT_TRUE(explained.ok());
  ASSERT_EQ(explained->targets.size(), 3U);
  EXPECT_DOUBLE_EQ(this->share(0), 0.75);
  EXPECT_DOUBLE_EQ(this->share(1), 0.25);
  EXPECT_EQ(explained->targets[2].excluded, "weight 0");
  EXPECT_EQ(explained->targets[1].slot, Slot(2));
}

TYPED_TEST_P(EngineContract, KnowsNoListenerThatTheSnapshotDoesNotName) {
  EXPECT_EQ(this->engine().explain({"front", {}}).error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(this->engine().apply(this->snapshot(1)).ok());
  EXPECT_EQ(this->engine().explain({"nobody", {}}).error().code, ErrorCode::kNotFound);
}

TYPED_TEST_P(EngineContract, AMarkTakesATargetOutAndTheNextSnapshotSaysAgain) {
  ASSERT_TRUE(this->engine().apply(this->snapshot(1)).ok());
  const HealthMark down{this->key(1), false, true};
  this->engine().mark({&down, 1});
  EXPECT_DOUBLE_EQ(this->share(1), 1);
  ASSERT_TRUE(this->engine().apply(this->snapshot(2)).ok());
  EXPECT_DOUBLE_EQ(this->share(0), 0.75);
}

TYPED_TEST_P(EngineContract, IgnoresMarksOfTargetsItDoesNotKnow) {
  const HealthMark stranger{{"nobody", "nothing", Slot(7)}, false, false};
  this->engine().mark({&stranger, 1});
  ASSERT_TRUE(this->engine().apply(this->snapshot(1)).ok());
  this->engine().mark({&stranger, 1});
  EXPECT_DOUBLE_EQ(this->share(0), 0.75);
}

TYPED_TEST_P(EngineContract, ReportsProgressForEachDrainRecord) {
  auto made = this->snapshot(1);
  EXPECT_TRUE(this->engine().progress().empty());
  made->drains.push_back(
      std::make_shared<const snapshot::Drain>(snapshot::Drain{.id = "drain-1",
                                                              .group_id = "group",
                                                              .services = {"web"},
                                                              .slots = {Slot(4)},
                                                              .time = std::chrono::seconds(300),
                                                              .deadline = WallTime::max()}));
  ASSERT_TRUE(this->engine().apply(std::move(made)).ok());
  ASSERT_EQ(this->engine().progress().size(), 1U);
  EXPECT_EQ(this->engine().progress().front().record, "drain-1");
  EXPECT_EQ(this->engine().progress().front().connections, 0U);
}

TYPED_TEST_P(EngineContract, DeliversSamplesWithAValueForEachLabel) {
  ASSERT_TRUE(this->engine().apply(this->snapshot(1)).ok());
  std::vector<Sample> samples;
  this->engine().stats(samples);
  EXPECT_FALSE(samples.empty());
  for (const Sample& sample : samples) {
    EXPECT_EQ(sample.labels.size(), describe(sample.metric).labels.size())
        << describe(sample.metric).name;
  }
}

TYPED_TEST_P(EngineContract, SaysWhatItIsAndStopsMoreThanOnce) {
  EXPECT_FALSE(this->engine().capabilities().name.empty());
  this->engine().stop(SystemClock().now());
  this->engine().stop(SystemClock().now());
}

REGISTER_TYPED_TEST_SUITE_P(EngineContract, AppliesSnapshotsAndNamesTheVersionInForce,
                            RefusesANullSnapshot, ExplainsSharesByWeightAndNamesWhatExcludesATarget,
                            KnowsNoListenerThatTheSnapshotDoesNotName,
                            AMarkTakesATargetOutAndTheNextSnapshotSaysAgain,
                            IgnoresMarksOfTargetsItDoesNotKnow, ReportsProgressForEachDrainRecord,
                            DeliversSamplesWithAValueForEachLabel,
                            SaysWhatItIsAndStopsMoreThanOnce);

}  // namespace weir::dataplane
