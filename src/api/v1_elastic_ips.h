// Elastic IPs on the JD Cloud face: what creates them, alone or with a load balancer, what changes
// their bandwidth, and their association with a load balancer. Source: product.md A.4, A.12, B.4,
// B.6, E24. Thread: any.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/outcome.h"
#include "api/resource_writer.h"
#include "api/v1_operations.h"
#include "base/json.h"
#include "model/object.h"
#include "model/world_view.h"

namespace weir::api {

/// Adds to the answer of an elastic IP what stands in no field of its spec.
void add_elastic_ip(const model::Object& elastic_ip, const model::ObjectIndex& index,
                    Json& document);

class V1ElasticIps {
 public:
  explicit V1ElasticIps(ResourceWriter& writer) : writer_(writer) {}

  /// createElasticIps {maxCount, elasticIpSpec, elasticIpAddress, userTags, dryRun}: those made, in
  /// one transaction; none of a dry run.
  struct Made {
    std::vector<model::Id> ids;
    Revision revision;
  };
  Outcome<Made> create(const Json& body, const Caller& caller);

  /// createLoadBalancer with elasticIp {bandwidthMbps, provider, chargeSpec}: both are made, or
  /// neither. `native` is the body of the load balancer.
  Outcome<model::Object> create_with(const Json& native, const Json& elastic_ip,
                                     const Caller& caller);
  /// The elasticIp of a createLoadBalancer; null when it asks for none.
  static const Json* asked_for(const Json& body);

  /// One of associateElasticIp, disassociateElasticIp (of a load balancer) and modifyElasticIp.
  struct Action {
    V1Call call;
    model::Id id;
    std::optional<Revision> if_match;
  };
  /// Whether the call also deletes the elastic IP that it disassociates.
  static bool deletes(V1Call call, const Json& body);
  Outcome<model::Object> act(const Action& action, const Json& body, const Caller& caller);

 private:
  ResourceWriter& writer_;
};

}  // namespace weir::api
