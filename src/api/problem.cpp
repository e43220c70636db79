#include "api/problem.h"

#include <iterator>
#include <ranges>

#include "base/check.h"
#include "base/json.h"

namespace weir::api {
namespace {

// In the order of ErrorCode. The API's words are those of product.md B.2.
constexpr StatusWord kStatusWords[] = {
    {400, "INVALID_ARGUMENT"},     // kInvalidArgument
    {400, "FAILED_PRECONDITION"},  // kFailedPrecondition
    {401, "ACCESS_ERROR"},         // kUnauthenticated
    {403, "PERMISSION_DENIED"},    // kPermissionDenied
    {404, "NOT_FOUND"},            // kNotFound
    {409, "ALREADY_EXISTS"},       // kAlreadyExists
    {409, "CONFLICT"},             // kConflict
    {412, "CONFLICT"},             // kStale
    {429, "QUOTA_EXCEEDED"},       // kQuotaExceeded
    {429, "RATE_LIMIT"},           // kRateLimited
    {503, "UNAVAILABLE"},          // kUnavailable
    {503, "UNAVAILABLE"},          // kDeadlineExceeded
    {500, "INTERNAL"},             // kInternal
};

/// How many errors an answer lists. Chosen because nobody reads more, and a subnet may be in use by
/// ten thousand instances. Reached: the last detail says how many more there are.
constexpr std::size_t kDetailsMax = 100;

http::Response envelope(StatusWord status, std::string_view message, Json details,
                        std::string_view request_id) {
  Json error =
      Json::object({{"code", status.status}, {"status", status.word}, {"message", message}});
  if (!details.as_array().empty()) error["details"] = std::move(details);
  http::Response response;
  response.status = status.status;
  response.body =
      Json::object({{"requestId", request_id}, {"error", std::move(error)}}).dump() + "\n";
  return response;
}

}  // namespace

StatusWord status_word(ErrorCode code) {
  const auto at = static_cast<std::size_t>(code);
  if (WEIR_BUG(at >= std::size(kStatusWords))) return {500, "INTERNAL"};
  return kStatusWords[at];
}

StatusWord status_word(int http_status) {
  return {http_status, http_status >= 500 ? "INTERNAL" : "INVALID_ARGUMENT"};
}

http::Response problem_response(const Errors& errors, std::string_view request_id) {
  if (WEIR_BUG(errors.empty())) return envelope({500, "INTERNAL"}, "", Json::array(), request_id);
  Json details = Json::array();
  for (const Error& error : errors | std::views::take(kDetailsMax)) {
    details.push_back(Json::object({{"field", error.field}, {"message", error.message}}));
  }
  if (errors.size() > kDetailsMax) {
    const std::string rest = std::to_string(errors.size() - kDetailsMax);
    details.push_back(Json::object({{"field", ""}, {"message", "and " + rest + " more"}}));
  }
  std::string message = to_string(errors.front());
  if (errors.size() > 1) message += " (and " + std::to_string(errors.size() - 1) + " more)";
  return envelope(status_word(errors.front().code), message, std::move(details), request_id);
}

http::Response problem_response(StatusWord status, std::string_view message,
                                std::string_view request_id) {
  return envelope(status, message, Json::array(), request_id);
}

}  // namespace weir::api
