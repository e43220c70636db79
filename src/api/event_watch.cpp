#include "api/event_watch.h"

#include <optional>
#include <utility>

#include "base/json.h"
#include "http/event_stream.h"

namespace weir::api {
namespace {

/// Units: bytes taken out of the log for one reader in one round.
constexpr std::size_t kReadAtOnce = std::size_t{128} << 10;
/// How long an EventSource waits before it comes back. Units: milliseconds.
constexpr const char* kRetry = "retry: 1000\n";

/// Has no id: the reader goes on behind the last event that had one.
std::string end_text(std::string_view reason) {
  return "data: " + Json::object({{"type", "end"}, {"reason", reason}}).dump() + "\n\n";
}

class EventFollower {
 public:
  EventFollower(const EventLog& log, EventQuery query, EventPosition from, Metrics& metrics,
                const Clock& clock)
      : log_(&log),
        query_(std::move(query)),
        at_(std::move(from)),
        metrics_(&metrics),
        clock_(&clock) {}

  Watch::Next next(std::size_t waiting, Instant now) {
    if (waiting > kEventQueueMax) return behind(now);
    behind_since_.reset();
    std::string text = news();
    if (text.empty() && said_ && now - *said_ < kEventHeartbeat) return {};
    if (text.empty()) text = http::event_text(position_text(at_), "");
    if (!said_) text.insert(0, kRetry);
    said_ = now;
    return {std::move(text), false};
  }

 private:
  Watch::Next behind(Instant now) {
    if (!behind_since_) behind_since_ = now;
    if (now - *behind_since_ < kEventSlowMax) return {};
    metrics_->value(Metric::kApiLimitReached, {"event_reader"}).add();
    return {end_text("the reader is too slow: more than " + std::to_string(kEventQueueMax) +
                     " bytes waited for it for " + std::to_string(kEventSlowMax.count()) + " s"),
            true};
  }

  std::string news() {
    EventLog::Batch batch = log_->read(at_, query_, kReadAtOnce);
    std::string text;
    // With the old place as their id: told again to a reader that is cut off behind them.
    for (const EventLog::Missed& missed : batch.missed) {
      text += http::event_text(position_text(at_), reset_json(missed, at_, clock_->wall_now()));
    }
    for (const EventLog::Told& told : batch.events) {
      text += http::event_text(position_text(told.position), told.json);
    }
    at_ = std::move(batch.reached);
    if (!batch.missed.empty()) text += http::event_text(position_text(at_), "");
    return text;
  }

  const EventLog* log_;
  EventQuery query_;
  EventPosition at_;
  Metrics* metrics_;
  const Clock* clock_;
  std::optional<Instant> said_;
  std::optional<Instant> behind_since_;
};

}  // namespace

std::string reset_json(const EventLog::Missed& missed, const EventPosition& position,
                       WallTime now) {
  return Json::object({{"position", position_text(position)},
                       {"type", "reset"},
                       {"time", utc_text(now)},
                       {"scope", missed.scope},
                       {"reason", missed.reason}})
      .dump();
}

Watch event_watch(const EventLog& log, EventQuery query, EventPosition from, Metrics& metrics,
                  const Clock& clock) {
  Watch watch;
  watch.next = [follower = EventFollower(log, std::move(query), std::move(from), metrics, clock)](
                   std::size_t waiting, Instant now) mutable {
    return follower.next(waiting, now);
  };
  watch.farewell = end_text("the credential that began it may not read any more");
  return watch;
}

}  // namespace weir::api
