// Random histories of everything that a compilation looks at: what it builds from what changed is
// what it would build from everything (docs/adr/0002).
#include "balancing/table_codec.h"
#include "base/base64.h"
#include "base/random.h"
#include "model/keyring.h"
#include "snapshot/compile_fixture.h"

namespace weir::snapshot {
namespace {

class CompileHistoryTest : public CompileFixture {
 protected:
  static constexpr int kSteps = 800;

  /// One to four changes of those kinds, then a compilation; `check` is told after each.
  template <class Check>
  void run(bool breaks_bodies, const Check& check) {
    const std::uint64_t seed = Random().next();
    SCOPED_TRACE("seed " + std::to_string(seed));
    random_ = Random(seed);
    breaks_bodies_ = breaks_bodies;
    for (int i = 0; i < 60; ++i) change_something();
    for (int step = 0; step < kSteps; ++step) {
      for (int i = 1 + number(4); i > 0; --i) change_something();
      compile_now();
      check();
      if (HasFailure()) FAIL() << "step " << step;
    }
  }

  int number(std::uint64_t bound) { return static_cast<int>(random_.below(bound)); }
  bool is_one_in(std::uint64_t count) { return random_.below(count) == 0; }
  std::string one_of(const char* prefix) { return prefix + std::to_string(1 + number(3)); }
  /// Mostly the first, so that things meet.
  std::string load_balancer() { return is_one_in(2) ? one_of("lb-") : "lb-1"; }

  void change_something() {
    switch (number(20)) {
      case 0:
        return put_load_balancer();
      case 1:
        return CompileFixture::put_placement(one_of("placement-"), load_balancer(),
                                             is_one_in(4) ? "node-2" : "node-1");
      case 2:
        return put_listener();
      case 3:
      case 4:
        return put_backend();
      case 5:
        return put_group();
      case 6:
        return put_group_of_instances();
      case 7:
      case 14:
        return put_instance();
      case 8:
        return put_table();
      case 9:
        return put_seed();
      case 10:
        return put_drain();
      case 11:
        return remove_something();
      case 12:
        return break_something();
      case 13:
        return change_machine();
      case 15:
        return put_security_group();
      default:
        return change_verdict();
    }
  }

