#include "api/write_errors.h"

#include <algorithm>
#include <string>

namespace weir::api {

bool is_lost_race(const Error& error) {
  return error.code == ErrorCode::kStale || error.code == ErrorCode::kAlreadyExists;
}

Error explained(const Error& error) {
  switch (error.code) {
    case ErrorCode::kQuotaExceeded: {
      const std::string counter = error.field.substr(error.field.rfind('/') + 1);
      return {ErrorCode::kQuotaExceeded, "quota limit " + counter + " exceeded: " + error.message,
              ""};
    }
    case ErrorCode::kInvalidArgument:
      return {ErrorCode::kInvalidArgument, "too much in one call: " + error.message, ""};
    default:
      return error;
  }
}

Errors merged_errors(const std::vector<Errors>& of_each) {
  if (of_each.size() == 1) return of_each.front();
  const auto has = [](const Errors& errors, const Error& error) {
    return std::ranges::find(errors, error) != errors.end();
  };
  Errors merged;
  for (std::size_t i = 0; i < of_each.size(); ++i) {
    for (Error error : of_each[i]) {
      const bool is_of_all =
          std::ranges::all_of(of_each, [&](const Errors& errors) { return has(errors, error); });
      if (!is_of_all) {
        error.message +=
            " (" + std::to_string(i + 1) + " of " + std::to_string(of_each.size()) + ")";
      }
      if (!has(merged, error)) merged.push_back(std::move(error));
    }
  }
  return merged;
}

Errors joined_errors(const std::vector<Errors>& of_each) {
  Errors joined;
  for (const Errors& errors : of_each) joined.insert(joined.end(), errors.begin(), errors.end());
  return joined;
}

}  // namespace weir::api
