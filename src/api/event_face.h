// GET /weir/v1/events: the event stream (docs/formats/events.md), or the newest events as a page.
// Needs nothing that an EventSource does not send. Called by native_face.cpp. Thread: any.
#pragma once

#include <functional>

#include "api/caller.h"
#include "api/event_log.h"
#include "api/watch.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "http/server.h"

namespace weir::api {

/// Events of one answer that is no stream. Chosen because they stay below two megabytes.
/// Reached: 400 naming limit; weir_api_requests_total counts it.
inline constexpr std::size_t kEventPageMax = 1'000;
inline constexpr std::size_t kEventPageDefault = 100;

struct EventParts {
  EventLog& log;
  WatchHub& watches;
  const Clock& clock;
  Metrics& metrics;
};

/// `may_follow`: whether the caller may go on reading, while a stream lasts.
http::Response events_response(const EventParts& parts, const http::Request& request,
                               const Caller& caller, std::function<bool()> may_follow);

}  // namespace weir::api
