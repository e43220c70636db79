// The demonstration of `weir up --demo`: three small web servers on loopback, and a load balancer
// over them that is made through the native API, as any client would. Thread: owner.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "http/client.h"
#include "http/server.h"

namespace weir::app {

inline constexpr int kDemoTargets = 3;

/// A client of the native API with the credentials of a data directory.
class DemoApi {
 public:
  /// Waits until the file is there and the API answers. Errors: kDeadlineExceeded, kUnavailable
  static Result<DemoApi> open(const std::string& data_dir, Instant deadline);

  /// Errors:  kUnavailable, or what the API refused
  Result<Json> call(const std::string& method, const std::string& path, const Json& body = {});
  /// The object of this kind that `is_it` accepts, or null. Errors: as call()
  Result<Json> find(const std::string& kind, const std::function<bool(const Json&)>& is_it);
  /// The object of this kind and name, made with `spec` when it is missing. Errors: as call()
  Result<Json> ensure(const std::string& kind, const std::string& name, Json spec);

  const std::string& endpoint() const { return endpoint_; }

 private:
  std::string endpoint_;
  std::string token_;
  std::unique_ptr<http::Client> client_;
};

class Demo {
 public:
  /// `az` is the zone of the node beside it.
  Demo(std::string data_dir, std::string az) : data_dir_(std::move(data_dir)), az_(std::move(az)) {}

  /// Makes what is missing and waits until a request gets through. Errors: as DemoApi
  Result<void> start(Instant deadline);
  /// What a user should know.
  std::string greeting() const;

 private:
  Result<void> make_targets(DemoApi& api, const std::string& group);
  Result<void> make_target(DemoApi& api, const std::string& group, const Json& known);
  Result<int> serve(const std::string& name, int port);
  Result<void> wait_for_traffic(Instant deadline) const;

  const std::string data_dir_;
  const std::string az_;
  std::string api_endpoint_;
  std::string url_;
  std::string address_;
  std::vector<std::unique_ptr<http::Server>> servers_;
};

}  // namespace weir::app
