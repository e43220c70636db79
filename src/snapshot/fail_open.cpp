#include "snapshot/fail_open.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/mutant.h"
#include "snapshot/usable.h"

namespace weir::snapshot {
namespace {

const Service* find_service(const Snapshot& snapshot, const std::string& id) {
  const auto found = std::ranges::lower_bound(
      snapshot.services, id, {}, [](const auto& entry) -> const std::string& { return entry->id; });
  return found == snapshot.services.end() || (*found)->id != id ? nullptr : found->get();
}

/// Does traffic go to a usable target other than this one, marks included?
bool another_takes(const Service& service, const InForce& in_force, const Verdicts& verdicts,
                   const TargetKey& target) {
  GroupVerdicts of_group(verdicts, service.id, service.group_id);
  return std::ranges::any_of(service.targets, [&](const Target& other) {
    const TargetKey key{service.id, service.group_id, other.slot};
    return other.takes_new && key != target && !in_force.marked.contains(key) &&
           is_usable(service.is_check_closed, of_group.of(other.slot));
  });
}

bool has_usable_target(const Service& service, const std::string& group,
                       const std::vector<Target>& targets, const Verdicts& verdicts) {
  GroupVerdicts of_group(verdicts, service.id, group);
  return std::ranges::any_of(targets, [&](const Target& target) {
    return target.may_serve && is_usable(service.is_check_closed, of_group.of(target.slot));
  });
}

}  // namespace

void fail_open(Service& service, const Verdicts& verdicts) {
  const bool has_usable = std::ranges::any_of(service.targets, &Target::takes_new);
  if (!service.may_fail_open || (has_usable && !mutant("fail-open-always"))) return;
  GroupVerdicts of_group(verdicts, service.id, service.group_id);
  for (Target& target : service.targets) {
    if (!target.may_serve) continue;
    const Verdict* verdict = of_group.of(target.slot);
    target.takes_new = true;
    target.excluded.clear();
    service.is_failing_open = true;
    // Targets that wait for their first verdicts are no reason to call somebody.
    if (verdict != nullptr && verdict->state == HealthState::kUnhealthy) {
      service.raises_alarm = true;
    }
  }
}

bool keeps_traffic(const InForce& in_force, const Verdicts& verdicts, const TargetKey& target) {
  const Service* service = find_service(in_force.snapshot, target.service);
  if (service == nullptr || service->group_id != target.group) return false;
  if (another_takes(*service, in_force, verdicts, target)) return false;
  return service->may_fail_open ||
         has_usable_target(*service, service->group_id, service->targets, verdicts) ||
         has_usable_target(*service, service->next_group_id, service->next_targets, verdicts);
}

}  // namespace weir::snapshot
