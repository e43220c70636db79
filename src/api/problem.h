// How errors of the model and the store look on the API: one table from error code to HTTP status
// and status word, and the error envelope. Source: product.md B.2. Thread: any (pure).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "http/server.h"

namespace weir::api {

struct StatusWord {
  int status;
  std::string_view word;
};

StatusWord status_word(ErrorCode code);
/// The word for a status that the server itself answers with (413, 421, ...).
StatusWord status_word(int http_status);

/// {"requestId", "error": {code, status, message, details: [{field, message}]}} of all `errors`,
/// which must not be empty; the first decides the status.
http::Response problem_response(const Errors& errors, std::string_view request_id);
http::Response problem_response(StatusWord status, std::string_view message,
                                std::string_view request_id);

}  // namespace weir::api
