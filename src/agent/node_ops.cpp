#include "agent/node_ops.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace weir::agent {
namespace {

struct Check {
  std::string_view name;
  bool is_ok = false;
  std::string detail;
};

http::Response text(int status, std::string body) {
  http::Response response;
  response.status = status;
  response.content_type = "text/plain; charset=utf-8";
  response.body = std::move(body);
  return response;
}

/// `good` is the word for "all of them hold": "ok" or "ready".
http::Response answer(const http::Request& request, const std::vector<Check>& checks,
                      const std::string& good) {
  bool is_ok = true;
  std::string lines;
  for (const Check& check : checks) {
    is_ok = is_ok && check.is_ok;
    lines += (check.is_ok ? "[+] " : "[-] ") + std::string(check.name) + " " + check.detail + "\n";
  }
  const bool is_verbose = request.parameter("verbose") != nullptr;
  const std::string word = (is_ok ? good : "not " + good) + "\n";
  return text(is_ok ? 200 : 503, is_verbose || !is_ok ? lines + word : word);
}

Check loop_check(const AgentStatus& status, const Clock& clock) {
  const bool is_alive = clock.now() - status.last_turn < kLoopSilenceMax;
  return {"loop", is_alive, is_alive ? "turns" : "is stuck"};
}

/// Control in reach is no condition: a node that starts from its replica is ready.
std::vector<Check> ready_checks(const AgentStatus& status, const Clock& clock) {
  const bool has_state = status.version != Version{};
  return {loop_check(status, clock),
          {"state", has_state,
           has_state ? "complete up to " + to_string(status.version) : "nothing received yet"},
          {"proxy", status.is_serving,
           status.is_serving ? "has applied " + to_string(status.applied) : "does not serve"}};
}

}  // namespace

bool is_ready(const AgentStatus& status, const Clock& clock) {
  return std::ranges::all_of(ready_checks(status, clock), &Check::is_ok);
}

http::Handler node_ops_handler(Agent& agent, Metrics& metrics, const Clock& clock) {
  return [&agent, &metrics, &clock](const http::Request& request) {
    const std::string path = request.path.size() == 1 ? request.path.front() : "";
    if (request.method != "GET" && request.method != "HEAD") return text(405, "only GET\n");
    if (path == "livez") return answer(request, {loop_check(agent.status(), clock)}, "ok");
    if (path == "readyz") return answer(request, ready_checks(agent.status(), clock), "ready");
    if (path != "metrics") return text(404, "ask for /metrics, /livez or /readyz\n");
    http::Response response = text(200, metrics.text());
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    return response;
  };
}

}  // namespace weir::agent
