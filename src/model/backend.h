// A backend service: protocol, algorithm, persistence and health check, served by one target group
// or availability group.
// Whether its check is closed is administrative: it can be closed only on an existing backend, as
// admin.closeHealthCheck. Source: product.md A.6. Thread: values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/field.h"
#include "model/health_check.h"

namespace weir::model {

struct BackendAdmin {
  bool close_health_check = false;

  template <class Self, class Visitor>
  static void fields(Self& s, Visitor& v) {
    v("closeHealthCheck", s.close_health_check,
      "true: targets are not checked and all running ones get traffic", kSettable, kUpdateOnly);
  }

  friend bool operator==(const BackendAdmin&, const BackendAdmin&) = default;
};

struct Backend {
  using Admin = BackendAdmin;
  static constexpr Kind kKind = Kind::kBackend;

  std::string load_balancer_id;
  Protocol protocol = Protocol::kTcp;
  std::uint16_t port = 0;
  /// Absent only in what a caller sends: fill_in_defaults() writes the one of the type.
  std::optional<Algorithm> algorithm;
  std::vector<std::string> target_group_ids;
  std::vector<std::string> ag_ids;
  bool proxy_protocol = false;
  bool session_stickiness = false;
  int session_sticky_timeout = 1440;
  int http_cookie_expire_seconds = 0;
  int connection_draining_seconds = 300;
  bool http_forwarded_protocol = false;
  bool http_forwarded_port = false;
  bool http_forwarded_host = false;
  bool http_forwarded_vip = false;
  bool http_forwarded_client_port = false;
  HealthCheck health_check;
  bool fail_open = false;
  std::string description;

  template <class Self, class Visitor>
  static void fields(Self& s, Visitor& v) {
    constexpr OnlyOn kAlbOnly{LoadBalancerType::kAlb};
    constexpr OnlyOn kNlbOnly{LoadBalancerType::kNlb};
    constexpr OnlyOn kAlbOrNlb{LoadBalancerType::kAlb, LoadBalancerType::kNlb};
    constexpr OnlyWith kHttp{Protocol::kHttp};
    v("loadBalancerId", s.load_balancer_id, "the load balancer it belongs to", kRequired,
      kImmutable, Ref{Kind::kLoadBalancer});
    v("protocol", s.protocol, "what it speaks to targets (alb: Http, Tcp; nlb, dnlb: Tcp)",
      kRequired, kImmutable, NotYet{"Udp", "Tls"});
    v("port", s.port, "port of targets that have none of their own", Range{1, 65535}, kRequired,
      kImmutable);
    v("algorithm", s.algorithm,
      "how new traffic is shared among targets (alb, nlb: RoundRobin, LeastConn, IpHash; dnlb: "
      "IpHash, QuintupleHash); absent: the first of these");
    v("targetGroupIds", s.target_group_ids,
      "the target group, at most one; given alone, it takes the place of an availability group",
      Items{0, 1}, Ref{Kind::kTargetGroup}, InsteadOf{"agIds"});
    v("agIds", s.ag_ids,
      "the availability group, at most one; given alone, it takes the place of a target group",
      Items{0, 1}, kOmitEmpty, Ref{Kind::kAvailabilityGroup}, InsteadOf{"targetGroupIds"});
    v("proxyProtocol", s.proxy_protocol, "passes the client address on with PROXY protocol",
      kAlbOrNlb, kNotYet);
    v("sessionStickiness", s.session_stickiness, "keeps a client on its target", kAlbOrNlb);
    v("sessionStickyTimeout", s.session_sticky_timeout,
      "seconds a client address keeps its target after its last connection", Range{1, 3600},
      kNlbOnly);
    v("httpCookieExpireSeconds", s.http_cookie_expire_seconds,
      "lifetime of the cookie; 0: until the browser closes", Range{0, 86400}, kAlbOnly, kHttp,
      kNotYet);
    v("connectionDrainingSeconds", s.connection_draining_seconds,
      "seconds the connections of a removed target may run on; 0: cut at once", Range{0, 3600},
      kNlbOnly);
    v("httpForwardedProtocol", s.http_forwarded_protocol, "sets X-Forwarded-Proto", kAlbOnly,
      kHttp);
    v("httpForwardedPort", s.http_forwarded_port, "sets X-Forwarded-Port", kAlbOnly, kHttp);
    v("httpForwardedHost", s.http_forwarded_host, "sets X-Forwarded-Host", kAlbOnly, kHttp);
    v("httpForwardedVip", s.http_forwarded_vip, "sets X-Forwarded-LBIP", kAlbOnly, kHttp);
    v("httpForwardedClientPort", s.http_forwarded_client_port, "sets X-Forwarded-Client-Port",
      kAlbOnly, kHttp);
    v("healthCheck", s.health_check, "how its targets are judged", kRequired,
      V1Name{"healthCheckSpec"});
    v("failOpen", s.fail_open,
      "while no target is usable (running, healthy, weight above 0) all that run with a weight "
      "above 0 get traffic, unhealthy or not judged yet; false: none does",
      kOmitEmpty, kNativeOnly);
    v("description", s.description, "free text", Text{TextRule::kDescription, 256});
  }

  friend bool operator==(const Backend&, const Backend&) = default;
};

/// The algorithm of a backend service that names none.
/// Source: product.md A.6
constexpr Algorithm default_algorithm(LoadBalancerType type) {
  return type == LoadBalancerType::kDnlb ? Algorithm::kIpHash : Algorithm::kRoundRobin;
}

/// Whether a type of load balancer has the algorithm.
/// Source: product.md A.6
constexpr bool has_algorithm(LoadBalancerType type, Algorithm algorithm) {
  if (algorithm == Algorithm::kIpHash) return true;
  return (type == LoadBalancerType::kDnlb) == (algorithm == Algorithm::kQuintupleHash);
}

}  // namespace weir::model
