#include "snapshot/service.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/mutant.h"
#include "model/subnet_addresses.h"
#include "snapshot/fail_open.h"
#include "snapshot/usable.h"

namespace weir::snapshot {
namespace {

bool has_verdict(const TargetKey& key, const Verdicts& verdicts) {
  const auto found = verdicts.find(key);
  return found != verdicts.end() && found->second.state != HealthState::kInitial;
}

/// Why its verdict keeps new traffic from a target that may serve; empty when it does not.
std::string exclusion(bool is_check_closed, const Verdict* verdict) {
  if (is_usable(is_check_closed, verdict)) return "";
  if (verdict == nullptr || verdict->state == HealthState::kInitial) return "initial";
  return verdict->reason.empty() ? "unhealthy" : "unhealthy " + verdict->reason;
}

/// `fact`: takes_new or may_serve.
std::size_t count_with(const std::vector<Target>& targets, bool Target::* fact) {
  return static_cast<std::size_t>(std::ranges::count(targets, true, fact));
}

/// The group as it is stored; null when it has not arrived, or is another load balancer's, which is
/// never served, whatever a reference says. An availability group is nobody's.
const GroupFacts* group_of(const BackendFacts& backend, const std::string& group,
                           const FactCache& facts) {
  const GroupFacts* found = facts.find_group(group);
  const bool is_own =
      found != nullptr && (found->kind == model::Kind::kAvailabilityGroup ||
                           found->load_balancer_id == backend.service.load_balancer_id);
  return is_own ? found : nullptr;
}

/// May the group asked for, with these targets, replace one that works? Without a target that takes
/// traffic only when the check has judged all that may have any, or when an empty group was asked
/// for: what has not arrived yet, or may have no traffic, is no reason to cut off who serves.
bool can_take_over(const BackendFacts& backend, const std::vector<Target>& targets,
                   const FactCache& facts, const Verdicts& verdicts) {
  if (count_with(targets, &Target::takes_new) > 0) return true;
  const GroupFacts* asked = group_of(backend, backend.group_id, facts);
  if (asked == nullptr || targets.size() < asked->targets.size()) return false;
  if (targets.empty()) return true;
  const bool may_serve = !std::ranges::all_of(targets, &Target::is_forbidden);
  // Nothing judges them: what was asked for is what there is.
  if (backend.service.is_check_closed) return may_serve;
  const std::string& service = backend.service.id;
  return may_serve && std::ranges::all_of(targets, [&](const Target& target) {
           return target.is_forbidden ||
                  has_verdict({service, backend.group_id, target.slot}, verdicts);
         });
}

struct Group {
  std::string id;
  std::vector<Target> targets;
};

/// The other group with verdicts of this service that has targets of this `fact`: the one to be
/// replaced. With several (replaced again before the first change was through) the one with most.
Group replaced_group(const BackendFacts& backend, const FactCache& facts, const Verdicts& verdicts,
                     bool Target::* fact) {
  Group best;
  std::string seen = backend.group_id;
  const std::string& service = backend.service.id;
  for (auto at = verdicts.lower_bound({service, "", Slot(0)});
       at != verdicts.end() && at->first.service == service; ++at) {
    const std::string& group = at->first.group;
    if (group == backend.group_id || group == seen) continue;
    seen = group;
    auto targets = targets_of(backend, group, facts, verdicts);
    if (count_with(targets, fact) > count_with(best.targets, fact))
      best = {group, std::move(targets)};
  }
  return best;
}

/// Gives a target that is an instance its address, and says whether that instance stands still.
/// False when the instance is not known.
bool resolve(Target& target, const FactCache& facts) {
  if (target.instance_id.empty()) return true;
  const InstanceFacts* instance = facts.table<model::Kind::kInstance>().find(target.instance_id);
  if (instance == nullptr) return false;
  target.endpoint.address = instance->address;
  const bool is_running = instance->is_running || mutant("stopped-instance-serves");
  if (!is_running) target.excluded = "instance stopped";
  return true;
}

/// Security groups decide about traffic, and about probes, which may go to another port. A target
/// without traffic needs no probe to be called unhealthy.
void deny(Target& target, std::uint16_t check_port, const SecurityFilter& filter) {
  target.denied = filter.outbound_refusal(target.endpoint);
  if (!target.denied.empty()) {
    if (target.excluded.empty()) target.excluded = "unhealthy CONNECT_FAILED, " + target.denied;
  } else if (check_port != 0) {
    target.denied = filter.outbound_refusal({target.endpoint.address, check_port});
  }
}

/// Whatever is stored: nothing is sent to an address that no target may have. On loopback
/// everything else is out of place.
bool is_forbidden(const net::IpAddress& target, const LoadBalancerFacts* lb) {
  const bool is_on_loopback = lb != nullptr && lb->vip.is_loopback();
  return is_on_loopback ? !target.is_loopback() : model::is_denied_target(target);
}

}  // namespace

std::vector<Target> targets_of(const BackendFacts& backend, const std::string& group,
                               const FactCache& facts, const Verdicts& verdicts) {
  const Service& service = backend.service;
  const GroupFacts* group_facts = group_of(backend, group, facts);
  if (group_facts == nullptr) return {};
  std::vector<Target> targets = group_facts->targets;
  std::erase_if(targets, [&](Target& target) { return !resolve(target, facts); });
  const LoadBalancerFacts* lb =
      facts.table<model::Kind::kLoadBalancer>().find(service.load_balancer_id);
  const SecurityFilter& filter = facts.security_filter(service.load_balancer_id);
  GroupVerdicts of_group(verdicts, service.id, group);
  for (Target& target : targets) {
    if (target.endpoint.port == 0) target.endpoint.port = backend.port;
    target.is_forbidden =
        is_forbidden(target.endpoint.address, lb) && !mutant("forbidden-target-serves");
    if (target.is_forbidden) target.excluded = "forbidden address";
    if (target.excluded.empty() && target.weight == 0) target.excluded = "weight 0";
    deny(target, service.check.port, filter);
    target.may_serve = target.excluded.empty();
    if (target.may_serve) {
      target.excluded = exclusion(service.is_check_closed, of_group.of(target.slot));
    }
    target.takes_new = target.excluded.empty();
  }
  return targets;
}

Service service_of(const BackendFacts& backend, const FactCache& facts, const Verdicts& verdicts) {
  Service service = backend.service;
  service.group_id = backend.group_id;
  service.targets = targets_of(backend, backend.group_id, facts, verdicts);
  if (!backend.group_id.empty() && !can_take_over(backend, service.targets, facts, verdicts)) {
    Group replaced = replaced_group(backend, facts, verdicts, &Target::takes_new);
    // A group that serves by failing open goes on while nobody in the new one may serve.
    const bool has_nobody = count_with(service.targets, &Target::may_serve) == 0;
    if (replaced.id.empty() && service.may_fail_open && has_nobody) {
      replaced = replaced_group(backend, facts, verdicts, &Target::may_serve);
    }
    if (!replaced.id.empty()) {
      service.next_group_id = std::exchange(service.group_id, std::move(replaced.id));
      service.next_targets = std::exchange(service.targets, std::move(replaced.targets));
    }
  }
  fail_open(service, verdicts);
  return service;
}

}  // namespace weir::snapshot