  void put_load_balancer() {
    model::LoadBalancer lb;
    lb.subnet_id = one_of("subnet-");
    if (is_one_in(3)) lb.type = model::LoadBalancerType::kDnlb;
    for (int i = number(3); i > 0; --i) lb.security_group_ids.push_back(one_of("sg-"));
    model::LoadBalancerAdmin admin;
    if (is_one_in(4)) admin.state = model::LoadBalancerState::kStopped;
    if (is_one_in(3)) {
      admin.elastic_ip_address = is_one_in(3) ? "10.0.0.101" : one_of("203.0.113.");
      admin.elastic_ip_pool = "public";
    }
    admin.vip = is_one_in(4) ? "127.0.0.1" : is_one_in(3) ? "10.0.0.101" : "10.0.0.100";
    put(one_of("lb-"), lb, admin, one_of("2026-01-01T00:00:0"));
  }
  void put_security_group() {
    model::SecurityGroup group;
    group.vpc_id = "vpc-1";
    group.rules.emplace();
    for (int i = number(4); i > 0; --i) {
      model::SecurityGroupRule rule;
      rule.rule_id = "sgrule-" + std::to_string(i);
      rule.direction = static_cast<model::RuleDirection>(number(2));
      rule.rule_action = static_cast<model::RuleAction>(number(2));
      rule.protocol = is_one_in(3) ? model::RuleProtocol::kAll : model::RuleProtocol::kTcp;
      rule.priority = 1 + number(2);
      rule.address_prefix = is_one_in(3) ? "0.0.0.0/0" : one_of("10.0.1.2") + "/32";
      model::fill_in_ports(rule);
      group.rules->push_back(rule);
    }
    put(one_of("sg-"), group);
  }
  void put_listener() {
    model::Listener listener;
    listener.load_balancer_id = load_balancer();
    listener.port = static_cast<std::uint16_t>(80 + number(3));
    listener.backend_id = one_of("b");
    put(one_of("l"), listener,
        {.status = is_one_in(4) ? model::ListenerStatus::kOff : model::ListenerStatus::kOn});
  }
  void put_backend() {
    model::Backend backend;
    backend.load_balancer_id = load_balancer();
    backend.port = 8080;
    backend.algorithm = is_one_in(2) ? model::Algorithm::kIpHash : model::Algorithm::kRoundRobin;
    backend.fail_open = is_one_in(3);
    if (!is_one_in(5)) backend.target_group_ids = {one_of("tg-")};
    put(one_of("b"), backend, {.close_health_check = is_one_in(4)});
  }
  /// `make` gives a target its address or instance by its slot.
  template <class Make>
  void put_targets(model::TargetGroup group, const Make& make) {
    group.load_balancer_id = load_balancer();
    model::TargetGroupAdmin slots;
    for (int slot = number(5); slot > 0; --slot) {
      model::Target target{.target_id = "t-" + std::to_string(slot)};
      target.weight = number(3);
      make(target, slot);
      slots.slots.push_back({target.target_id, static_cast<std::uint16_t>(slot)});
      group.targets.push_back(std::move(target));
    }
    put(one_of("tg-"), group, slots);
  }
  void put_group() {
    put_targets({}, [this](model::Target& target, int slot) {
      target.ip_address = is_one_in(9) ? "169.254.169.254" : "10.0.1." + std::to_string(20 + slot);
    });
  }
  void put_group_of_instances() {
    model::TargetGroup group;
    group.type = model::TargetGroupType::kInstance;
    put_targets(std::move(group),
                [this](model::Target& target, int) { target.instance_id = one_of("i-"); });
  }
  void put_instance() {
    model::Instance instance;
    instance.subnet_id = "subnet-1";
    instance.az = "local-1a";
    instance.ip_address = one_of("10.0.2.3");
    model::InstanceAdmin admin;
    admin.ip_address = instance.ip_address;
    if (is_one_in(3)) admin.state = model::InstanceState::kStopped;
    put(one_of("i-"), instance, admin);
  }
  void put_table() {
    const balancing::WeightedSlot members[] = {
        {Slot(1), 10}, {Slot(2), static_cast<std::uint16_t>(1 + number(9))}};
    const balancing::SlotTable slots = balancing::slot_table(members, nullptr).value();
    model::Table table;
    table.load_balancer_id = load_balancer();
    table.group_id = one_of("tg-");
    table.generation = static_cast<std::int64_t>(slots.generation.value);
    table.checksum = slots.checksum;
    table.rows = to_base64(balancing::encode(slots));
    put(one_of("table-"), table);
  }
  void put_seed() {
    model::Keyring seeds;
    seeds.current = one_of("000000000000000");
    put(std::string(model::kHashSeedId), seeds);
  }
  void put_drain() {
    model::Drain drain;
    drain.load_balancer_id = load_balancer();
    drain.group_id = one_of("tg-");
    drain.draining_seconds = 300;
    drain.deadline = "2026-01-31T12:00:00Z";
    drain.services = {{one_of("b"), 8080}};
    drain.targets = {{"t-4", 4, "10.0.1.24", 0}};
    put(one_of("drain-"), drain);
  }

  ObjectSet::Key any_object() {
    auto at = objects_.objects().begin();
    std::advance(at, number(objects_.objects().size()));
    return at->first;
  }
  void remove_something() {
    if (objects_.objects().empty()) return;
    const auto [kind, id] = any_object();
    remove(kind, id);
  }
  void break_something() {
    if (!breaks_bodies_ || objects_.objects().empty()) return;
    const auto [kind, id] = any_object();
    put_text(is_one_in(5) ? "quantum" : kind, id, is_one_in(2) ? "{" : R"({"spec":{"warp":9}})");
  }
  /// Seldom, for then everything is looked at.
  void change_machine() {
    if (!is_one_in(4)) return;
    local_.node_id = is_one_in(8) ? "node-2" : "node-1";
    if (is_one_in(2)) local_.check_source = net::IpAddress::v4(0xA9FEA96E);
    local_.has_check_source = is_one_in(2);
    local_.source_addresses[one_of("subnet-")] = {
        net::IpAddress::v4(0x0a0000f1U + static_cast<std::uint32_t>(number(3)))};
  }
  void change_verdict() {
    const TargetKey key{one_of("b"), one_of("tg-"), Slot(static_cast<std::uint16_t>(number(5)))};
    if (is_one_in(4)) {
      verdicts_.erase(key);
    } else {
      verdicts_[key] = {.target = key, .state = static_cast<HealthState>(number(3))};
    }
  }

 private:
  Random random_{0};
  bool breaks_bodies_ = false;
};

TEST_F(CompileHistoryTest, WithAndWithoutThePreviousCompilationTheResultIsTheSame) {
  run(false, [this] {
    expect_same(*last_, *snapshot_of(*compile_all(objects_, verdicts_, local_, nullptr)));
  });
}

TEST_F(CompileHistoryTest, WithBodiesThatCannotBeReadTheResultIsAsWhenEverythingIsLookedAt) {
  run(true, [] {});
}

}  // namespace
}  // namespace weir::snapshot
