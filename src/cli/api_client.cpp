#include "cli/api_client.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "cli/exit_status.h"

namespace weir::cli {
namespace {

// Chosen because a server that needs longer than this for one call is out of order. Reached: exit
// status 124.
constexpr std::chrono::seconds kCallLimit{30};
// A watch ends when the user ends it; the client's deadline is only a bound. Chosen because a year
// is longer than any watch. Reached: the watch ends, exit status 124.
constexpr std::chrono::hours kStreamLimit{24 * 365};

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string default_credentials() {
  const std::string system = "/var/lib/weir/credentials.json";
  const std::string home = environment("HOME");
  if (geteuid() == 0 || home.empty()) return system;
  const std::string own = home + "/.local/share/weir/credentials.json";
  return access(own.c_str(), R_OK) == 0 ? own : system;
}

std::optional<Failure> read_credentials(const std::string& path, std::string& endpoint,
                                        std::string& token) {
  std::ifstream file(path);
  if (!file) {
    return Failure{kExitUnreachable,
                   {"no credentials: " + path +
                    " cannot be read; give --credentials FILE, or WEIR_ENDPOINT and WEIR_TOKEN"}};
  }
  std::ostringstream text;
  text << file.rdbuf();
  const auto json = parse_json(text.str());
  if (!json) return Failure{kExitUsage, {path + ": " + json.error().message}};
  if (endpoint.empty()) endpoint = json->string_or("endpoint", "");
  if (token.empty()) token = json->string_or("token", "");
  return std::nullopt;
}

int exit_of(int http_status) {
  switch (http_status) {
    case 404:
      return kExitNotFound;
    case 409:
    case 412:
      return kExitConflict;
    case 401:
    case 403:
    case 429:
      return kExitRefused;
    default:
      return http_status >= 500 ? kExitUnreachable : kExitUsage;
  }
}

/// The lines of an error answer: one per violation, each with its field path.
Failure failure_of(int status, const Json& body) {
  Failure failure{exit_of(status), {}, body};
  const Json* error = body.find("error");
  if (const Json* details = error == nullptr ? nullptr : error->find("details");
      details != nullptr && details->is_array()) {
    for (const Json& detail : details->as_array()) {
      const std::string field = detail.string_or("field", "");
      failure.lines.push_back((field.empty() ? "" : field + ": ") +
                              detail.string_or("message", ""));
    }
  }
  if (failure.lines.empty()) {
    failure.lines.push_back(error == nullptr ? "HTTP status " + std::to_string(status)
                                             : error->string_or("message", ""));
  }
  return failure;
}

Failure unreachable(const std::string& endpoint, const Error& error) {
  const bool is_late = error.code == ErrorCode::kDeadlineExceeded;
  return {is_late ? kExitTimeout : kExitUnreachable, {endpoint + ": " + error.message}};
}

}  // namespace

ApiClient::ApiClient(std::unique_ptr<http::Client> client, std::string endpoint, std::string token)
    : client_(std::move(client)), endpoint_(std::move(endpoint)), token_(std::move(token)) {}

Outcome<std::unique_ptr<ApiClient>> ApiClient::open(const Access& access) {
  std::string endpoint = access.endpoint.empty() ? environment("WEIR_ENDPOINT") : access.endpoint;
  std::string token = access.token.empty() ? environment("WEIR_TOKEN") : access.token;
  if (endpoint.empty() || token.empty()) {
    const std::string path =
        access.credentials.empty() ? default_credentials() : access.credentials;
    if (auto failure = read_credentials(path, endpoint, token))
      return {nullptr, std::move(failure)};
  }
  const std::string ca = access.ca.empty() ? environment("WEIR_CA") : access.ca;
  auto client = http::Client::open(endpoint, ca);
  if (!client)
    return {nullptr, Failure{kExitUsage, {"endpoint " + endpoint + ": " + client.error().message}}};
  return {std::unique_ptr<ApiClient>(new ApiClient(*std::move(client), endpoint, std::move(token))),
          {}};
}

http::ClientRequest ApiClient::request(std::string_view method, const std::string& path) const {
  http::ClientRequest request;
  request.method = method;
  request.target = "/weir/v1/" + path;
  request.headers = {{"Authorization", "Bearer " + token_}, {"Accept", "application/json"}};
  return request;
}

Outcome<Json> ApiClient::call(std::string_view method, const std::string& path, const Json& body,
                              const std::string& if_match) {
  http::ClientRequest question = request(method, path);
  if (!body.is_null()) {
    question.headers.push_back({"Content-Type", "application/json"});
    question.body = body.dump();
  }
  if (!if_match.empty()) question.headers.push_back({"If-Match", if_match});
  const auto answer = client_->exchange(question, std::chrono::steady_clock::now() + kCallLimit);
  if (!answer) return {{}, unreachable(endpoint_, answer.error())};
  // Lists may be longer than a request may be.
  auto json = answer->body.empty()
                  ? Result<Json>(Json())
                  : parse_json(answer->body, {http::kClientBodyMax, 32, 1'000'000});
  if (answer->status >= 400) return {{}, failure_of(answer->status, json ? *json : Json())};
  if (!json)
    return {{},
            Failure{kExitUnreachable,
                    {endpoint_ + " did not answer with JSON: " + json.error().message}}};
  return {*std::move(json), {}};
}

std::optional<Failure> ApiClient::stream_text(const std::string& path, Instant deadline,
                                              const std::function<bool(std::string_view)>& line) {
  const auto answer = client_->stream_lines(request("GET", path), deadline, line);
  if (!answer && answer.error().code == ErrorCode::kDeadlineExceeded) return std::nullopt;
  if (!answer) return unreachable(endpoint_, answer.error());
  if (answer->status < 400) return std::nullopt;
  const auto json = parse_json(answer->body);
  return failure_of(answer->status, json ? *json : Json());
}

std::optional<Failure> ApiClient::stream(const std::string& path,
                                         const std::function<bool(const Json&)>& line) {
  std::optional<Failure> problem;
  const auto answer = client_->stream_lines(
      request("GET", path), std::chrono::steady_clock::now() + kStreamLimit,
      [&](std::string_view text) {
        if (text.empty()) return true;
        const auto json = parse_json(text, {http::kClientBodyMax, 32, 1'000'000});
        if (json) return line(*json);
        problem = Failure{kExitUnreachable, {"the stream broke: " + json.error().message}};
        return false;
      });
  if (problem) return problem;
  if (!answer) return unreachable(endpoint_, answer.error());
  if (answer->status >= 400) {
    const auto json = parse_json(answer->body);
    return failure_of(answer->status, json ? *json : Json());
  }
  return std::nullopt;
}

}  // namespace weir::cli
