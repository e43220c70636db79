#include "snapshot/usable.h"

#include <cstdint>

#include "base/mutant.h"

namespace weir::snapshot {

GroupVerdicts::GroupVerdicts(const Verdicts& verdicts, const std::string& service,
                             const std::string& group)
    : at_(verdicts.lower_bound({service, group, Slot(0)})),
      end_(verdicts.upper_bound({service, group, Slot(UINT16_MAX)})) {}

const Verdict* GroupVerdicts::of(Slot slot) {
  while (at_ != end_ && at_->first.slot < slot) ++at_;
  return at_ != end_ && at_->first.slot == slot ? &at_->second : nullptr;
}

bool is_usable(bool is_check_closed, const Verdict* verdict) {
  if (is_check_closed || (verdict != nullptr && verdict->lets_traffic())) return true;
  const bool is_unknown = verdict == nullptr || verdict->state == HealthState::kInitial;
  return is_unknown && mutant("unknown-health-is-up");
}

}  // namespace weir::snapshot
