#include "model/slots.h"

#include <gtest/gtest.h>

#include <set>

#include "model/registry.h"
#include "testing/virtual_clock.h"

namespace weir::model {
namespace {

using std::chrono::seconds;

Target target(std::string id, std::string address, std::uint16_t port = 0) {
  return {.target_id = std::move(id), .ip_address = std::move(address), .port = port, .weight = 10};
}

/// A group under random changes, with what may still name each slot written down beside it.
class ChangingGroup {
 public:
  explicit ChangingGroup(std::uint64_t seed) : random_(seed) {}

  void step() {
    clock_.advance(seconds(random_.below(900)));
    remove_some();
    add_some();
    const auto after = assign_slots(admin_, targets_, clock_.wall_now(), deadlines_);
    ASSERT_TRUE(after) << to_string(after.error());
    check_nobody_moved(*after);
    check_no_slot_is_given_too_early(*after);
    admin_ = *after;
  }

 private:
  void remove_some() {
    deadlines_.clear();
    std::erase_if(targets_, [&](const Target& one) {
      if (random_.below(4) != 0) return false;
      WallTime until = clock_.wall_now() + kFlowLifetime;
      if (random_.below(3) == 0) {
        deadlines_[one.target_id] = clock_.wall_now() + seconds(random_.below(7200));
        until = std::max(until, deadlines_[one.target_id]);
      }
      named_until_[slot_of(admin_, one.target_id)->value] = until;
      return true;
    });
  }

  void add_some() {
    for (std::uint64_t n = random_.below(8); n > 0; --n) {
      targets_.push_back(target(new_target_id(random_), "10.0.0.1"));
    }
  }

  void check_nobody_moved(const TargetGroupAdmin& after) {
    ASSERT_EQ(after.slots.size(), targets_.size());
    for (const Target& one : targets_) {
      const auto before = slot_of(admin_, one.target_id);
      ASSERT_TRUE(slot_of(after, one.target_id));
      if (before) EXPECT_EQ(*before, *slot_of(after, one.target_id)) << "a slot moved";
    }
  }

  void check_no_slot_is_given_too_early(const TargetGroupAdmin& after) {
    std::set<std::uint16_t> taken;
    for (const TargetSlot& entry : after.slots) {
      EXPECT_TRUE(taken.insert(entry.slot).second) << "slot " << entry.slot << " given twice";
      const auto named = named_until_.find(entry.slot);
      if (named == named_until_.end()) continue;
      EXPECT_LE(named->second, clock_.wall_now()) << "slot " << entry.slot << " given too early";
      named_until_.erase(named);
    }
  }

  Random random_;
  weir::testing::VirtualClock clock_;
  std::vector<Target> targets_;
  TargetGroupAdmin admin_;
  std::map<std::string, WallTime> deadlines_;
  std::map<std::uint16_t, WallTime> named_until_;
};

TEST(Slots, NeverMoveAndAreNeverGivenWhileSomethingCanNameThem) {
  const std::uint64_t seed = Random().next();
  SCOPED_TRACE("seed " + std::to_string(seed));
  for (std::uint64_t group = 0; group < 20; ++group) {
    ChangingGroup changing(seed + group);
    for (int step = 0; step < 100 && !HasFatalFailure(); ++step) changing.step();
  }
}

TEST(Slots, AreUsedAgainOnceTheFlowLifetimeIsOver) {
  weir::testing::VirtualClock clock;
  TargetGroupAdmin admin{.slots = {}, .next_slot = 65'535, .retired = {}, .vpc_id = {}};
  admin = assign_slots(admin, {target("a", "10.0.0.1")}, clock.wall_now()).value();
  EXPECT_EQ(slot_of(admin, "a"), Slot(65'535));
  admin = assign_slots(admin, {}, clock.wall_now()).value();
  admin.next_slot = 65'535;
  clock.advance(seconds(3600));
  EXPECT_EQ(slot_of(assign_slots(admin, {target("b", "10.0.0.2")}, clock.wall_now()).value(), "b"),
            Slot(0));
  clock.advance(seconds(1));
  EXPECT_EQ(slot_of(assign_slots(admin, {target("b", "10.0.0.2")}, clock.wall_now()).value(), "b"),
            Slot(65'535));
}

TEST(Slots, OfADrainingTargetStayTakenUntilItsDeadline) {
  weir::testing::VirtualClock clock;
  TargetGroupAdmin admin = assign_slots({}, {target("a", "10.0.0.1")}, clock.wall_now()).value();
  admin =
      assign_slots(admin, {}, clock.wall_now(), {{"a", clock.wall_now() + seconds(7000)}}).value();
  admin.next_slot = 0;
  clock.advance(seconds(6999));
  EXPECT_EQ(slot_of(assign_slots(admin, {target("b", "10.0.0.2")}, clock.wall_now()).value(), "b"),
            Slot(1));
}

TEST(Slots, RunOutWithAnErrorAndNotByGivingOneTwice) {
  weir::testing::VirtualClock clock;
  TargetGroupAdmin admin;
  Errors errors;
  for (int round = 0; round < 12 && errors.empty(); ++round) {
    std::vector<Target> targets;
    for (int i = 0; i < 1000; ++i) {
      targets.push_back(target(std::to_string(round) + "-" + std::to_string(i), "10.0.0.1"));
    }
    auto after = assign_slots(admin, targets, clock.wall_now());
    if (after) admin = *std::move(after);
    if (!after) errors.push_back(after.error());
  }
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].code, ErrorCode::kQuotaExceeded);
}

TEST(TargetIds, FollowTheAddressAndPortOfATargetThatIsNamedWithoutId) {
  Random random(1);
  TargetGroup old;
  old.targets = {target("target-a", "10.0.0.1", 80), target("target-b", "10.0.0.2")};
  TargetGroup updated;
  updated.targets = {target("", "10.0.0.2"), target("target-foreign", "10.0.0.3"),
                     target("target-a", "10.0.0.1", 81)};
  assign_target_ids(&old, updated, random);
  EXPECT_EQ(updated.targets[0].target_id, "target-b");
  EXPECT_TRUE(updated.targets[1].target_id.starts_with("target-"));
  EXPECT_NE(updated.targets[1].target_id, "target-foreign");
  EXPECT_EQ(updated.targets[2].target_id, "target-a");
}

TEST(TargetIds, AreNeverGivenTwice) {
  Random random(1);
  TargetGroup old;
  old.targets = {target("target-a", "10.0.0.1")};
  TargetGroup updated;
  updated.targets = {target("target-a", "10.0.0.9"), target("target-a", "10.0.0.8"),
                     target("", "10.0.0.1")};
  assign_target_ids(&old, updated, random);
  std::set<std::string> ids;
  for (const Target& one : updated.targets) ids.insert(one.target_id);
  EXPECT_EQ(ids.size(), 3u);
  EXPECT_FALSE(ids.contains(""));
}

}  // namespace
}  // namespace weir::model
