// The keys an object claims in the store (shapes: store/store.h), and the quotas that count it.
// Pure text; used by the API when it builds a transaction. Thread: any.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/object.h"
#include "model/words.h"

namespace weir::model {

/// "object/<kind>/<id>".
std::string object_key(Kind kind, std::string_view id);
/// "object/<kind>/".
std::string object_prefix(Kind kind);

/// Kind and id of an object key. False when it is none.
bool parse_object_key(std::string_view key, Kind& kind, Id& id);

/// "root/<id>" of a load balancer or VPC.
std::string root_key(std::string_view id);
/// The roots that a write of `object` names and moves: its load balancer's; for what takes
/// addresses or room of a VPC (load balancer, subnet, instance, security group, VPC) or names its
/// instances (target group of type instance), the VPC's; for an availability group, its members,
/// its table and the backend services that name it, the group's.
std::vector<std::string> root_keys(const Object& object);

/// The address space that the object takes an address in: the id of a VPC, kPublicScope of an
/// elastic IP, else empty.
std::string address_scope(const Object& object);
inline constexpr std::string_view kPublicScope = "public";
/// The address that the object has in it; empty when it has none (yet).
std::string own_address(const Object& object);

/// name/<lb>/<kind>/<name>, port/<lb>/tcp/<port>, address/<scope>/<ip>, elasticip/<eip> (held by
/// its load balancer): keys that exactly one object may hold; the value is its id.
std::vector<std::string> claimed_keys(const Object& object);

/// A counter that the object adds 1 to.
struct QuotaUse {
  std::string key;  // "quota/<owner>/lb/<type>", "quota/<lb>/listener", "quota/<owner>/vpc"
  std::int64_t max = 0;
};
/// `type` is that of the object's load balancer (or of itself).
std::vector<QuotaUse> quota_uses(const Object& object, LoadBalancerType type);

/// The ends of those keys, by which a configuration names a quota.
inline constexpr std::string_view kQuotaCounters[] = {
    "lb/alb", "lb/nlb", "lb/dnlb",  "listener", "backend",       "tg",
    "vpc",    "subnet", "instance", "eip",      "securityGroup", "ag"};

/// Units: objects. Chosen because control keeps every object in memory. Reached: the configuration
/// is refused; 400 naming maxLimit.
inline constexpr std::int64_t kQuotaMax = 1'000'000;
/// Units: backend services of a load balancer. Chosen because a target that leaves makes one drain
/// record per draining time, in one transaction (store.h: at most 500 keys). Reached: as kQuotaMax.
inline constexpr std::int64_t kBackendQuotaMax = 400;
/// The most that the quota of a counter can be set to.
constexpr std::int64_t quota_limit(std::string_view counter) {
  return counter == "backend" ? kBackendQuotaMax : kQuotaMax;
}

// Defaults of the quotas. Units: objects. Source: product.md D.4.
struct Quotas {
  std::int64_t load_balancers;
  std::int64_t listeners;
  std::int64_t backends;
  std::int64_t target_groups;
  std::int64_t targets;
};
inline constexpr Quotas kAlbQuotas{5, 20, 20, 20, 100};
inline constexpr Quotas kNlbQuotas{5, 20, 20, 20, 100};
inline constexpr Quotas kDnlbQuotas{100, 50, 50, 50, 1000};
inline constexpr std::int64_t kVpcQuota = 10;
inline constexpr std::int64_t kElasticIpQuota = 10;
inline constexpr std::int64_t kAgQuota = 20;
/// Chosen because it is ten times the VPCs.
inline constexpr std::int64_t kSubnetsPerVpcQuota = 100;
/// Chosen because it is ten times what the largest target group holds.
inline constexpr std::int64_t kInstancesPerVpcQuota = 10'000;
/// Without the default one. Source: product.md D.4.
inline constexpr std::int64_t kSecurityGroupsPerVpcQuota = 50;
const Quotas& quotas_of(LoadBalancerType type);

}  // namespace weir::model
