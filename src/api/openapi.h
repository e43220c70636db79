// The OpenAPI 3.1 document of both faces, made of the tables that the server runs by: kinds, pages,
// people and the operations of the JD Cloud face. It says nothing of what is stored.
// Thread: any (pure).
#pragma once

#include <string>

#include "base/json.h"
#include "http/server.h"

namespace weir::api {

/// The whole document.
Json openapi_json();

/// GET /weir/v1/openapi.json: the document with an ETag; 304 for one who has it.
http::Response openapi_response(const http::Request& request);

}  // namespace weir::api
