// Tests of the native API: a whole control plane over a store in memory, spoken to through its real
// HTTP server on port 0. Only tests include it. Thread: the test's.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "api/control_server.h"
#include "api/files.h"
#include "base/json.h"
#include "http/client.h"
#include "store/memory_store.h"
#include "testing/temporary_folder.h"
#include "testing/virtual_clock.h"

namespace weir::api {

/// Longest wait of a test for something that other threads do.
constexpr std::chrono::seconds kPatience{20};

inline Instant soon() { return std::chrono::steady_clock::now() + kPatience; }

/// Waits until `condition` holds.
template <class Condition>
bool eventually(const Condition& condition) {
  const Instant limit = soon();
  while (std::chrono::steady_clock::now() < limit) {
    if (condition()) return true;
    std::this_thread::yield();
  }
  return condition();
}

struct Answer {
  int status = 0;
  Json body;
  std::string etag;
  std::vector<http::HeaderLine> headers;

  /// Of the first header of this name; empty when there is none.
  std::string header(std::string_view name) const {
    for (const http::HeaderLine& line : headers) {
      if (line.name == name) return line.value;
    }
    return "";
  }
  std::string id() const { return body.string_or("id", ""); }
  std::int64_t revision() const { return body.integer_or("revision", -1); }
  /// "404 NOT_FOUND", or the status alone.
  std::string problem() const {
    const Json* error = body.find("error");
    if (error == nullptr) return std::to_string(status);
    return std::to_string(error->integer_or("code", 0)) + " " + error->string_or("status", "");
  }
  std::string message() const {
    const Json* error = body.find("error");
    return error == nullptr ? "" : error->string_or("message", "");
  }
  /// The field paths of all violations, in their order.
  std::vector<std::string> fields() const {
    std::vector<std::string> fields;
    const Json* error = body.find("error");
    const Json* details = error == nullptr ? nullptr : error->find("details");
    if (details == nullptr) return fields;
    for (const Json& detail : details->as_array()) fields.push_back(detail.string_or("field", ""));
    return fields;
  }
  const Json& at(std::string_view part) const {
    static const Json kNull;
    const Json* found = body.find(part);
    return found == nullptr ? kNull : *found;
  }
  const Json::Array& items() const { return body.find("items")->as_array(); }
};

/// A client of the API that shares nothing with others: one per thread.
class ApiCaller {
 public:
  ApiCaller(const std::string& endpoint, std::string token, const std::string& ca_file = "")
      : client_(http::Client::open(endpoint, ca_file).value()),
        token_(std::move(token)),
        credentials_({{"Authorization", "Bearer " + token_}}) {}
  /// Speaks with these headers instead of a token.
  void set_credentials(std::vector<http::HeaderLine> headers) { credentials_ = std::move(headers); }

