// What clients and metrics see of a service that fails open, and of its end.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <numeric>

#include "balancing/slot_table.h"
#include "dataplane/proxy/engine_fixture.h"

namespace weir::dataplane::proxy {
namespace {

using snapshot::Protocol;

struct Case {
  const char* name;
  Protocol protocol;
  snapshot::Algorithm algorithm;
  bool is_dnlb = false;
};

/// Four targets of weights 10, 20, 30 and 40, none of which a check calls healthy.
class FailOpenTraffic : public EngineFixture, public ::testing::WithParamInterface<Case> {
 protected:
  void SetUp() override {
    start({.workers = 2, .clock = nullptr, .limits = {}});
    snapshot::Service& service = add_service("web", GetParam().protocol);
    service.algorithm = GetParam().algorithm;
    service.may_fail_open = true;
    std::vector<balancing::WeightedSlot> members;
    for (int i = 0; i < 4; ++i) {
      servers_.push_back(ScriptedServer::named(std::to_string(i)));
      service.targets.push_back(target(i + 1, servers_.back()->endpoint(), 10 * (i + 1)));
      members.push_back(
          {Slot(static_cast<std::uint16_t>(i + 1)), static_cast<std::uint16_t>(10 * (i + 1))});
    }
    if (service.algorithm == snapshot::Algorithm::kSourceHash) {
      service.flow_table = {std::make_shared<const balancing::SlotTable>(
                                balancing::slot_table(members, nullptr).value()),
                            0x5eed};
    }
    snapshot::Listener& listener = add_listener("front", "web");
    listener.drops_without_target = GetParam().is_dnlb;
    front_ = listener.endpoint;
  }
  /// Puts in force who takes traffic, and whether that is because the service fails open, and the
  /// check has said so.
  void let(const std::vector<int>& taking, bool is_failing_open) {
    services_["web"].is_failing_open = services_["web"].raises_alarm = is_failing_open;
    for (int i = 0; i < 4; ++i) {
      services_["web"].targets[static_cast<std::size_t>(i)].takes_new =
          std::ranges::count(taking, i) > 0;
    }
    apply();
  }
  /// How many of so many clients each target serves.
  std::vector<int> served(int clients) {
    std::vector<int> counts(4, 0);
    for (int i = 0; i < clients; ++i) {
      Stream client = connect_from(0x7F030000U + static_cast<std::uint32_t>(i % 1000));
      EXPECT_TRUE(client.send(get()));
      const Reply reply = client.reply();
      EXPECT_EQ(reply.status, 200);
      if (reply.status == 200) ++counts[std::stoul(reply.body)];
      client.reset();
    }
    return counts;
  }
  Stream connect_from(std::uint32_t address) {
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto own = net::socket_address({net::IpAddress::v4(address), 0});
    const auto there = net::socket_address(front_);
    EXPECT_EQ(::bind(fd.get(), own.get(), own.size), 0);
    EXPECT_EQ(::connect(fd.get(), there.get(), there.size), 0);
    return Stream(std::move(fd));
  }
  double alarm() { return sample(Metric::kBackendFailOpen, {"web"}); }

  std::vector<std::unique_ptr<ScriptedServer>> servers_;
  net::Endpoint front_;
};

TEST_P(FailOpenTraffic, B12_AllTargetsGetTrafficByWeightUntilOneIsUsableAndTheAlarmSaysSo) {
  let({0, 1, 2, 3}, true);
  EXPECT_EQ(alarm(), 1);
  services_["web"].raises_alarm = false;
  apply();
  EXPECT_EQ(alarm(), 0) << "no target is judged yet";
  const std::vector<int> open = served(1000);
  // Five standard deviations of the hash; turns and counts are closer.
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(open[i], 100.0 * static_cast<double>(i + 1), 80) << i;
  }
  let({2}, false);
  EXPECT_EQ(alarm(), 0);
  EXPECT_EQ(served(100), (std::vector<int>{0, 0, 100, 0}));
}

TEST_P(FailOpenTraffic, B12_SwitchedOffClientsAreRefusedAsEver) {
  let({0, 1, 2, 3}, true);
  const std::vector<int> open = served(20);
  ASSERT_EQ(std::accumulate(open.begin(), open.end(), 0), 20);
  services_["web"].may_fail_open = false;
  let({}, false);
  std::vector<Sample> samples;
  engine().stats(samples);
  EXPECT_EQ(std::ranges::count(samples, Metric::kBackendFailOpen, &Sample::metric), 0);
  Stream client = Stream::connect(front_);
  client.send(get());  // The reset may be faster.
  if (GetParam().protocol == Protocol::kHttp) {
    EXPECT_EQ(client.reply().status, 503);
  } else if (GetParam().is_dnlb) {
    EXPECT_TRUE(soon([&] { return failures("no_target") == 1; }));
    char byte = 0;
    EXPECT_LT(::recv(client.fd(), &byte, 1, MSG_DONTWAIT | MSG_PEEK), 0);
    EXPECT_EQ(errno, EAGAIN);
  } else {
    EXPECT_TRUE(client.read_to_end().empty());
  }
  EXPECT_TRUE(soon([&] { return failures("no_target") == 1; }));
}

TEST_P(FailOpenTraffic, B12_ATargetThatRefusesCostsNoRequestWhileAnotherAnswers) {
  servers_[3].reset();
  let({0, 1, 2, 3}, true);
  const std::vector<int> counts = served(50);
  EXPECT_EQ(counts[0] + counts[1] + counts[2], 50);
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, FailOpenTraffic,
    ::testing::Values(Case{"Http", Protocol::kHttp, snapshot::Algorithm::kRoundRobin},
                      Case{"Tcp", Protocol::kTcp, snapshot::Algorithm::kRoundRobin},
                      Case{"LeastConn", Protocol::kTcp, snapshot::Algorithm::kLeastConnections},
                      Case{"Dnlb", Protocol::kTcp, snapshot::Algorithm::kSourceHash, true}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace weir::dataplane::proxy
