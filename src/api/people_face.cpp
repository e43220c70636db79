#include "api/people_face.h"

#include <algorithm>

#include "api/client_tokens.h"
#include "api/native_face.h"
#include "api/problem.h"
#include "api/responses.h"

namespace weir::api {
namespace {

const model::KindDescription& description_of(PeopleKind kind) {
  return model::people_descriptions()[static_cast<std::size_t>(kind)];
}

http::Response tagged(int status, const Json& item) {
  http::Response response = json_response(status, item);
  response.headers.push_back(
      {"ETag", "\"" + std::to_string(item.integer_or("revision", 0)) + "\""});
  return response;
}

http::Response shown(int status, Outcome<Json> written, const std::string& request_id) {
  if (!written.ok()) return problem_response(written.errors, request_id);
  return tagged(status, *written.value);
}

bool is_envelope(const std::string& name) {
  return name == "name" || name == "id" || name == "owner";
}

/// Whether a list can be narrowed by it.
bool is_filter(const std::string& name, PeopleKind kind) {
  const auto& fields = description_of(kind).spec;
  return is_envelope(name) ||
         std::ranges::find(fields, name, &model::FieldDescription::name) != fields.end();
}

std::string member_text(const Json& item, const std::string& name) {
  if (is_envelope(name)) return item.string_or(name, "");
  const Json* spec = item.find("spec");
  const Json* member = spec == nullptr ? nullptr : spec->find(name);
  if (member == nullptr) return "";
  return member->is_string() ? member->as_string() : member->dump();
}

http::Response list(const People& people, PeopleKind kind, const http::Request& request,
                    const Caller& caller) {
  auto items = people.list(kind, caller);
  if (!items) return problem_response({items.error()}, caller.request_id);
  for (const auto& [name, value] : request.query) {
    if (!is_filter(name, kind)) {
      return problem_response({Error{ErrorCode::kInvalidArgument,
                                     "names a filter that this kind does not have", "query"}},
                              caller.request_id);
    }
    std::erase_if(*items, [&](const Json& item) { return member_text(item, name) != value; });
  }
  return json_response(200, Json::object({{"items", Json::array(std::move(*items))}}));
}

http::Response show(const People& people, PeopleKind kind, const std::string& id,
                    const Caller& caller) {
  const auto items = people.list(kind, caller);
  if (!items) return problem_response({items.error()}, caller.request_id);
  for (const Json& item : *items) {
    if (item.string_or("id", "") == id) return tagged(200, item);
  }
  return not_found(caller.request_id);
}

http::Response write(People& people, PeopleKind kind, const http::Request& request,
                     const Caller& caller) {
  if (!request.query.empty()) {
    return problem_response(
        {Error{ErrorCode::kInvalidArgument, "this call has no parameters", "query"}},
        caller.request_id);
  }
  // Of a token or access key a repetition could not get the secret: it is told once.
  const auto repeat = repeat_token_of(request, kNativeTokenHeader, false);
  if (!repeat) return problem_response({repeat.error()}, caller.request_id);
  const auto if_match = if_match_of(request);
  if (!if_match) return problem_response({if_match.error()}, caller.request_id);
  const People::Place place{kind, request.path.size() > 3 ? request.path[3] : "", *if_match};
  if (request.method == "DELETE") {
    return shown(200, people.remove(place, caller), caller.request_id);
  }
  if (!has_json_type(request)) {
    return problem_response(status_word(415), "the body must be application/json",
                            caller.request_id);
  }
  const auto body = body_of(request);
  if (!body) return problem_response({body.error()}, caller.request_id);
  if (request.method == "POST") {
    return shown(201, people.create(kind, *body, caller), caller.request_id);
  }
  return shown(200, people.update(place, *body, caller), caller.request_id);
}

}  // namespace

std::optional<PeopleKind> people_kind(std::string_view word) {
  const auto all = model::people_descriptions();
  const auto found = std::ranges::find(all, word, &model::KindDescription::word);
  if (found == all.end()) return std::nullopt;
  return static_cast<PeopleKind>(found - all.begin());
}

std::span<const std::string_view> people_methods(PeopleKind kind, bool is_one) {
  static constexpr std::string_view kMade[] = {"GET", "POST"};
  static constexpr std::string_view kChanged[] = {"GET", "PATCH", "DELETE"};
  static constexpr std::string_view kEnded[] = {"GET", "DELETE"};
  if (!is_one) return kMade;
  if (kind == PeopleKind::kUser) return kChanged;
  return kEnded;
}

std::optional<NativeCall> people_call(PeopleKind kind, std::string_view method, bool is_one) {
  const auto methods = people_methods(kind, is_one);
  if (std::ranges::find(methods, method) == methods.end()) return std::nullopt;
  if (method == "GET") return is_one ? NativeCall::kShowPeople : NativeCall::kListPeople;
  if (method == "POST") return NativeCall::kCreatePeople;
  return method == "PATCH" ? NativeCall::kUpdatePeople : NativeCall::kDeletePeople;
}

http::Response people_response(People& people, PeopleKind kind, const http::Request& request,
                               const CallRecord& record) {
  const Caller& caller = record.caller;
  const bool is_one = request.path.size() > 3;
  if (request.path.size() > 4) return not_found(caller.request_id);
  const std::string method = request.method == "HEAD" ? "GET" : request.method;
  const auto call = people_call(kind, method, is_one);
  if (!call) return wrong_method(allow_text(people_methods(kind, is_one)), caller.request_id);
  const auto allowed = check_right(caller, rule_of(*call), record.operation);
  if (!allowed) return problem_response({allowed.error()}, caller.request_id);
  if (is_one && !is_plausible_id(request.path[3])) return not_found(caller.request_id);
  if (method != "GET") return write(people, kind, request, caller);
  return is_one ? show(people, kind, request.path[3], caller) : list(people, kind, request, caller);
}

}  // namespace weir::api
