#include "snapshot/verdict.h"

#include <array>
#include <optional>

namespace weir::snapshot {
namespace {

constexpr std::array<std::string_view, 3> kStateNames = {"initial", "healthy", "unhealthy"};

std::optional<HealthState> state_of_name(std::string_view name) {
  for (std::size_t i = 0; i < kStateNames.size(); ++i) {
    if (kStateNames[i] == name) return static_cast<HealthState>(i);
  }
  return std::nullopt;
}

Error wrong(std::string_view field, std::string_view wanted) {
  return Error{.code = ErrorCode::kInvalidArgument,
               .message = "must be " + std::string(wanted),
               .field = std::string(field)};
}

Result<void> read_text(const Json& json, std::string_view field, std::string& into) {
  const Json* value = json.find(field);
  if (value == nullptr || !value->is_string()) return wrong(field, "a string");
  into = value->as_string();
  return {};
}

Result<std::uint64_t> read_number(const Json& json, std::string_view field, std::int64_t max) {
  const Json* value = json.find(field);
  if (value == nullptr || !value->is_integer()) return wrong(field, "an integer");
  const std::int64_t number = value->as_integer();
  if (number < 0 || number > max) return wrong(field, "between 0 and " + std::to_string(max));
  return static_cast<std::uint64_t>(number);
}

}  // namespace

std::string_view health_state_name(HealthState state) {
  return kStateNames[static_cast<std::size_t>(state)];
}

std::string verdict_id(const TargetKey& target) {
  return target.service + "/" + target.group + "/" + std::to_string(target.slot.value);
}

Json verdict_json(const Verdict& verdict) {
  return Json::object({
      {"service", verdict.target.service},
      {"group", verdict.target.group},
      {"slot", verdict.target.slot.value},
      {"scope", verdict.scope},
      {"state", health_state_name(verdict.state)},
      {"since", verdict.since},
      {"reason", verdict.reason},
      {"detail", verdict.detail},
      {"prober", verdict.prober},
      {"sequence", verdict.sequence},
  });
}

Result<Verdict> verdict_from_json(const Json& json) {
  if (!json.is_object()) return wrong("", "an object");
  Verdict verdict;
  std::string state;
  WEIR_TRY(read_text(json, "service", verdict.target.service));
  WEIR_TRY(read_text(json, "group", verdict.target.group));
  WEIR_TRY(read_text(json, "scope", verdict.scope));
  WEIR_TRY(read_text(json, "state", state));
  WEIR_TRY(read_text(json, "since", verdict.since));
  WEIR_TRY(read_text(json, "reason", verdict.reason));
  WEIR_TRY(read_text(json, "detail", verdict.detail));
  WEIR_TRY(read_text(json, "prober", verdict.prober));
  WEIR_ASSIGN_OR_RETURN(const auto slot, read_number(json, "slot", UINT16_MAX));
  WEIR_ASSIGN_OR_RETURN(verdict.sequence, read_number(json, "sequence", INT64_MAX));
  verdict.target.slot = Slot(static_cast<std::uint16_t>(slot));
  const auto known = state_of_name(state);
  if (!known) return wrong("state", "one of initial, healthy, unhealthy");
  verdict.state = *known;
  if (verdict.scope != "node" && verdict.scope != "cluster") {
    return wrong("scope", "one of node, cluster");
  }
  return verdict;
}

}  // namespace weir::snapshot
