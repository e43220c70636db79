#include "agent/agent.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <set>

#include "agent/node_fixture.h"
#include "base/log.h"

namespace weir::agent {
namespace {

using namespace std::chrono_literals;

std::set<std::uint64_t> cookies(const std::vector<UniqueFd>& sockets) {
  std::set<std::uint64_t> all;
  for (const UniqueFd& socket : sockets) {
    std::uint64_t cookie = 0;
    socklen_t size = sizeof cookie;
    EXPECT_EQ(getsockopt(socket.get(), SOL_SOCKET, SO_COOKIE, &cookie, &size), 0);
    all.insert(cookie);
  }
  return all;
}

int count_of(const std::string& text, std::string_view part) {
  int found = 0;
  for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++found;
  return found;
}

class AgentTest : public ::testing::Test {
 protected:
  void SetUp() override {
    weir::log::configure({.level = weir::log::Level::kError});
    restart();
  }

  /// The node dies without a word; its proxies live on unless they are told to crash.
  void kill_node() { node_.reset(); }
  void restart() {
    kill_node();
    ground_.settle();
    node_ = std::make_unique<FakeNode>(ground_);
    node_->start();
  }
  FakeProxies& proxies() { return *ground_.proxies; }
  FakeEngine& engine() { return node_->engine(); }
  const ListenSockets::Entry& sockets() {
    return node_->agent->sockets().entries().at(objects_.endpoint());
  }
  Json listener_report() {
    const Json report = node_->report();
    const auto& listeners = report.find("listeners")->as_array();
    return listeners.empty() ? Json() : listeners.front();
  }
  /// The replica's promise is judged without any proxy that remembers.
  void crash_everything() {
    kill_node();
    for (std::size_t i = 0; i < proxies().count(); ++i) proxies().crash(i);
  }

