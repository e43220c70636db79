#include "api/apply_page.h"

#include <utility>

#include "api/export.h"
#include "api/native_face.h"
#include "api/problem.h"
#include "api/responses.h"

namespace weir::api {
namespace {

// clang-format off
constexpr SchemaLine kBody[] = {
    {"objects[].kind", "string", "a kind that users make, or another word for it", true},
    {"objects[].name", "string", "says which one it is", true},
    {"objects[].id", "string", "says it where the name does not; it must be there"},
    {"objects[].revision", "integer", "refused with 412 when it has another"},
    {"objects[].labels", "object", ""},
    {"objects[].spec", "object", "as in a PUT, with names or ids as references"},
    {"objects[].admin", "object", "the switches of it"},
    {"prune.labels", "object", "what has all of these and is not declared goes"},
};
constexpr SchemaLine kAnswer[] = {
    {"changes[].kind", "string", "", true},
    {"changes[].id", "string", "empty: it would be made", true},
    {"changes[].name", "string", "", true},
    {"changes[].loadBalancer", "string", "name of the one that it is below"},
    {"changes[].action", "create|update|delete", "", true},
    {"changes[].fields[].path", "string", "", true},
    {"changes[].fields[].from", "any", "null: nothing"},
    {"changes[].fields[].to", "any", "null: nothing"},
    {"revision", "integer", "of the last change, or the one that was judged", true},
};
// clang-format on

Errors check_query(const http::Request& request) {
  Errors errors;
  for (const auto& [name, value] : request.query) {
    if (name != "plan") {
      errors.push_back({ErrorCode::kInvalidArgument, "is no parameter of this call",
                        is_plausible_id(name) ? name : "query"});
    } else if (value != "true" && value != "false") {
      errors.push_back({ErrorCode::kInvalidArgument, "must be true or false", name});
    }
  }
  return errors;
}

/// With the errors of what was refused, what was done before it.
http::Response answered(const Applier::Answer& answer, const std::string& request_id) {
  Json changes = changes_json(answer.changes);
  if (answer.errors.empty()) {
    return json_response(
        200, Json::object({{"changes", std::move(changes)}, {"revision", answer.revision.value}}));
  }
  http::Response response = problem_response(answer.errors, request_id);
  if (answer.changes.empty()) return response;
  auto body = parse_json(response.body, {response.body.size(), 32, SIZE_MAX});
  if (!body) return response;
  (*body)["changes"] = std::move(changes);
  response.body = body->dump();
  return response;
}

http::Response apply(const Applier& applier, bool is_plan, const http::Request& request,
                     const CallRecord& record) {
  const std::string& request_id = record.caller.request_id;
  Errors errors = check_query(request);
  if (!errors.empty()) return problem_response(errors, request_id);
  if (!has_json_type(request)) {
    return problem_response(status_word(415), "the body must be application/json", request_id);
  }
  const auto body = body_of(request);
  if (!body) return problem_response({body.error()}, request_id);
  ApplyRequest wanted;
  errors = read_apply(*body, wanted);
  Applier::Answer answer = is_plan || !errors.empty() ? applier.plan(wanted, record.caller)
                                                      : applier.apply(wanted, record.caller);
  if (!errors.empty()) {
    answer.changes.clear();
    errors.insert(errors.end(), answer.errors.begin(), answer.errors.end());
    answer.errors = std::move(errors);
  } else if (is_plan && !answer.errors.empty()) {
    answer.changes.clear();
  }
  return answered(answer, request_id);
}

}  // namespace

std::optional<NativeCall> declarative_call(const http::Request& request) {
  if (request.path.size() != 3) return std::nullopt;
  if (request.path[2] != "apply") return std::nullopt;
  const std::string* plan = request.parameter("plan");
  return plan != nullptr && *plan == "true" ? NativeCall::kPlanApply : NativeCall::kApply;
}

std::string declarative_operation(NativeCall call) {
  return call == NativeCall::kPlanApply ? "plan apply" : "apply";
}

http::Response declarative_response(const Applier& applier, NativeCall call,
                                    const http::Request& request, const CallRecord& record) {
  const std::string& request_id = record.caller.request_id;
  if (request.method != "POST") return wrong_method("POST", request_id);
  const auto allowed = check_right(record.caller, rule_of(call), record.operation);
  if (!allowed) return problem_response({allowed.error()}, request_id);
  return apply(applier, call == NativeCall::kPlanApply, request, record);
}

http::Response export_response(Catalog& catalog, const http::Request& request,
                               const Caller& caller) {
  ExportQuery query;
  const Errors errors = read_export_query(request, query);
  if (!errors.empty()) return problem_response(errors, caller.request_id);
  const auto refreshed = catalog.refresh();
  if (!refreshed) return problem_response({refreshed.error()}, caller.request_id);
  return catalog.read([&](const model::ObjectIndex& index, Revision revision) {
    const auto forms = exported(query, index, caller.account);
    if (!forms.ok()) return problem_response(forms.errors, caller.request_id);
    return json_response(
        200, Json::object({{"objects", Json(*forms.value)}, {"revision", revision.value}}));
  });
}

std::span<const SchemaLine> apply_body_lines() { return kBody; }
std::span<const SchemaLine> apply_answer_lines() { return kAnswer; }

}  // namespace weir::api
