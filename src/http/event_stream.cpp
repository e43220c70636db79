#include "http/event_stream.h"

#include <utility>

namespace weir::http {

std::string event_text(std::string_view id, std::string_view data) {
  std::string text = "id: ";
  text += id;
  if (!data.empty()) text.append("\ndata: ").append(data);
  return text + "\n\n";
}

std::optional<ServerEvent> EventReader::take(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.empty()) {
    last_id_ = id_;
    std::string data = std::exchange(data_, {});
    if (!std::exchange(has_data_, false)) return std::nullopt;
    return ServerEvent{last_id_, std::move(data)};
  }
  const std::size_t colon = line.find(':');
  const std::string_view field = line.substr(0, colon);
  std::string_view value =
      colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "id") {
    id_ = value;
  } else if (field == "data") {
    if (has_data_) data_ += '\n';
    data_ += value;
    has_data_ = true;
  }
  return std::nullopt;
}

}  // namespace weir::http
