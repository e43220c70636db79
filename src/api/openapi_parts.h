// One call of the OpenAPI document, and what the two halves of it (openapi_native.cpp,
// openapi_v1.cpp) share. Thread: any (pure).
#pragma once

#include <string>
#include <string_view>

#include "api/policy.h"
#include "base/json.h"

namespace weir::api {

/// What a call takes and answers.
struct OpenApiCall {
  std::string_view method{};  // "GET"
  std::string path{};         // "/weir/v1/lb/{id}"
  std::string id{};           // of the operation: "createLb"
  std::string summary{};
  std::string tag{};
  Rule rule{};
  std::string counted_as{};  // in weir_api_requests_total{operation}
  Json parameters = Json::array();
  Json body{};  // its schema; null: none
  bool is_body_required = true;
  int status = 200;
  Json answer = Json::object();  // its schema
  bool has_etag = false;
  /// Names one object: 404, and 412 when If-Match is stale.
  bool is_of_one = false;
  bool is_open = false;   // to callers that are nobody yet
  bool is_later = false;  // answers 400 "not supported yet"
};

/// Adds the call to the document's paths.
void add_call(const OpenApiCall& call, Json& paths);

/// {name, in, description, schema}
Json parameter_json(std::string_view place, std::string_view name, std::string_view sentence,
                    Json schema);
/// The parameter `id` of a path, or another of that name, of an object of that kind.
Json path_parameter(std::string_view name, std::string_view kind);
/// If-Match, of writes.
Json if_match_parameter();

// Each half adds to the paths and to the schemas.
void add_native_calls(Json& paths);
void add_login_calls(Json& paths);
void add_native_schemas(Json& schemas);
void add_v1_calls(Json& paths);
void add_v1_schemas(Json& schemas);

}  // namespace weir::api
