#include "snapshot/fail_open.h"

#include <algorithm>

#include "base/mutant.h"

namespace weir::snapshot {
namespace {

bool has_usable_target(const Service& service, const Verdicts& verdicts) {
  // Targets and verdicts stand in the same order.
  auto at = verdicts.lower_bound({service.id, service.group_id, Slot(0)});
  for (const Target& target : service.targets) {
    if (!target.may_serve) continue;
    const TargetKey key{service.id, service.group_id, target.slot};
    while (at != verdicts.end() && at->first < key) ++at;
    if (at != verdicts.end() && at->first == key && at->second.lets_traffic()) return true;
  }
  return false;
}

}  // namespace

void fail_open(Service& service) {
  const bool has_usable = std::ranges::any_of(service.targets, &Target::takes_new);
  if (!service.may_fail_open || (has_usable && !mutant("fail-open-always"))) return;
  for (Target& target : service.targets) {
    if (!target.may_serve) continue;
    target.takes_new = true;
    target.excluded.clear();
    service.is_failing_open = true;
  }
}

bool keeps_traffic(const Snapshot& snapshot, const Verdicts& verdicts, const TargetKey& target) {
  const auto service =
      std::ranges::lower_bound(snapshot.services, target.service, {},
                               [](const auto& entry) -> const std::string& { return entry->id; });
  if (service == snapshot.services.end() || (*service)->id != target.service) return false;
  if (!(*service)->may_fail_open || (*service)->group_id != target.group) return false;
  return !has_usable_target(**service, verdicts);
}

}  // namespace weir::snapshot
