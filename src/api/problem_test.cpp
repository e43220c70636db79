#include "api/problem.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace weir::api {
namespace {

/// The table of product.md B.2.
TEST(Problem, HasAStatusAndAWordForEveryCode) {
  const std::vector<std::tuple<ErrorCode, int, std::string_view>> table = {
      {ErrorCode::kInvalidArgument, 400, "INVALID_ARGUMENT"},
      {ErrorCode::kFailedPrecondition, 400, "FAILED_PRECONDITION"},
      {ErrorCode::kUnauthenticated, 401, "ACCESS_ERROR"},
      {ErrorCode::kPermissionDenied, 403, "PERMISSION_DENIED"},
      {ErrorCode::kNotFound, 404, "NOT_FOUND"},
      {ErrorCode::kAlreadyExists, 409, "ALREADY_EXISTS"},
      {ErrorCode::kConflict, 409, "CONFLICT"},
      {ErrorCode::kStale, 412, "CONFLICT"},
      {ErrorCode::kQuotaExceeded, 429, "QUOTA_EXCEEDED"},
      {ErrorCode::kRateLimited, 429, "RATE_LIMIT"},
      {ErrorCode::kUnavailable, 503, "UNAVAILABLE"},
      {ErrorCode::kDeadlineExceeded, 503, "UNAVAILABLE"},
      {ErrorCode::kInternal, 500, "INTERNAL"}};
  for (const auto& [code, status, word] : table) {
    EXPECT_EQ(status_word(code).status, status) << word;
    EXPECT_EQ(status_word(code).word, word);
  }
}

TEST(Problem, ListsEveryErrorAndLetsTheFirstDecide) {
  const Errors errors = {{ErrorCode::kConflict, "is taken", "spec.port"},
                         {ErrorCode::kNotFound, "not found", ""}};
  const http::Response response = problem_response(errors, "r1");
  EXPECT_EQ(response.status, 409);
  const Json body = parse_json(response.body).value();
  EXPECT_EQ(body.string_or("requestId", ""), "r1");
  const Json& error = *body.find("error");
  EXPECT_EQ(error.integer_or("code", 0), 409);
  EXPECT_EQ(error.string_or("status", ""), "CONFLICT");
  EXPECT_EQ(error.string_or("message", ""), "spec.port: is taken (and 1 more)");
  EXPECT_EQ(error.find("details")->as_array().size(), 2u);
}

TEST(Problem, ListsAHundredErrorsAndSaysHowManyMore) {
  const Errors errors(10'000, {ErrorCode::kConflict, "is in use by i-1", ""});
  const Json body = parse_json(problem_response(errors, "r1").body).value();
  const Json& error = *body.find("error");
  EXPECT_EQ(error.string_or("message", ""), "is in use by i-1 (and 9999 more)");
  const auto& details = error.find("details")->as_array();
  ASSERT_EQ(details.size(), 101u);
  EXPECT_EQ(details[99].string_or("message", ""), "is in use by i-1");
  EXPECT_EQ(details[100].string_or("message", ""), "and 9900 more");
}

}  // namespace
}  // namespace weir::api