  NodeGround ground_;
  SampleObjects objects_;
  std::unique_ptr<FakeNode> node_;
};

TEST_F(AgentTest, GivesItsProxySocketsAndASnapshotOfWhatControlSent) {
  node_->take(objects_.full());
  EXPECT_EQ(engine().newest().version, objects_.version);
  ASSERT_EQ(engine().newest().listeners.size(), 1U);
  ASSERT_TRUE(engine().sockets.contains(objects_.endpoint()));
  EXPECT_EQ(engine().sockets.at(objects_.endpoint()).size(), 2U) << "one per worker";
  EXPECT_TRUE(net::tcp_connect(objects_.endpoint(), std::nullopt).ok());
}

TEST_F(AgentTest, TellsControlWhatIsAppliedAndServed) {
  node_->take(objects_.full());
  const Json report = node_->report();
  EXPECT_EQ(report.find("applied")->integer_or("revision", 0),
            static_cast<std::int64_t>(objects_.version.revision.value));
  EXPECT_TRUE(report.find("errors")->as_array().empty());
  EXPECT_EQ(listener_report().string_or("state", ""), "serving");
  EXPECT_EQ(listener_report().string_or("datapath", ""), "proxy");
  EXPECT_EQ(report.find("addresses")->as_array().at(0).string_or("state", ""), "held");
}

TEST_F(AgentTest, M73_ChecksOfADnlbLeaveFromTheirOwnAddressAndTheReportSaysWhereTheyCannot) {
  model::LoadBalancer lb;
  lb.type = model::LoadBalancerType::kDnlb;
  lb.subnet_id = "subnet-1";
  model::LoadBalancerAdmin admin;
  admin.vip = objects_.vip;
  for (const char* text : {"127.0.0.110", "192.0.2.77"}) {  // The second is of another machine.
    const auto address = *net::IpAddress::parse(text);
    const bool has_it = address.is_loopback();
    crash_everything();
    ground_.settle();
    node_ = std::make_unique<FakeNode>(ground_, std::vector<Binding>(), AddressCalls(), address);
    node_->start();
    node_->take(objects_.full());
    node_->take(objects_.delta({objects_.frame("alb-1", lb, admin)}));
    ground_.run_for(1s);
    ASSERT_FALSE(node_->tcp.attempts().empty());
    const auto& source = node_->tcp.attempts().back().target.source;
    EXPECT_EQ(source, has_it ? std::optional(address) : std::nullopt);
    const Json report = node_->report();
    const Json& held = report.find("addresses")->as_array().at(0);
    EXPECT_EQ(held.string_or("state", ""), "held");
    EXPECT_EQ(held.string_or("detail", "").contains("192.0.2.77"), !has_it);
  }
}

TEST_F(AgentTest, StartsFromItsReplicaWithNoControlInReach) {
  node_->take(objects_.full());
  crash_everything();
  restart();
  EXPECT_EQ(node_->agent->version(), objects_.version);
  ASSERT_EQ(engine().newest().listeners.size(), 1U);
  EXPECT_EQ(engine().newest().version, objects_.version);
}

TEST_F(AgentTest, KeepsVerdictsOverARestartSoThatTrafficFlowsBeforeTheFirstProbe) {
  node_->take(objects_.full());
  ground_.run_for(3s);
  crash_everything();
  node_ = std::make_unique<FakeNode>(ground_);
  for (const int number : {1, 2}) {
    node_->tcp.set(objects_.target_endpoint(number), {.outcome = {}, .takes = 1h});
  }
  node_->start();
  const auto& targets = engine().applied.front()->services.at(0)->targets;
  EXPECT_TRUE(std::ranges::all_of(targets, &snapshot::Target::takes_new));
}

TEST_F(AgentTest, KeepsListeningSocketsThroughEveryChange) {
  node_->take(objects_.full());
  const auto before = cookies(sockets().sockets);
  const auto waiting = net::tcp_connect(objects_.endpoint(), std::nullopt);
  ASSERT_TRUE(waiting.ok());
  node_->take(objects_.delta({objects_.group(20)}));
  node_->take(objects_.delta({objects_.listener(8081, "l2")}));
  node_->take(objects_.delta({objects_.removed("listener", "l2")}));
  EXPECT_EQ(cookies(sockets().sockets), before);
  EXPECT_EQ(net::socket_error(waiting->get()), 0) << "the connection that waited was reset";
}

TEST_F(AgentTest, StopsListeningWhenTheListenerIsGone) {
  node_->take(objects_.full());
  node_->take(objects_.delta({objects_.removed("listener", "l1")}));
  EXPECT_TRUE(node_->agent->sockets().entries().empty());
  EXPECT_TRUE(engine().sockets.empty());
}

TEST_F(AgentTest, ReportsAPortThatIsTakenAndServesItOnceItIsFree) {
  auto foreign = net::tcp_listen(objects_.endpoint());
  ASSERT_TRUE(foreign.ok());
  node_->take(objects_.full());
  EXPECT_EQ(listener_report().string_or("state", ""), "failed");
  const Json report = node_->report();
  const Json error = report.find("errors")->as_array().at(0);
  EXPECT_EQ(error.string_or("id", ""), "l1");
  EXPECT_NE(error.string_or("detail", "").find("in use"), std::string::npos) << error.dump();
  foreign->reset();
  ground_.run_for(1100ms);
  EXPECT_EQ(listener_report().string_or("state", ""), "serving");
  EXPECT_TRUE(node_->report().find("errors")->as_array().empty());
}

TEST_F(AgentTest, PutsOnlyTheObjectItDoesNotUnderstandInError) {
  node_->take(objects_.full());
  model::Frame odd = objects_.listener(8081, "l2");
  odd.body = R"({"name":"l2","spec":{"colour":"red"}})";
  node_->take(objects_.delta({odd}));
  const Json report = node_->report();
  ASSERT_EQ(report.find("errors")->as_array().size(), 1U);
  EXPECT_EQ(report.find("errors")->as_array()[0].string_or("id", ""), "l2");
  EXPECT_EQ(listener_report().string_or("state", ""), "serving");
}

TEST_F(AgentTest, TakesAnUnhealthyTargetOutBeforeTheNextSnapshot) {
  node_->take(objects_.full());
  ground_.run_for(3s);
  const std::size_t snapshots = engine().applied.size();
  node_->tcp.set(objects_.target_endpoint(1),
                 {.outcome = {health::ProbeReason::kConnectFailed, ""}, .takes = {}});
  ground_.run_for(20s);
  ASSERT_FALSE(engine().marks.empty());
  EXPECT_FALSE(engine().marks.back().takes_new);
  EXPECT_EQ(engine().marks.back().target.slot, Slot(1));
  EXPECT_EQ(engine().snapshots_at_mark, snapshots);
  EXPECT_FALSE(engine().newest().services.at(0)->targets.at(0).takes_new);
  const auto verdicts = std::ranges::count(node_->sent, message::kVerdict, &model::Frame::kind);
  EXPECT_GE(verdicts, 3);
}

TEST_F(AgentTest, ChecksATargetAtOnceWhenTrafficCannotConnect) {
  node_->take(objects_.full());
  ground_.run_for(3s);
  node_->tcp.forget_attempts();
  proxies().newest().role->connect_failed({"b1", "tg-1", Slot(1)});
  ground_.run_for(300ms);
  EXPECT_EQ(node_->tcp.starts(objects_.target_endpoint(1)).size(), 1U);
}

TEST_F(AgentTest, StartsAnotherProxyAtOnceWhenOneCrashes) {
  node_->take(objects_.full());
  const auto before = cookies(sockets().sockets);
  proxies().crash(0);
  ground_.settle();  // No time passes.
  ASSERT_EQ(proxies().count(), 2U);
  EXPECT_EQ(cookies(engine().sockets.at(objects_.endpoint())), before);
  EXPECT_EQ(engine().newest().version, objects_.version);
  EXPECT_EQ(node_->metrics.value(Metric::kProxyStarts, {"crash"}).get(), 1);
}

TEST_F(AgentTest, StartsAnotherProxyAtOnceFiftyTimesInARow) {
  node_->take(objects_.full());
  for (std::size_t i = 0; i < 50; ++i) {
    ground_.run_for(100ms);
    proxies().crash(i);
    ground_.settle();
    ASSERT_EQ(proxies().count(), i + 2);
  }
}

TEST_F(AgentTest, RetiresTheOldProxyOnlyWhenItsSuccessorIsWarm) {
  node_->take(objects_.full());
  node_->agent->replace_proxy();
  ASSERT_EQ(proxies().count(), 2U);
  EXPECT_FALSE(proxies().at(0).engine->is_stopping);
  ground_.settle();
  EXPECT_EQ(engine().newest().version, objects_.version);
  EXPECT_TRUE(proxies().at(0).engine->is_stopping);
  EXPECT_EQ(proxies().at(0).engine->stop_deadline - ground_.clock.now(), 3600s);
  proxies().at(0).engine->is_stopped = true;
  ground_.run_for(100ms);
  EXPECT_TRUE(proxies().at(0).has_ended);
  EXPECT_EQ(proxies().count(), 2U) << "a retired proxy is not replaced";
}

TEST_F(AgentTest, KeepsTheOldProxyWhenItsSuccessorFails) {
  node_->take(objects_.full());
  node_->agent->replace_proxy();
  proxies().crash(1);
  ground_.run_for(500ms);
  EXPECT_FALSE(proxies().at(0).engine->is_stopping);
  EXPECT_EQ(listener_report().string_or("state", ""), "serving");
}

TEST_F(AgentTest, DoesNotKillProxiesByDyingAndTakesTheirSocketsOver) {
  node_->take(objects_.full());
  const auto before = cookies(sockets().sockets);
  const auto waiting = net::tcp_connect(objects_.endpoint(), std::nullopt);
  kill_node();
  ground_.run_for(1s);
  EXPECT_FALSE(proxies().at(0).engine->is_stopping);
  restart();
  ground_.run_for(200ms);
  EXPECT_EQ(cookies(sockets().sockets), before);
  ASSERT_EQ(proxies().count(), 2U);
  EXPECT_EQ(cookies(proxies().at(1).engine->sockets.at(objects_.endpoint())), before);
  EXPECT_TRUE(proxies().at(0).engine->is_stopping) << "the orphan retires";
  EXPECT_EQ(net::socket_error(waiting->get()), 0) << "the connection that waited was reset";
}

TEST_F(AgentTest, GoesOnWithoutAProxyThatDoesNotComeToHandOverItsSockets) {
  node_->take(objects_.full());
  kill_node();
  ground_.settle();
  // Its lock is held, but it never calls: as if it were stopped.
  const auto lock = hold_proxy_lock(ground_.folder.path());
  proxies().crash(0);
  restart();
  EXPECT_EQ(proxies().count(), 1U);
  ground_.run_for(2100ms);
  ASSERT_EQ(proxies().count(), 2U);
  EXPECT_EQ(listener_report().string_or("state", ""), "serving");
}

TEST_F(AgentTest, RefusesToShareItsFolder) {
  FakeProxies other(*ground_.loop, ground_.folder.path());
  health::FakeProbe probe(*ground_.loop);
  AgentOptions options;
  options.data_dir = ground_.folder.path();
  const auto second =
      Agent::open(*ground_.loop, node_->metrics, {probe, probe}, std::move(options));
  ASSERT_FALSE(second.ok());
  EXPECT_NE(second.error().message.find("in use"), std::string::npos);
}

TEST_F(AgentTest, DropsWhatAFullResyncDoesNotName) {
  node_->take(objects_.full());
  objects_.version = {Epoch(2), Revision(1)};
  Batch restored = objects_.full();
  std::erase_if(restored.frames,
                [](const model::Frame& frame) { return frame.kind == "listener"; });
  node_->take(std::move(restored));
  EXPECT_EQ(engine().newest().version.epoch, Epoch(2));
  EXPECT_TRUE(engine().newest().listeners.empty());
  EXPECT_TRUE(node_->agent->sockets().entries().empty());
}

TEST_F(AgentTest, KeepsItsReplicaSmallWhenOnlyTheVersionMoves) {
  node_->take(objects_.full());
  for (int i = 0; i < 4000; ++i) {
    ++objects_.version.revision.value;
    node_->agent->take_batch(objects_.delta({}));
    ground_.settle();
  }
  const double bytes = node_->metrics.value(Metric::kReplicaBytes, {"log"}).get();
  EXPECT_LE(bytes, kReplicaLogBytesMin + 1000);
}

TEST_F(AgentTest, SendsAReportThatFitsAFrameHoweverManyObjectsAreInError) {
  node_->take(objects_.full());
  std::vector<model::Frame> odd;
  for (int i = 0; i < 4000; ++i) {
    odd.push_back(objects_.listener(8081, "odd-" + std::to_string(i) + std::string(200, 'x')));
    odd.back().body = R"({"name":"l2","spec":{"colour":"red"}})";
  }
  log::configure({});
  ::testing::internal::CaptureStderr();
  node_->take(objects_.delta(std::move(odd)));
  node_->agent->report_now();
  node_->agent->report_now();
  const std::string logged = ::testing::internal::GetCapturedStderr();
  log::configure({.level = log::Level::kError});
  EXPECT_EQ(count_of(logged, "a report has no room"), 1) << logged;
  EXPECT_LE(node_->sent.back().body.size(), model::kFrameBodyBytesMax);
  const Json report = *parse_json(node_->sent.back().body, body_limits());
  const auto said = static_cast<std::int64_t>(report.find("errors")->as_array().size());
  EXPECT_GT(said, 100);
  EXPECT_EQ(said + report.find("more")->integer_or("errors", 0), 4000);
  EXPECT_EQ(engine().newest().version, objects_.version) << "the proxy lives";
}

TEST_F(AgentTest, B12_ReportsServicesThatFailOpenAndLogsBeginAndEndOnce) {
  const auto failing_open = [this] { return node_->report().find("failingOpen")->dump(); };
  log::configure({});
  ::testing::internal::CaptureStderr();
  for (const int number : {1, 2}) {
    node_->tcp.set(objects_.target_endpoint(number),
                   {.outcome = {health::ProbeReason::kConnectFailed, ""}, .takes = 1s});
  }
  node_->take(objects_.full());
  node_->take(objects_.delta({objects_.backend(true)}));
  EXPECT_TRUE(engine().newest().services.at(0)->is_failing_open);
  EXPECT_EQ(failing_open(), "[]") << "no target is judged yet";
  ground_.run_for(30s);
  EXPECT_EQ(failing_open(), R"(["b1"])");
  node_->take(objects_.delta({objects_.group(20)}));
  EXPECT_EQ(failing_open(), R"(["b1"])");
  node_->take(objects_.delta({objects_.group(0)}));
  EXPECT_EQ(failing_open(), "[]") << "nobody gets traffic";
  node_->take(objects_.delta({objects_.listener(8081)}));
  const std::string said = ::testing::internal::GetCapturedStderr();
  log::configure({.level = log::Level::kError});
  EXPECT_EQ(count_of(said, "a backend service fails open:"), 1) << said;
  EXPECT_EQ(count_of(said, "fails open no longer"), 1) << said;
}

TEST_F(AgentTest, ReportsHowManyConnectionsDrain) {
  node_->take(objects_.full());
  engine().drains = {{.record = "drain-1",
                      .is_waiting = true,
                      .connections = 3,
                      .oldest = 61s,
                      .later = 2s,
                      .targets = {{{"b1", "tg-1", Slot(7)}, 3, 61s}}}};
  node_->take(objects_.delta({objects_.drain(7)}));
  const Json report = node_->report();
  const Json& drain = report.find("drains")->as_array().at(0);
  EXPECT_EQ(drain.string_or("id", ""), "drain-1");
  EXPECT_EQ(drain.integer_or("connections", 0), 3);
  EXPECT_EQ(drain.integer_or("oldestSeconds", 0), 61);
  EXPECT_EQ(drain.integer_or("laterSeconds", 0), 2);
  EXPECT_TRUE(drain.bool_or("waiting", false));
  const Json& target = drain.find("targets")->as_array().at(0);
  EXPECT_EQ(target.string_or("serviceId", ""), "b1");
  EXPECT_EQ(target.integer_or("slot", 0), 7);
  EXPECT_EQ(target.integer_or("connections", 0), 3);
  EXPECT_EQ(target.integer_or("oldestSeconds", 0), 61);
  engine().drains.clear();
  ground_.run_for(300ms);
  EXPECT_EQ(node_->report().find("drains")->as_array().at(0).integer_or("connections", 9), 0);
}

TEST_F(AgentTest, M41_ReportsAsManyDrainsAsFitAndHowManyItLeavesOut) {
  node_->take(objects_.full());
  std::vector<model::Frame> many;
  constexpr std::uint16_t kMany = 3000;
  for (std::uint16_t slot = 1; slot <= kMany; ++slot) {
    many.push_back(objects_.drain(slot));
    many.back().id = "drain-" + std::string(12, 'x') + std::to_string(slot);
  }
  node_->take(objects_.delta(std::move(many)));
  ground_.run_for(300ms);
  node_->agent->report_now();
  EXPECT_LE(node_->sent.back().body.size(), model::kFrameBodyBytesMax);
  const Json report = *parse_json(node_->sent.back().body, body_limits());
  const auto said = static_cast<std::int64_t>(report.find("drains")->as_array().size());
  EXPECT_GT(said, 1000);
  EXPECT_EQ(said + report.find("more")->integer_or("drains", 0), kMany);
}

TEST_F(AgentTest, M41_ALargeDrainFitsAReportWithItsSumsAndAsManyTargetsAsThereIsRoomFor) {
  node_->take(objects_.full());
  dataplane::DrainProgress progress{.record = "drain-1", .connections = 50'000};
  for (int service = 0; service < 50; ++service) {
    for (std::uint16_t slot = 0; slot < 1000; ++slot) {
      progress.targets.push_back(
          {{"backend-" + std::to_string(service), "tg-1", Slot(slot)}, 1, 61s});
    }
  }
  engine().drains = {progress};
  node_->take(objects_.delta({objects_.drain(7)}));
  ground_.run_for(300ms);
  node_->agent->report_now();
  EXPECT_LE(node_->sent.back().body.size(), model::kFrameBodyBytesMax);
  const Json report = *parse_json(node_->sent.back().body, body_limits());
  const Json& drain = report.find("drains")->as_array().at(0);
  EXPECT_EQ(drain.integer_or("connections", 0), 50'000);
  const auto said = static_cast<std::int64_t>(drain.find("targets")->as_array().size());
  EXPECT_GT(said, 1000);
  EXPECT_EQ(said + drain.integer_or("more", 0), 50'000);
}

TEST_F(AgentTest, M41_AProxyThatRetiresLearnsOfDrainsToo) {
  node_->take(objects_.full());
  node_->agent->replace_proxy();
  ground_.settle();
  FakeEngine& old = *proxies().at(0).engine;
  ASSERT_TRUE(old.is_stopping);
  old.drains = {{.record = "drain-1", .connections = 2, .oldest = 90s}};
  engine().drains = {{.record = "drain-1", .connections = 1, .oldest = 5s}};
  node_->take(objects_.delta({objects_.drain(7)}));
  ground_.run_for(300ms);
  EXPECT_EQ(old.newest().drains.size(), 1U);
  const Json drains = *node_->report().find("drains");
  EXPECT_EQ(drains.as_array().at(0).integer_or("connections", 0), 3);
  EXPECT_EQ(drains.as_array().at(0).integer_or("oldestSeconds", 0), 90);
}

TEST_F(AgentTest, M41_SaysThatNothingIsLeftOnlyOnceAProxyThatRetiresSaysSo) {
  node_->take(objects_.full());
  node_->agent->replace_proxy();
  ground_.settle();
  FakeEngine& old = *proxies().at(0).engine;
  old.is_stuck = true;  // its workers still use what was before
  node_->take(objects_.delta({objects_.drain(7)}));
  ground_.run_for(300ms);
  EXPECT_TRUE(node_->report().find("drains")->as_array().empty());
  old.is_stuck = false;
  ground_.run_for(300ms);
  const Json drains = *node_->report().find("drains");
  ASSERT_EQ(drains.as_array().size(), 1U);
  EXPECT_EQ(drains.as_array().at(0).integer_or("connections", 9), 0);
}

TEST_F(AgentTest, M41_AProxyOfAnEarlierNodeLearnsOfDrainsOnceItRetires) {
  node_->take(objects_.full());
  kill_node();
  ground_.run_for(1s);
  restart();
  ground_.run_for(200ms);
  ASSERT_TRUE(proxies().at(0).engine->is_stopping);
  node_->take(objects_.delta({objects_.drain(7)}));
  ground_.run_for(300ms);
  EXPECT_EQ(proxies().at(0).engine->newest().drains.size(), 1U);
}

TEST_F(AgentTest, M41_AProxyOfAnEarlierNodeSaysAgainToTheNextThatNothingIsLeft) {
  node_->take(objects_.full());
  node_->take(objects_.delta({objects_.drain(7)}));
  ground_.run_for(300ms);
  kill_node();
  ground_.run_for(1s);
  restart();
  node_->take(objects_.full());
  node_->take(objects_.delta({objects_.drain(7)}));
  ground_.run_for(1s);
  ASSERT_TRUE(proxies().at(0).engine->is_stopping);
  ASSERT_FALSE(proxies().at(0).has_ended);
  EXPECT_TRUE(node_->report().find("drains")->as_array().empty()) << "another proxy may come";
  ground_.run_for(kOrphanGrace + kReportMax);
  const Json drains = *node_->report().find("drains");
  ASSERT_EQ(drains.as_array().size(), 1U) << "each of its proxies has told the node";
  EXPECT_EQ(drains.as_array().at(0).integer_or("connections", 9), 0);
}

TEST_F(AgentTest, StopsWhenItsProxyHasDrained) {
  node_->take(objects_.full());
  bool is_stopped = false;
  node_->agent->stop(5s, [&is_stopped] { is_stopped = true; });
  ground_.run_for(100ms);
  EXPECT_TRUE(engine().is_stopping);
  EXPECT_FALSE(is_stopped);
  EXPECT_FALSE(net::tcp_listen(objects_.endpoint()).ok() &&
               !node_->agent->sockets().entries().empty());
  engine().is_stopped = true;
  ground_.run_for(100ms);
  EXPECT_TRUE(is_stopped);
}

TEST_F(AgentTest, RetiresAProxyOfAnEarlierNodeThatCallsWhileItStops) {
  node_->take(objects_.full());
  kill_node();
  restart();
  bool is_stopped = false;
  node_->agent->stop(5s, [&is_stopped] { is_stopped = true; });
  EXPECT_FALSE(proxies().at(0).engine->is_stopping) << "it has not called yet";
  ground_.run_for(300ms);
  EXPECT_TRUE(proxies().at(0).engine->is_stopping);
  EXPECT_FALSE(is_stopped);
  proxies().at(0).engine->is_stopped = true;
  ground_.run_for(100ms);
  EXPECT_TRUE(is_stopped);
}

TEST_F(AgentTest, StopsWithoutAProxyOfAnEarlierNodeThatNeverCalls) {
  node_->take(objects_.full());
  const auto lock = hold_proxy_lock(ground_.folder.path());
  engine().is_stopped = true;
  bool is_stopped = false;
  node_->agent->stop(5s, [&is_stopped] { is_stopped = true; });
  ground_.run_for(1s);
  EXPECT_FALSE(is_stopped);
  ground_.run_for(kOrphanWaitMax);
  EXPECT_TRUE(is_stopped);
}

TEST_F(AgentTest, SendsAReportAtLeastEveryFiveSeconds) {
  node_->take(objects_.full());
  ground_.run_for(1s);
  node_->sent.clear();
  ground_.run_for(11s);
  EXPECT_GE(std::ranges::count(node_->sent, message::kReport, &model::Frame::kind), 2);
}

TEST_F(AgentTest, ReportsAChangeSoonerToAControlThatKeepsLists) {
  node_->take(objects_.full());
  ground_.run_for(3s);
  // One for each pause, by the time that went by.
  const auto pause_between_reports = [this](bool keeps_lists) {
    node_->agent->control_connected(keeps_lists);
    node_->sent.clear();
    const Instant began = ground_.clock.now();
    for (int i = 0; i < 50; ++i) {
      node_->take(objects_.full());
      ground_.run_for(20ms);
    }
    const auto count = std::ranges::count(node_->sent, message::kReport, &model::Frame::kind);
    return (ground_.clock.now() - began) / std::max<std::ptrdiff_t>(count, 1);
  };
  EXPECT_GE(pause_between_reports(false), kReportPause);
  const auto pause = pause_between_reports(true);
  EXPECT_GE(pause, kShortReportPause);
  EXPECT_LT(pause, 2 * kShortReportPause);
}

TEST_F(AgentTest, SendsEveryVerdictWhenControlIsBack) {
  node_->take(objects_.full());
  ground_.run_for(3s);
  node_->sent.clear();
  node_->agent->control_connected();
  EXPECT_EQ(std::ranges::count(node_->sent, message::kVerdict, &model::Frame::kind), 2);
  EXPECT_EQ(node_->sent.back().kind, message::kReport);
}

}  // namespace
}  // namespace weir::agent
