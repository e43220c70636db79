// A load balancer: one address, with listeners, backend services and target groups below it.
// Source: product.md A.4. Thread: values.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/charge.h"
#include "model/field.h"

namespace weir::model {

struct LoadBalancerAdmin {
  LoadBalancerState state = LoadBalancerState::kStarted;
  std::string vip;
  std::string vpc_id;
  std::string elastic_ip_address;
  std::string elastic_ip_pool;
  std::optional<Charge> charge;

  template <class Self, class Visitor>
  static void fields(Self& s, Visitor& v) {
    v("state", s.state, "stopped: its configuration stays, but it takes no traffic", kSettable);
    v("vip", s.vip, "the private address it answers on", kOutputOnly);
    v("vpcId", s.vpc_id, "the VPC of its subnet", kOutputOnly, Ref{Kind::kVpc});
    v("elasticIpAddress", s.elastic_ip_address,
      "the public address it answers on too; absent: it serves the intranet only", kOutputOnly,
      kOmitEmpty);
    v("elasticIpPool", s.elastic_ip_pool, "the pool of that address", kOutputOnly, kOmitEmpty);
    v("charge", s.charge, "no effect: what the JD Cloud face was given at creation", kSettable,
      kImmutable, kOmitEmpty, V1Name{"chargeSpec"});
  }

  friend bool operator==(const LoadBalancerAdmin&, const LoadBalancerAdmin&) = default;
};

/// Of any type; an alb or nlb has at most 2. Chosen because no region has as many. Reached: 400
/// with the field; weir_api_requests_total counts it by operation and code.
inline constexpr int kAzsMax = 16;

/// Of an alb. Source: product.md D.4. Reached: 429 with the field; weir_api_requests_total counts
/// it by operation and code.
inline constexpr std::size_t kSecurityGroupsMax = 4;

struct LoadBalancer {
  using Admin = LoadBalancerAdmin;
  static constexpr Kind kKind = Kind::kLoadBalancer;

  LoadBalancerType type = LoadBalancerType::kAlb;
  std::string subnet_id;
  std::vector<std::string> azs;
  std::vector<std::string> security_group_ids;
  std::optional<std::string> private_ip_address;
  std::string elastic_ip_id;
  std::string description;
  bool delete_protection = false;

  template <class Self, class Visitor>
  static void fields(Self& s, Visitor& v) {
    v("type", s.type, "alb: HTTP and TCP; nlb: TCP; dnlb: TCP, stateless", kImmutable);
    v("subnetId", s.subnet_id, "the subnet its address comes from", kRequired, kImmutable,
      Ref{Kind::kSubnet});
    v("azs", s.azs, "availability zones, 1 or 2 (alb, nlb); no effect on a dnlb", Items{0, kAzsMax},
      Text{TextRule::kName, 64}, kImmutable);
    v("securityGroupIds", s.security_group_ids,
      "1 to 4 groups of its VPC that decide who may connect, and where it may connect to; absent: "
      "the default group, which opens everything",
      Items{0, 100}, Ref{Kind::kSecurityGroup}, OnlyOn{LoadBalancerType::kAlb}, kKept, kOmitEmpty);
    v("privateIpAddress", s.private_ip_address,
      "a free address of the subnet; absent: control picks one", Text{TextRule::kAddress}, kKept);
    v("elasticIpId", s.elastic_ip_id,
      "the elastic IP that it answers on too, for clients of the public network; empty: none",
      Ref{Kind::kElasticIp}, kKept, kOmitEmpty);
    v("description", s.description, "free text", Text{TextRule::kDescription, 256});
    v("deleteProtection", s.delete_protection, "true: it cannot be deleted");
  }

  friend bool operator==(const LoadBalancer&, const LoadBalancer&) = default;
};

}  // namespace weir::model
