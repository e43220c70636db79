// Server-sent events: the text that a server writes and what a reader makes of its lines. Both
// sides of `GET /weir/v1/events` use it. Source: WHATWG HTML, 9.2 (text/event-stream), without
// named event types, which nobody here sends. Thread: values; a reader belongs to one thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace weir::http {

inline constexpr std::string_view kEventStreamType = "text/event-stream";

/// One event; neither text has a line end. Without data it only moves the reader's last id: a
/// bookmark, which no program is shown.
std::string event_text(std::string_view id, std::string_view data);

struct ServerEvent {
  std::string id;  // the last one that was told, perhaps by an earlier event
  std::string data;
};

class EventReader {
 public:
  /// Takes one line without its line end; an event when the line was the end of one with data.
  std::optional<ServerEvent> take(std::string_view line);
  /// Id of the last whole event or bookmark: where a new connection goes on.
  const std::string& last_id() const { return last_id_; }

 private:
  std::string id_;  // of the event that is being read
  std::string data_;
  bool has_data_ = false;
  std::string last_id_;
};

}  // namespace weir::http
