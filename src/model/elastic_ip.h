// An elastic IP: a public address of a configured pool, which a load balancer answers on while it
// names it. Source: product.md A.12; docs/adr/0019-elastic-ips.md. Thread: values.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/charge.h"
#include "model/field.h"

namespace weir::model {

/// What control decided. `load_balancer_id` says the same as elasticIpId of that load balancer and
/// is written in the same transaction.
struct ElasticIpAdmin {
  std::string address;
  std::string pool;
  std::string az;
  std::string load_balancer_id;
  std::vector<std::string> releasing;
  std::optional<Charge> charge;

  template <class Self, class Visitor>
  static void fields(Self& s, Visitor& v) {
    v("address", s.address, "the public address", kOutputOnly);
    v("pool", s.pool, "the configured pool that its address comes from", kOutputOnly);
    v("az", s.az, "the zone of its pool; empty: all zones", kOutputOnly);
    v("loadBalancerId", s.load_balancer_id,
      "the load balancer that answers on it; empty while none does", kOutputOnly,
      Ref{Kind::kLoadBalancer});
    v("releasing", s.releasing,
      "nodes on which connections of its last load balancer may still run: until they are over, no "
      "load balancer of another node gets it",
      kOutputOnly, kOmitEmpty);
    v("charge", s.charge, "no effect: what the JD Cloud face was given at creation", kSettable,
      kImmutable, kOmitEmpty);
  }

  friend bool operator==(const ElasticIpAdmin&, const ElasticIpAdmin&) = default;
};

struct ElasticIp {
  using Admin = ElasticIpAdmin;
  static constexpr Kind kKind = Kind::kElasticIp;

  int bandwidth_mbps = 0;
  std::string provider;
  std::optional<std::string> address;

  template <class Self, class Visitor>
  static void fields(Self& s, Visitor& v) {
    v("bandwidthMbps", s.bandwidth_mbps,
      "outbound bandwidth in Mbit/s; stored and shown, not enforced yet", kRequired,
      Range{1, 1000});
    v("provider", s.provider, "the line, as the configured pools name it: bgp, no_bgp or another",
      kRequired, kImmutable, Text{TextRule::kName, 32});
    v("address", s.address, "a free address of a pool of that provider; absent: control picks one",
      Text{TextRule::kAddress}, kImmutable, V1Name{"elasticIpAddress"});
  }

  friend bool operator==(const ElasticIp&, const ElasticIp&) = default;
};

}  // namespace weir::model
