// The rules of elastic IPs, of load balancers that name one, and of what must stay out of their
// pools.
#include <algorithm>

#include "model/checker.h"
#include "model/resources.h"
#include "model/text_rules.h"

namespace weir::model {
namespace {

std::string providers_of(std::span<const PublicPool> pools) {
  std::vector<std::string> words;
  for (const PublicPool& pool : pools) {
    if (std::ranges::find(words, pool.provider) == words.end()) words.push_back(pool.provider);
  }
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

void check_provider(Checker& checker, const ElasticIp& elastic_ip) {
  const auto pools = checker.world().pools;
  if (std::ranges::find(pools, elastic_ip.provider, &PublicPool::provider) != pools.end()) return;
  if (pools.empty()) {
    return checker.add(ErrorCode::kFailedPrecondition, "spec.provider",
                       "no public pool is configured");
  }
  checker.invalid("spec.provider", "is " + quoted(elastic_ip.provider) + ", expected one of [" +
                                       providers_of(pools) + "], as the public pools have it");
}

/// The address that somebody asks for.
void check_public_address(Checker& checker, const ElasticIp& elastic_ip) {
  static constexpr std::string_view kField = "spec.address";
  const auto address = net::IpAddress::parse(*elastic_ip.address);
  if (!address) return;
  const PublicPool* pool = pool_of(checker.world().pools, *address);
  if (pool == nullptr) return checker.invalid(kField, "lies in no configured public pool");
  if (!may_give(*pool, *address)) {
    return checker.invalid(kField, "is the network or broadcast address of its prefix");
  }
  if (!checker.is_good("spec.provider") || pool->provider == elastic_ip.provider) return;
  checker.invalid(kField, "lies in pool " + pool->name + " of provider " + pool->provider);
}

/// An address of one zone makes sense where all traffic stays in that zone.
/// Source: product.md A.4, EIP scope rule
void check_scope(Checker& checker, const LoadBalancer& lb, const std::string& az) {
  static constexpr std::string_view kField = "spec.elasticIpId";
  if (az.empty()) return;
  if (lb.type != LoadBalancerType::kAlb) {
    return checker.invalid(kField, "is of AZ " + az +
                                       ", which is not supported yet on a load "
                                       "balancer of type " +
                                       std::string(word_of(lb.type)));
  }
  if (lb.azs == std::vector<std::string>{az}) return;
  std::string azs;
  for (const std::string& each : lb.azs) azs += (azs.empty() ? "" : ", ") + each;
  checker.add(ErrorCode::kFailedPrecondition, kField,
              "is of AZ " + az + " alone, the load balancer is in AZ " + azs);
}

}  // namespace

void check_elastic_ip(Checker& checker) {
  if (checker.old() != nullptr) return;  // What was allocated stays, whatever the pools are now.
  const ElasticIp elastic_ip = checker.spec<ElasticIp>();
  if (checker.is_good("spec.provider")) check_provider(checker, elastic_ip);
  if (elastic_ip.address && checker.is_good("spec.address")) {
    check_public_address(checker, elastic_ip);
  }
}

void check_association(Checker& checker, const LoadBalancer& lb) {
  static constexpr std::string_view kField = "spec.elasticIpId";
  if (lb.elastic_ip_id.empty() || !checker.is_good(kField)) return;
  if (!checker.is_changed("elasticIpId")) return;
  const Object* elastic_ip = checker.find(Kind::kElasticIp, lb.elastic_ip_id);
  if (elastic_ip == nullptr) return;
  const std::string holder = elastic_ip->admin.string_or("loadBalancerId", "");
  if (!holder.empty() && holder != checker.object().id) {
    checker.add(ErrorCode::kConflict, kField,
                elastic_ip->id + " is in use by load balancer " + holder);
  }
  check_scope(checker, lb, elastic_ip->admin.string_or("az", ""));
}

void check_no_pool(Checker& checker, std::string_view field, const net::IpAddress& address) {
  const PublicPool* pool = pool_of(checker.world().pools, address);
  if (pool == nullptr) return;
  checker.invalid(field,
                  "is an address of public pool " + pool->name + ", where load balancers answer");
}

void check_no_pool(Checker& checker, std::string_view field, const net::Prefix& prefix) {
  const PublicPool* pool = pool_overlapping(checker.world().pools, prefix);
  if (pool == nullptr) return;
  checker.add(ErrorCode::kConflict, field, "overlaps public pool " + pool->name);
}

}  // namespace weir::model
