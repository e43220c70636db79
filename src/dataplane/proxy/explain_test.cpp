// What explain says, against what really happens.
#include "dataplane/proxy/explain.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cmath>

#include "balancing/slot_table.h"
#include "base/random.h"
#include "dataplane/proxy/engine_fixture.h"
#include "dataplane/proxy/scheduler.h"

namespace weir::dataplane::proxy {
namespace {

using snapshot::Algorithm;

/// One TCP service with a listener, as a plan without an engine.
class ExplainedPlan {
 public:
  ExplainedPlan(Algorithm algorithm, const std::vector<int>& weights) {
    service_.id = "web";
    service_.group_id = "tg-1";
    service_.algorithm = algorithm;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      snapshot::Target target;
      target.id = "target-" + std::to_string(i);
      target.slot = Slot(static_cast<std::uint16_t>(i + 1));
      target.endpoint = *net::Endpoint::parse("10.1.0." + std::to_string(i + 1) + ":80");
      target.weight = weights[i];
      target.takes_new = weights[i] > 0;
      if (!target.takes_new) target.excluded = "weight 0";
      service_.targets.push_back(target);
    }
    if (algorithm != Algorithm::kRoundRobin && algorithm != Algorithm::kLeastConnections) {
      build_table();
    }
    make();
  }
  /// The target takes nothing new, for this reason.
  void exclude(std::size_t number, const std::string& reason) {
    service_.targets[number].takes_new = false;
    service_.targets[number].excluded = reason;
    make();
  }
  /// No target is usable, and those that take traffic do so nevertheless.
  void fail_open() {
    service_.may_fail_open = service_.is_failing_open = true;
    make();
  }

  Explanation explain(const net::Endpoint& client) const {
    auto explained = explain_flow(plan_.get(), {"front", client}, Instant{});
    EXPECT_TRUE(explained.ok());
    return *explained;
  }
  const ServicePlan& service() const { return *plan_->services.front(); }
  const net::Endpoint& vip() const { return plan_->listeners.front()->listener->endpoint; }
  bool is_usable(balancing::TargetIndex index) const {
    return service().targets[index.value]->takes_new();
  }

 private:
  void build_table() {
    std::vector<balancing::WeightedSlot> members;
    for (const auto& target : service_.targets) {
      members.push_back({target.slot, static_cast<std::uint16_t>(target.weight)});
    }
    service_.flow_table.slots = std::make_shared<const balancing::SlotTable>(
        balancing::slot_table(members, nullptr).value());
    service_.flow_table.seed = 0x5eed;
  }
  void make() {
    auto made = std::make_shared<snapshot::Snapshot>();
    made->version = {Epoch(1), Revision(++revision_)};
    made->services.push_back(std::make_shared<const snapshot::Service>(service_));
    snapshot::Listener listener;
    listener.id = "front";
    listener.endpoint = *net::Endpoint::parse("10.0.0.1:80");
    listener.route.push_back({made->services.front(), 1});
    made->listeners.push_back(std::make_shared<const snapshot::Listener>(listener));
    plan_ = planner_.plan(made, plan_.get());
  }

