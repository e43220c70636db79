#include "app/demo.h"

#include <charconv>
#include <fstream>
#include <functional>
#include <iterator>
#include <thread>
#include <utility>

#include "net/address.h"
#include "net/socket.h"

namespace weir::app {
namespace {

constexpr std::string_view kName = "demo";
constexpr std::string_view kTargetAddress = "127.0.0.1";
/// Tried first, because it is easy to remember.
constexpr int kPort = 8080;
/// Between two looks at something that is not there yet. Chosen because a person hardly notices.
constexpr std::chrono::milliseconds kPause{100};

/// For a call, and for something to be there. Chosen because a person gives up after so long.
/// Reached: the demonstration ends with an error.
constexpr std::chrono::seconds kCallPatience{10};

Instant soon() { return SystemClock().now() + kCallPatience; }

/// False when the deadline has passed.
bool pause_until(Instant deadline) {
  if (SystemClock().now() >= deadline) return false;
  std::this_thread::sleep_for(kPause);
  return true;
}

Json credentials_of(const std::string& data_dir) {
  std::ifstream stream(data_dir + "/credentials.json");
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  return parse_json(text).value_or(Json());
}

std::string text_at(const Json& object, std::string_view part, std::string_view field) {
  const Json* const found = object.find(part);
  return found == nullptr ? "" : found->string_or(field, "");
}

/// A port of this address that is free now.
int free_port(const std::string& address) {
  const auto ip = net::IpAddress::parse(address);
  if (!ip) return kPort;
  for (const int port : {kPort, 0}) {
    const auto socket = net::tcp_listen({*ip, static_cast<std::uint16_t>(port)});
    if (!socket) continue;
    const auto local = net::local_endpoint(socket->get());
    if (local) return local->port;
  }
  return kPort;
}

}  // namespace

// --- the client of the API ---------------------------------------------------------------------

Result<DemoApi> DemoApi::open(const std::string& data_dir, Instant deadline) {
  DemoApi api;
  Error last{ErrorCode::kDeadlineExceeded, "the API did not come up", {}};
  do {
    const Json credentials = credentials_of(data_dir);
    api.endpoint_ = credentials.string_or("endpoint", "");
    api.token_ = credentials.string_or("token", "");
    if (api.endpoint_.empty()) continue;
    WEIR_ASSIGN_OR_RETURN(api.client_, http::Client::open(api.endpoint_));
    const Result<Json> answer = api.call("GET", "subnet");
    if (answer) return api;
    last = answer.error();
  } while (pause_until(deadline));
  return last;
}

Result<Json> DemoApi::call(const std::string& method, const std::string& path, const Json& body) {
  http::ClientRequest request;
  request.method = method;
  request.target = "/weir/v1/" + path;
  request.headers = {{"Authorization", "Bearer " + token_}};
  if (!body.is_null()) {
    request.headers.push_back({"Content-Type", "application/json"});
    request.body = body.dump();
  }
  WEIR_ASSIGN_OR_RETURN(const http::ClientResponse response, client_->exchange(request, soon()));
  if (response.status >= 400) {
    return Error{ErrorCode::kFailedPrecondition,
                 method + " " + path + " was answered with " + std::to_string(response.status) +
                     ": " + response.body,
                 {}};
  }
  return parse_json(response.body);
}

Result<Json> DemoApi::find(const std::string& kind, const std::function<bool(const Json&)>& is_it) {
  WEIR_ASSIGN_OR_RETURN(const Json list, call("GET", kind));
  const Json* const items = list.find("items");
  if (items == nullptr || !items->is_array()) return Json();
  for (const Json& item : items->as_array()) {
    if (is_it(item)) return item;
  }
  return Json();
}

Result<Json> DemoApi::ensure(const std::string& kind, const std::string& name, Json spec) {
  WEIR_ASSIGN_OR_RETURN(Json found, find(kind, [&name](const Json& item) {
                          return item.string_or("name", "") == name;
                        }));
  if (!found.is_null()) return found;
  return call("POST", kind, Json::object({{"name", name}, {"spec", std::move(spec)}}));
}

// --- the demonstration -------------------------------------------------------------------------

Result<void> Demo::start(Instant deadline) {
  WEIR_ASSIGN_OR_RETURN(DemoApi api, DemoApi::open(data_dir_, deadline));
  api_endpoint_ = api.endpoint();
  const std::string name(kName);
  WEIR_ASSIGN_OR_RETURN(const Json subnet, api.find("subnet", [](const Json&) { return true; }));
  WEIR_ASSIGN_OR_RETURN(const Json lb,
                        api.ensure("lb", name,
                                   Json::object({{"type", "alb"},
                                                 {"subnetId", subnet.string_or("id", "")},
                                                 {"azs", Json::array({az_})}})));
  const std::string lb_id = lb.string_or("id", "");
  address_ = text_at(lb, "admin", "vip");
  WEIR_ASSIGN_OR_RETURN(const Json group,
                        api.ensure("tg", name, Json::object({{"loadBalancerId", lb_id}})));
  const std::string group_id = group.string_or("id", "");
  WEIR_TRY(make_targets(api, group_id));
  WEIR_ASSIGN_OR_RETURN(
      const Json backend,
      api.ensure("backend", name,
                 Json::object({{"loadBalancerId", lb_id},
                               {"protocol", "Http"},
                               {"port", 80},
                               {"targetGroupIds", Json::array({group_id})},
                               {"healthCheck", Json::object({{"protocol", "Http"}})}})));
  WEIR_ASSIGN_OR_RETURN(const Json listener,
                        api.ensure("listener", name,
                                   Json::object({{"loadBalancerId", lb_id},
                                                 {"protocol", "Http"},
                                                 {"port", free_port(address_)},
                                                 {"backendId", backend.string_or("id", "")}})));
  const Json* const spec = listener.find("spec");
  const std::int64_t port = spec == nullptr ? kPort : spec->integer_or("port", kPort);
  url_ = "http://" + address_ + ":" + std::to_string(port) + "/";
  return wait_for_traffic(deadline);
}

/// Those of an earlier run keep their ports, if these are still free.
Result<void> Demo::make_targets(DemoApi& api, const std::string& group) {
  WEIR_ASSIGN_OR_RETURN(const Json list, api.call("GET", "target"));
  const Json* const items = list.find("items");
  if (items != nullptr && items->is_array()) {
    for (const Json& item : items->as_array()) {
      if (text_at(item, "spec", "targetGroupId") == group) WEIR_TRY(make_target(api, group, item));
    }
  }
  while (servers_.size() < kDemoTargets) WEIR_TRY(make_target(api, group, Json()));
  return {};
}

Result<void> Demo::make_target(DemoApi& api, const std::string& group, const Json& known) {
  const Json* const spec = known.find("spec");
  const int wanted = spec == nullptr ? 0 : static_cast<int>(spec->integer_or("port", 0));
  const std::string name = "demo-" + std::to_string(servers_.size() + 1);
  WEIR_ASSIGN_OR_RETURN(const int port, serve(name, wanted));
  if (port == wanted) return {};
  if (!known.is_null()) {
    const Json change = Json::object({{"spec", Json::object({{"port", port}})}});
    const auto changed = api.call("PATCH", "target/" + known.string_or("id", ""), change);
    return changed ? Result<void>() : changed.error();
  }
  const auto made = api.call("POST", "target",
                             Json::object({{"spec", Json::object({{"targetGroupId", group},
                                                                  {"ipAddress", kTargetAddress},
                                                                  {"port", port}})}}));
  return made ? Result<void>() : made.error();
}

/// Starts one server, on this port if it can. Answers the port.
Result<int> Demo::serve(const std::string& name, int port) {
  http::ServerOptions options;
  options.listen = {std::string(kTargetAddress) + ":" + std::to_string(port)};
  options.handler_threads = 1;
  auto server = http::Server::start(options, [name](const http::Request&) {
    http::Response response;
    response.content_type = "text/plain; charset=utf-8";
    response.headers.push_back({"X-Target", name});
    response.body = "Hello from " + name + ", one of three servers behind Weir.\n";
    return response;
  });
  if (!server && port != 0) return serve(name, 0);
  if (!server) return server.error();
  WEIR_ASSIGN_OR_RETURN(const auto endpoint, net::Endpoint::parse((*server)->addresses().front()));
  servers_.push_back(*std::move(server));
  return static_cast<int>(endpoint.port);
}

Result<void> Demo::wait_for_traffic(Instant deadline) const {
  WEIR_ASSIGN_OR_RETURN(const auto client, http::Client::open(url_));
  Error last{ErrorCode::kDeadlineExceeded, "no answer came", {}};
  do {
    const auto answer = client->exchange({}, soon());
    if (answer && answer->status == 200) return {};
    last.message = answer ? "the load balancer answers " + std::to_string(answer->status)
                          : answer.error().message;
  } while (pause_until(deadline));
  return last;
}

std::string Demo::greeting() const {
  return "\nWeir is up: three web servers behind one load balancer.\n\n  curl " + url_ +
         "\n\n  API          " + api_endpoint_ + "\n  credentials  " + data_dir_ +
         "/credentials.json\n\nCtrl-C stops all of it.\n\n";
}

}  // namespace weir::app
