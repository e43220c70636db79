// What compile makes of the load balancer's type, and of target addresses that no target may have.
#include "model/resources.h"
#include "snapshot/compile_fixture.h"

namespace weir::snapshot {
namespace {

const net::IpAddress kCheckSource = net::IpAddress::v4(0xA9FEA96E);

/// A load balancer on one node with a group of two healthy targets.
class DnlbCompile : public CompileFixture {
 protected:
  void SetUp() override {
    put_load_balancer(model::LoadBalancerType::kDnlb);
    put_placement("placement-1", "lb-1");
    put_targets({"10.0.1.20", "10.0.1.21"});
    put_backend(false);
    model::Listener listener;
    listener.load_balancer_id = "lb-1";
    listener.port = 80;
    listener.backend_id = "b1";
    put("l1", listener);
    for (const int slot : {0, 1}) judge(slot, HealthState::kHealthy);
    local_.node_id = "node-1";
    local_.source_addresses["subnet-1"] = {net::IpAddress::v4(0x0a0000f1)};
    local_.check_source = kCheckSource;
    local_.has_check_source = true;
  }

  void put_load_balancer(model::LoadBalancerType type, const std::string& vip = "10.0.0.100") {
    model::LoadBalancer lb;
    lb.type = type;
    lb.subnet_id = "subnet-1";
    model::LoadBalancerAdmin admin;
    admin.vip = vip;
    put("lb-1", lb, admin);
  }
  void put_targets(const std::vector<std::string>& addresses) {
    model::TargetGroup group;
    group.load_balancer_id = "lb-1";
    model::TargetGroupAdmin slots;
    for (std::size_t i = 0; i < addresses.size(); ++i) {
      const std::string id = "t-" + std::to_string(i);
      group.targets.push_back({.target_id = id, .ip_address = addresses[i]});
      slots.slots.push_back({.target_id = id, .slot = static_cast<std::uint16_t>(i)});
    }
    put("tg-1", group, slots);
  }
  void put_backend(bool is_check_closed) {
    model::Backend backend;
    backend.load_balancer_id = "lb-1";
    backend.port = 8080;
    backend.algorithm = model::Algorithm::kLeastConn;
    backend.target_group_ids = {"tg-1"};
    put("b1", backend, {.close_health_check = is_check_closed});
  }
};

TEST_F(DnlbCompile, ItsListenersDropWhatNobodyCanServeAndOthersDoNot) {
  const Listener& listener = *compile_now().listeners.at(0);
  EXPECT_TRUE(listener.drops_without_target);
  EXPECT_EQ(listener.idle_timeout, std::chrono::seconds(1800));
  for (const auto type : {model::LoadBalancerType::kAlb, model::LoadBalancerType::kNlb}) {
    put_load_balancer(type);
    EXPECT_FALSE(compile_now().listeners.at(0)->drops_without_target);
  }
}

TEST_F(DnlbCompile, M73_ItsChecksLeaveFromTheConfiguredAddressWhereTheNodeHasIt) {
  EXPECT_EQ(service_now().check_source, kCheckSource);
  EXPECT_EQ(last_->services[0]->source_addresses, local_.source_addresses["subnet-1"])
      << "traffic does not";
  EXPECT_EQ(last_->addresses.at(0).note, "");
  put_load_balancer(model::LoadBalancerType::kNlb);
  EXPECT_EQ(service_now().check_source, std::nullopt);
}

TEST_F(DnlbCompile, M73_SaysThatItsChecksLeaveFromElsewhereWhereTheNodeHasItNot) {
  local_.has_check_source = false;
  EXPECT_EQ(service_now().check_source, std::nullopt);
  EXPECT_EQ(last_->addresses.at(0).note,
            "health checks leave from other addresses of this node: it does not have "
            "169.254.169.110");
  put_load_balancer(model::LoadBalancerType::kAlb);
  EXPECT_EQ(compile_now().addresses.at(0).note, "") << "others do not use it";
}

TEST_F(DnlbCompile, SendsNothingToAnAddressThatNoTargetMayHave) {
  for (const char* address : {"127.0.0.1", "0.0.0.0", "169.254.169.254", "169.254.169.110",
                              "224.0.0.1", "255.255.255.255"}) {
    SCOPED_TRACE(address);
    put_targets({address, "10.0.1.21"});
    for (const bool is_check_closed : {false, true}) {
      put_backend(is_check_closed);
      const Target& target = service_now().targets.at(0);
      EXPECT_TRUE(target.is_forbidden);
      EXPECT_FALSE(target.takes_new);
      EXPECT_EQ(target.excluded, "forbidden address");
    }
    EXPECT_TRUE(last_->services[0]->targets.at(1).takes_new);
    ASSERT_EQ(last_->errors.size(), 1u);
    EXPECT_EQ(last_->errors[0].kind + " " + last_->errors[0].id, "tg tg-1");
    EXPECT_EQ(last_->errors[0].detail, "target t-0: nothing is sent to " + std::string(address) +
                                           ", an address that no target may have");
  }
}

TEST_F(DnlbCompile, OnLoopbackSendsToLoopbackAlone) {
  put_load_balancer(model::LoadBalancerType::kDnlb, "127.64.0.3");
  put_targets({"127.0.0.1", "169.254.169.254"});
  EXPECT_TRUE(service_now().targets.at(0).takes_new);
  EXPECT_TRUE(service_now().targets.at(1).is_forbidden);
}

}  // namespace
}  // namespace weir::snapshot
