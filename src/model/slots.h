// Slots: the number a target keeps in its group for life. Assigned in the transaction that changes
// the group; a slot of a removed target is not given again while a drain record or a flow can name
// it. Source: design.md decision 8. Thread: any (pure).
#pragma once

#include <chrono>
#include <map>
#include <string>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "base/strong_type.h"
#include "model/target_group.h"

namespace weir::model {

/// Source: design.md decision 8, the longest life of a flow.
inline constexpr std::chrono::seconds kFlowLifetime{3600};
/// Chosen because 10 000 entries keep the stored document under half of its 1 MiB. Reached: 429
/// naming spec.targets; weir_api_requests_total counts it.
inline constexpr std::size_t kRetiredSlotsMax = 10'000;

/// Gives ids to the targets of `updated` that have none: the id of the target of `old` with the
/// same address and port, else a new one. An id that `old` does not hold is replaced. `old` may be
/// null.
void assign_target_ids(const TargetGroup* old, TargetGroup& updated, Random& random);

/// The admin part that fits `targets`: who stays keeps its slot, who is new gets one, who is gone
/// retires its slot until `now` + kFlowLifetime or the deadline of its drain record, whichever is
/// later (`drain_deadlines`: by target id, of those removed in this call; may be empty).
/// Errors:  kQuotaExceeded when no slot is free or kRetiredSlotsMax is reached
Result<TargetGroupAdmin> assign_slots(const TargetGroupAdmin& before,
                                      const std::vector<Target>& targets, WallTime now,
                                      const std::map<std::string, WallTime>& drain_deadlines = {});

/// The slot of a target, or nothing.
std::optional<Slot> slot_of(const TargetGroupAdmin& admin, std::string_view target_id);

}  // namespace weir::model
