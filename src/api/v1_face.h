// The JD Cloud API: /v1/regions/<region>/<collection>[/<id>[:verb]], a projection of the stored
// kinds that official clients speak. It stores nothing of its own: every write goes through the
// same writer and checks as on the native face. Called by the HTTP server on its handler threads.
// Source: product.md B. Thread: any.
#pragma once

#include <string>
#include <string_view>

#include "api/audit_trail.h"
#include "api/catalog.h"
#include "api/observed.h"
#include "api/outcome.h"
#include "api/resource_writer.h"
#include "api/v1_access.h"
#include "api/v1_elastic_ips.h"
#include "api/v1_kinds.h"
#include "api/v1_list.h"
#include "api/v1_operations.h"
#include "api/v1_quotas.h"
#include "api/v1_security_groups.h"
#include "api/v1_targets.h"
#include "api/v1_vm.h"
#include "base/metrics.h"
#include "http/server.h"

namespace weir::api {

class V1Face {
 public:
  struct Parts {
    Catalog& catalog;
    const Observed& observed;
    ResourceWriter& writer;
    V1Access& access;
    AuditTrail& audit;
    Metrics& metrics;
    std::string region;
    V1Quotas::Parts quotas;
  };
  explicit V1Face(Parts parts)
      : parts_(std::move(parts)),
        targets_(parts_.writer),
        vm_(parts_.writer),
        elastic_ips_(parts_.writer),
        security_groups_(parts_.writer),
        quotas_(parts_.quotas) {}

  http::Response handle(const http::Request& request);

 private:
  /// One authenticated call of a known collection.
  struct Call {
    const http::Request& request;
    std::string method;  // GET also for HEAD: the server leaves the body out
    const V1Kind& kind;
    std::string id;                        // empty: the collection
    std::string tail;                      // ":registerTargets", "/health", or empty
    const V1InstanceView* view = nullptr;  // of a list of instances in another form
    QueryPairs query;
    Json body;
    Caller caller;
  };

  http::Response answer(const http::Request& request, const V1Operation* operation,
                        CallRecord& record);
  http::Response route(const Call& call, const V1Operation* operation);
  http::Response run(const Call& call, const V1Operation& operation);

  http::Response change_targets(const Call& call, V1Call which);
  http::Response act_on_instance(const Call& call, const V1Operation& operation);
  http::Response change_rules(const Call& call, V1Call which);
  http::Response change_groups(const Call& call, V1Call which);
  http::Response list_by_group(const Call& call);
  http::Response abandon(const Call& call);
  http::Response show_quota(const Call& call);
  http::Response modify_quota(const Call& call);
  http::Response later(const Call& call, const V1Operation& operation);
  http::Response list(const Call& call);
  http::Response show(const Call& call);
  http::Response health(const Call& call);
  http::Response targets(const Call& call);
  http::Response create(const Call& call);
  http::Response create_elastic_ips(const Call& call);
  http::Response act_on_elastic_ip(const Call& call, V1Call which);
  http::Response update(const Call& call);
  http::Response remove(const Call& call);
  /// The answer of a create: the id under its key.
  static http::Response created(const Call& call, const std::string& key, Json id,
                                Revision revision);
  /// The answer of a write that has no result of its own.
  http::Response done(const Call& call, const Outcome<model::Object>& written) const;

  const Parts parts_;
  V1Targets targets_;
  V1Vm vm_;
  V1ElasticIps elastic_ips_;
  V1SecurityGroups security_groups_;
  V1Quotas quotas_;
};

}  // namespace weir::api
