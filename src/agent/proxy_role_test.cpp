// A proxy as its node meets it at the other end of the socket.
#include "agent/proxy_role.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "agent/node_fixture.h"
#include "base/log.h"

namespace weir::agent {
namespace {

using namespace std::chrono_literals;

class ProxyRoleTest : public ::testing::Test, private FramePipe::User {
 protected:
  ProxyRoleTest() {
    log::configure({.level = log::Level::kError});
    FramePipe::User& self = *this;
    Result<ProxyProcess> started = ground_.proxies->start();
    pipe_ = std::make_unique<FramePipe>(*ground_.loop, std::move(started->socket), self);
    say(message_frame(message::kLocal, "n1", Json::object({{"workers", 1}})));
  }

  void say(const model::Frame& frame) {
    pipe_->send(frame);
    ground_.settle();
  }
  void say_all_of(const Batch& batch) {
    for (const model::Frame& frame : batch.frames) say(frame);
  }
  void commit() { say(signal_frame(message::kCommit, {}, objects_.version)); }
  void verdict(snapshot::HealthState state, std::uint16_t slot = 1) {
    snapshot::Verdict verdict;
    verdict.target = {"b1", "tg-1", Slot(slot)};
    verdict.state = state;
    verdict.since = "2026-01-01T00:00:00Z";
    verdict.prober = "n1";
    verdict.sequence = 1;
    say(verdict_frame(verdict));
  }
  FakeProxy& proxy() { return ground_.proxies->newest(); }
  FakeEngine& engine() { return *proxy().engine; }
  bool takes_new(std::uint16_t slot) {
    const auto& targets = engine().newest().services.at(0)->targets;
    return std::ranges::find(targets, Slot(slot), &snapshot::Target::slot)->takes_new;
  }
  std::ptrdiff_t said(std::string_view kind) const {
    return std::ranges::count(heard_, kind, &model::Frame::kind);
  }

  void pipe_frame(FramePipe&, model::Frame frame) override { heard_.push_back(std::move(frame)); }
  void pipe_idle(FramePipe&) override {}
  void pipe_closed(FramePipe&, const std::string&) override {}

