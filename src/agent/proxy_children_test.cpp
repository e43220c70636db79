// Children that are real processes, or that say nothing at all.
#include "agent/proxy_children.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include "agent/node_fixture.h"
#include "agent/process.h"
#include "base/log.h"

namespace weir::agent {
namespace {

using namespace std::chrono_literals;

class ProxyChildrenTest : public ::testing::Test, private ProxyChildren::User {
 protected:
  ProxyChildrenTest()
      : children_(*ground_.loop, metrics_, feed_, *this,
                  {.start = [this] { return start_sleeper(); }, .drain_limit = 3600s}) {
    weir::log::configure({.level = weir::log::Level::kError});
  }
  ~ProxyChildrenTest() override {
    for (const pid_t pid : pids_) kill(pid, SIGKILL);
    while (waitpid(-1, nullptr, 0) > 0) {
    }
  }

  /// A program that holds the socket open and never says a word.
  Result<ProxyProcess> start_sleeper() {
    if (cannot_start_) {
      ++attempts_;
      return Error{ErrorCode::kUnavailable, "no more processes", {}};
    }
    WEIR_ASSIGN_OR_RETURN(auto sockets, net::unix_pair());
    ProcessOptions options;
    options.program = "/bin/sleep";
    options.arguments = {"sleep", "1000"};
    options.descriptor_3 = sockets.second.get();
    WEIR_ASSIGN_OR_RETURN(const pid_t pid, start_process(options));
    pids_.push_back(pid);
    return ProxyProcess{std::move(sockets.first), pid};
  }
  void expect_killed(pid_t pid) {
    int status = 0;
    ASSERT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(exit_text(status), "signal 9");
  }

  void sockets_offered(const net::Endpoint&, std::vector<UniqueFd>) override {}
  void orphan_offered_all() override {}
  void proxy_reports(const model::Frame&) override {}
  void serving_changed() override {}
  void proxies_stopped() override { is_stopped_ = true; }

  NodeGround ground_;
  Metrics metrics_;
  snapshot::ObjectSet objects_;
  snapshot::Verdicts verdicts_;
  ListenSockets sockets_{1};
  const std::string node_id_ = "n1";
  Json local_ = Json::object();
  ProxyFeed feed_{objects_, verdicts_, sockets_, node_id_, local_};
  std::vector<pid_t> pids_;
  bool cannot_start_ = false;
  int attempts_ = 0;
  bool is_stopped_ = false;
  ProxyChildren children_;
};

TEST_F(ProxyChildrenTest, GiveUpAChildThatDoesNotGetReadyInTenSecondsAndTryAnother) {
  children_.start();
  ASSERT_EQ(pids_.size(), 1U);
  ground_.run_for(9900ms);
  EXPECT_EQ(kill(pids_[0], 0), 0);
  ground_.run_for(200ms);
  expect_killed(pids_[0]);
  ground_.settle();
  EXPECT_EQ(pids_.size(), 2U);
}

TEST_F(ProxyChildrenTest, WaitLongerAndLongerWhenNoChildGetsReady) {
  cannot_start_ = true;
  children_.start();
  EXPECT_EQ(attempts_, 6) << "five failed starts are tried again at once";
  ground_.run_for(600ms);
  EXPECT_EQ(attempts_, 7);
  ground_.run_for(600ms);
  EXPECT_EQ(attempts_, 7);
  ground_.run_for(600ms);
  EXPECT_EQ(attempts_, 8);
  cannot_start_ = false;
  ground_.run_for(2100ms);
  EXPECT_EQ(pids_.size(), 1U);
}

TEST_F(ProxyChildrenTest, KillARetiredChildThatDoesNotEndAtItsLimit) {
  children_.start();
  children_.stop(5s);
  EXPECT_FALSE(is_stopped_);
  ground_.run_for(7100ms);
  expect_killed(pids_[0]);
  ground_.settle();
  EXPECT_TRUE(is_stopped_);
}

TEST(Process, ReportsAProgramThatCannotBeExecuted) {
  ProcessOptions options;
  options.program = "/nowhere/weir";
  options.arguments = {"weir"};
  const auto started = start_process(options);
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().code, ErrorCode::kNotFound);
}

TEST(Process, HandsOverTheThirdDescriptorAlone) {
  auto sockets = net::unix_pair();
  ASSERT_TRUE(sockets.ok());
  const UniqueFd copy(fcntl(sockets->first.get(), F_DUPFD_CLOEXEC, 7));
  const std::string other = std::to_string(copy.get());
  ProcessOptions options;
  options.program = "/bin/sh";
  options.arguments = {"sh", "-c",
                       "(true >&" + other + ") 2>/dev/null && echo both >&3 || echo third >&3"};
  options.descriptor_3 = sockets->second.get();
  const auto pid = start_process(options);
  ASSERT_TRUE(pid.ok());
  waitpid(*pid, nullptr, 0);
  std::array<char, 64> text;
  const ssize_t count = ::read(sockets->first.get(), text.data(), text.size());
  ASSERT_GT(count, 0);
  EXPECT_EQ(std::string(text.data(), static_cast<std::size_t>(count)), "third\n");
}

TEST(SampleTotals, NeverFallBackWhenAProcessEnds) {
  const std::vector<Sample> first = {{Metric::kListenerConnections, {"l1"}, 10},
                                     {Metric::kListenerConnectionsActive, {"l1"}, 3},
                                     {Metric::kTargetUp, {"b1", "t1"}, 0}};
  const std::vector<Sample> second = {{Metric::kListenerConnections, {"l1"}, 5},
                                      {Metric::kListenerConnectionsActive, {"l1"}, 1},
                                      {Metric::kTargetUp, {"b1", "t1"}, 1}};
  const auto value = [](const std::vector<Sample>& samples, Metric metric) {
    for (const Sample& sample : samples) {
      if (sample.metric == metric) return sample.value;
    }
    return -1.0;
  };
  SampleTotals totals;
  const auto both = totals.sum({&second, &first});
  EXPECT_EQ(value(both, Metric::kListenerConnections), 15);
  EXPECT_EQ(value(both, Metric::kListenerConnectionsActive), 4);
  EXPECT_EQ(value(both, Metric::kTargetUp), 1) << "as the one that serves says";
  totals.process_ended(first);
  const auto after = totals.sum({&second});
  EXPECT_EQ(value(after, Metric::kListenerConnections), 15);
  EXPECT_EQ(value(after, Metric::kListenerConnectionsActive), 1);
}

TEST(Samples, AreWhatTheyWereAfterTheChildsSocket) {
  const std::vector<Sample> samples = {{Metric::kListenerConnections, {"l\"1"}, 10.5}};
  const auto back = samples_from_json(*parse_json(samples_json(samples).dump()));
  ASSERT_TRUE(back.ok());
  ASSERT_EQ(back->size(), 1U);
  EXPECT_EQ(back->front().labels, samples.front().labels);
  EXPECT_EQ(back->front().value, 10.5);
  EXPECT_FALSE(samples_from_json(Json("no list")).ok());
  EXPECT_TRUE(samples_from_json(*parse_json(R"([["weir_of_the_future",["a"],1],7])"))->empty());
}

}  // namespace
}  // namespace weir::agent
