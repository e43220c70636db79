// Security groups on the JD Cloud face: their rules, and which groups a load balancer has. Each
// call changes one object in one transaction, for all that it names or for nothing. The public
// product says numbers where the native face says words: direction 0 and 1, protocol 300 (all), 6,
// 17 and 1. Source: product.md A.13, B.4, B.6. Thread: any.
#pragma once

#include <optional>

#include "api/outcome.h"
#include "api/resource_writer.h"
#include "base/json.h"
#include "model/object.h"

namespace weir::api {

/// The rules of a group as an answer shows them.
Json::Array v1_security_group_rules(const model::Object& group);

class V1SecurityGroups {
 public:
  explicit V1SecurityGroups(ResourceWriter& writer) : writer_(writer) {}

  /// The object of a call; refused with kStale when it has another revision.
  struct Place {
    model::Id id;
    std::optional<Revision> if_match;
  };
  /// {networkSecurityGroupRuleSpecs: [{protocol, direction, addressPrefix, ...}]}.
  Outcome<model::Object> add_rules(const Place& group, const Json& body, const Caller& caller);
  /// {modifySecurityGroupRuleSpecs: [{ruleId, ...}]}; the direction of a rule stays.
  Outcome<model::Object> modify_rules(const Place& group, const Json& body, const Caller& caller);
  /// {ruleIds: []}.
  Outcome<model::Object> remove_rules(const Place& group, const Json& body, const Caller& caller);

  /// {securityGroupIds: []} of a load balancer.
  Outcome<model::Object> associate(const Place& lb, const Json& body, const Caller& caller);
  Outcome<model::Object> disassociate(const Place& lb, const Json& body, const Caller& caller);

 private:
  Outcome<model::Object> write(model::Kind kind, const Place& place, const std::string& operation,
                               const ResourceWriter::Change& change, const Caller& caller);

  ResourceWriter& writer_;
};

}  // namespace weir::api
