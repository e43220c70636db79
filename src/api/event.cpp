#include "api/event.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "api/policy.h"
#include "base/json.h"
#include "base/mutant.h"

namespace weir::api {
namespace {

/// Longest name of a run. Chosen because control names its runs with 8 characters.
/// Reached: 400 naming the parameter.
constexpr std::size_t kRunCharactersMax = 16;

bool read_number(std::string_view text, std::uint64_t& into) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
  return error == std::errc() && end == text.data() + text.size();
}

bool has_labels(const Event& event, const std::map<std::string, std::string>& wanted) {
  return std::ranges::any_of(event.labels, [&](const auto& labels) {
    return std::ranges::all_of(wanted, [&](const auto& label) {
      const auto found = labels.find(label.first);
      return found != labels.end() && found->second == label.second;
    });
  });
}

template <class Value>
bool lets(const std::set<Value>& filter, const Value& value) {
  return filter.empty() || filter.contains(value);
}

}  // namespace

std::string position_text(const EventPosition& position) {
  return std::to_string(position.epoch.value) + "." + std::to_string(position.revision.value) +
         "." + std::to_string(position.number) + "." + position.run + "." +
         std::to_string(position.observed);
}

std::optional<EventPosition> parse_position(std::string_view text) {
  constexpr std::size_t kParts = 5;
  std::array<std::string_view, kParts> parts;
  for (std::size_t i = 0; i + 1 < kParts; ++i) {
    const std::size_t dot = text.find('.');
    if (dot == std::string_view::npos) return std::nullopt;
    parts[i] = text.substr(0, dot);
    text.remove_prefix(dot + 1);
  }
  parts[4] = text;
  EventPosition position;
  position.run = parts[3];
  const bool is_run = !position.run.empty() && position.run.size() <= kRunCharactersMax &&
                      position.run.find_first_not_of("0123456789abcdef") == std::string::npos;
  const bool is_read = is_run && read_number(parts[0], position.epoch.value) &&
                       read_number(parts[1], position.revision.value) &&
                       read_number(parts[2], position.number) &&
                       read_number(parts[4], position.observed);
  return is_read ? std::optional(position) : std::nullopt;
}

bool is_for(const Event& event, const EventQuery& query) {
  if (event.owner != query.caller.account && !mutant("event-of-another-account")) return false;
  if (!check_right(query.caller, rule_of(NativeCall::kEvents, event.kind), "").ok()) return false;
  return lets(query.kinds, event.kind) && lets(query.ids, event.id) &&
         lets(query.types, event.type) && (query.labels.empty() || has_labels(event, query.labels));
}

std::string event_json(const Event& event, const EventPosition& position, const EventQuery& query) {
  std::string text = "{\"position\":" + Json(position_text(position)).dump();
  text.append(",").append(event.body, 1, event.body.size() - 2);
  const bool sees_actor = has_right(query.caller.role, rule_of(NativeCall::kListAudit).right);
  if (sees_actor && !event.actor.empty()) text.append(",").append(event.actor);
  return text + "}";
}

}  // namespace weir::api
