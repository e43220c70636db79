#include "api/quotas.h"

#include <charconv>

#include "model/availability_group.h"
#include "model/keys.h"

namespace weir::api {
namespace {

constexpr std::string_view kCounters = "quota/";

/// The stored number; nothing when there is none.
Result<std::optional<std::int64_t>> number_at(const store::Store& store, const std::string& key) {
  const auto entry = store.get(key);
  if (!entry && entry.error().code == ErrorCode::kNotFound) return std::optional<std::int64_t>();
  if (!entry) return entry.error();
  std::int64_t number = 0;
  const std::string& text = entry->value;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return std::optional(number);
}

/// As an expectation: of a key that is not there, 0.
Result<Revision> revision_at(const store::Store& store, const std::string& key) {
  const auto entry = store.get(key);
  if (entry) return entry->revision;
  if (entry.error().code == ErrorCode::kNotFound) return Revision();
  return entry.error();
}

}  // namespace

std::int64_t default_quota(std::string_view counter, model::LoadBalancerType type) {
  const model::Quotas& quotas = model::quotas_of(type);
  if (counter.starts_with("lb/")) return quotas.load_balancers;
  if (counter == "listener") return quotas.listeners;
  if (counter == "backend") return quotas.backends;
  if (counter == "tg") return quotas.target_groups;
  if (counter == "vpc") return model::kVpcQuota;
  if (counter == "eip") return model::kElasticIpQuota;
  if (counter == "subnet") return model::kSubnetsPerVpcQuota;
  if (counter == "securityGroup") return model::kSecurityGroupsPerVpcQuota;
  return counter == "ag" ? model::kAgQuota : model::kInstancesPerVpcQuota;
}

Result<QuotaState> quota_state(const store::Store& store, const QuotaPlace& place,
                               std::int64_t fallback) {
  WEIR_ASSIGN_OR_RETURN(const auto max, number_at(store, place.limit_key()));
  WEIR_ASSIGN_OR_RETURN(const auto count, number_at(store, place.counter_key()));
  return QuotaState{max.value_or(fallback), count.value_or(0)};
}

Result<Revision> set_quota(store::Store& store, const QuotaPlace& place, std::int64_t max,
                           const std::string& root, const Caller& caller) {
  store::Transaction transaction;
  WEIR_ASSIGN_OR_RETURN(const Revision before, revision_at(store, place.limit_key()));
  transaction.expectations.push_back({place.limit_key(), before});
  if (!root.empty()) {
    WEIR_ASSIGN_OR_RETURN(const Revision of_root, revision_at(store, root));
    transaction.expectations.push_back({root, of_root});
  }
  transaction.writes.push_back({place.limit_key(), std::to_string(max)});
  transaction.audit = {.who = caller.who,
                       .account = caller.account,
                       .source = caller.source,
                       .operation = "modify quota",
                       .object = place.of + "/" + place.counter,
                       .request_id = caller.request_id,
                       .result = "ok"};
  return store.commit(transaction);
}

Result<void> apply_limits(const store::Store& store, store::Transaction& transaction) {
  for (store::CounterChange& change : transaction.counters) {
    if (!change.max || !change.key.starts_with(kCounters)) continue;
    const std::string key = "limit/" + change.key.substr(kCounters.size());
    WEIR_ASSIGN_OR_RETURN(const auto limit, number_at(store, key));
    if (limit) change.max = *limit;
  }
  return {};
}

}  // namespace weir::api