  snapshot::Service service_;
  std::uint64_t revision_ = 0;
  Planner planner_{1};
  PlanPtr plan_;
};

net::Endpoint random_client(Random& random) {
  return {net::IpAddress::v4(static_cast<std::uint32_t>(random.below(0xFFFFFFFF))),
          static_cast<std::uint16_t>(1 + random.below(65535))};
}

double sum_of_shares(const Explanation& explanation) {
  double sum = 0;
  for (const ExplainedTarget& target : explanation.targets) sum += target.share;
  return sum;
}

class ExplainHash : public ::testing::TestWithParam<Algorithm> {};

TEST_P(ExplainHash, M32_M34_TheCertainAnswerIsThePickForTenThousandClients) {
  ExplainedPlan plan(GetParam(), {10, 1, 30, 0, 7, 100, 10});
  plan.exclude(2, "unhealthy CONNECT_FAILED");
  Scheduler scheduler(plan.service(), {}, nullptr);
  Random random(20);
  for (int i = 0; i < 10'000; ++i) {
    const net::Endpoint client = random_client(random);
    const auto picked = scheduler.pick({client, plan.vip(), {}}, [&](balancing::TargetIndex index) {
      return plan.is_usable(index);
    });
    ASSERT_TRUE(picked.has_value());
    const Explanation explanation = plan.explain(client);
    ASSERT_TRUE(explanation.is_certain);
    for (std::size_t at = 0; at < explanation.targets.size(); ++at) {
      const ExplainedTarget& target = explanation.targets[at];
      ASSERT_EQ(target.share, at == picked->value ? 1 : 0) << client.text();
      ASSERT_EQ(target.excluded.empty(), at == picked->value) << client.text();
    }
  }
}

TEST_P(ExplainHash, NamesWhatDecidedAndWhyTheOthersGetNothing) {
  ExplainedPlan plan(GetParam(), {10, 0, 10, 10});
  plan.exclude(2, "unhealthy CONNECT_FAILED");
  const Explanation explanation = plan.explain(*net::Endpoint::parse("10.9.8.7:6543"));
  EXPECT_EQ(explanation.service_id, "web");
  EXPECT_EQ(explanation.group_id, "tg-1");
  EXPECT_EQ(explanation.algorithm, GetParam());
  EXPECT_EQ(explanation.version, (Version{Epoch(1), Revision(2)}));
  EXPECT_EQ(explanation.targets[1].excluded, "weight 0");
  EXPECT_EQ(explanation.targets[2].excluded, "unhealthy CONNECT_FAILED");
  EXPECT_EQ(explanation.targets[0].excluded + explanation.targets[3].excluded,
            "the hash of the flow names another target");
  EXPECT_EQ(explanation.targets[3].endpoint.text(), "10.1.0.4:80");
}

INSTANTIATE_TEST_SUITE_P(Algorithms, ExplainHash,
                         ::testing::Values(Algorithm::kSourceHash, Algorithm::kFiveTupleHash));

TEST(Explain, M34_AFiveTupleHashWithoutAPortAnswersTheSharesOfAllPorts) {
  ExplainedPlan plan(Algorithm::kFiveTupleHash, {10, 30, 20, 0});
  plan.exclude(2, "unhealthy TIMEOUT");
  const net::Endpoint client = *net::Endpoint::parse("10.9.8.7:0");
  const Explanation explanation = plan.explain(client);
  EXPECT_FALSE(explanation.is_certain);
  EXPECT_DOUBLE_EQ(sum_of_shares(explanation), 1);
  std::vector<int> counts(4, 0);
  for (int port = 1; port <= 60'000; ++port) {
    const Explanation one = plan.explain({client.address, static_cast<std::uint16_t>(port)});
    for (std::size_t i = 0; i < 4; ++i) counts[i] += one.targets[i].share > 0 ? 1 : 0;
  }
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(explanation.targets[i].share, counts[i] / 60'000.0, 0.01) << i;
  }
}

TEST(Explain, M29_SharesOfTurnsAgreeWithTenThousandPicks) {
  ExplainedPlan plan(Algorithm::kRoundRobin, {1, 2, 4, 0, 8});
  plan.exclude(1, "initial");
  const Explanation explanation = plan.explain(*net::Endpoint::parse("10.9.8.7:0"));
  EXPECT_FALSE(explanation.is_certain);
  EXPECT_DOUBLE_EQ(sum_of_shares(explanation), 1);
  Scheduler scheduler(plan.service(), {}, nullptr);
  std::vector<int> counts(5, 0);
  const net::Endpoint client{};
  for (int i = 0; i < 10'000; ++i) {
    const auto picked = scheduler.pick({client, plan.vip(), {}}, [&](balancing::TargetIndex index) {
      return plan.is_usable(index);
    });
    ++counts.at(picked.value().value);
  }
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_NEAR(explanation.targets[i].share, counts[i] / 10'000.0, 0.01) << i;
    EXPECT_EQ(explanation.targets[i].excluded.empty(), counts[i] > 0) << i;
  }
}

TEST(Explain, M31_SharesOfLeastConnectionsAreWhereTenThousandOpenConnectionsSettle) {
  ExplainedPlan plan(Algorithm::kLeastConnections, {10, 20, 30, 0});
  plan.exclude(0, "unhealthy REFUSED");
  const Explanation explanation = plan.explain(*net::Endpoint::parse("10.9.8.7:0"));
  Scheduler scheduler(plan.service(), {}, nullptr);
  std::vector<int> counts(4, 0);
  const net::Endpoint client{};
  for (int i = 0; i < 10'000; ++i) {
    const auto picked = scheduler.pick({client, plan.vip(), {}}, [&](balancing::TargetIndex index) {
      return plan.is_usable(index);
    });
    plan.service().targets[picked.value().value]->in_use.add();
    ++counts[picked->value];
  }
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(explanation.targets[i].share, counts[i] / 10'000.0, 0.01) << i;
  }
}

TEST(Explain, GoesByMarksThatAreNewerThanTheSnapshot) {
  for (const Algorithm algorithm : {Algorithm::kRoundRobin, Algorithm::kLeastConnections,
                                    Algorithm::kSourceHash, Algorithm::kFiveTupleHash}) {
    ExplainedPlan plan(algorithm, {10, 10});
    plan.service().targets[0]->set_marks(false, true);
    for (int port = 0; port < 8; ++port) {  // 0: the shares of all ports
      const net::Endpoint client{*net::IpAddress::parse("10.9.8.7"),
                                 static_cast<std::uint16_t>(port)};
      const Explanation explanation = plan.explain(client);
      EXPECT_EQ(explanation.targets[0].excluded, "marked as taking nothing new");
      EXPECT_EQ(explanation.targets[0].share, 0);
      EXPECT_EQ(explanation.targets[1].share, 1);
    }
  }
}

TEST(Explain, B1_SaysThatATargetIsPassedOverSinceItsConnectFailed) {
  ExplainedPlan plan(Algorithm::kLeastConnections, {10, 20, 30});
  const net::Endpoint client = *net::Endpoint::parse("10.9.8.7:0");
  plan.service().targets[2]->note_connect_failure(Instant{} - std::chrono::milliseconds(300));
  const Explanation explanation = plan.explain(client);
  EXPECT_EQ(explanation.targets[2].excluded, "connect failed 300 ms ago");
  EXPECT_EQ(explanation.targets[2].share, 0);
  EXPECT_NEAR(explanation.targets[0].share, 1.0 / 3, 0.001);
  for (const auto& target : plan.service().targets) target->note_connect_failure(Instant{});
  EXPECT_DOUBLE_EQ(plan.explain(client).targets[2].share, 0.5) << "there is no better one";
}

TEST(Explain, WithoutATargetThatTakesTrafficEveryoneHasAReasonAndNobodyAShare) {
  for (const Algorithm algorithm : {Algorithm::kRoundRobin, Algorithm::kLeastConnections,
                                    Algorithm::kSourceHash, Algorithm::kFiveTupleHash}) {
    ExplainedPlan plan(algorithm, {10, 0});
    plan.exclude(0, "unhealthy TIMEOUT");
    const Explanation explanation = plan.explain(*net::Endpoint::parse("10.9.8.7:1"));
    EXPECT_FALSE(explanation.is_certain);
    EXPECT_EQ(sum_of_shares(explanation), 0);
    EXPECT_EQ(explanation.reason, "no target takes new traffic");
    EXPECT_EQ(explanation.targets[0].excluded, "unhealthy TIMEOUT");
    EXPECT_EQ(explanation.targets[1].excluded, "weight 0");
  }
}

TEST(Explain, B12_SaysThatTheServiceFailsOpenAndWhoGetsItsTraffic) {
  for (const Algorithm algorithm : {Algorithm::kRoundRobin, Algorithm::kLeastConnections,
                                    Algorithm::kSourceHash, Algorithm::kFiveTupleHash}) {
    ExplainedPlan plan(algorithm, {10, 30, 0});
    const net::Endpoint client = *net::Endpoint::parse("10.9.8.7:1");
    const std::string usual = plan.explain(client).reason;
    plan.fail_open();
    const Explanation explanation = plan.explain(client);
    EXPECT_EQ(explanation.reason, "the service fails open, since no target is usable; " + usual);
    EXPECT_EQ(sum_of_shares(explanation), 1);
    EXPECT_EQ(explanation.targets[2].excluded, "weight 0");
  }
}

class ExplainConnections : public EngineFixture, public ::testing::WithParamInterface<Algorithm> {};

TEST_P(ExplainConnections, M32_M34_FiveHundredConnectionsReachTheTargetThatIsNamed) {
  start({.workers = 2, .clock = nullptr, .limits = {}});
  std::vector<std::unique_ptr<ScriptedServer>> servers;
  auto& service = add_service("web", snapshot::Protocol::kTcp);
  service.algorithm = GetParam();
  std::vector<balancing::WeightedSlot> members;
  for (int i = 0; i < 4; ++i) {
    servers.push_back(std::make_unique<ScriptedServer>([i](const Visit& visit) {
      if (visit.stream.send(std::to_string(i))) visit.stream.read_to_end();
    }));
    service.targets.push_back(target(i + 1, servers.back()->endpoint(), 10 * (i + 1)));
    members.push_back(
        {Slot(static_cast<std::uint16_t>(i + 1)), static_cast<std::uint16_t>(10 * (i + 1))});
  }
  service.flow_table = {
      std::make_shared<const balancing::SlotTable>(balancing::slot_table(members, nullptr).value()),
      0x5eed};
  const net::Endpoint front = add_listener("front", "web").endpoint;
  apply();
  for (int i = 0; i < 500; ++i) {
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto own = net::socket_address(
        {net::IpAddress::v4(0x7F030000U + static_cast<std::uint32_t>(i % 250)), 0});
    const auto there = net::socket_address(front);
    ASSERT_EQ(::bind(fd.get(), own.get(), own.size), 0);
    ASSERT_EQ(::connect(fd.get(), there.get(), there.size), 0);
    const net::Endpoint client = *net::local_endpoint(fd.get());
    Stream stream(std::move(fd));
    const std::string reached = stream.read(1);
    const auto explained = engine().explain({"front", client});
    ASSERT_TRUE(explained.ok());
    EXPECT_TRUE(explained->is_certain);
    for (std::size_t at = 0; at < 4; ++at) {
      EXPECT_EQ(explained->targets[at].share, std::to_string(at) == reached ? 1 : 0)
          << client.text() << " reached " << reached;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Algorithms, ExplainConnections,
                         ::testing::Values(Algorithm::kSourceHash, Algorithm::kFiveTupleHash));

}  // namespace
}  // namespace weir::dataplane::proxy
