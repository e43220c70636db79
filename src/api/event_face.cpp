#include "api/event_face.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "api/event_watch.h"
#include "api/problem.h"
#include "http/event_stream.h"
#include "model/registry.h"
#include "model/utc.h"

namespace weir::api {
namespace {

/// What a call asks for.
struct Question {
  EventQuery query;
  bool is_followed = false;
  std::size_t limit = kEventPageDefault;
  std::optional<EventPosition> after;
  std::optional<WallTime> since;
};

Error wrong(std::string_view parameter, std::string message) {
  return {ErrorCode::kInvalidArgument, std::move(message), std::string(parameter)};
}

Result<void> read_kind(const std::string& value, Question& into) {
  const model::KindDescription* kind = model::find_description(value);
  if (kind == nullptr) return wrong("kind", "must be a kind of resource, such as lb");
  if (!kind->kind) {
    return wrong("kind", "is told as a change of the whole that holds it: ask for " +
                             std::string(model::kind_name(*kind->parent)));
  }
  into.query.kinds.insert(*kind->kind);
  return {};
}

Result<void> read_limit(const std::string& value, Question& into) {
  const char* const last = value.data() + value.size();
  const auto [end, error] = std::from_chars(value.data(), last, into.limit);
  if (error == std::errc() && end == last && into.limit >= 1 && into.limit <= kEventPageMax) {
    return {};
  }
  return wrong("limit", "must be an integer between 1 and " + std::to_string(kEventPageMax));
}

Result<void> read_after(std::string_view name, const std::string& value, Question& into) {
  into.after = parse_position(value);
  if (into.after) return {};
  return wrong(name, "must be the position (id) of an event");
}

Result<void> read_since(const std::string& value, Question& into) {
  const auto time = model::parse_utc(value);
  if (!time) return wrong("since", "must be a time such as 2026-01-31T12:00:00Z");
  into.since = *time;
  return {};
}

Result<void> read_parameter(const std::string& name, const std::string& value, Question& into) {
  constexpr std::string_view kLabels = "labels.";
  if (name == "kind") return read_kind(value, into);
  if (name == "after") return read_after(name, value, into);
  if (name == "since") return read_since(value, into);
  if (name == "limit") return read_limit(value, into);
  if (name == "object") {
    into.query.ids.insert(value);
  } else if (name == "type") {
    into.query.types.insert(value);
  } else if (name == "follow") {
    if (value != "true" && value != "false") return wrong(name, "must be true or false");
    into.is_followed = value == "true";
  } else if (name.starts_with(kLabels) && name.size() > kLabels.size()) {
    into.query.labels[name.substr(kLabels.size())] = value;
  } else {
    return wrong("query", "names a parameter that the events do not have");
  }
  return {};
}

Errors read_question(const http::Request& request, Question& into) {
  Errors errors;
  // As every EventSource does.
  const std::string* accept = request.header("Accept");
  into.is_followed = accept != nullptr && accept->contains(http::kEventStreamType);
  const auto note = [&](const Result<void>& taken) {
    if (!taken) errors.push_back(taken.error());
  };
  for (const auto& [name, value] : request.query) note(read_parameter(name, value, into));
  const auto has = [&](std::string_view name) { return request.parameter(name) != nullptr; };
  if (has("after") && has("since")) {
    note(wrong("since", "goes not together with after: one of both says where to begin"));
  }
  if (has("limit") && into.is_followed)
    note(wrong("limit", "is not for a stream, which has no end"));
  // Where an EventSource was, which sends its first address again.
  const std::string* last = request.header("Last-Event-ID");
  if (last != nullptr && !last->empty()) {
    note(read_after("Last-Event-ID", *last, into));
    into.since.reset();
  }
  return errors;
}

/// Where to begin. Errors: kUnavailable
Result<EventPosition> begin_of(const Question& question, EventLog& log) {
  if (question.after) {
    WEIR_TRY(log.recall(*question.after));
    return *question.after;
  }
  if (question.since) return log.since(*question.since);
  if (question.is_followed) return log.newest();
  return log.oldest();
}

/// The newest events that are known: {items, after}, and where to go on.
http::Response page(const EventParts& parts, const Question& question, const EventPosition& from) {
  const EventLog::Batch batch =
      parts.log.read(from, question.query, std::numeric_limits<std::size_t>::max());
  std::string items;
  for (const EventLog::Missed& missed : batch.missed) {
    items += (items.empty() ? "" : ",") + reset_json(missed, from, parts.clock.wall_now());
  }
  const std::size_t all = batch.events.size();
  for (std::size_t i = all - std::min(all, question.limit); i < all; ++i) {
    items += (items.empty() ? "" : ",") + batch.events[i].json;
  }
  http::Response response;
  response.body =
      "{\"items\":[" + items + "],\"after\":\"" + position_text(batch.reached) + "\"}\n";
  return response;
}

}  // namespace

http::Response events_response(const EventParts& parts, const http::Request& request,
                               const Caller& caller, std::function<bool()> may_follow) {
  Question question;
  const Errors errors = read_question(request, question);
  if (!errors.empty()) return problem_response(errors, caller.request_id);
  question.query.caller = caller;
  parts.log.advance();  // so that whoever was answered finds what was written
  auto from = begin_of(question, parts.log);
  if (!from) return problem_response({from.error()}, caller.request_id);
  if (!question.is_followed) return page(parts, question, *from);
  http::Response response;
  response.content_type = http::kEventStreamType;
  if (request.method == "HEAD") return response;
  Watch watch = event_watch(parts.log, std::move(question.query), *std::move(from), parts.metrics,
                            parts.clock);
  watch.may_follow = std::move(may_follow);
  response.stream = [&watches = parts.watches, watch = std::move(watch)](
                        std::unique_ptr<http::ResponseStream> stream) mutable {
    watches.add(std::move(stream), std::move(watch));
  };
  return response;
}

}  // namespace weir::api
