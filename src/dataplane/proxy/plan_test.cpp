// What a plan makes anew, counted: that follows the change, whatever else the Snapshot has.
#include "dataplane/proxy/plan.h"

#include <gtest/gtest.h>

namespace weir::dataplane::proxy {
namespace {

class PlanTest : public ::testing::Test {
 protected:
  static constexpr std::uint16_t kServices = 300;

  void SetUp() override {
    for (std::uint16_t i = 0; i < kServices; ++i) {
      snapshot::Service service{.id = "b" + std::to_string(1000 + i), .group_id = "tg-1"};
      service.targets.push_back({.id = "t-1",
                                 .slot = Slot(i),
                                 .endpoint = {net::IpAddress::v4(0x0a000000U + i), 80},
                                 .takes_new = true,
                                 .excluded = ""});
      services_.push_back(std::make_shared<const snapshot::Service>(std::move(service)));
      listeners_.push_back(listener_to(services_.back()));
    }
    plan_now();
  }
  static std::shared_ptr<const snapshot::Listener> listener_to(
      const std::shared_ptr<const snapshot::Service>& service) {
    snapshot::Listener listener{.id = "l" + service->id};
    listener.route.push_back({.service = service});
    return std::make_shared<const snapshot::Listener>(std::move(listener));
  }
  void plan_now() {
    auto snapshot = std::make_shared<snapshot::Snapshot>();
    snapshot->services = services_;
    snapshot->listeners = listeners_;
    plan_ = planner_.plan(std::move(snapshot), plan_.get());
  }
  /// Services and listeners made by the next plan.
  std::pair<std::size_t, std::size_t> made() {
    const Planner::Work before = planner_.work();
    plan_now();
    return {planner_.work().services_made - before.services_made,
            planner_.work().listeners_made - before.listeners_made};
  }
  using Made = std::pair<std::size_t, std::size_t>;

  Planner planner_{1};
  PlanPtr plan_;
  std::vector<std::shared_ptr<const snapshot::Service>> services_;
  std::vector<std::shared_ptr<const snapshot::Listener>> listeners_;
};

TEST_F(PlanTest, MakesOnlyWhatHasChanged) {
  EXPECT_EQ(made(), Made(0, 0));
  snapshot::Service changed = *services_[7];
  changed.targets[0].weight = 3;
  services_[7] = std::make_shared<const snapshot::Service>(changed);
  listeners_[7] = listener_to(services_[7]);
  EXPECT_EQ(made(), Made(1, 1));
  EXPECT_EQ(plan_->listeners[7]->route[0]->service, services_[7]);
  services_.erase(services_.begin());
  listeners_.erase(listeners_.begin());
  EXPECT_EQ(made(), Made(0, 0));
}

TEST_F(PlanTest, AMarkBesideTheSnapshotEndsWithTheNextOne) {
  const snapshot::TargetKey key{services_[5]->id, "tg-1", Slot(5)};
  const TargetStatePtr target = planner_.targets(key).at(0);
  target->set_marks(false, true);
  planner_.note_mark(key);
  EXPECT_EQ(made(), Made(0, 0));
  EXPECT_TRUE(target->takes_new());
}

TEST_F(PlanTest, WhatLeftIsForgottenOnceNobodyHoldsIt) {
  TargetStatePtr held = plan_->services[0]->targets[0];
  services_.erase(services_.begin(), services_.begin() + 2);
  listeners_.erase(listeners_.begin(), listeners_.begin() + 2);
  plan_now();  // The plan before holds them until here.
  plan_now();
  EXPECT_EQ(planner_.all_targets().size(), kServices - 1U);
  EXPECT_EQ(planner_.all_listeners().size(), kServices - 2U);
  held.reset();
  plan_now();
  EXPECT_EQ(planner_.all_targets().size(), kServices - 2U);
}

TEST_F(PlanTest, WhatComesBackKeepsItsState) {
  const auto services = services_;
  const auto listeners = listeners_;
  const TargetStatePtr held = plan_->services[0]->targets[0];
  services_.clear();
  listeners_.clear();
  plan_now();
  services_ = services;
  listeners_ = listeners;
  plan_now();
  plan_now();
  EXPECT_EQ(plan_->services[0]->targets[0], held);
  EXPECT_EQ(planner_.all_targets().size(), std::size_t{kServices});
}

}  // namespace
}  // namespace weir::dataplane::proxy
