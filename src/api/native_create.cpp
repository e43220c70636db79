// The creates of the native API: one object, several, or a part of one.
#include "api/client_tokens.h"
#include "api/native_face.h"
#include "api/problem.h"
#include "api/responses.h"

namespace weir::api {

using model::Object;

http::Response NativeFace::create(const Call& call, RepeatToken repeat) {
  const auto body = body_of(call.request);
  if (!body) return problem_response({body.error()}, call.caller.request_id);
  if (const model::PartKind* part = model::part_kind_of(call.kind)) {
    return shown(call, 201, parts_of_objects_.create(*part, *body, call.caller));
  }
  const auto count = count_of(call.request);
  if (!count) return problem_response({count.error()}, call.caller.request_id);
  if (!repeat.text.empty()) {
    repeat.request = request_digest(Json::object({{"body", *body}, {"count", count->value_or(1)}}));
  }
  Caller caller = call.caller;
  caller.repeat = std::move(repeat);
  auto written = parts_.writer.create_batch(*call.kind.kind, *body, *count, caller);
  if (!written.ok()) return problem_response(written.errors, call.caller.request_id);
  const Errors gone = read_repeated(caller, *written.value);
  if (!gone.empty()) return problem_response(gone, call.caller.request_id);
  if (!*count) return shown(call, 201, std::move(written.value->front()));
  Json items = Json::array();
  for (const Object& object : *written.value) items.push_back(with_status(object));
  return json_response(201, Json::object({{"items", std::move(items)}}));
}

/// A repeated create is told ids alone: fills in the objects as they are now. Told when one of them
/// has gone: nothing could be shown.
Errors NativeFace::read_repeated(const Caller& caller, std::vector<Object>& objects) const {
  return parts_.catalog.read([&](const model::ObjectIndex& index, Revision) -> Errors {
    for (Object& object : objects) {
      if (!object.created.empty()) continue;
      const Object* found = find_of(index, object.kind, object.id, caller.account);
      if (found == nullptr) {
        return {{ErrorCode::kConflict,
                 "stands for " + object.id + ", which has been deleted since: take another one",
                 caller.repeat.field}};
      }
      object = *found;
    }
    return {};
  });
}

}  // namespace weir::api
