// Quotas on the JD Cloud face: describeQuota and modifyQuota of lb and vpc, describeQuotas of vm
// and ag, which stand at one path. Source: product.md B.5, B.6, D.4. Thread: any.
#pragma once

#include <optional>
#include <string>

#include "api/caller.h"
#include "api/catalog.h"
#include "api/outcome.h"
#include "api/query_list.h"
#include "api/write_plan.h"
#include "base/json.h"
#include "http/server.h"
#include "store/store.h"

namespace weir::api {

class V1Quotas {
 public:
  struct Parts {
    store::Store& store;
    const Catalog& catalog;
    QuotaSettings settings;
  };
  explicit V1Quotas(Parts parts) : parts_(std::move(parts)) {}

  /// {quota: {type, parentResourceId, maxLimit, count}} of a call with `type`, else {quotas:
  /// [{resourceType, limit, used}]}.
  Outcome<Json> describe(const http::Request& request, const Caller& caller) const;
  /// {lbType, type, parentResourceId, account, maxLimit}
  Outcome<Revision> modify(const Json& body, const Caller& caller);

 private:
  Result<Json> quotas(std::string_view resource, const std::string& account) const;
  Result<std::optional<store::Expectation>> root_of(const Json& body) const;
  Outcome<Revision> try_modify(const Json& body, const Caller& caller);

  const Parts parts_;
};

}  // namespace weir::api
