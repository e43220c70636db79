#include "api/operator_pages.h"

#include "api/auth.h"
#include "api/policy.h"
#include "api/problem.h"
#include "api/responses.h"

namespace weir::api {
namespace {

http::Response metrics_page(const OperatorParts& parts, const http::Request& request,
                            const std::string& request_id) {
  if (!request.is_loopback) {
    const auto who = authenticate(request, parts.store, parts.clock.wall_now());
    if (!who) {
      return problem_response(
          {Error{ErrorCode::kUnauthenticated, "metrics from elsewhere need a bearer token", ""}},
          request_id);
    }
    const Caller caller{
        .who = who->who, .request_id = request_id, .account = who->account, .role = who->role};
    const auto allowed = check_right(caller, rule_of(NativeCall::kReadMetrics), "metrics");
    if (!allowed) return problem_response({allowed.error()}, request_id);
  }
  http::Response response = text_response(200, parts.metrics.text());
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  return response;
}

http::Response readiness_page(const OperatorParts& parts, bool is_verbose) {
  std::string lines;
  bool is_ready = true;
  for (const auto& [name, is_good] : parts.readiness()) {
    lines += (is_good ? "[+] " : "[-] ") + name + "\n";
    is_ready = is_ready && is_good;
  }
  return text_response(is_ready ? 200 : 503,
                       (is_verbose ? lines : "") + (is_ready ? "ready\n" : "not ready\n"));
}

}  // namespace

http::Response operator_page(const OperatorParts& parts, const http::Request& request,
                             const std::string& request_id) {
  if (request.path.size() != 1) return not_found(request_id);
  const std::string& page = request.path[0];
  if (page != "livez" && page != "readyz" && page != "metrics") return not_found(request_id);
  if (request.method != "GET" && request.method != "HEAD") {
    return wrong_method("GET, HEAD", request_id);
  }
  if (page == "livez") return text_response(200, "ok\n");
  if (page == "metrics") return metrics_page(parts, request, request_id);
  return readiness_page(parts, request.parameter("verbose") != nullptr);
}

}  // namespace weir::api