  Answer call(std::string method, const std::string& path, const std::string& body = "",
              std::vector<http::HeaderLine> headers = {}) {
    http::ClientRequest request;
    request.method = std::move(method);
    request.target = path.starts_with("/") ? path : "/weir/v1/" + path;
    request.body = body;
    request.headers = credentials_;
    request.headers.push_back({"Content-Type", "application/json"});
    for (auto& header : headers) request.headers.push_back(std::move(header));
    const auto response = client_->exchange(request, soon());
    EXPECT_TRUE(response) << to_string(response.error());
    if (!response) return {};
    Answer answer;
    answer.status = response->status;
    if (const std::string* etag = response->header("ETag")) answer.etag = *etag;
    answer.headers = response->headers;
    auto json = parse_json(response->body, {http::kClientBodyMax, 32, 100'000});
    answer.body = json ? *std::move(json) : Json(response->body);
    return answer;
  }
  Answer get(const std::string& path) { return call("GET", path); }
  Answer post(const std::string& kind, const Json& body) { return call("POST", kind, body.dump()); }
  Answer create(const std::string& kind, const std::string& name, Json spec) {
    return post(kind, Json::object({{"name", name}, {"spec", std::move(spec)}}));
  }
  Answer patch(const std::string& path, const Json& body,
               std::vector<http::HeaderLine> headers = {}) {
    return call("PATCH", path, body.dump(), std::move(headers));
  }
  Answer patch_spec(const std::string& path, Json spec) {
    return patch(path, Json::object({{"spec", std::move(spec)}}));
  }
  Answer remove(const std::string& path) { return call("DELETE", path); }
  http::Client& client() { return *client_; }
  const std::string& token() const { return token_; }

 private:
  std::unique_ptr<http::Client> client_;
  std::string token_;
  std::vector<http::HeaderLine> credentials_;
};

class ApiTest : public ::testing::Test {
 protected:
  void SetUp() override { start(); }
  void TearDown() override {
    api.reset();
    server.reset();
  }

  void start() {
    auto memory = std::make_unique<store::MemoryStore>(clock, metrics);
    store = memory.get();
    start_with(std::move(memory));
  }
  void start_with(std::unique_ptr<store::Store> kept) {
    options.data_dir = folder.path() + "/data";
    options.api.listen = "127.0.0.1:0";
    options.store = std::move(kept);
    auto started = ControlServer::start(std::move(options), metrics, clock);
    ASSERT_TRUE(started) << to_string(started.error());
    server = *std::move(started);
    const auto text = read_file(server->credentials_path());
    token = parse_json(text.value()).value().string_or("token", "");
    api = std::make_unique<ApiCaller>(server->api_endpoint(), token);
  }

  ApiCaller caller() { return ApiCaller(server->api_endpoint(), token); }

  Answer make_lb(const std::string& name = "web", const std::string& type = "alb") {
    return api->create("lb", name,
                       Json::object({{"type", type},
                                     {"subnetId", "subnet-default"},
                                     {"azs", Json::array({Json("local-1a")})}}));
  }
  Answer make_tg(const std::string& lb, const std::string& name = "servers") {
    return api->create("tg", name, Json::object({{"loadBalancerId", lb}}));
  }
  Answer make_target(const std::string& tg, int port, int weight = 10) {
    return api->post("target", Json::object({{"spec", Json::object({{"targetGroupId", tg},
                                                                    {"ipAddress", "127.0.0.1"},
                                                                    {"port", port},
                                                                    {"weight", weight}})}}));
  }
  static Json backend_spec(const std::string& lb, const std::string& tg = "",
                           const std::string& protocol = "Http") {
    Json spec = Json::object({{"loadBalancerId", lb},
                              {"protocol", protocol},
                              {"port", 80},
                              {"healthCheck", Json::object({{"protocol", "Tcp"}})}});
    if (!tg.empty()) spec["targetGroupIds"] = Json::array({Json(tg)});
    return spec;
  }
  Answer make_backend(const std::string& lb, const std::string& tg = "",
                      const std::string& name = "web") {
    return api->create("backend", name, backend_spec(lb, tg));
  }
  static Json listener_spec(const std::string& lb, const std::string& backend, int port) {
    return Json::object(
        {{"loadBalancerId", lb}, {"protocol", "Http"}, {"port", port}, {"backendId", backend}});
  }
  Answer make_listener(const std::string& lb, const std::string& backend, int port = 80,
                       const std::string& name = "front") {
    return api->create("listener", name, listener_spec(lb, backend, port));
  }
  /// The value of a key of the store, empty when it is not there.
  std::string stored(const std::string& key) {
    const auto entry = store->get(key);
    return entry ? entry->value : "";
  }

  testing::TemporaryFolder folder;
  testing::VirtualClock clock;
  Metrics metrics;
  ControlOptions options;
  store::MemoryStore* store = nullptr;  // owned by the server
  std::unique_ptr<ControlServer> server;
  std::string token;
  std::unique_ptr<ApiCaller> api;
};

}  // namespace weir::api