  NodeGround ground_;
  SampleObjects objects_;
  std::vector<model::Frame> heard_;
  std::unique_ptr<FramePipe> pipe_;
};

TEST_F(ProxyRoleTest, NeverAppliesHalfOfABatchBecauseAVerdictCame) {
  say_all_of(objects_.full());
  commit();
  const std::size_t before = engine().applied.size();
  verdict(snapshot::HealthState::kUnhealthy);
  say(objects_.listener(8081, "l2"));
  ground_.run_for(100ms);
  verdict(snapshot::HealthState::kHealthy);
  ground_.run_for(100ms);
  EXPECT_EQ(engine().applied.size(), before);
  commit();
  EXPECT_EQ(engine().applied.size(), before + 1);
  verdict(snapshot::HealthState::kUnhealthy);
  ground_.run_for(100ms);
  EXPECT_EQ(engine().applied.size(), before + 2);
}

TEST_F(ProxyRoleTest, B12_NeverTakesTheTrafficFromTheLastTargetOfAServiceThatFailsOpen) {
  say_all_of(objects_.full());
  say(objects_.backend(true));
  commit();
  for (const std::uint16_t slot : {std::uint16_t{1}, std::uint16_t{2}}) {
    verdict(snapshot::HealthState::kHealthy, slot);
  }
  ground_.run_for(100ms);
  verdict(snapshot::HealthState::kUnhealthy, 1);
  ASSERT_EQ(engine().marks.size(), 1U) << "the other is usable";
  EXPECT_EQ(engine().marks[0].target.slot, Slot(1));
  verdict(snapshot::HealthState::kUnhealthy, 2);
  EXPECT_EQ(engine().marks.size(), 1U) << "a mark would leave a gap";
  ground_.run_for(100ms);
  EXPECT_TRUE(engine().newest().services.at(0)->is_failing_open);
  for (const auto& target : engine().newest().services.at(0)->targets) {
    EXPECT_TRUE(target.takes_new);
  }
  say(objects_.backend(false));
  commit();
  EXPECT_FALSE(engine().newest().services.at(0)->targets.at(0).takes_new);
  verdict(snapshot::HealthState::kUnhealthy, 2);
  EXPECT_EQ(engine().marks.size(), 2U);
}

TEST_F(ProxyRoleTest, B12_MarksNoTargetDownWhileTheOneThatIsBackHasNoTrafficYet) {
  for (const bool fails_open : {true, false}) {
    say_all_of(objects_.full());
    say(objects_.backend(fails_open));
    commit();
    verdict(snapshot::HealthState::kUnhealthy, 1);
    verdict(snapshot::HealthState::kHealthy, 2);
    ground_.run_for(100ms);
    const std::size_t marks = engine().marks.size();
    verdict(snapshot::HealthState::kHealthy, 1);
    verdict(snapshot::HealthState::kUnhealthy, 2);
    EXPECT_EQ(engine().marks.size(), marks) << "target 1 has no traffic yet";
    ground_.run_for(100ms);
    EXPECT_TRUE(takes_new(1));
    EXPECT_FALSE(takes_new(2));
  }
}

TEST_F(ProxyRoleTest, B12_MarksNoTargetDownWhileTheOtherIsMarkedAlthoughItIsBack) {
  for (const bool fails_open : {true, false}) {
    say_all_of(objects_.full());
    say(objects_.backend(fails_open));
    commit();
    for (const std::uint16_t slot : {std::uint16_t{1}, std::uint16_t{2}}) {
      verdict(snapshot::HealthState::kHealthy, slot);
    }
    ground_.run_for(100ms);
    const std::size_t marks = engine().marks.size();
    verdict(snapshot::HealthState::kUnhealthy, 1);
    ASSERT_EQ(engine().marks.size(), marks + 1);
    verdict(snapshot::HealthState::kHealthy, 1);
    verdict(snapshot::HealthState::kUnhealthy, 2);
    EXPECT_EQ(engine().marks.size(), marks + 1);
    ground_.run_for(100ms);
    EXPECT_TRUE(takes_new(1));
    verdict(snapshot::HealthState::kHealthy, 2);
    ground_.run_for(100ms);
    verdict(snapshot::HealthState::kUnhealthy, 2);
    EXPECT_EQ(engine().marks.size(), marks + 2) << "a Snapshot has set the marks anew";
  }
}

TEST_F(ProxyRoleTest, IsNotReadyBeforeASnapshotIsInForceAndTriesAgain) {
  engine().is_stuck = true;
  say_all_of(objects_.full());
  commit();
  ground_.run_for(500ms);
  EXPECT_EQ(said(message::kApplied), 0);
  EXPECT_EQ(said(message::kReady), 0);
  engine().is_stuck = false;
  ground_.run_for(200ms);
  EXPECT_EQ(said(message::kApplied), 1);
  EXPECT_EQ(said(message::kReady), 1);
}

TEST_F(ProxyRoleTest, EndsOnlyWhenItsNodeHasAllOfTheLastSamples) {
  say_all_of(objects_.full());
  commit();
  engine().more_samples = 20'000;  // more than a socket takes at once
  engine().is_stopped = true;
  say(message_frame(message::kRetire, {}, Json::object({{"drainSeconds", 5}})));
  ground_.run_for(100ms);
  EXPECT_TRUE(proxy().has_ended);
  ASSERT_EQ(said(message::kStats), 6);
  const Result<Json> last = parse_json(heard_.back().body, body_limits());
  EXPECT_FALSE(last->bool_or("more", true));
}

TEST_F(ProxyRoleTest, EndsAfterAWhileWhenItsNodeTakesNothing) {
  say_all_of(objects_.full());
  commit();
  engine().more_samples = 20'000;
  ground_.loop->unwatch(pipe_->fd());
  engine().is_stopped = true;
  proxy().role->retire(5s);
  ground_.settle();
  EXPECT_FALSE(proxy().has_ended);
  ground_.run_for(kLastWordsMax + 50ms);
  EXPECT_TRUE(proxy().has_ended);
}

}  // namespace
}  // namespace weir::agent
