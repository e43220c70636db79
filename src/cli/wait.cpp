#include "cli/wait.h"

#include <chrono>
#include <iostream>
#include <thread>

#include "cli/exit_status.h"
#include "model/parts.h"

namespace weir::cli {
namespace {

/// Between two looks. Chosen because a person does not feel it, and a hundred waiting scripts cost
/// five hundred small calls a second.
constexpr std::chrono::milliseconds kLookPause{200};

/// A look at the service: what the resource waits for, or why that cannot be said.
using Look = Outcome<std::string>;

std::string path_of(const std::string& kind, const std::string& id) {
  return kind + "/" + http::encode_segment(id);
}

const Json* at(const Json& json, std::string_view first, std::string_view second) {
  const Json* inner = json.find(first);
  return inner == nullptr ? nullptr : inner->find(second);
}

bool is_load_balancer(const model::KindDescription& kind) {
  return kind.kind == model::Kind::kLoadBalancer;
}

/// The id of the load balancer that the resource is, or is below; empty: none.
Outcome<std::string> load_balancer_of(ApiClient& api, const model::KindDescription& kind,
                                      const Json& resource) {
  if (is_load_balancer(kind)) return {resource.string_or("id", ""), {}};
  const model::PartKind* part = model::part_kind_of(kind);
  if (part == nullptr) {
    const std::string id = text_at(resource, "spec.loadBalancerId");
    return {id == "-" ? "" : id, {}};
  }
  const auto& whole = model::description_of(part->whole);
  const auto holder =
      api.call("GET", path_of(std::string(whole.word),
                              text_at(resource, "spec." + std::string(kind.parent_field))));
  if (holder.failure) return {"", holder.failure};
  return load_balancer_of(api, whole, holder.value);
}

Look look_applied(ApiClient& api, const model::KindDescription& kind, const std::string& id) {
  const auto resource = api.call("GET", path_of(std::string(kind.word), id));
  if (resource.failure) return {"", resource.failure};
  const auto lb = load_balancer_of(api, kind, resource.value);
  if (lb.failure) return {"", lb.failure};
  if (lb.value.empty()) {
    return {"", Failure{kExitUsage,
                        {"no node applies a " + std::string(kind.singular) +
                         " by itself: wait for the load balancer"}}};
  }
  const auto balancer = api.call("GET", path_of("lb", lb.value));
  if (balancer.failure) return {"", balancer.failure};
  return {waits_to_be_applied(resource.value, balancer.value), {}};
}

Look look_healthy(ApiClient& api, const model::KindDescription& kind, const std::string& id) {
  std::string path = path_of("backend", id);
  if (kind.kind == model::Kind::kListener) {
    const auto listener = api.call("GET", path_of("listener", id));
    if (listener.failure) return {"", listener.failure};
    path = path_of("backend", text_at(listener.value, "spec.backendId"));
  } else if (kind.kind != model::Kind::kBackend) {
    return {"", Failure{kExitUsage,
                        {"a " + std::string(kind.singular) +
                         " has no health: wait for a backend or a listener"}}};
  }
  const auto backend = api.call("GET", path);
  if (backend.failure) return {"", backend.failure};
  return {waits_to_be_healthy(backend.value), {}};
}

Look look_deleted(ApiClient& api, const model::KindDescription& kind, const std::string& id) {
  const auto resource = api.call("GET", path_of(std::string(kind.word), id));
  if (resource.failure && resource.failure->status == kExitNotFound) return {"", {}};
  return {"it is still there", resource.failure};
}

Look look(ApiClient& api, const Invocation& invocation, const std::string& id) {
  if (invocation.condition == "healthy") return look_healthy(api, *invocation.kind, id);
  if (invocation.condition == "deleted") return look_deleted(api, *invocation.kind, id);
  return look_applied(api, *invocation.kind, id);
}

}  // namespace

std::string waits_to_be_applied(const Json& resource, const Json& load_balancer) {
  const Json* errors = at(resource, "status", "errors");
  if (errors != nullptr && !errors->as_array().empty()) {
    const Json& first = errors->as_array().front();
    return "node " + first.string_or("node", "?") +
           " cannot apply it: " + first.string_or("reason", "") + " " +
           first.string_or("detail", "");
  }
  const Json* nodes = at(load_balancer, "status", "nodes");
  if (nodes == nullptr || nodes->as_array().empty()) return "no node serves its load balancer";
  for (const Json& node : nodes->as_array()) {
    if (node.integer_or("appliedRevision", 0) < resource.integer_or("revision", 0)) {
      return "node " + node.string_or("node", "?") + " has yet to apply it";
    }
  }
  const std::string state = text_at(resource, "status.state");
  const std::string kind = resource.string_or("kind", "");
  const bool is_waiting = (kind == "lb" && state != "ACTIVE" && state != "DOWN") ||
                          (kind == "listener" && (state == "pending" || state == "failed"));
  return is_waiting ? "its state is " + state : "";
}

std::string waits_to_be_healthy(const Json& backend) {
  const Json* targets = at(backend, "status", "targets");
  if (targets == nullptr) return "nothing is known of its targets";
  const std::int64_t healthy = targets->integer_or("healthy", 0);
  const std::int64_t unhealthy = targets->integer_or("unhealthy", 0);
  const std::int64_t initial = targets->integer_or("initial", 0);
  const std::int64_t unchecked = targets->integer_or("N/A", 0);
  if (unhealthy + initial == 0 && healthy + unchecked > 0) return "";
  return std::to_string(healthy) + " targets are healthy, " + std::to_string(unhealthy) +
         " are not, " + std::to_string(initial) + " are not judged yet";
}

int wait_for_resource(ApiClient& api, const Invocation& invocation) {
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::seconds(invocation.timeout_seconds);
  const std::string& name = invocation.names.front();
  const bool is_end = invocation.condition == "deleted";
  const auto id = resolve(api, *invocation.kind, name, "");
  if (id.failure && is_end && id.failure->status == kExitNotFound) return kExitOk;
  if (id.failure) return print_failure(*id.failure);
  while (true) {
    const Look seen = look(api, invocation, id.value);
    if (seen.failure) return print_failure(*seen.failure);
    if (seen.value.empty()) return kExitOk;
    if (std::chrono::steady_clock::now() + kLookPause > deadline) {
      return print_failure({kExitTimeout,
                            {std::string(invocation.kind->singular) + " '" + name + "' is not " +
                             invocation.condition + " within " +
                             std::to_string(invocation.timeout_seconds) + " s: " + seen.value}});
    }
    std::this_thread::sleep_for(kLookPause);
  }
}

}  // namespace weir::cli
