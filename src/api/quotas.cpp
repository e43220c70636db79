#include "api/quotas.h"

#include <algorithm>
#include <charconv>

#include "api/policy.h"
#include "model/availability_group.h"
#include "model/keys.h"

namespace weir::api {
namespace {

constexpr std::string_view kCounters = "quota/";

/// The mark behind a number that the service's administrators gave beyond the configured one.
constexpr std::string_view kGranted = " granted";

/// A number of the store and its revision; of a key that is not there, nothing and 0.
struct Stored {
  std::optional<std::int64_t> number{};
  bool is_granted = false;
  Revision revision{};

  /// What the account's administrators chose never exceeds the configuration of today.
  std::int64_t limit(std::int64_t configured) const {
    if (!number) return configured;
    return is_granted ? *number : std::min(*number, configured);
  }
};

Result<Stored> stored_at(const store::Store& store, const std::string& key) {
  const auto entry = store.get(key);
  if (!entry && entry.error().code == ErrorCode::kNotFound) return Stored{};
  if (!entry) return entry.error();
  std::int64_t number = 0;
  const std::string& text = entry->value;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return Stored{number, text.ends_with(kGranted), entry->revision};
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
                               std::int64_t configured) {
  WEIR_ASSIGN_OR_RETURN(const Stored limit, stored_at(store, place.limit_key()));
  WEIR_ASSIGN_OR_RETURN(const Stored count, stored_at(store, place.counter_key()));
  return QuotaState{limit.limit(configured), count.number.value_or(0)};
}

Result<Revision> set_quota(store::Store& store, const QuotaChange& change, const Caller& caller) {
  const std::string key = change.place.limit_key();
  WEIR_ASSIGN_OR_RETURN(const Stored before, stored_at(store, key));
  const std::int64_t most = is_of_service(caller)
                                ? model::quota_limit(change.place.counter)
                                : std::max(before.limit(change.configured), change.configured);
  if (change.max > most) {
    return Error{ErrorCode::kInvalidArgument,
                 "must be at most " + std::to_string(most) + ", found " +
                     std::to_string(change.max) +
                     (is_of_service(caller) ? "" : "; administrators of the service raise it"),
                 "maxLimit"};
  }
  store::Transaction transaction;
  transaction.expectations.push_back({key, before.revision});
  if (change.root) transaction.expectations.push_back(*change.root);
  std::optional<std::string> text;
  if (change.max != change.configured) text = std::to_string(change.max);
  if (change.max > change.configured) *text += kGranted;
  transaction.writes.push_back({key, std::move(text)});
  transaction.audit = {.who = caller.who,
                       .account = caller.account,
                       .source = caller.source,
                       .operation = "modify quota",
                       .object = change.place.of + "/" + change.place.counter,
                       .request_id = caller.request_id,
                       .result = "ok"};
  return store.commit(transaction);
}

Result<void> apply_limits(const store::Store& store, store::Transaction& transaction) {
  for (store::CounterChange& change : transaction.counters) {
    const bool is_limited = change.amount > 0 && change.max.has_value();
    if (!is_limited || !change.key.starts_with(kCounters)) continue;
    std::string key = "limit/" + change.key.substr(kCounters.size());
    WEIR_ASSIGN_OR_RETURN(const Stored limit, stored_at(store, key));
    change.max = limit.limit(*change.max);
    transaction.expectations.push_back({std::move(key), limit.revision});
  }
  return {};
}

}  // namespace weir::api
