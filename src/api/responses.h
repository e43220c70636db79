// Small makers of responses that the pages of the native API share. Thread: any (pure).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/json.h"
#include "http/server.h"

namespace weir::api {

http::Response json_response(int status, const Json& body);
http::Response text_response(int status, std::string body);
http::Response not_found(const std::string& request_id);
/// 405 with the methods that are allowed.
http::Response wrong_method(std::string_view allowed, const std::string& request_id);

/// A reply that shows the response that goes out to `finish` before, also the 503 of one that is
/// given up.
std::unique_ptr<http::Reply> finished_reply(std::unique_ptr<http::Reply> reply,
                                            std::string request_id,
                                            std::function<void(http::Response&)> finish);

}  // namespace weir::api
