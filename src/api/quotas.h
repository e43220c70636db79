// Quotas as they are in force: an administrator's own limit in the store before the
// configuration's, before the default. What is counted stands in model/keys.h. Thread: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "api/caller.h"
#include "api/write_plan.h"
#include "base/result.h"
#include "model/words.h"
#include "store/store.h"

namespace weir::api {

/// One counter: whose objects are counted (an account, a load balancer or a VPC), and which.
struct QuotaPlace {
  std::string of;
  std::string counter;  // "lb/alb", "listener", "vpc"

  std::string counter_key() const { return "quota/" + of + "/" + counter; }
  std::string limit_key() const { return "limit/" + of + "/" + counter; }
};

/// The default of a counter, for load balancers of that type and what is below them.
std::int64_t default_quota(std::string_view counter, model::LoadBalancerType type);

struct QuotaState {
  std::int64_t max = 0;
  std::int64_t count = 0;
};
/// `configured`: in force without a limit of its own. Errors: kUnavailable
Result<QuotaState> quota_state(const store::Store& store, const QuotaPlace& place,
                               std::int64_t configured);

/// What a limit is changed to, and what must hold meanwhile.
struct QuotaChange {
  QuotaPlace place;
  std::int64_t max = 0;
  std::int64_t configured = 0;
  /// The object whose quota it is, unchanged since: its root; none for an account's.
  std::optional<store::Expectation> root;
};
/// Stores the limit; what exists beyond it stays. The configured number is none: the key goes.
/// Beyond it the service's administrators alone raise a limit; those of the account lower it.
/// Errors: kInvalidArgument (maxLimit), kStale and kAlreadyExists (it, or what it is of, has
///         changed at the same moment), kUnavailable
Result<Revision> set_quota(store::Store& store, const QuotaChange& change, const Caller& caller);

/// Puts the limits of administrators in the place of those that the plan had, which are the
/// configured ones; a limit that changes before the commit makes it stale. Errors: kUnavailable
Result<void> apply_limits(const store::Store& store, store::Transaction& transaction);

}  // namespace weir::api
