// The native API as the client commands see it: where it is, who asks, and JSON in and out. Errors
// already carry the exit status. Thread: owner.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/json.h"
#include "http/client.h"

namespace weir::cli {

/// What the user said about where to go; the rest comes from the environment and the credentials
/// file.
struct Access {
  std::string endpoint;     // --endpoint
  std::string token;        // --token
  std::string credentials;  // --credentials
  std::string ca;           // --ca
};

/// A failed call: what to print, one line each, and the exit status.
struct Failure {
  int status = 0;
  std::vector<std::string> lines;
  Json body{};  // what the API answered, if it did
};

/// A value or a Failure.
template <class T>
struct Outcome {
  T value{};
  std::optional<Failure> failure;
};

class ApiClient {
 public:
  /// Order: flags, then WEIR_ENDPOINT, WEIR_TOKEN and WEIR_CA, then --credentials or the default
  /// data directory's file.
  static Outcome<std::unique_ptr<ApiClient>> open(const Access& access);

  /// `path` stands below /weir/v1/, encoded. `body` null = none.
  Outcome<Json> call(std::string_view method, const std::string& path, const Json& body = {},
                     const std::string& if_match = "");
  /// Hands out each line of a streamed answer until `line` returns false.
  std::optional<Failure> stream(const std::string& path,
                                const std::function<bool(const Json&)>& line);
  /// As stream(), with the lines as they are; that `deadline` passes is no failure.
  std::optional<Failure> stream_text(const std::string& path, Instant deadline,
                                     const std::function<bool(std::string_view)>& line);

 private:
  ApiClient(std::unique_ptr<http::Client> client, std::string endpoint, std::string token);
  http::ClientRequest request(std::string_view method, const std::string& path) const;

  std::unique_ptr<http::Client> client_;
  std::string endpoint_;
  std::string token_;
};

}  // namespace weir::cli
