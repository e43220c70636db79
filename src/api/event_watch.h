// One reader of the event stream, as the hub serves it (watch.h): events as they come, bookmarks
// while it is quiet, a `reset` where something is missing, an `end` where it is cut off.
// Thread: the hub's.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "api/event.h"
#include "api/event_log.h"
#include "api/watch.h"
#include "base/clock.h"

namespace weir::api {

/// How often a quiet stream is given a bookmark. Chosen because proxies on the way close what is
/// silent for 15 to 60 seconds.
inline constexpr std::chrono::seconds kEventHeartbeat{10};
/// Units: bytes that wait for one reader; while there are more it is given no more. Chosen because
/// it is a few hundred events, and 1 000 readers take 256 MiB at the worst. Reached: see kSlowMax.
inline constexpr std::size_t kEventQueueMax = std::size_t{256} << 10;
/// How long a reader may be so far behind. Source: the server waits as long for a reader to take
/// the next bytes. Reached: it is told why and cut off,
/// weir_api_limit_reached_total{limit="event_reader"}; it may come back and resume.
inline constexpr std::chrono::seconds kEventSlowMax{10};

/// `may_follow` is left for the caller.
Watch event_watch(const EventLog& log, EventQuery query, EventPosition from, Metrics& metrics,
                  const Clock& clock);

/// The event that tells of something that cannot be told any more.
std::string reset_json(const EventLog::Missed& missed, const EventPosition& position, WallTime now);

}  // namespace weir::api
