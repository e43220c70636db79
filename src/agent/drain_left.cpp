#include "agent/drain_left.h"

#include <algorithm>

#include "agent/bounded_array.h"

namespace weir::agent {
namespace {

Json target_json(const std::pair<std::string, Slot>& target, const TargetLeft& left) {
  return Json::object({{"serviceId", target.first},
                       {"slot", target.second.value},
                       {"connections", left.connections},
                       {"oldestSeconds", left.oldest_seconds}});
}

Json sums_json(const std::string& id, const DrainLeft& left) {
  return Json::object({{"id", id},
                       {"waiting", left.is_waiting},
                       {"connections", left.connections},
                       {"oldestSeconds", left.oldest_seconds},
                       {"laterSeconds", left.later_seconds}});
}

std::uint64_t count_at(const Json& json, std::string_view field) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(json.integer_or(field, 0), 0));
}

DrainLeft left_from_json(const Json& item) {
  DrainLeft left{.is_waiting = item.bool_or("waiting", false),
                 .connections = count_at(item, "connections"),
                 .oldest_seconds = item.integer_or("oldestSeconds", 0),
                 .later_seconds = item.integer_or("laterSeconds", 0),
                 .more = count_at(item, "more")};
  const Json* const targets = item.find("targets");
  if (targets == nullptr || !targets->is_array()) return left;
  for (const Json& target : targets->as_array()) {
    const auto slot = static_cast<std::uint16_t>(target.integer_or("slot", 0));
    left.targets[{target.string_or("serviceId", ""), Slot(slot)}] = {
        .connections = count_at(target, "connections"),
        .oldest_seconds = target.integer_or("oldestSeconds", 0)};
  }
  return left;
}

}  // namespace

void DrainLeft::add(const DrainLeft& other) {
  is_waiting = is_waiting || other.is_waiting;
  connections += other.connections;
  oldest_seconds = std::max(oldest_seconds, other.oldest_seconds);
  later_seconds = std::max(later_seconds, other.later_seconds);
  more += other.more;
  for (const auto& [target, left] : other.targets) {
    TargetLeft& sum = targets[target];
    sum.connections += left.connections;
    sum.oldest_seconds = std::max(sum.oldest_seconds, left.oldest_seconds);
  }
}

BoundedDrains drains_json(const DrainsLeft& drains, std::size_t bytes_max) {
  // The sums of all first: by them control knows that a record is over.
  BoundedArray sums(bytes_max / 2);
  for (const auto& [id, left] : drains) sums.add(sums_json(id, left));
  BoundedDrains bounded{.list = sums.take(), .more = sums.more()};
  std::size_t bytes_left = bytes_max / 2;
  for (Json& item : bounded.list.as_array()) {
    const DrainLeft& left = drains.at(item.string_or("id", ""));
    BoundedArray targets(bytes_left);
    for (const auto& [target, one] : left.targets) targets.add(target_json(target, one));
    const std::uint64_t more = left.more + targets.more();
    if (more > 0) item["more"] = Json(more);
    if (left.targets.empty()) continue;
    Json list = targets.take();
    bytes_left -= std::min(bytes_left, list.dump().size());
    item["targets"] = std::move(list);
  }
  return bounded;
}

DrainsLeft drains_from_json(const Json& list) {
  DrainsLeft drains;
  if (!list.is_array()) return drains;
  for (const Json& item : list.as_array()) {
    drains[item.string_or("id", "")] = left_from_json(item);
  }
  return drains;
}

}  // namespace weir::agent
