#include "cli/events.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <thread>

#include "cli/exit_status.h"
#include "http/event_stream.h"
#include "model/registry.h"
#include "model/utc.h"

namespace weir::cli {
namespace {

/// One connection of a stream lasts so long, then another one goes on. Chosen because control says
/// something every 10 s: one that has died without a word is noticed.
constexpr std::chrono::seconds kStreamSlice{60};
/// Pause before the next try.
constexpr std::chrono::seconds kAgain{1};

std::string member(const Json& json, std::string_view name) { return text_at(json, name); }

void append(std::string& text, const std::string& more, const char* between = " ") {
  if (more.empty() || more == "-") return;
  if (!text.empty()) text += between;
  text += more;
}

/// "update tg: spec.description", "unhealthy CONNECT_FAILED target-... on node-1".
std::string what_of(const Json& event) {
  std::string text;
  append(text, event.string_or("call", ""));
  std::string fields;
  if (const Json* list = event.find("fields"); list != nullptr && list->is_array()) {
    for (const Json& field : list->as_array()) append(fields, field.as_string(), ", ");
  }
  append(text, fields, ": ");
  for (const char* name : {"state", "reason", "detail", "target"}) {
    append(text, event.string_or(name, ""));
  }
  append(text, event.string_or("node", ""), " on ");
  return text.empty() ? "-" : text;
}

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text + "  ";
}

void print(const Json& event, Form form) {
  if (event.string_or("type", "") == "reset") {
    std::cerr << "weir: some events were missed: " << event.string_or("reason", "") << "\n";
    if (form == Form::kTable) return;
  }
  if (form == Form::kTable) {
    std::cout << event_line(event) << "\n" << std::flush;
  } else if (form == Form::kYaml) {
    std::cout << "---\n" << value_text(event, Form::kYaml) << std::flush;
  } else {
    std::cout << event.dump() << "\n" << std::flush;
  }
}

/// "kind=lb&...": what is asked for, but for where to begin.
Outcome<std::string> filters_of(ApiClient& api, const Invocation& invocation) {
  std::string query;
  const auto add = [&](const std::string& name, const std::string& value) {
    query +=
        (query.empty() ? "" : "&") + http::encode_segment(name) + "=" + http::encode_segment(value);
  };
  const model::KindDescription* kind = nullptr;
  for (const std::string& word : invocation.kinds) {
    kind = model::find_description(word);
    add("kind", word);
  }
  for (const std::string& name : invocation.names) {
    const bool may_be_name = invocation.kinds.size() == 1 && kind != nullptr && kind->kind;
    const auto id = may_be_name ? resolve(api, *kind, name) : Outcome<std::string>{name, {}};
    // What has been deleted is found by its id alone.
    const bool is_gone = id.failure && id.failure->status == kExitNotFound;
    if (id.failure && !is_gone) return {"", id.failure};
    add("object", is_gone ? name : id.value);
  }
  for (const std::string& type : invocation.types) add("type", type);
  for (const auto& [key, value] : invocation.labels) add("labels." + key, value);
  return {query, {}};
}

/// Prints one event of a stream; false when there is nobody to print for.
bool take(const http::ServerEvent& told, Form form) {
  const auto event = parse_json(told.data);
  if (!event) {
    std::cerr << "weir: an event cannot be read: " << event.error().message << "\n";
    return true;
  }
  if (event->string_or("type", "") == "end") {
    std::cerr << "weir: control ended the stream: " << event->string_or("reason", "") << "\n";
    return true;
  }
  print(*event, form);
  return std::cout.good();
}

/// Follows until the user ends it, over any number of connections.
int follow(ApiClient& api, const Invocation& invocation, const std::string& filters,
           std::string after) {
  bool is_away = false;
  while (std::cout.good()) {
    http::EventReader reader;
    const std::string path = "events?follow=true&after=" + http::encode_segment(after) +
                             (filters.empty() ? "" : "&" + filters);
    const auto failure = api.stream_text(path, std::chrono::steady_clock::now() + kStreamSlice,
                                         [&](std::string_view line) {
                                           if (std::exchange(is_away, false))
                                             std::cerr << "weir: connected again\n";
                                           const auto told = reader.take(line);
                                           return !told || take(*told, invocation.form);
                                         });
    if (!reader.last_id().empty()) after = reader.last_id();
    if (!failure) continue;
    if (failure->status != kExitUnreachable && failure->status != kExitTimeout) {
      return print_failure(*failure);
    }
    if (!std::exchange(is_away, true)) {
      for (const std::string& line : failure->lines) std::cerr << "weir: " << line << "\n";
      std::cerr << "weir: tries again, and goes on where it was\n";
    }
    std::this_thread::sleep_for(kAgain);
  }
  return kExitOk;
}

}  // namespace

std::optional<std::string> since_text(std::string_view text, WallTime now) {
  if (model::parse_utc(text)) return std::string(text);
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  // Of any unit. Chosen because nothing is kept for longer. Reached: exit status 2.
  constexpr std::int64_t kCountMax = 100'000;
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (error != std::errc() || count < 0 || count > kCountMax) return std::nullopt;
  if (unit == "s") return utc_text(now - std::chrono::seconds(count));
  if (unit == "m") return utc_text(now - std::chrono::minutes(count));
  if (unit == "h") return utc_text(now - std::chrono::hours(count));
  if (unit == "d") return utc_text(now - std::chrono::days(count));
  return std::nullopt;
}

std::string event_line(const Json& event) {
  constexpr std::size_t kTime = 20;
  constexpr std::size_t kType = 12;
  constexpr std::size_t kObject = 30;
  constexpr std::size_t kName = 16;
  return padded(member(event, "time"), kTime) + padded(member(event, "type"), kType) +
         padded(member(event, "object.kind") + "/" + member(event, "object.id"), kObject) +
         padded(member(event, "object.name"), kName) + padded(event.string_or("who", "-"), kName) +
         what_of(event);
}

int show_events(ApiClient& api, const Invocation& invocation) {
  std::string query = "?limit=" + std::to_string(invocation.count);
  if (!invocation.since.empty()) {
    const auto since = since_text(invocation.since, std::chrono::system_clock::now());
    if (!since) {
      std::cerr << "weir: --since wants 30s, 10m, 2h, 1d or a time such as 2026-01-31T12:00:00Z, "
                   "found '"
                << invocation.since << "'\n";
      return kExitUsage;
    }
    query += "&since=" + http::encode_segment(*since);
  }
  const auto filters = filters_of(api, invocation);
  if (filters.failure) return print_failure(*filters.failure);
  if (!filters.value.empty()) query += "&" + filters.value;
  const auto page = api.call("GET", "events" + query);
  if (page.failure) return print_failure(*page.failure);
  const Json* items = page.value.find("items");
  for (const Json& event : items == nullptr ? Json::Array() : items->as_array()) {
    print(event, invocation.form);
  }
  if (!invocation.is_watch) return kExitOk;
  return follow(api, invocation, filters.value, page.value.string_or("after", ""));
}

}  // namespace weir::cli
