#include "api/audit_anchors.h"

#include <algorithm>
#include <chrono>

#include "api/files.h"
#include "api/secrets.h"
#include "base/json.h"
#include "base/log.h"

namespace weir::api {
namespace {

/// Lines kept. Chosen because there is one a day and rows are kept as many days, and one a start.
/// Reached: the oldest goes.
constexpr std::size_t kLinesMax = 2'000;

std::int64_t milliseconds_of(WallTime time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    if (end > at) lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

Result<std::vector<std::string>> read_lines(const std::string& path) {
  const auto text = read_file(path);
  if (text) return lines_of(*text);
  if (text.error().code == ErrorCode::kNotFound) return std::vector<std::string>();
  return text.error();
}

}  // namespace

Result<std::string> AuditAnchors::line_of(const store::AuditAnchor& anchor, WallTime now) const {
  Json json = Json::object({{"number", anchor.link.number},
                            {"hash", anchor.link.hash},
                            {"rowAt", milliseconds_of(anchor.at)},
                            {"epoch", anchor.epoch.value},
                            {"notedAt", utc_text(now)}});
  // The seal holds nothing: it binds the line as it stands.
  WEIR_ASSIGN_OR_RETURN(std::string seal_text, seal(key_, json.dump(), ""));
  json["seal"] = Json(std::move(seal_text));
  return json.dump();
}

Result<store::AuditAnchor> AuditAnchors::anchor_of(const std::string& line) const {
  WEIR_ASSIGN_OR_RETURN(Json json, parse_json(line));
  const std::string sealed = json.string_or("seal", "");
  if (json.is_object()) json.erase("seal");
  const auto opened = unseal(key_, json.dump(), sealed);
  if (!opened) return opened.error();
  store::AuditAnchor anchor;
  anchor.link.number = static_cast<std::uint64_t>(json.integer_or("number", 0));
  anchor.link.hash = json.string_or("hash", "");
  anchor.at = WallTime(std::chrono::milliseconds(json.integer_or("rowAt", 0)));
  anchor.epoch = Epoch(static_cast<std::uint64_t>(json.integer_or("epoch", 0)));
  return anchor;
}

Result<AuditAnchors::Known> AuditAnchors::read() const {
  Known known;
  WEIR_ASSIGN_OR_RETURN(const auto lines, read_lines(path_));
  for (std::size_t i = 0; i < lines.size(); ++i) {
    auto anchor = anchor_of(lines[i]);
    if (anchor) {
      known.anchors.push_back(*std::move(anchor));
    } else {
      known.problems.push_back("line " + std::to_string(i + 1) + " of " + path_ +
                               " was not written by this service");
    }
  }
  return known;
}

Result<void> AuditAnchors::note(const store::Store& store, WallTime now) {
  if (last_noted_ != WallTime() && now < last_noted_ + kAnchorPause) return {};
  WEIR_ASSIGN_OR_RETURN(const auto newest, store.audit_rows(1));
  if (newest.empty()) return {};
  const auto& [number, row] = newest.front();
  const store::AuditAnchor anchor{{number, row.hash}, row.at, store.version().epoch};
  WEIR_ASSIGN_OR_RETURN(auto lines, read_lines(path_));
  const auto last =
      lines.empty() ? Result<store::AuditAnchor>(store::AuditAnchor()) : anchor_of(lines.back());
  if (!last || last->link != anchor.link) {
    WEIR_ASSIGN_OR_RETURN(std::string line, line_of(anchor, now));
    lines.push_back(std::move(line));
    std::string text;
    for (std::size_t i = lines.size() - std::min(lines.size(), kLinesMax); i < lines.size(); ++i) {
      text += lines[i] + "\n";
    }
    WEIR_TRY(write_private_file(path_, text));
    log::info("audit anchor", {{"number", std::to_string(number)}, {"hash", row.hash}});
  }
  last_noted_ = now;
  return {};
}

}  // namespace weir::api
