#include "api/native_face.h"

#include <algorithm>

#include "api/apply_page.h"
#include "api/backend_health.h"
#include "api/client_tokens.h"
#include "api/draining.h"
#include "api/event_face.h"
#include "api/explain.h"
#include "api/openapi.h"
#include "api/operator_pages.h"
#include "api/people_face.h"
#include "api/problem.h"
#include "api/responses.h"
#include "api/status.h"
#include "base/random.h"

namespace weir::api {
namespace {

/// Units: bytes. Longest list that a watch begins with. Chosen because the other half of its queue
/// is for the changes that come while the reader takes it. Reached: 400;
/// weir_api_limit_reached_total{limit="watch_list"}.
constexpr std::size_t kWatchedListMax = http::ServerLimits().stream_queue_max / 2;

using model::Object;

http::Response tagged(int status, const Json& body, Revision revision) {
  http::Response response = json_response(status, body);
  response.headers.push_back({"ETag", "\"" + std::to_string(revision.value) + "\""});
  return response;
}

/// "create backend": one of few words, so that the metric stays small.
std::string operation_name(const std::string& method, const model::KindDescription& kind,
                           bool is_one) {
  const std::string_view verb = method == "GET"      ? (is_one ? "show" : "list")
                                : method == "POST"   ? "create"
                                : method == "PUT"    ? "replace"
                                : method == "PATCH"  ? "update"
                                : method == "DELETE" ? "delete"
                                                     : "other";
  return std::string(verb) + " " + std::string(kind.word);
}

}  // namespace

NativeFace::NativeFace(Parts parts)
    : parts_(std::move(parts)),
      parts_of_objects_(parts_.catalog, parts_.writer),
      applier_({parts_.store, parts_.catalog, parts_.writer, parts_.metrics}) {}

http::Response NativeFace::handle(const http::Request& request) {
  CallRecord record{.caller = {.who = kUnauthenticated,
                               .request_id = secret_hex(16),
                               .source = source_of(request)}};
  const std::string request_id = record.caller.request_id;
  const bool is_native =
      request.path.size() >= 2 && request.path[0] == "weir" && request.path[1] == "v1";
  http::Response response =
      is_native ? native(request, record)
                : operator_page({parts_.store, parts_.metrics, parts_.clock, parts_.readiness},
                                request, request_id);
  if (!response.later) {
    if (is_native) parts_.audit.note(request, response, record);
    finish(response, request_id, record.operation);
    return response;
  }
  response.later = [this, begin = std::move(response.later), request_id,
                    operation = record.operation](std::unique_ptr<http::Reply> reply) {
    begin(finished_reply(std::move(reply), request_id,
                         [=, this](http::Response& last) { finish(last, request_id, operation); }));
  };
  return response;
}

void NativeFace::finish(http::Response& response, const std::string& request_id,
                        const std::string& operation) const {
  response.headers.push_back({"X-Request-Id", request_id});
  parts_.metrics.value(Metric::kApiRequests, {operation, std::to_string(response.status)}).add();
}

http::Response NativeFace::native(const http::Request& request, CallRecord& record) {
  const auto& path = request.path;
  const std::string& request_id = record.caller.request_id;
  const std::string method = request.method == "HEAD" ? "GET" : request.method;
  const std::string word = path.size() > 2 ? path[2] : "";
  const auto kinds = model::kind_descriptions();
  const auto kind = std::ranges::find(kinds, word, &model::KindDescription::word);
  const auto people = people_kind(word);
  const NativePage* page = find_native_page(path);
  const auto declarative = declarative_call(request);
  if (kind != kinds.end()) {
    record.operation = operation_name(method, *kind, path.size() > 3);
    if (path.size() > 3 && is_plausible_id(path[3])) record.object = path[3];
  } else if (people && !is_login_path(path)) {
    const auto& description = model::people_descriptions()[static_cast<std::size_t>(*people)];
    record.operation = operation_name(method, description, path.size() > 3);
    if (path.size() > 3 && is_plausible_id(path[3])) record.object = path[3];
  } else if (is_login_path(path)) {
    record.operation = login_operation(path, method);
    if (path.size() > 3 && is_plausible_id(path[3])) record.object = path[3];
  } else if (page != nullptr) {
    record.operation = page->counted_as();
  } else if (declarative) {
    record.operation = declarative_operation(*declarative);
  }
  const bool is_login = is_login_path(path);
  if (is_login && login_call(path, method) == NativeCall::kLogIn) {
    return parts_.logins.log_in(request, record);
  }
  const auto known = identify(request, record.caller);
  if (!known) {
    http::Response response = problem_response({known.error()}, request_id);
    if (response.status == 401) response.headers.push_back({"WWW-Authenticate", "Bearer"});
    return response;
  }
  if (is_login) return parts_.logins.respond(request, record);
  if (page != nullptr) return answer_page(*page, request, record);
  if (declarative) {
    return declarative_response(applier_, *declarative, request, record);
  }
  if (people) return people_response(parts_.people, *people, request, record);
  if (kind == kinds.end() || path.size() > 5) return not_found(request_id);
  return route({request, method, *kind, path.size() > 3 ? path[3] : "",
                path.size() > 4 ? path[4] : "", record.caller});
}

http::Response NativeFace::answer_page(const NativePage& page, const http::Request& request,
                                       const CallRecord& record) {
  const Caller& caller = record.caller;
  if (request.method != "GET" && request.method != "HEAD") {
    return wrong_method("GET, HEAD", caller.request_id);
  }
  const NativeCall call = page.call;
  const auto allowed = check_right(caller, rule_of(call), record.operation);
  if (!allowed) return problem_response({allowed.error()}, caller.request_id);
  if (call == NativeCall::kExplain) return explanation(request, caller);
  if (call == NativeCall::kEvents) {
    const EventParts parts{parts_.events, parts_.watches, parts_.clock, parts_.metrics};
    return events_response(parts, request, caller, right_to_follow(request, caller));
  }
  if (call == NativeCall::kSchema) return json_response(200, schema_json());
  if (call == NativeCall::kOpenApi) return openapi_response(request);
  if (call == NativeCall::kExport) return export_response(parts_.catalog, request, caller);
  if (call == NativeCall::kVerifyAudit) {
    return parts_.audit.verification(request, caller.request_id);
  }
  if (call == NativeCall::kListAudit) {
    // What control and the callers of other accounts did is the service's own affair.
    const auto account = is_of_service(caller) ? std::nullopt : std::optional(caller.account);
    return parts_.audit.list(request, account, caller.request_id);
  }
  const Version version = parts_.store.version();
  return json_response(200, Json::object({{"build", parts_.build},
                                          {"epoch", version.epoch.value},
                                          {"revision", version.revision.value}}));
}

/// Answered when the nodes have: no thread waits for them.
http::Response NativeFace::explanation(const http::Request& request, const Caller& caller) {
  const std::string& request_id = caller.request_id;
  const auto refreshed = refresh();
  if (!refreshed) return problem_response({refreshed.error()}, request_id);
  auto question = read_explain(request, parts_.catalog, caller.account);
  if (!question.ok()) return problem_response(question.errors, request_id);
  http::Response response;
  response.later = [this, asked = *std::move(question.value),
                    request_id](std::unique_ptr<http::Reply> reply) {
    explain(asked, request_id, parts_.questions, std::move(reply));
  };
  return response;
}

http::Response NativeFace::route(const Call& call) {
  const std::string& request_id = call.caller.request_id;
  const std::string& method = call.method;
  const auto which = native_call(call.kind, method, call.request.path.size() > 3, call.part);
  if (which) {
    const std::string operation = operation_name(method, call.kind, !call.id.empty());
    const auto allowed = check_right(call.caller, rule_of(*which, call.kind.kind), operation);
    if (!allowed) return problem_response({allowed.error()}, request_id);
  }
  const bool has_body = method == "POST" || method == "PUT" || method == "PATCH";
  if (has_body && !has_json_type(call.request)) {
    return problem_response(status_word(415), "the body must be application/json", request_id);
  }
  if (method != "GET") {
    const auto checked = check_write_query(call.request, call.kind);
    if (!checked) return problem_response({checked.error()}, request_id);
  }
  const bool creates = which == NativeCall::kCreate && call.kind.kind.has_value();
  auto repeat = repeat_token_of(call.request, kNativeTokenHeader, creates);
  if (!repeat) return problem_response({repeat.error()}, request_id);
  const auto refreshed = refresh();
  if (!refreshed) return problem_response({refreshed.error()}, request_id);
  if (call.request.path.size() == 3) return collection(call, *std::move(repeat));
  if (!is_plausible_id(call.id)) return not_found(request_id);
  return one(call);
}

http::Response NativeFace::collection(const Call& call, RepeatToken repeat) {
  const auto methods = native_methods(call.kind, false);
  if (std::ranges::find(methods, call.method) == methods.end()) {
    return wrong_method(allow_text(methods), call.caller.request_id);
  }
  return call.method == "GET" ? list(call) : create(call, std::move(repeat));
}

http::Response NativeFace::one(const Call& call) {
  const std::string& method = call.method;
  if (!call.part.empty()) {
    if (call.part != "health" || call.kind.kind != model::Kind::kBackend) {
      return not_found(call.caller.request_id);
    }
    return method == "GET" ? health(call) : wrong_method("GET", call.caller.request_id);
  }
  const auto methods = native_methods(call.kind, true);
  if (std::ranges::find(methods, method) == methods.end()) {
    return wrong_method(allow_text(methods), call.caller.request_id);
  }
  if (method == "GET") return show(call);
  if (method == "DELETE") return remove(call);
  return update(call, method == "PUT" ? model::UpdateMode::kReplace : model::UpdateMode::kMerge);
}

http::Response NativeFace::list(const Call& call) {
  ListQuery query;
  const Errors errors = read_list_query(call.request, call.kind, query);
  if (!errors.empty()) return problem_response(errors, call.caller.request_id);
  query.account = call.caller.account;
  if (query.is_watch) return watch(call, std::move(query));
  const auto page = list_page(parts_.catalog, parts_.observed.view(), query);
  if (!page) return problem_response({page.error()}, call.caller.request_id);
  return json_response(200, *page);
}

http::Response NativeFace::refuse_long_list(const Call& call) const {
  parts_.metrics.value(Metric::kApiLimitReached, {"watch_list"}).add();
  return problem_response(
      {Error{ErrorCode::kInvalidArgument,
             "the list is longer than the " + std::to_string(kWatchedListMax) +
                 " bytes that a watch begins with: list it in pages, then watch from the "
                 "revision of the list",
             "watch"}},
      call.caller.request_id);
}

/// Without a revision the stream begins with the list itself, ended by a line of type "listed".
http::Response NativeFace::watch(const Call& call, ListQuery query) {
  std::string lines;
  Revision after = query.watch_after.value_or(Revision());
  if (!query.watch_after) {
    const ObservedView observed = parts_.observed.view();
    parts_.catalog.read([&](const model::ObjectIndex& index, Revision revision) {
      after = revision;
      for (ListItem& item : list_items(index, query)) {
        if (item.object) item.body["status"] = status_of(*item.object, index, observed);
        lines += Json::object({{"type", "put"},
                               {"revision", item.body.integer_or("revision", 0)},
                               {"object", std::move(item.body)}})
                     .dump() +
                 "\n";
      }
    });
    lines += Json::object({{"type", "listed"}, {"revision", after.value}}).dump() + "\n";
    if (lines.size() > kWatchedListMax) return refuse_long_list(call);
  } else if (!parts_.catalog.changes_after(after)) {
    return problem_response(
        {Error{ErrorCode::kStale, "changes since that revision are not known: list again",
               "revision"}},
        call.caller.request_id);
  }
  http::Response response;
  response.content_type = "application/x-ndjson";
  Watch watch = resource_watch(parts_.catalog, parts_.observed, std::move(query), after);
  watch.may_follow = right_to_follow(call.request, call.caller);
  response.stream = [this, lines = std::move(lines), watch = std::move(watch)](
                        std::unique_ptr<http::ResponseStream> stream) mutable {
    if (!lines.empty() && !stream->write(std::move(lines))) return;
    parts_.watches.add(std::move(stream), std::move(watch));
  };
  return response;
}

Json NativeFace::with_status(const Object& object) const {
  const ObservedView observed = parts_.observed.view();
  return parts_.catalog.read([&](const model::ObjectIndex& index, Revision) {
    return resource_json(object, status_of(object, index, observed));
  });
}

http::Response NativeFace::show(const Call& call) {
  const ObservedView observed = parts_.observed.view();
  const bool is_part = !call.kind.kind;
  const model::Id id = is_part ? parts_.catalog.whole_of_part(call.id) : call.id;
  const auto kind = model::stored_kind(call.kind);
  return parts_.catalog.read([&](const model::ObjectIndex& index, Revision) {
    const Object* object = find_of(index, kind, id, call.caller.account);
    if (object == nullptr) return not_found(call.caller.request_id);
    if (!is_part) {
      const Json body = resource_json(*object, status_of(*object, index, observed));
      return tagged(200, body, object->revision);
    }
    for (const Json& body : resources_of(*object, call.kind, index)) {
      if (body.string_or("id", "") == call.id) return tagged(200, body, object->revision);
    }
    return not_found(call.caller.request_id);
  });
}

http::Response NativeFace::health(const Call& call) {
  const ObservedView observed = parts_.observed.view();
  return parts_.catalog.read([&](const model::ObjectIndex& index, Revision) {
    const Object* backend = find_of(index, model::Kind::kBackend, call.id, call.caller.account);
    if (backend == nullptr) return not_found(call.caller.request_id);
    Json health = health_of(*backend, index, observed);
    health["drains"] = drains_of(*backend, index, observed, parts_.clock.wall_now());
    return json_response(200, health);
  });
}

http::Response NativeFace::shown(const Call& call, int status,
                                 const Outcome<Object>& written) const {
  if (!written.ok()) return problem_response(written.errors, call.caller.request_id);
  return tagged(status, with_status(*written.value), written.value->revision);
}

http::Response NativeFace::shown(const Call& call, int status,
                                 const Outcome<PartDocument>& written) const {
  if (!written.ok()) return problem_response(written.errors, call.caller.request_id);
  Json body = written.value->body;
  body["revision"] = Json(written.value->revision.value);
  body["owner"] = Json(call.caller.account);
  body["status"] = parts_.catalog.read([&](const model::ObjectIndex& index, Revision) {
    return part_status(*model::part_kind_of(call.kind), body, index);
  });
  return tagged(status, body, written.value->revision);
}

http::Response NativeFace::update(const Call& call, model::UpdateMode mode) {
  const auto body = body_of(call.request);
  const auto if_match = if_match_of(call.request);
  if (!body || !if_match) {
    return problem_response({body ? if_match.error() : body.error()}, call.caller.request_id);
  }
  if (const model::PartKind* part = model::part_kind_of(call.kind)) {
    return shown(call, 200,
                 parts_of_objects_.update({*part, call.id, *if_match}, *body, mode, call.caller));
  }
  const ResourceWriter::Place place{*call.kind.kind, call.id, *if_match,
                                    operation_name(call.method, call.kind, true)};
  const auto change = [&](const Object& old, Object& updated) {
    return model::read_update(old, *body, mode, updated);
  };
  return shown(call, 200, parts_.writer.update(place, change, call.caller));
}

http::Response NativeFace::remove(const Call& call) {
  const auto if_match = if_match_of(call.request);
  if (!if_match) return problem_response({if_match.error()}, call.caller.request_id);
  const std::string* cascade = call.request.parameter("cascade");
  if (const model::PartKind* part = model::part_kind_of(call.kind)) {
    return shown(call, 200, parts_of_objects_.remove({*part, call.id, *if_match}, call.caller));
  }
  const ResourceWriter::Place place{*call.kind.kind, call.id, *if_match,
                                    operation_name(call.method, call.kind, true)};
  const bool is_cascade = cascade != nullptr && *cascade == "true";
  return shown(call, 200, parts_.writer.remove(place, is_cascade, call.caller));
}

}  // namespace weir::api
