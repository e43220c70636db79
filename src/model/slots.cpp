#include "model/slots.h"

#include <algorithm>
#include <bitset>
#include <set>

#include "model/registry.h"
#include "model/utc.h"

namespace weir::model {
namespace {

constexpr std::size_t kSlotCount = 65'536;

/// Slots still named by something at `now`; a time that cannot be read keeps its slot.
std::vector<RetiredSlot> still_retired(const std::vector<RetiredSlot>& retired, WallTime now) {
  std::vector<RetiredSlot> kept;
  for (const RetiredSlot& entry : retired) {
    const auto until = parse_utc(entry.until);
    if (!until || *until > now) kept.push_back(entry);
  }
  return kept;
}

/// Rounded up, so that the second in which it ends still counts.
std::string until_text(WallTime time) { return utc_text(time + std::chrono::seconds(1)); }

/// Hands out slots that nothing names, in ascending order with wrap.
class FreeSlots {
 public:
  explicit FreeSlots(std::uint16_t next) : next_(next) {}
  void take(std::uint16_t slot) { taken_.set(slot); }
  std::optional<std::uint16_t> give() {
    for (std::size_t tried = 0; tried < kSlotCount; ++tried) {
      const std::uint16_t slot = next_++;  // wraps
      if (taken_.test(slot)) continue;
      taken_.set(slot);
      return slot;
    }
    return std::nullopt;
  }
  std::uint16_t next() const { return next_; }

 private:
  std::bitset<kSlotCount> taken_;
  std::uint16_t next_;
};

bool holds(const std::vector<Target>& targets, std::string_view id) {
  return std::ranges::find(targets, id, &Target::target_id) != targets.end();
}

const Target* same_place(const TargetGroup& group, const Target& target) {
  const auto found = std::ranges::find_if(group.targets, [&](const Target& other) {
    return other.instance_id == target.instance_id && other.ip_address == target.ip_address &&
           other.port == target.port;
  });
  return found == group.targets.end() ? nullptr : &*found;
}

Error too_many_retired() {
  return {ErrorCode::kQuotaExceeded,
          "more than " + std::to_string(kRetiredSlotsMax) +
              " targets of the group were removed within an hour",
          "spec.targets"};
}

}  // namespace

void assign_target_ids(const TargetGroup* old, TargetGroup& updated, Random& random) {
  std::set<std::string> used;
  for (Target& target : updated.targets) {
    const bool is_known = old != nullptr && holds(old->targets, target.target_id);
    if (!is_known || !used.insert(target.target_id).second) target.target_id.clear();
  }
  for (Target& target : updated.targets) {
    if (!target.target_id.empty()) continue;
    const Target* before = old == nullptr ? nullptr : same_place(*old, target);
    const bool is_free = before != nullptr && used.insert(before->target_id).second;
    target.target_id = is_free ? before->target_id : new_target_id(random);
  }
}

Result<TargetGroupAdmin> assign_slots(const TargetGroupAdmin& before,
                                      const std::vector<Target>& targets, WallTime now,
                                      const std::map<std::string, WallTime>& drain_deadlines) {
  TargetGroupAdmin after;
  after.vpc_id = before.vpc_id;
  after.retired = still_retired(before.retired, now);
  FreeSlots free(before.next_slot);
  std::set<std::string_view> staying;
  for (const Target& target : targets) staying.insert(target.target_id);
  std::map<std::string_view, std::uint16_t> known;
  for (const TargetSlot& entry : before.slots) {
    free.take(entry.slot);
    known.emplace(entry.target_id, entry.slot);
    if (staying.contains(entry.target_id)) continue;
    const auto drain = drain_deadlines.find(entry.target_id);
    const WallTime drained = drain == drain_deadlines.end() ? now : drain->second;
    after.retired.push_back({entry.slot, until_text(std::max(now + kFlowLifetime, drained))});
  }
  for (const RetiredSlot& entry : after.retired) free.take(entry.slot);
  if (after.retired.size() > kRetiredSlotsMax) return too_many_retired();
  for (const Target& target : targets) {
    const auto found = known.find(target.target_id);
    const auto slot = found == known.end() ? free.give() : std::optional(found->second);
    if (!slot) {
      return Error{ErrorCode::kQuotaExceeded, "no slot of the group is free", "spec.targets"};
    }
    after.slots.push_back({target.target_id, *slot});
  }
  after.next_slot = free.next();
  return after;
}

std::optional<Slot> slot_of(const TargetGroupAdmin& admin, std::string_view target_id) {
  const auto found = std::ranges::find(admin.slots, target_id, &TargetSlot::target_id);
  return found == admin.slots.end() ? std::nullopt : std::optional(Slot(found->slot));
}

}  // namespace weir::model
