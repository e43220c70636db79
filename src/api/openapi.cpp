#include "api/openapi.h"

#include <algorithm>
#include <cctype>
#include <vector>

#include "api/openapi_parts.h"
#include "api/schema_lines.h"
#include "base/digest.h"

namespace weir::api {
namespace {

constexpr std::string_view kInfo =
    "Weir spreads traffic over healthy servers. /weir/v1 is the native API: whole resources with "
    "ETag and If-Match. /v1 is the JD Cloud load-balancer API, a projection of the same objects; "
    "its collections are also taken with a slash at the end, and : in a path as %3A. The file is "
    "made of the tables that the server runs by. x-weir-role is the least role that may call, "
    "x-weir-operation the label of the call in weir_api_requests_total, x-weir-kind says of what "
    "kind the object is that an id names.";

// clang-format off
constexpr SchemaLine kError[] = {
    {"requestId", "string", "stands in the audit and in X-Request-Id too", true},
    {"error.code", "integer 400..599", "the HTTP status", true},
    {"error.status", "string", "INVALID_ARGUMENT, NOT_FOUND, ...", true},
    {"error.message", "string", "what is wrong, for people", true},
    {"error.details[].field", "string", "the path of the field, or empty"},
    {"error.details[].message", "string", "what was wanted and what was found"},
};

struct Failure {
  int status;
  std::string_view sentence;
  bool (*is_of)(const OpenApiCall& call);
};
bool always(const OpenApiCall& /*call*/) { return true; }
bool of_one(const OpenApiCall& call) { return call.is_of_one || call.method != "GET"; }
bool of_lists(const OpenApiCall& call) { return call.method != "GET" || !call.is_of_one; }
bool of_writes(const OpenApiCall& call) { return call.method != "GET"; }
bool of_bodies(const OpenApiCall& call) { return call.method.starts_with('P'); }
constexpr Failure kFailures[] = {
    {400, "something in the call is wrong or not supported yet: all that is wrong, by field", always},
    {401, "no or a wrong token, signature, cookie or password", always},
    {403, "the caller's role may not do this", always},
    {404, "there is no such object in the caller's account", of_one},
    {409, "it exists already, or something is in the way", of_writes},
    {412, "If-Match is not the object's revision, or the moment of a list is no longer known", of_lists},
    {413, "the body is too long", of_bodies},
    {415, "the body is no JSON", of_bodies},
    {429, "a quota or a limit of calls is reached", always},
    {503, "the store, a key or a node cannot be reached; nothing was done", always},
};
// clang-format on

Json json_content(Json schema) {
  return Json::object({{"application/json", Json::object({{"schema", std::move(schema)}})}});
}

Json success_json(const OpenApiCall& call) {
  Json response =
      Json::object({{"description", call.is_later ? "not supported yet: never sent" : "done"},
                    {"content", json_content(call.answer)}});
  if (call.has_etag) {
    response["headers"] =
        Json::object({{"ETag", Json::object({{"description", "the revision, for If-Match"},
                                             {"schema", schema_of_type("string")}})}});
  }
  return response;
}

Json responses_of(const OpenApiCall& call) {
  Json responses = Json::object({{std::to_string(call.status), success_json(call)}});
  for (const Failure& failure : kFailures) {
    if (!failure.is_of(call)) continue;
    const std::string status = std::to_string(failure.status);
    responses[status] = Json::object({{"$ref", "#/components/responses/" + status}});
  }
  return responses;
}

Json failures_json() {
  Json responses = Json::object();
  for (const Failure& failure : kFailures) {
    responses[std::to_string(failure.status)] = Json::object(
        {{"description", failure.sentence}, {"content", json_content(schema_reference("error"))}});
  }
  return responses;
}

Json security_schemes() {
  return Json::object(
      {{"bearer", Json::object({{"type", "http"}, {"scheme", "bearer"}})},
       {"session", Json::object({{"type", "apiKey"},
                                 {"in", "cookie"},
                                 {"name", "weir-session"},
                                 {"description",
                                  "given by logIn, inside TLS with __Host- before its name; writes "
                                  "also need X-Weir-Csrf"}})},
       {"signature",
        Json::object({{"type", "apiKey"},
                      {"in", "header"},
                      {"name", "Authorization"},
                      {"description",
                       "JDCLOUD2-HMAC-SHA256 or JDCLOUD3-HMAC-SHA256 with an access key, "
                       "x-jdcloud-date and x-jdcloud-nonce"}})}});
}

/// The document as it is sent, and its ETag.
struct Page {
  std::string text;
  std::string etag;
};
const Page& page() {
  static const Page kPage = [] {
    std::string text = openapi_json().dump() + "\n";
    constexpr std::size_t kTagDigits = 16;
    return Page{text, "\"" + sha256_hex(text).substr(0, kTagDigits) + "\""};
  }();
  return kPage;
}

}  // namespace

Json parameter_json(std::string_view place, std::string_view name, std::string_view sentence,
                    Json schema) {
  Json json = Json::object({{"name", name}, {"in", place}});
  if (!sentence.empty()) json["description"] = Json(sentence);
  if (place == "path") json["required"] = Json(true);
  json["schema"] = std::move(schema);
  return json;
}

Json path_parameter(std::string_view name, std::string_view kind) {
  return parameter_json("path", name, "", schema_of_type("id " + std::string(kind)));
}

Json if_match_parameter() {
  return parameter_json("header", "If-Match",
                        "the ETag of the object as the caller knows it; 412 when it has moved",
                        schema_of_type("string"));
}

void add_call(const OpenApiCall& call, Json& paths) {
  Json operation = Json::object({{"operationId", call.id},
                                 {"summary", call.summary},
                                 {"tags", Json::array({Json(call.tag)})}});
  if (!call.parameters.as_array().empty()) operation["parameters"] = call.parameters;
  if (!call.body.is_null()) {
    operation["requestBody"] =
        Json::object({{"required", call.is_body_required}, {"content", json_content(call.body)}});
  }
  operation["responses"] = responses_of(call);
  Json security = Json::array({Json::object({{"bearer", Json::array()}})});
  if (call.path.starts_with("/weir/")) {
    security.push_back(Json::object({{"session", Json::array()}}));
  } else {
    security.push_back(Json::object({{"signature", Json::array()}}));
  }
  operation["security"] = call.is_open ? Json::array() : std::move(security);
  operation["x-weir-role"] = Json(least_role(call.rule.right));
  operation["x-weir-operation"] = Json(call.counted_as);
  if (call.is_later) operation["x-weir-effect"] = "not supported yet";
  std::string method(call.method);
  std::ranges::transform(method, method.begin(), [](unsigned char c) { return std::tolower(c); });
  paths[call.path][method] = std::move(operation);
}

Json openapi_json() {
  Json paths = Json::object();
  add_native_calls(paths);
  add_login_calls(paths);
  add_v1_calls(paths);
  Json schemas = Json::object({{"error", schema_of(kError)}});
  add_native_schemas(schemas);
  add_v1_schemas(schemas);
  return Json::object(
      {{"openapi", "3.1.0"},
       {"info", Json::object({{"title", "Weir"}, {"version", "v1"}, {"description", kInfo}})},
       {"jsonSchemaDialect", "https://json-schema.org/draft/2020-12/schema"},
       {"servers", Json::array({Json::object({{"url", "/"}})})},
       {"paths", std::move(paths)},
       {"components", Json::object({{"schemas", std::move(schemas)},
                                    {"responses", failures_json()},
                                    {"securitySchemes", security_schemes()}})}});
}

http::Response openapi_response(const http::Request& request) {
  http::Response response;
  response.headers.push_back({"ETag", page().etag});
  const std::string* known = request.header("If-None-Match");
  if (known != nullptr && (*known == "*" || known->find(page().etag) != std::string::npos)) {
    constexpr int kNotModified = 304;
    response.status = kNotModified;
    return response;
  }
  response.body = page().text;
  return response;
}

}  // namespace weir::api
