// Tests of the event stream: readers of it over HTTP. Only tests include it. Thread: the test's.
#pragma once

#include <atomic>
#include <climits>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "api/people_fixture.h"
#include "http/event_stream.h"

namespace weir::api {

/// "created alb-...", of an event.
inline std::string event_word(const Json& event) {
  const Json* object = event.find("object");
  return event.string_or("type", "") + " " + (object == nullptr ? "" : object->string_or("id", ""));
}

inline std::vector<std::string> event_words(const std::vector<Json>& events) {
  std::vector<std::string> words;
  for (const Json& event : events) words.push_back(event_word(event));
  return words;
}

/// Reads the stream once: hands each event on until `take` returns false, the stream ends or so
/// many lines were read. `last_id` is where it begins, when not empty, and where it got to.
/// Returns the status.
inline int read_events(ApiCaller& caller, std::string& last_id, const std::string& query,
                       const std::function<bool(const Json&)>& take, int lines_max = INT_MAX) {
  http::ClientRequest request;
  request.target = "/weir/v1/events?follow=true" + query;
  request.headers = {{"Authorization", "Bearer " + caller.token()}};
  if (!last_id.empty()) request.headers.push_back({"Last-Event-ID", last_id});
  http::EventReader reader;
  const auto done = caller.client().stream_lines(request, soon(), [&](std::string_view line) {
    const auto event = reader.take(line);
    if (!reader.last_id().empty()) last_id = reader.last_id();
    if (event && !take(parse_json(event->data).value())) return false;
    return --lines_max > 0;
  });
  return done ? done->status : -1;
}

/// A reader on a thread of its own, from now on or from `last_id`; ends when `is_last` says so.
class EventTail {
 public:
  EventTail(ApiCaller caller, std::string query, std::function<bool(const Json&)> is_last)
      : caller_(std::move(caller)) {
    // Where it begins is known before the thread runs.
    last_id = caller_.get("events?limit=1").body.string_or("after", "");
    thread_ = std::thread([this, query = std::move(query), is_last = std::move(is_last)] {
      status = read_events(caller_, last_id, query, [&](const Json& event) {
        events.push_back(event);
        ++count;
        return !is_last(event);
      });
    });
  }
  ~EventTail() { join(); }
  void join() {
    if (thread_.joinable()) thread_.join();
  }

  std::vector<Json> events;  // after join()
  std::string last_id;       // after join()
  std::atomic<int> count{0};
  int status = 0;

 private:
  ApiCaller caller_;
  std::thread thread_;
};

/// Until something happens to an object of this name.
inline auto until_name(const std::string& name) {
  return [name](const Json& event) {
    const Json* object = event.find("object");
    return object != nullptr && object->string_or("name", "") == name;
  };
}

}  // namespace weir::api
