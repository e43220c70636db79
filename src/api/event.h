// What the event stream tells: one event, the place of a reader in the stream, and what a reader
// asks for. event_log.h keeps them. Thread: values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "api/caller.h"
#include "base/clock.h"
#include "base/strong_type.h"
#include "model/kind.h"

namespace weir::api {

struct Event {
  std::uint64_t order = 0;  // of arrival since control started; 0: it is older than that
  /// Of a change of an object: its revision, and its number in it, from 1. Of what was observed: no
  /// revision, and its number since control started, from 1.
  Revision revision;
  std::uint64_t number = 0;
  std::string type{};  // "created"; all of them stand in docs/formats/events.md
  model::Kind kind{};  // of the object it is about
  std::string id{};
  std::string owner{};                                       // whose object: nobody else is told
  std::vector<std::map<std::string, std::string>> labels{};  // before, and after
  WallTime at{};
  std::string body{};   // a JSON object
  std::string actor{};  // members that only those see who may read the audit; may be empty

  bool is_observed() const { return revision == Revision(); }
};

/// Everything up to here was told: changes below `revision` and `number` of its own, and what was
/// observed up to `observed` in the run of control that is named.
struct EventPosition {
  Epoch epoch;
  Revision revision;
  std::uint64_t number = 0;
  std::string run{};
  std::uint64_t observed = 0;

  friend bool operator==(const EventPosition&, const EventPosition&) = default;
};

/// "<epoch>.<revision>.<number>.<run>.<observed>": the id of an event on the wire.
std::string position_text(const EventPosition& position);
/// Nothing for any other text.
std::optional<EventPosition> parse_position(std::string_view text);

/// What one reader is told. An empty set lets everything through.
struct EventQuery {
  Caller caller{};
  std::set<model::Kind> kinds{};
  std::set<std::string> ids{};
  std::set<std::string> types{};
  std::map<std::string, std::string> labels{};  // all of them, before or after a change
};

/// Never an event of another account, nor of a kind that the caller's role may not see.
bool is_for(const Event& event, const EventQuery& query);

/// The event as JSON, with its position; who did it only for those who may read the audit.
std::string event_json(const Event& event, const EventPosition& position, const EventQuery& query);

}  // namespace weir::api
