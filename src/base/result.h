// Result<T>: a value or one Error, the way every fallible function of the project answers.
// A thin [[nodiscard]] class over std::expected; our code throws nothing.
// Thread: immutable values.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir {

enum class ErrorCode {
  kInvalidArgument,
  kFailedPrecondition,
  kUnauthenticated,
  kPermissionDenied,
  kNotFound,
  kAlreadyExists,
  kConflict,
  kStale,
  kQuotaExceeded,
  kRateLimited,
  kUnavailable,
  kDeadlineExceeded,
  kInternal,
};

/// Name as it stands in logs, e.g. "invalid_argument".
std::string_view error_code_name(ErrorCode code);

/// What went wrong. `message` is lower case, says what was wanted and what was found, and has no
/// trailing stop; `field` is a path such as "spec.targets[2].port", or empty.
struct [[nodiscard]] Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
  std::string field;

  friend bool operator==(const Error&, const Error&) = default;
};

/// All violations of one call, in the order they were found; empty means none.
using Errors = std::vector<Error>;

/// "field: message", or the message alone.
std::string to_string(const Error& error);

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}                       // NOLINT: implicit by design
  Result(Error error) : state_(std::unexpected(std::move(error))) {}  // NOLINT: implicit by design

  bool ok() const { return state_.has_value(); }
  explicit operator bool() const { return ok(); }
  T& value() & { return state_.value(); }
  const T& value() const& { return state_.value(); }
  T&& value() && { return std::move(state_).value(); }
  T& operator*() & { return *state_; }
  const T& operator*() const& { return *state_; }
  T&& operator*() && { return *std::move(state_); }
  T* operator->() { return &*state_; }
  const T* operator->() const { return &*state_; }
  const Error& error() const { return state_.error(); }
  T value_or(T other) const& { return ok() ? *state_ : std::move(other); }

 private:
  std::expected<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : state_(std::unexpected(std::move(error))) {}  // NOLINT: implicit by design

  bool ok() const { return state_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Error& error() const { return state_.error(); }

 private:
  std::expected<void, Error> state_;
};

}  // namespace weir

#define WEIR_CONCAT_INNER(a, b) a##b
#define WEIR_CONCAT(a, b) WEIR_CONCAT_INNER(a, b)

/// Returns the error of `expression` to the caller, or goes on.
#define WEIR_TRY(expression)                                     \
  do {                                                           \
    if (auto weir_try_result = (expression); !weir_try_result) { \
      return weir_try_result.error();                            \
    }                                                            \
  } while (false)

/// Declares `left` from the value of `expression`, or returns its error to the caller.
#define WEIR_ASSIGN_OR_RETURN(left, expression) \
  WEIR_ASSIGN_OR_RETURN_INNER(WEIR_CONCAT(weir_result_, __LINE__), left, expression)
#define WEIR_ASSIGN_OR_RETURN_INNER(result, left, expression) \
  auto result = (expression);                                 \
  if (!result) return result.error();                         \
  left = *std::move(result)
